package web

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/siegel-pki/siegel/ca"
)

// CRLIssuer is an issuer whose CRL is served: at /crl/NAME.crl, and where its certificates say.
type CRLIssuer struct {
	Name string
	URL  string // "" where certificates name none
}

// crlAge is how long a CRL may be cached. It says itself until when it may be used; a newer one comes after a revocation.
const crlAge = "max-age=60, must-revalidate"

// addCRLs adds the CRLs of issuers. The media type is that of RFC 2585, Section 4.2.
func addCRLs(rs *routes, store ca.CRLReader, limit *limiter, log *slog.Logger, list []CRLIssuer) {
	names := map[string]string{}
	for _, iss := range list {
		names["/crl/"+iss.Name+".crl"] = iss.Name
		if iss.URL != "" {
			names[pathOf(iss.URL)] = iss.Name
		}
	}
	for path, name := range names {
		rs.addExact(path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !limit.allow(r) {
				w.Header().Set("Retry-After", "1")
				fail(w, http.StatusTooManyRequests)
				return
			}
			serveCRL(w, r, store, log, name)
		}), http.MethodGet, http.MethodHead)
	}
}

func serveCRL(w http.ResponseWriter, r *http.Request, store ca.CRLReader, log *slog.Logger, issuer string) {
	state, err := store.NewestCRL(r.Context(), issuer)
	switch {
	case err != nil:
		failed(w, r, log, "read a CRL", err)
		return
	case state.Published == nil:
		fail(w, http.StatusNotFound)
		return
	}
	header := w.Header()
	header.Set("Content-Type", "application/pkix-crl")
	header.Set("Cache-Control", crlAge)
	header.Set("ETag", `"`+hex.EncodeToString(state.Published.SHA256[:])+`"`)
	http.ServeContent(w, r, "", state.Published.ThisUpdate, &crlFile{ctx: r.Context(), store: store, crl: state.Published, part: -1})
}

// crlFile reads a CRL part by part, so that one part of it is in memory. It belongs to one request.
type crlFile struct {
	ctx   context.Context
	store ca.CRLReader
	crl   *ca.PublishedCRL
	at    int64 // of the next octet

	part   int // that is in memory; -1 for none
	octets []byte
}

// Read implements io.Reader.
func (f *crlFile) Read(b []byte) (int, error) {
	if f.at >= f.crl.Size {
		return 0, io.EOF
	}
	if part := int(f.at / ca.CRLPartLen); part != f.part {
		octets, err := f.store.CRLPart(f.ctx, f.crl.Issuer, f.crl.Number, part)
		if err != nil {
			return 0, err
		}
		f.part, f.octets = part, octets
	}
	start := f.at % ca.CRLPartLen
	if start >= int64(len(f.octets)) {
		return 0, fmt.Errorf("part %d of CRL %d of %s is too short", f.part, f.crl.Number, f.crl.Issuer)
	}
	n := copy(b, f.octets[start:])
	f.at += int64(n)
	return n, nil
}

// Seek implements io.Seeker.
func (f *crlFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += f.at
	case io.SeekEnd:
		offset += f.crl.Size
	}
	if offset < 0 {
		return 0, errors.New("seek before the beginning of a CRL")
	}
	f.at = offset
	return offset, nil
}
