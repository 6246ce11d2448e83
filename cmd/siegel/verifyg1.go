package main

import (
	"fmt"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// parseG1 adds a CV certificate of generation 1, or the key of a root.
func (s *certificates) parseG1(name, file string, data []byte) error {
	if cvc.IsG1Root(data) {
		root, err := cvc.ParseG1Root(data)
		if err != nil {
			return err
		}
		s.g1Roots = append(s.g1Roots, named[*cvc.G1CA]{name, file, root})
		return nil
	}
	c, err := cvc.ParseG1(data)
	if err != nil {
		return err
	}
	s.g1 = append(s.g1, named[*cvc.G1Certificate]{name, file, c})
	return nil
}

// g1Verifier opens CV certificates of generation 1 from trusted roots downwards. They carry no dates, so that no day is looked at.
type g1Verifier struct {
	pool *cvc.G1Pool
	err  error // why no certificate can be verified
}

func newG1Verifier(issuers []named[*cvc.G1Certificate], roots []named[*cvc.G1CA]) *g1Verifier {
	var anchors []*cvc.G1CA
	for _, r := range roots {
		anchors = append(anchors, r.cert)
	}
	v := &g1Verifier{pool: cvc.NewG1Pool(anchors...)}
	for _, i := range issuers {
		if err := v.pool.AddIssuer(i.cert); err != nil && v.err == nil {
			v.err = fmt.Errorf("%s: %w", i.name, err)
		}
	}
	return v
}

// verifyCard is verify for the certificate of a card, whose ICCSN must be in its CHR (Tab_PKI_258).
func (v *g1Verifier) verifyCard(c *cvc.G1Certificate, iccsn string) ([]string, error) {
	if have := c.CHR.ICCSN(); have != iccsn {
		return nil, fmt.Errorf("CHR names card %q, the folder is of card %q", have, iccsn)
	}
	return v.verify(c)
}

// verify gives the references of the keys above c, the trusted one last.
func (v *g1Verifier) verify(c *cvc.G1Certificate) ([]string, error) {
	if v.err != nil {
		return nil, v.err
	}
	_, above, err := v.pool.Verify(c)
	if err != nil {
		return nil, err
	}
	var chain []string
	for _, ca := range above {
		chain = append(chain, ca.CHR.String())
	}
	return chain, nil
}
