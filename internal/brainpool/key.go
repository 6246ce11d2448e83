package brainpool

import "crypto"

// PublicKey is a point on one of the curves, checked when it was parsed. It never changes and is safe for concurrent use.
type PublicKey struct {
	curve   *Curve
	encoded string // 04||X||Y
	point   point
}

// Curve is the curve the point is on.
func (k *PublicKey) Curve() *Curve { return k.curve }

// Bytes is the point as 04||X||Y: 65, 97 or 129 octets. The caller may change the slice.
func (k *PublicKey) Bytes() []byte { return []byte(k.encoded) }

// Equal tells whether x is the same point of the same curve, as a *PublicKey.
func (k *PublicKey) Equal(x crypto.PublicKey) bool {
	o, ok := x.(*PublicKey)
	return ok && k.curve == o.curve && k.encoded == o.encoded
}

// Verify tells whether sig is this key's ECDSA signature over the digest (FIPS 186-5, Section 6.4.2). sig is r||s, each of ByteLen
// octets and in [1, q-1]; anything else is false. Of a digest longer than that only the leftmost ByteLen octets count.
//
// A key that verifies many signatures does it faster with NewVerifier.
func (k *PublicKey) Verify(digest, sig []byte) bool { return k.point.verify(digest, sig) }
