package brainpool

import (
	"bytes"
	"math/big"
	"strings"
	"testing"
)

// The numbers in params.go against those that the reference was given, and against what RFC 5639, Section 2 asks of a curve.
func TestParameters(t *testing.T) {
	for i, have := range []params{params256, params384, params512} {
		c := refCurves[i]
		t.Run(have.name, func(t *testing.T) {
			for _, n := range []struct {
				name string
				got  string
				want *big.Int
			}{{"p", have.p, c.p}, {"q", have.q, c.q}, {"b", have.b, c.b}, {"x", have.x, c.g.x}, {"y", have.y, c.g.y}} {
				if len(n.got) != c.BitSize()/4 {
					t.Errorf("%s has %d digits, want %d", n.name, len(n.got), c.BitSize()/4)
				}
				if got := hexInt(n.got); got.Cmp(n.want) != 0 {
					t.Errorf("%s: got %x, want %x", n.name, got, n.want)
				}
			}

			// a·Z⁴ = -3: the isomorphism leads to the curve with a = -3
			z4 := new(big.Int).Exp(hexInt(have.z), big.NewInt(4), c.p)
			got := z4.Mul(z4, c.a).Mod(z4, c.p)
			if want := new(big.Int).Sub(c.p, big.NewInt(3)); got.Cmp(want) != 0 {
				t.Errorf("a·Z⁴: got %x, want %x", got, want)
			}

			// what the arithmetic relies on
			for name, n := range map[string]*big.Int{"p": c.p, "q": c.q} {
				if !n.ProbablyPrime(20) {
					t.Errorf("%s is not prime", name)
				}
				if n.BitLen() != c.BitSize() {
					t.Errorf("%s has %d bits, want %d", name, n.BitLen(), c.BitSize())
				}
			}
			if c.q.Cmp(c.p) >= 0 {
				t.Error("q is not less than p")
			}
			if !c.contains(c.g) {
				t.Error("G is not on the curve")
			}
			if sum := c.mul(c.q, c.g); sum.x != nil {
				t.Errorf("q·G: got (%x, %x), want infinity", sum.x, sum.y)
			}
		})
	}
}

// OpenSSL knows brainpoolPxxxr1 and the twisted brainpoolPxxxt1. Z must lead from the one base point to the other, and the b of the
// group must be that of the twisted curve.
func TestParametersOfOpenSSL(t *testing.T) {
	second := newOpenSSL(t)
	numbers := func(name string) (n []*big.Int) {
		for _, line := range second.run(t, nil, "params", name) {
			n = append(n, hexInt(line))
		}
		return n
	}
	for i, have := range []params{params256, params384, params512} {
		c := refCurves[i]
		t.Run(have.name, func(t *testing.T) {
			want := numbers(have.name)
			for j, got := range []*big.Int{c.p, c.a, c.b, c.g.x, c.g.y, c.q} {
				if got.Cmp(want[j]) != 0 {
					t.Errorf("%s: got %x, want %x", [...]string{"p", "a", "b", "x", "y", "q"}[j], got, want[j])
				}
			}

			twisted := numbers(strings.Replace(have.name, "r1", "t1", 1))
			got := twistedNumbers(c.Curve)
			for j, name := range []string{"b", "x", "y"} {
				if want := twisted[2+j]; got[j].Cmp(want) != 0 {
					t.Errorf("%s of the twisted curve: got %x, want %x", name, got[j], want)
				}
			}
		})
	}
}

// twistedNumbers gives b and G of the twisted curve, as the group holds them.
func twistedNumbers(c *Curve) [3]*big.Int {
	switch g := c.group.(type) {
	case *group[[4]uint64]:
		return groupNumbers(g, &params256)
	case *group[[6]uint64]:
		return groupNumbers(g, &params384)
	default:
		return groupNumbers(g.(*group[[8]uint64]), &params512)
	}
}

func groupNumbers[E limbs](g *group[E], c *params) [3]*big.Int {
	x, y := number[E](c.x), number[E](c.y)
	base := g.twist(&x, &y)
	return [3]*big.Int{plain(g.field, g.b), plain(g.field, base.x), plain(g.field, base.y)}
}

func TestCurves(t *testing.T) {
	for i, c := range []*Curve{P256r1(), P384r1(), P512r1()} {
		ref := refCurves[i]
		if got, ok := ByName(c.Name()); !ok || got != c {
			t.Errorf("ByName(%q): got %v, %t", c.Name(), got, ok)
		}
		n := []int{65, 97, 129}[i]
		if got, ok := ByPointLen(n); !ok || got != c {
			t.Errorf("ByPointLen(%d): got %v, %t", n, got, ok)
		}
		if got, want := c.BitSize(), []int{256, 384, 512}[i]; got != want || c.ByteLen() != want/8 {
			t.Errorf("%s: got %d bits and %d octets, want %d and %d", c.Name(), got, c.ByteLen(), want, want/8)
		}
		want := ref.q.Bytes()
		if got := c.Order(); !bytes.Equal(got, want) {
			t.Errorf("%s: got order %x, want %x", c.Name(), got, want)
		}
		c.Order()[0] ^= 1
		if got := c.Order(); !bytes.Equal(got, want) {
			t.Errorf("%s: a caller changed the order to %x", c.Name(), got)
		}
	}
	for _, name := range []string{"", "brainpoolP256t1", "P-256", "brainpoolp256r1"} {
		if c, ok := ByName(name); ok {
			t.Errorf("ByName(%q): got %s, want none", name, c.Name())
		}
	}
	for _, n := range []int{-1, 0, 1, 33, 64, 66, 128, 133} {
		if c, ok := ByPointLen(n); ok {
			t.Errorf("ByPointLen(%d): got %s, want none", n, c.Name())
		}
	}
}
