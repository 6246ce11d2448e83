package cvc

import (
	"errors"
	"fmt"
)

// ErrUnknownIssuer says that a pool holds no key of the name in the CAR.
var ErrUnknownIssuer = errors.New("issuer is not known")

// Pool is a set of trusted keys and of CA certificates with which a certificate can be traced back to one of them. Several
// keys may have the same reference: every one of them is tried. A pool is not changed by verifying; fill it first, then it
// is safe for concurrent use.
type Pool struct {
	anchors map[Reference][]*Anchor
	issuers map[Reference][]*Certificate
}

// NewPool makes a pool that trusts the given keys.
func NewPool(anchors ...*Anchor) *Pool {
	p := &Pool{map[Reference][]*Anchor{}, map[Reference][]*Certificate{}}
	for _, a := range anchors {
		p.anchors[a.Reference] = append(p.anchors[a.Reference], a)
	}
	return p
}

// AddIssuer adds the certificate of a sub-CA, or a link certificate. It is not trusted for that: Verify checks it like the
// certificates below it. A card's certificate is an error that wraps ErrIssuerRole.
func (p *Pool) AddIssuer(c *Certificate) error {
	ref, ok := c.CHR.Reference()
	if !ok {
		return fmt.Errorf("%w: %s is the key of a card", ErrIssuerRole, c.CHR)
	}
	p.issuers[ref] = append(p.issuers[ref], c)
	return nil
}

// VerifyChain verifies c with the issuers given, as Pool.Verify does: the roots' own certificates among them are trusted, the
// others only connect. Use a Pool where roots and other certificates come from different places.
func VerifyChain(c *Certificate, issuers ...*Certificate) ([]*Certificate, error) {
	p := NewPool()
	for _, i := range issuers {
		a, err := i.Anchor()
		if err != nil {
			return nil, err
		}
		if i.Role() == RoleRoot && !i.IsLink() {
			p.anchors[a.Reference] = append(p.anchors[a.Reference], a)
		} else {
			p.issuers[a.Reference] = append(p.issuers[a.Reference], i)
		}
	}
	return p.Verify(c)
}

// Verify traces c to a trusted key, each step checked as by CheckIssuedBy, and gives the certificates on the way: c first,
// the one that the trusted key signed last. The error says what is wrong with c where its issuer's key is in the pool, and
// wraps ErrUnknownIssuer where it is not. No clock is involved: whether a term has begun or ended is for the caller to judge.
func (p *Pool) Verify(c *Certificate) ([]*Certificate, error) {
	return p.trace(c, map[*Certificate]bool{})
}

// trace looks for a way from c to an anchor. Link certificates run in both directions, in circles therefore: an issuer that has
// been tried is not tried again, since it would lead nowhere again.
func (p *Pool) trace(c *Certificate, tried map[*Certificate]bool) ([]*Certificate, error) {
	var failures []error
	for _, a := range p.anchors[c.CAR] {
		err := c.checkIssuedBy(a)
		if err == nil {
			return []*Certificate{c}, nil
		}
		failures = append(failures, err)
	}
	for _, issuer := range p.issuers[c.CAR] {
		if tried[issuer] {
			continue
		}
		tried[issuer] = true
		err := c.CheckIssuedBy(issuer)
		if err == nil {
			var chain []*Certificate
			if chain, err = p.trace(issuer, tried); err == nil {
				return append([]*Certificate{c}, chain...), nil
			}
		}
		failures = append(failures, err)
	}
	return nil, reason(c.CAR, c.CHR, failures)
}

// reason picks what to report when every candidate failed. A candidate whose key did not sign c is not its issuer, only its
// namesake; what another one says matters more.
func reason(car Reference, chr CHR, failures []error) error {
	if len(failures) == 0 {
		return fmt.Errorf("%w: %s, which certified %s", ErrUnknownIssuer, car, chr)
	}
	for _, err := range failures {
		if !errors.Is(err, ErrSignature) {
			return err
		}
	}
	return failures[0]
}
