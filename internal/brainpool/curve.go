package brainpool

import (
	"encoding/hex"
	"errors"
	"fmt"
)

// Errors of ParsePoint. They say what is wrong with octets that came from outside: a certificate, a request, a card, a token.
var (
	ErrPointLength = errors.New("point has the wrong length")
	ErrPointFormat = errors.New("point is not in uncompressed form")
	ErrPointRange  = errors.New("coordinate of point is not less than the prime of the field")
	ErrNotOnCurve  = errors.New("point is not on the curve")
)

// Curve is one of the curves of RFC 5639. There is one value of each, so pointers can be compared. Safe for concurrent use.
type Curve struct {
	name  string
	order []byte
	base  []byte // 04||X||Y
	group interface {
		decode(xy []byte) (point, error)
	}
}

var (
	p256r1 = newCurve[[4]uint64](&params256)
	p384r1 = newCurve[[6]uint64](&params384)
	p512r1 = newCurve[[8]uint64](&params512)
	curves = []*Curve{p256r1, p384r1, p512r1}
)

func newCurve[E limbs](c *params) *Curve {
	order, _ := hex.DecodeString(c.q)
	base, _ := hex.DecodeString("04" + c.x + c.y)
	return &Curve{c.name, order, base, newGroup[E](c)}
}

// P256r1 is brainpoolP256r1 (RFC 5639, Section 3.4).
func P256r1() *Curve { return p256r1 }

// P384r1 is brainpoolP384r1 (RFC 5639, Section 3.6).
func P384r1() *Curve { return p384r1 }

// P512r1 is brainpoolP512r1 (RFC 5639, Section 3.7).
func P512r1() *Curve { return p512r1 }

// ByPointLen gives the curve whose uncompressed points 04||X||Y have n octets: 65, 97 or 129.
func ByPointLen(n int) (*Curve, bool) {
	for _, c := range curves {
		if n == c.pointLen() {
			return c, true
		}
	}
	return nil, false
}

// ByName gives the curve of a name as Name writes it.
func ByName(name string) (*Curve, bool) {
	for _, c := range curves {
		if c.name == name {
			return c, true
		}
	}
	return nil, false
}

// Name is the curve's name in RFC 5639, for example "brainpoolP256r1".
func (c *Curve) Name() string { return c.name }

// BitSize is the bit length of the field, and of the order: 256, 384 or 512.
func (c *Curve) BitSize() int { return 8 * len(c.order) }

// ByteLen is the length of a coordinate, of r and of s in octets: 32, 48 or 64.
func (c *Curve) ByteLen() int { return len(c.order) }

// Order is the order q of the base point, big-endian, ByteLen octets. The caller may change the slice.
func (c *Curve) Order() []byte { return append([]byte(nil), c.order...) }

// BasePoint is the base point G as 04||X||Y: the public key of the private key 1. The caller may change the slice.
func (c *Curve) BasePoint() []byte { return append([]byte(nil), c.base...) }

// pointLen is the length of 04||X||Y.
func (c *Curve) pointLen() int { return 1 + 2*len(c.order) }

// ParsePoint reads a public key as 04||X||Y, with coordinates of ByteLen octets (SEC 1, Section 2.3.4), and checks that the
// point is on the curve (GS-A_5518). The cofactor is 1, so it then also has the right order. It keeps no part of b.
//
// The errors wrap ErrPointFormat when the first octet is not 04 (the compressed and hybrid forms, and the point at infinity),
// ErrPointLength for any other number of octets, ErrPointRange when a coordinate is not less than p, and ErrNotOnCurve. A short
// form, such as the compressed one, is wrong in the first two ways and wraps both.
func (c *Curve) ParsePoint(b []byte) (*PublicKey, error) {
	form := len(b) == 0 || b[0] == 4
	switch length := len(b) == c.pointLen(); {
	case !form && !length:
		return nil, fmt.Errorf("%s: %w, and %w", c.name, ErrPointFormat, ErrPointLength)
	case !form:
		return nil, fmt.Errorf("%s: %w", c.name, ErrPointFormat)
	case !length:
		return nil, fmt.Errorf("%s: %w", c.name, ErrPointLength)
	}
	p, err := c.group.decode(b[1:])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return &PublicKey{curve: c, encoded: string(b), point: p}, nil
}
