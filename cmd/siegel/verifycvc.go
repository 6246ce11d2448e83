package main

import (
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// cvcVerifier traces CV certificates to trusted roots.
type cvcVerifier struct {
	pool *cvc.Pool
	day  cvc.Date
	err  error // why no certificate can be verified
}

// newCVCVerifier trusts the self-signed ones among the roots. The issuers, link certificates and sub-CAs, only connect.
func newCVCVerifier(issuers, roots []named[*cvc.Certificate], at time.Time) *cvcVerifier {
	v := &cvcVerifier{}
	if v.day, v.err = cvc.NewDate(at); v.err != nil {
		return v
	}
	var anchors []*cvc.Anchor
	for _, r := range roots {
		if r.cert.Role() != cvc.RoleRoot || r.cert.IsLink() {
			continue
		}
		a, err := r.cert.Anchor()
		if err != nil {
			v.err = err
			return v
		}
		anchors = append(anchors, a)
	}
	v.pool = cvc.NewPool(anchors...)
	for _, i := range issuers {
		if i.cert.Role() == cvc.RoleRoot && !i.cert.IsLink() {
			continue
		}
		if err := v.pool.AddIssuer(i.cert); err != nil {
			v.err = fmt.Errorf("%s: %w", i.name, err)
			return v
		}
	}
	return v
}

// verifyCard is verify for the certificate of a card, whose ICCSN must be in its CHR (Tab_PKI_258).
func (v *cvcVerifier) verifyCard(c *cvc.Certificate, iccsn string) ([]string, error) {
	if have := c.CHR.ICCSN(); have != iccsn {
		return nil, fmt.Errorf("CHR names card %q, the folder is of card %q", have, iccsn)
	}
	return v.verify(c)
}

// verify gives the references of the keys above c, the trusted one last. Each step is checked as a card checks it, and more
// strictly: see cvc.Certificate.CheckIssuedBy. Every certificate on the way must be in its term.
func (v *cvcVerifier) verify(c *cvc.Certificate) ([]string, error) {
	if v.err != nil {
		return nil, v.err
	}
	way, err := v.pool.Verify(c)
	if err != nil {
		return nil, err
	}
	var chain []string
	for _, step := range way {
		if step.CED.After(v.day) || v.day.After(step.CXD) {
			return nil, fmt.Errorf("%s is valid from %s to %s", step.CHR, step.CED, step.CXD)
		}
		if holder, isCA := step.CHR.Reference(); !isCA || holder != step.CAR { // a root is not above itself
			chain = append(chain, step.CAR.String())
		}
	}
	return chain, nil
}
