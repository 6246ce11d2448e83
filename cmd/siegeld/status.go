package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/web"
	"github.com/siegel-pki/siegel/profiles"
)

// ocspConfig is what the OCSP responder does.
type ocspConfig struct {
	// How long an answer without a nonce may be given again, at most 20s; 0s for never. An answer whose certificate changes is dropped at
	// once, whichever server makes the change. Default: 20s.
	Cache time.Duration `yaml:"cache"`
}

// crlConfig says when CRLs are made: one for each issuer that has a crl_url in the hierarchy.
type crlConfig struct {
	// Time from one CRL to the next, at most 24h. Default: 24h.
	Interval time.Duration `yaml:"interval"`
	// Time for which a CRL may be used; longer than interval, so that a server may fail for some time. Default: 168h.
	Validity time.Duration `yaml:"validity"`
	// Time from a CRL to the next where a certificate of the issuer has been revoked since. Default: 10m.
	AfterRevocation time.Duration `yaml:"after_revocation"`
}

// checkStatus looks at what is said about the status of certificates.
func (c *config) checkStatus(fault func(key, format string, args ...any)) {
	if c.HTTP.Rate < 0 {
		fault("http.rate", "%d is below zero", c.HTTP.Rate)
	}
	if c.OCSP.Cache < 0 || c.OCSP.Cache > ca.MaxStatusCache {
		fault("ocsp.cache", "%s is not from 0s to %s", c.OCSP.Cache, ca.MaxStatusCache)
	}
	if i := c.CRL.Interval; i <= 0 || i > 24*time.Hour {
		fault("crl.interval", "%s is not above zero and at most 24h", i)
	}
	if c.CRL.Validity <= c.CRL.Interval {
		fault("crl.validity", "%s is not longer than crl.interval, %s", c.CRL.Validity, c.CRL.Interval)
	}
	if c.CRL.AfterRevocation <= 0 {
		fault("crl.after_revocation", "%s is not above zero", c.CRL.AfterRevocation)
	}
}

// newResponder makes the OCSP responder, or nil where no signer has its key here or the standing key session does not cover it.
func newResponder(cfg config, log *slog.Logger, store ca.StatusReader, keyed []ca.Issuer) (*ca.Responder, error) {
	if err := standing(cfg).MaySign(ca.ForOCSP); err != nil {
		log.Warn("this server does not answer for the status of certificates", "reason", err)
		return nil, nil
	}
	for _, iss := range keyed {
		if iss.Kind == profiles.OCSPSigner && iss.Key != nil {
			r, err := ca.NewResponder(ca.ResponderConfig{Store: store, Issuers: keyed, Standing: standing(cfg), Cache: cfg.OCSP.Cache, Now: time.Now, Log: log})
			return r, wrongConfig(err)
		}
	}
	log.Warn("this server does not answer for the status of certificates", "reason", "no OCSP signer has its key here")
	return nil, nil
}

// newCRLs makes what makes CRLs.
func newCRLs(cfg config, authority *ca.Authority, store closableStore) (*ca.CRLs, error) {
	c, err := ca.NewCRLs(authority, ca.CRLConfig{
		Status: store, Store: store, Interval: cfg.CRL.Interval, Validity: cfg.CRL.Validity, AfterRevocation: cfg.CRL.AfterRevocation,
	})
	return c, wrongConfig(err)
}

// crlService makes CRLs beside what is served.
func crlService(c *ca.CRLs) service {
	return service{run: func(ctx context.Context, _ net.Listener) error { return c.Run(ctx) }}
}

// publicHandler is what relying parties see.
func publicHandler(cfg config, issuers []*profiles.Issuer, responder *ca.Responder, crls ca.CRLReader, ready func(context.Context) error,
	log *slog.Logger) http.Handler {
	public := web.PublicConfig{CRLs: crls, Rate: cfg.HTTP.Rate, Ready: ready, Log: log}
	if responder != nil {
		public.OCSP = responder
	}
	for _, iss := range issuers {
		public.Issuers = append(public.Issuers, web.IssuerCertificate{Name: iss.Name, CVC: iss.X509 == nil, Octets: iss.Raw()})
		if iss.OCSPURL != "" {
			public.OCSPURLs = append(public.OCSPURLs, iss.OCSPURL)
		}
		if iss.X509 != nil {
			public.CRLIssuers = append(public.CRLIssuers, web.CRLIssuer{Name: iss.Name, URL: iss.CRLURL})
		}
	}
	return web.Public(public)
}
