package brainpool

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

// The arithmetic modulo p and q of each curve against math/big: on the numbers at the edges and on random ones.
func TestModulus(t *testing.T) {
	for _, c := range refCurves {
		for name, m := range map[string]*big.Int{"p": c.p, "q": c.q} {
			t.Run(c.Name()+"/"+name, func(t *testing.T) {
				switch c.BitSize() {
				case 256:
					testModulus[[4]uint64](t, m)
				case 384:
					testModulus[[6]uint64](t, m)
				case 512:
					testModulus[[8]uint64](t, m)
				}
			})
		}
	}
}

func testModulus[E limbs](t *testing.T, m *big.Int) {
	f := newModulus(toLimbs[E](m))
	r := new(big.Int).Lsh(big.NewInt(1), uint(m.BitLen()))
	rInverse := new(big.Int).ModInverse(r, m)
	reduce := func(n *big.Int) *big.Int { return n.Mod(n, m) }

	for _, x := range operands(m, r) {
		for _, y := range operands(m, m) {
			got, want := toLimbs[E](x), reduce(new(big.Int).Mul(new(big.Int).Mul(x, y), rInverse))
			y := toLimbs[E](y)
			if f.mul(&got, &got, &y); got != toLimbs[E](want) {
				t.Fatalf("mul(%x, %x): got %x, want %x", x, y, got, want)
			}
		}
	}
	for _, x := range operands(m, m) {
		for _, y := range operands(m, m) {
			got, ly := toLimbs[E](x), toLimbs[E](y)
			if f.add(&got, &got, &ly); got != toLimbs[E](reduce(new(big.Int).Add(x, y))) {
				t.Fatalf("add(%x, %x): got %x", x, y, got)
			}
			got = toLimbs[E](y)
			lx := toLimbs[E](x)
			if f.sub(&got, &lx, &got); got != toLimbs[E](reduce(new(big.Int).Sub(x, y))) {
				t.Fatalf("sub(%x, %x): got %x", x, y, got)
			}
			if got, want := less(&lx, &ly), x.Cmp(y) < 0; got != want {
				t.Fatalf("less(%x, %x): got %t", x, y, got)
			}
		}
		testInverse(t, f, x, m)
	}
	rnd := source("inverse")
	for range 2000 {
		testInverse(t, f, randomBelow(rnd, m), m)
	}
}

// testInverse checks both forms of the inverse. Zero, which has none, gives zero.
func testInverse[E limbs](t *testing.T, f *modulus[E], x, m *big.Int) {
	want := new(big.Int)
	if x.Sign() != 0 {
		want.ModInverse(x, m)
	}
	lx := toLimbs[E](x)
	if got := f.inverse(&lx); got != toLimbs[E](want) {
		t.Fatalf("inverse(%x): got %x, want %x", x, got, want)
	}
	f.toMontgomery(&lx, &lx)
	f.inverseMontgomery(&lx, &lx)
	if got := plain(f, lx); got.Cmp(want) != 0 {
		t.Fatalf("inverseMontgomery(%x): got %x, want %x", x, got, want)
	}
}

// operands gives the numbers below limit that arithmetic modulo m goes wrong on first, and some random ones.
func operands(m, limit *big.Int) []*big.Int {
	one := big.NewInt(1)
	list := []*big.Int{new(big.Int), one, big.NewInt(2), big.NewInt(3), new(big.Int).Rsh(m, 1)}
	for _, n := range []*big.Int{m, limit} {
		list = append(list, new(big.Int).Sub(n, one), new(big.Int).Sub(n, big.NewInt(2)))
	}
	if limit.Cmp(m) > 0 {
		list = append(list, m, new(big.Int).Add(m, one))
	}
	for i := 64; i < m.BitLen(); i += 64 { // carries from limb to limb
		power := new(big.Int).Lsh(one, uint(i))
		list = append(list, power, new(big.Int).Sub(power, one), new(big.Int).Sub(m, power))
	}
	rnd := source("operands")
	for range 20 {
		list = append(list, randomBelow(rnd, limit))
	}
	return list
}

func randomBelow(rnd *rand.ChaCha8, limit *big.Int) *big.Int {
	b := make([]byte, limit.BitLen()/8+16)
	rnd.Read(b)
	n := new(big.Int).SetBytes(b)
	return n.Mod(n, limit)
}

func toLimbs[E limbs](n *big.Int) E { return fromBytes[E](n.Bytes()) }

// plain takes a number out of Montgomery form.
func plain[E limbs](f *modulus[E], x E) *big.Int {
	var one E
	one[0] = 1
	f.mul(&x, &x, &one)
	n := new(big.Int)
	for i := len(x) - 1; i >= 0; i-- {
		n.Lsh(n, 64).Add(n, new(big.Int).SetUint64(x[i]))
	}
	return n
}
