package brainpool

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"errors"
	"math/big"
	"slices"
	"testing"
)

// What ParsePoint takes and what it refuses, each for its reason, and that OpenSSL refuses every point that is off the curve too
// (GS-A_5518).
func TestParsePoint(t *testing.T) {
	second := newOpenSSL(t)
	for _, c := range refCurves {
		t.Run(c.Name(), func(t *testing.T) {
			n := c.ByteLen()
			good := c.encode(c.g)
			octets := func(first byte, x, y *big.Int) []byte {
				return slices.Concat([]byte{first}, x.FillBytes(make([]byte, n)), y.FillBytes(make([]byte, n)))
			}
			zero, one := new(big.Int), big.NewInt(1)
			top := new(big.Int).Sub(new(big.Int).Lsh(one, uint(8*n)), one)
			least, _ := c.lift(c.firstX(zero, one))
			low := least // with the lesser y
			if other := c.neg(low); other.y.Cmp(low.y) < 0 {
				low = other
			}
			var judged []*testCase
			for _, tt := range []struct {
				name   string
				octets []byte
				want   []error
			}{
				{"G", good, nil},
				{"least x", c.encode(least), nil},
				{"-G", c.encode(c.neg(c.g)), nil},
				{"y + 1", octets(4, c.g.x, new(big.Int).Add(c.g.y, one)), []error{ErrNotOnCurve}},
				{"x and y swapped", octets(4, c.g.y, c.g.x), []error{ErrNotOnCurve}},
				{"(0, 0)", octets(4, zero, zero), []error{ErrNotOnCurve}},
				{"(1, 1)", octets(4, one, one), []error{ErrNotOnCurve}},
				{"G of the twisted curve", octets(4, twistedNumbers(c.Curve)[1], twistedNumbers(c.Curve)[2]), []error{ErrNotOnCurve}},
				{"x = p", octets(4, c.p, c.g.y), []error{ErrPointRange}},
				{"y = p", octets(4, c.g.x, c.p), []error{ErrPointRange}},
				{"least x, plus p", octets(4, new(big.Int).Add(least.x, c.p), least.y), []error{ErrPointRange}},
				{"y plus p", octets(4, low.x, new(big.Int).Add(low.y, c.p)), []error{ErrPointRange}},
				{"all ones", octets(4, top, top), []error{ErrPointRange}},
				{"form of compression, full length", octets(2, c.g.x, c.g.y), []error{ErrPointFormat}},
				{"hybrid, even", octets(6, c.g.x, c.g.y), []error{ErrPointFormat}},
				{"hybrid, odd", octets(7, c.g.x, c.g.y), []error{ErrPointFormat}},
				{"first octet 00", octets(0, c.g.x, c.g.y), []error{ErrPointFormat}},
				{"04 and x only", good[:1+n], []error{ErrPointLength}},
				{"compressed", append([]byte{3}, good[1:1+n]...), []error{ErrPointFormat, ErrPointLength}},
				{"infinity", []byte{0}, []error{ErrPointFormat, ErrPointLength}},
				{"first octet only", []byte{4}, []error{ErrPointLength}},
				{"nothing", nil, []error{ErrPointLength}},
				{"one octet short", good[:2*n], []error{ErrPointLength}},
				{"one octet more", append(bytes.Clone(good), 0), []error{ErrPointLength}},
				{"without first octet", good[1:], []error{ErrPointFormat, ErrPointLength}}, // no x of a G begins with 04
			} {
				key, err := c.ParsePoint(tt.octets)
				if (err == nil) != (tt.want == nil) || (key == nil) != (err != nil) {
					t.Errorf("%s: got %v, %v, want error %v", tt.name, key, err, tt.want)
				}
				for _, sentinel := range []error{ErrPointLength, ErrPointFormat, ErrPointRange, ErrNotOnCurve} {
					if got, want := errors.Is(err, sentinel), slices.Contains(tt.want, sentinel); got != want {
						t.Errorf("%s: %v wraps %q: got %t, want %t", tt.name, err, sentinel, got, want)
					}
				}
				if len(tt.octets) == len(good) && tt.octets[0] == 4 {
					judged = append(judged, &testCase{name: tt.name, curve: c, point: tt.octets, digest: []byte{1}, sig: make([]byte, 2*n)})
				}
			}
			for i, verdict := range second.verify(t, judged) {
				_, err := c.ParsePoint(judged[i].point)
				if got, want := verdict == "-", err != nil; got != want {
					t.Errorf("%s: OpenSSL refuses it: %t, ours: %t", judged[i].name, got, want)
				}
			}
		})
	}
}

// A key gives back what it was read from, keeps no hold of the octets, and is equal to itself only.
func TestPublicKey(t *testing.T) {
	var keys []*PublicKey
	for _, c := range refCurves {
		for _, p := range []refPoint{c.g, c.neg(c.g)} {
			octets := c.encode(p)
			want := bytes.Clone(octets)
			key, err := c.ParsePoint(octets)
			if err != nil {
				t.Fatal(err)
			}
			octets[1] ^= 1
			key.Bytes()[2] ^= 1
			if got := key.Bytes(); !bytes.Equal(got, want) {
				t.Errorf("%s: got %x, want %x", c.Name(), got, want)
			}
			if key.Curve() != c.Curve {
				t.Errorf("got curve %s, want %s", key.Curve().Name(), c.Name())
			}
			if got := NewVerifier(key).PublicKey(); got != key {
				t.Errorf("got key %v of the verifier, want %v", got, key)
			}
			again, err := c.ParsePoint(want)
			if err != nil || !key.Equal(again) {
				t.Errorf("%s: a key read again is not equal (%v)", c.Name(), err)
			}
			keys = append(keys, key)
		}
	}
	for i, a := range keys {
		for j, b := range keys {
			if got, want := a.Equal(b), i == j; got != want {
				t.Errorf("key %d equal to key %d: got %t, want %t", i, j, got, want)
			}
		}
		for _, other := range []crypto.PublicKey{nil, a.Bytes(), *a, &ecdsa.PublicKey{}} {
			if a.Equal(other) {
				t.Errorf("key %d equal to a %T", i, other)
			}
		}
	}
}
