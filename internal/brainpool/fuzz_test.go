package brainpool

import (
	"bytes"
	"errors"
	"math/big"
	"testing"
)

// FuzzParsePoint: whatever is accepted is on the curve by the reference's equation and gives back the same octets; whatever is
// refused is so for a reason that the reference confirms.
func FuzzParsePoint(f *testing.F) {
	for _, c := range refCurves {
		good := c.encode(c.g)
		f.Add(good)
		f.Add(good[:len(good)-1])
		f.Add(append([]byte{2}, good[1:1+c.ByteLen()]...))
		f.Add(append([]byte{4}, bytes.Repeat([]byte{0xff}, 2*c.ByteLen())...))
		f.Add(make([]byte, len(good)))
	}
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, c := range refCurves {
			key, err := c.ParsePoint(b)
			if want := c.wrong(b); !errors.Is(err, want) {
				t.Fatalf("%s: %x: got %v, want %v", c.Name(), b, err, want)
			}
			if err == nil && !bytes.Equal(key.Bytes(), b) {
				t.Fatalf("%s: got %x, want %x", c.Name(), key.Bytes(), b)
			}
		}
	})
}

// wrong gives an error that ParsePoint must have, or nil.
func (c *refCurve) wrong(b []byte) error {
	n := c.ByteLen()
	switch {
	case len(b) > 0 && b[0] != 4:
		return ErrPointFormat
	case len(b) != 1+2*n:
		return ErrPointLength
	}
	p := refPoint{new(big.Int).SetBytes(b[1 : 1+n]), new(big.Int).SetBytes(b[1+n:])}
	switch {
	case p.x.Cmp(c.p) >= 0 || p.y.Cmp(c.p) >= 0:
		return ErrPointRange
	case !c.contains(p):
		return ErrNotOnCurve
	}
	return nil
}

// FuzzVerify signs by the reference with key and nonce from the input, spoils the signature with a mask, and compares both verifiers
// with the reference.
func FuzzVerify(f *testing.F) {
	for curve := range refCurves {
		f.Add(uint8(curve), []byte{1}, []byte{2}, []byte("digest"), []byte{})
		f.Add(uint8(curve), []byte("private key"), []byte("nonce"), bytes.Repeat([]byte{0xff}, 64), []byte{0, 1})
		f.Add(uint8(curve), bytes.Repeat([]byte{0xff}, 64), []byte{1}, []byte{}, []byte{})
	}
	f.Fuzz(func(t *testing.T, curve uint8, private, nonce, digest, mask []byte) {
		c := refCurves[int(curve)%len(refCurves)]
		d, k := c.fold(private), c.fold(nonce)
		if d.Sign() == 0 || k.Sign() == 0 {
			return // no key or no nonce
		}
		public := c.mulTable(d, c.gTable)
		sig := c.sign(d, k, digest)
		for i := range min(len(sig), len(mask)) {
			sig[i] ^= mask[i]
		}
		key, err := c.ParsePoint(c.encode(public))
		if err != nil {
			t.Fatal(err)
		}
		want := c.verify(func(k *big.Int) refPoint { return c.mul(k, public) }, digest, sig)
		if got := key.Verify(digest, sig); got != want {
			t.Errorf("PublicKey: got %t, want %t", got, want)
		}
		if got := NewVerifier(key).Verify(digest, sig); got != want {
			t.Errorf("Verifier: got %t, want %t", got, want)
		}
	})
}

// fold makes a scalar of octets of any number.
func (c *refCurve) fold(b []byte) *big.Int {
	n := new(big.Int).SetBytes(b)
	return n.Mod(n, c.q)
}
