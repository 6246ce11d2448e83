package cvc

import "fmt"

// G1Pool is a set of trusted roots and of sub-CA certificates of generation 1 with which a certificate can be opened. Several
// keys may have the same reference: every one of them is tried. Fill it first; then it is safe for concurrent use.
type G1Pool struct {
	roots  map[Reference][]*G1CA
	subCAs map[Reference][]*G1Certificate
}

// NewG1Pool makes a pool that trusts the given roots. The key of a sub-CA among them is not trusted and left out.
func NewG1Pool(roots ...*G1CA) *G1Pool {
	p := &G1Pool{map[Reference][]*G1CA{}, map[Reference][]*G1Certificate{}}
	for _, r := range roots {
		if r.IsRoot() {
			p.roots[r.CAR] = append(p.roots[r.CAR], r)
		}
	}
	return p
}

// AddIssuer adds the certificate of a sub-CA. It is not trusted for that: Verify opens it first. A card's certificate is an error
// that wraps ErrIssuerRole.
func (p *G1Pool) AddIssuer(c *G1Certificate) error {
	ref, ok := c.CHR.Reference()
	if !ok {
		return fmt.Errorf("%w: %s is the key of a card", ErrIssuerRole, c.CHR)
	}
	p.subCAs[ref] = append(p.subCAs[ref], c)
	return nil
}

// Verify opens c from a trusted root downwards, a card's certificate through that of its sub-CA, and gives its content and the keys
// above it, the root last. The error says what is wrong with c where its issuer's key is in the pool, and wraps ErrUnknownIssuer where
// it is not.
func (p *G1Pool) Verify(c *G1Certificate) (content *G1Body, above []*G1CA, err error) {
	if !c.CHR.IsCard() {
		ca, root, err := p.openCA(c)
		if err != nil {
			return nil, nil, err
		}
		return &ca.G1Body, []*G1CA{root}, nil
	}
	var failures []error
	for _, sub := range p.subCAs[c.CAR] {
		issuer, root, err := p.openCA(sub)
		if err == nil {
			if content, err = c.OpenCard(issuer); err == nil {
				return content, []*G1CA{issuer, root}, nil
			}
		}
		failures = append(failures, err)
	}
	return nil, nil, reason(c.CAR, c.CHR, failures)
}

// openCA opens the certificate of a sub-CA with one of the roots that have its issuer's name.
func (p *G1Pool) openCA(c *G1Certificate) (ca, root *G1CA, err error) {
	var failures []error
	for _, root := range p.roots[c.CAR] {
		ca, err := c.OpenCA(root)
		if err == nil {
			return ca, root, nil
		}
		failures = append(failures, err)
	}
	return nil, nil, reason(c.CAR, c.CHR, failures)
}
