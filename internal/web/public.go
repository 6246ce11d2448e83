package web

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"time"

	"github.com/siegel-pki/siegel/ca"
)

// PublicConfig is what relying parties may ask for. What is nil is not there: 404.
type PublicConfig struct {
	// Issuers are the certificates of issuers and roots, at /issuers/NAME.der and /issuers/NAME.cvc.
	Issuers []IssuerCertificate
	// OCSP answers at /ocsp and at the paths of OCSPURLs, which certificates name.
	OCSP     Responder
	OCSPURLs []string
	// CRLs are the CRLs of CRLIssuers, at /crl/NAME.crl and at their URLs.
	CRLs       ca.CRLReader
	CRLIssuers []CRLIssuer
	// Rate is how many requests for status a client may make in a second; 0 for any number.
	Rate int
	// Ready tells why the server cannot do its work now: see /readyz. Mandatory.
	Ready func(context.Context) error
	Log   *slog.Logger // mandatory
}

// IssuerCertificate is the certificate of an issuer or a root.
type IssuerCertificate struct {
	Name   string
	CVC    bool   // a data object 7F21 or, of a root of generation 1, 7F4E; otherwise DER
	Octets []byte // must not be changed any more
}

// Public gives the handler of the address for relying parties.
func Public(cfg PublicConfig) http.Handler {
	var rs routes
	health(&rs, cfg.Ready)
	issuers(&rs, cfg.Issuers)
	limit := newLimiter(cfg.Rate)
	if cfg.CRLs != nil {
		addCRLs(&rs, cfg.CRLs, limit, cfg.Log, cfg.CRLIssuers)
	}
	if cfg.OCSP != nil { // last: an address of OCSP may be the root of all paths
		addOCSP(&rs, cfg.OCSP, limit, cfg.OCSPURLs)
	}
	return rs
}

// issuerAge is how long a certificate of an issuer may be cached. It never changes; that one is not there may.
const issuerAge = "public, max-age=86400"

// issuers adds the certificates of issuers. The media type of X.509 certificates is that of RFC 2585, Section 4.1; CV certificates have
// none.
func issuers(rs *routes, list []IssuerCertificate) {
	files := map[string]IssuerCertificate{}
	for _, c := range list {
		if c.CVC {
			files[c.Name+".cvc"] = c
		} else {
			files[c.Name+".der"] = c
		}
	}
	rs.read("/issuers/", func(w http.ResponseWriter, r *http.Request) {
		c, ok := files[r.URL.Path]
		if !ok {
			fail(w, http.StatusNotFound)
			return
		}
		media := "application/pkix-cert"
		if c.CVC {
			media = "application/octet-stream"
		}
		w.Header().Set("Content-Type", media)
		w.Header().Set("Cache-Control", issuerAge)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(c.Octets))
	})
}
