package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// x509Verifier traces X.509 certificates to trusted roots.
type x509Verifier struct {
	issuers []named[*pkix.Certificate] // all that are known, trusted or not
	trusted map[string]bool            // by octets
	at      time.Time
}

// newX509Verifier trusts the self-issued ones among the roots; the issuers only connect.
func newX509Verifier(issuers, roots []named[*pkix.Certificate], at time.Time) *x509Verifier {
	v := &x509Verifier{issuers: slices.Concat(issuers, roots), trusted: map[string]bool{}, at: at}
	for _, r := range roots {
		if selfIssued(r.cert) {
			v.trusted[string(r.cert.Raw)] = true
		}
	}
	return v
}

func selfIssued(c *pkix.Certificate) bool { return bytes.Equal(c.RawIssuer, c.RawSubject) }

// maxChain bounds a chain, for issuers that certify each other in a circle. Real ones have three certificates.
const maxChain = 8

// verify gives the names of the issuers above c, the root last. It holds each certificate against the one above it: signature,
// name and key identifier (RFC 5280, Section 6.1.3), what that issuer may sign, and its term, since no certificate of the
// telematics infrastructure outlives its issuer.
func (v *x509Verifier) verify(c *pkix.Certificate) ([]string, error) {
	var chain []string
	for below := 0; below < maxChain; below++ {
		if v.at.Before(c.NotBefore) || v.at.After(c.NotAfter) {
			return nil, fmt.Errorf("%s is valid from %s to %s", c.Subject, c.NotBefore.Format(time.RFC3339), c.NotAfter.Format(time.RFC3339))
		}
		if selfIssued(c) {
			if !v.trusted[string(c.Raw)] {
				return nil, fmt.Errorf("root %s is not trusted", c.Subject)
			}
			return chain, c.CheckSignatureFrom(c)
		}
		issuer, err := v.issuerOf(c)
		if err != nil {
			return nil, err
		}
		if err := maySign(issuer.cert, below); err != nil {
			return nil, fmt.Errorf("issuer %s: %w", issuer.name, err)
		}
		if c.NotBefore.Before(issuer.cert.NotBefore) || c.NotAfter.After(issuer.cert.NotAfter) {
			return nil, fmt.Errorf("term is not inside that of issuer %s", issuer.name)
		}
		chain = append(chain, issuer.name)
		c = issuer.cert
	}
	return nil, fmt.Errorf("more than %d certificates up to a root", maxChain)
}

// issuerOf finds the issuer that signed c.
func (v *x509Verifier) issuerOf(c *pkix.Certificate) (named[*pkix.Certificate], error) {
	var reason error
	for _, i := range v.issuers {
		err := c.CheckSignatureFrom(i.cert)
		if err == nil {
			return i, nil
		}
		if !errors.Is(err, pkix.ErrIssuer) {
			reason = err
		}
	}
	if reason == nil {
		reason = fmt.Errorf("issuer %s is not in the folder", c.Issuer)
	}
	return named[*pkix.Certificate]{}, reason
}

// maySign checks basicConstraints and keyUsage of an issuer that stands above so many other issuers.
func maySign(issuer *pkix.Certificate, below int) error {
	constraints, _, err := pkix.Find(issuer.Extensions, pkix.OIDBasicConstraints, pkix.ParseBasicConstraints)
	if err != nil {
		return err
	}
	usage, _, err := pkix.Find(issuer.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
	if err != nil {
		return err
	}
	switch {
	case !constraints.CA:
		return errors.New("is no CA")
	case constraints.PathLen != pkix.NoPathLen && below > constraints.PathLen:
		return fmt.Errorf("allows %d CAs below, there are %d", constraints.PathLen, below)
	case usage&pkix.KeyCertSign == 0:
		return errors.New("keyUsage lacks keyCertSign")
	}
	return nil
}
