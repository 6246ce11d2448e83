package brainpool

import (
	"fmt"
	"math/big"
	"testing"
)

// The addition law in every case it has, and multiples by the scalars at the edges, against the reference.
func TestGroup(t *testing.T) {
	for _, c := range refCurves {
		t.Run(c.Name(), func(t *testing.T) {
			t.Parallel()
			switch g := c.group.(type) {
			case *group[[4]uint64]:
				testGroup(t, c, g)
			case *group[[6]uint64]:
				testGroup(t, c, g)
			case *group[[8]uint64]:
				testGroup(t, c, g)
			}
		})
	}
}

func testGroup[E limbs](t *testing.T, c *refCurve, g *group[E]) {
	t.Run("add", func(t *testing.T) { testAdd(t, c, g) })
	t.Run("multiply", func(t *testing.T) { testMultiply(t, c, g) })
	t.Run("comb", func(t *testing.T) { testComb(t, c, g) })
}

func testAdd[E limbs](t *testing.T, c *refCurve, g *group[E]) {
	p, q := c.mul(big.NewInt(12345), c.g), c.mul(big.NewInt(678), c.g)
	infinity := refPoint{}
	for _, tt := range []struct {
		name string
		a, b refPoint
	}{
		{"different points", p, q},
		{"a point and itself", p, p},
		{"a point and its opposite", p, c.neg(p)},
		{"a point and minus twice itself", p, c.neg(c.add(p, p))},
		{"infinity and a point", infinity, p},
	} {
		b := lower(g, tt.b)
		for _, z := range []uint64{1, 2, 0xfedcba9876543210} { // the same point, written with different z
			sum := raise(g, tt.a, z)
			sum.add(g.field, &b)
			want := c.add(tt.a, tt.b)
			if got := down(g, &sum); !equal(got, want) {
				t.Errorf("%s, z = %d: got %v, want %v", tt.name, z, got, want)
			}
			sum.addSigned(g.field, &b, true)
			if got := down(g, &sum); !equal(got, tt.a) {
				t.Errorf("%s, z = %d, and back: got %v, want %v", tt.name, z, got, tt.a)
			}
			double := raise(g, tt.a, z)
			double.double(g.field)
			if got, want := down(g, &double), c.add(tt.a, tt.a); !equal(got, want) {
				t.Errorf("twice %v, z = %d: got %v, want %v", tt.a, z, got, want)
			}
		}
	}
}

// testMultiply puts scalars at the edges into both ways to compute u1·G + u2·P, for points P that make the two halves meet: G
// and -G, whose multiples are equal and opposite to those of G all along the way.
func testMultiply[E limbs](t *testing.T, c *refCurve, g *group[E]) {
	one := big.NewInt(1)
	half := new(big.Int).Rsh(c.q, 1)
	scalars := []*big.Int{new(big.Int), one, big.NewInt(2), big.NewInt(3), big.NewInt(15), big.NewInt(16), big.NewInt(31), half,
		new(big.Int).Add(half, one), new(big.Int).Sub(c.q, big.NewInt(2)), new(big.Int).Sub(c.q, one),
		new(big.Int).Lsh(one, uint(c.BitSize()-1)), new(big.Int).Sub(new(big.Int).Lsh(one, uint(c.BitSize()-1)), one),
		c.random(source("scalar"))}
	points := []refPoint{c.g, c.neg(c.g), c.mul(big.NewInt(3), c.g), c.mul(c.random(source("point")), c.g)}
	multiples := func(p refPoint) (list []refPoint) {
		for _, k := range scalars {
			list = append(list, c.mul(k, p))
		}
		return list
	}
	ofG := multiples(c.g)
	for _, p := range points {
		ofP := multiples(p)
		low := lower(g, p)
		comb := newComb(g.field, &low)
		for i, u1 := range scalars {
			for j, u2 := range scalars {
				l1, l2 := toLimbs[E](u1), toLimbs[E](u2)
				want := c.add(ofG[i], ofP[j])
				sum := g.multiply(&l1, &l2, &low)
				if got := down(g, &sum); !equal(got, want) {
					t.Fatalf("%x·G + %x·%v: got %v, want %v", u1, u2, p, got, want)
				}
				sum = g.multiplyComb(&l1, &l2, comb)
				if got := down(g, &sum); !equal(got, want) {
					t.Fatalf("%x·G + %x·%v from a comb: got %v, want %v", u1, u2, p, got, want)
				}
			}
		}
	}
}

// testComb checks each entry of the table of G against its meaning, and that none can be infinity.
func testComb[E limbs](t *testing.T, c *refCurve, g *group[E]) {
	table := g.base()
	width := c.BitSize() / (teeth * blocks)
	for block := range blocks {
		for index := range 1 << (teeth - 1) {
			k := new(big.Int)
			for tooth := range teeth {
				weight := new(big.Int).Lsh(big.NewInt(1), uint((tooth*blocks+block)*width))
				if tooth == teeth-1 || index>>tooth&1 == 1 {
					k.Add(k, weight)
				} else {
					k.Sub(k, weight)
				}
			}
			if k.Sign() <= 0 || k.Cmp(c.q) >= 0 {
				t.Fatalf("block %d, entry %d: multiple %x of G is not in [1, q-1]", block, index, k)
			}
			var got jacobian[E]
			got.set(g.field, &table[block][index])
			if got, want := down(g, &got), c.mulTable(k, c.gTable); !equal(got, want) {
				t.Fatalf("block %d, entry %d: got %v, want %v", block, index, got, want)
			}
		}
	}
}

// lower brings a point of the reference onto the twisted curve.
func lower[E limbs](g *group[E], p refPoint) affine[E] {
	if p.x == nil {
		return affine[E]{}
	}
	x, y := toLimbs[E](p.x), toLimbs[E](p.y)
	return g.twist(&x, &y)
}

// raise writes it with a given z.
func raise[E limbs](g *group[E], p refPoint, z uint64) (j jacobian[E]) {
	if p.x == nil {
		return j
	}
	a, f := lower(g, p), g.field
	j.z[0] = z
	f.toMontgomery(&j.z, &j.z)
	var power E
	f.sqr(&power, &j.z)
	f.mul(&j.x, &a.x, &power)
	f.mul(&power, &power, &j.z)
	f.mul(&j.y, &a.y, &power)
	return j
}

// down takes a point back to the curve of RFC 5639.
func down[E limbs](g *group[E], p *jacobian[E]) refPoint {
	if p.isInfinity() {
		return refPoint{}
	}
	a := normalize(g.field, []jacobian[E]{*p})[0]
	var inv E
	scale := func(coordinate, by E) *big.Int {
		var one E
		one[0] = 1
		g.field.mul(&by, &by, &one) // Z²·R or Z³·R: Montgomery form
		g.field.inverseMontgomery(&inv, &by)
		g.field.mul(&coordinate, &coordinate, &inv)
		return plain(g.field, coordinate)
	}
	return refPoint{scale(a.x, g.zz), scale(a.y, g.zzz)}
}

func equal(p, q refPoint) bool {
	if p.x == nil || q.x == nil {
		return p.x == nil && q.x == nil
	}
	return p.x.Cmp(q.x) == 0 && p.y.Cmp(q.y) == 0
}

// String is for failures.
func (p refPoint) String() string {
	if p.x == nil {
		return "infinity"
	}
	return fmt.Sprintf("(%x, %x)", p.x, p.y)
}
