package ca

import (
	"errors"

	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/profiles"
)

// This file asks lint whether an issuer is what the configuration calls it. A list of issuers is a file that people edit: the certificate of
// an OCSP signer, or of a CA for devices, under the name of an SMC-B CA would sign cards that nobody can use.

// x509Kinds gives the kinds of X.509 certificates by the names that lint has for them; cvcKinds those of CV certificates.
var (
	x509Kinds = map[profiles.IssuerKind]lint.Kind{
		profiles.RootCA:     lint.RootCA,
		profiles.SMCBCA:     lint.SMCBCA,
		profiles.KOMPCA:     lint.KOMPCA,
		profiles.QESCA:      lint.QESCA,
		profiles.OCSPSigner: lint.OCSPSigner,
		profiles.CRLSigner:  lint.CRLSigner,
	}
	cvcKinds = map[profiles.IssuerKind]lint.CVCKind{
		profiles.CVCRootCA:   lint.CVCRoot,
		profiles.CVCSubCA:    lint.CVCSubCA,
		profiles.CVCDeviceCA: lint.CVCDeviceCA,
	}
)

// checkKind judges an issuer's own certificate as one of its kind. Above is the issuer above it, itself for a root.
func (cfg *Config) checkKind(iss, above *profiles.Issuer) error {
	var errs []error
	for _, f := range cfg.judgeIssuer(iss, above) {
		if f.Level == lint.Error {
			errs = append(errs, errors.New("its certificate is not that of a "+string(iss.Kind)+": "+f.String()))
		}
	}
	return errors.Join(errs...)
}

func (cfg *Config) judgeIssuer(iss, above *profiles.Issuer) []lint.Finding {
	switch {
	case iss.X509 != nil:
		c := lint.X509Context{Kind: x509Kinds[iss.Kind], Test: cfg.Environment == profiles.Test}
		if above != iss {
			c.Issuer = above.X509
		}
		return lint.X509(iss.X509.RawTBS, c)
	case iss.G1 != nil:
		return lint.G1Issuer(iss.G1, iss.Kind == profiles.CVCRootCA)
	case iss.CVC != nil:
		return lint.CVCIssuer(iss.CVC.RawBody, cvcKinds[iss.Kind])
	}
	return nil // the planner's context has spoken
}
