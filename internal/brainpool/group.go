package brainpool

import (
	"encoding/hex"
	"sync"
)

// group is the arithmetic of one curve, on its twisted form y² = x³ - 3·x + b (RFC 5639, Section 3: brainpoolPxxxt1). Points are mapped
// on the way in, (x, y) → (x·Z², y·Z³), and never come out: see matches.
type group[E limbs] struct {
	field   *modulus[E] // p
	scalars *modulus[E] // q
	b       E           // of the twisted curve
	zz, zzz E           // Z²·R² and Z³·R²: turn a plain coordinate into Montgomery form on the twisted curve
	spare   E           // p - q
	base    func() *comb[E]
}

// newGroup takes the numbers of RFC 5639 in.
func newGroup[E limbs](c *params) *group[E] {
	f := newModulus(number[E](c.p))
	g := &group[E]{field: f, scalars: newModulus(number[E](c.q)), spare: f.m}
	subtract(&g.spare, &g.scalars.m)

	var z, zz, zzz E
	z = number[E](c.z)
	f.toMontgomery(&z, &z)
	f.sqr(&zz, &z)
	f.mul(&zzz, &zz, &z)
	f.toMontgomery(&g.zz, &zz)
	f.toMontgomery(&g.zzz, &zzz)

	// b of the twisted curve is b·Z⁶
	g.b = number[E](c.b)
	f.mul(&g.b, &g.b, &g.zzz)
	f.mul(&g.b, &g.b, &zzz)

	x, y := number[E](c.x), number[E](c.y)
	base := g.twist(&x, &y)
	g.base = sync.OnceValue(func() *comb[E] { return newComb(f, &base) })
	return g
}

// number reads a constant of params.go. An error there would show in the tests of the domain parameters.
func number[E limbs](digits string) E {
	b, _ := hex.DecodeString(digits)
	return fromBytes[E](b)
}

// decode reads X||Y and checks that the point is on the curve: ErrPointRange, ErrNotOnCurve.
func (g *group[E]) decode(xy []byte) (point, error) {
	x, y := fromBytes[E](xy[:len(xy)/2]), fromBytes[E](xy[len(xy)/2:])
	if !g.field.has(&x) || !g.field.has(&y) {
		return nil, ErrPointRange
	}
	p := g.twist(&x, &y)
	if !g.contains(&p) {
		return nil, ErrNotOnCurve
	}
	return &groupPoint[E]{g, p}, nil
}

// twist maps plain coordinates to the twisted curve.
func (g *group[E]) twist(x, y *E) (p affine[E]) {
	g.field.mul(&p.x, x, &g.zz)
	g.field.mul(&p.y, y, &g.zzz)
	return p
}

// contains tells whether a point satisfies the equation of the twisted curve: y² = (x² - 3)·x + b. The isomorphism maps no point
// onto the curve that was off it.
func (g *group[E]) contains(p *affine[E]) bool {
	f := g.field
	var left, right E
	f.sqr(&left, &p.y)
	f.sqr(&right, &p.x)
	for range 3 {
		f.sub(&right, &right, &f.one)
	}
	f.mul(&right, &right, &p.x)
	f.add(&right, &right, &g.b)
	return left == right
}

// multiply gives u1·G + u2·P. One chain of doublings serves both: the digits of P take part at every place, the columns of
// the comb of G at the last.
func (g *group[E]) multiply(u1, u2 *E, p *affine[E]) (sum jacobian[E]) {
	f, base, table := g.field, g.base(), newNAFTable(g.field, p)
	columnsOfG := newCombDigits(u1, &g.scalars.m)
	digits, length := newNAF(u2)
	for i := max(length, columns[E]()) - 1; i >= 0; i-- {
		sum.double(f)
		table.addDigit(f, &sum, digits[i])
		if i < columns[E]() {
			base.addColumn(f, &sum, &columnsOfG, i)
		}
	}
	return sum
}

// multiplyComb gives u1·G + u2·P from a comb of P.
func (g *group[E]) multiplyComb(u1, u2 *E, p *comb[E]) (sum jacobian[E]) {
	f, base := g.field, g.base()
	columnsOfG, columnsOfP := newCombDigits(u1, &g.scalars.m), newCombDigits(u2, &g.scalars.m)
	for i := columns[E]() - 1; i >= 0; i-- {
		sum.double(f)
		base.addColumn(f, &sum, &columnsOfG, i)
		p.addColumn(f, &sum, &columnsOfP, i)
	}
	return sum
}

// matches tells whether the x-coordinate of p on the brainpoolPxxxr1 curve is r modulo q, for a plain r < q. As q < p < 2·q, that
// coordinate is r or r + q. Rather than divide p.x by z² and Z², it multiplies r by them.
func (g *group[E]) matches(p *jacobian[E], r *E) bool {
	if p.isInfinity() {
		return false
	}
	f := g.field
	var scale, want E
	f.sqr(&scale, &p.z)
	f.mul(&scale, &scale, &g.zz) // z²·Z², in Montgomery form once more than it should, so that r need not be
	f.mul(&want, r, &scale)
	if want == p.x {
		return true
	}
	if !less(r, &g.spare) {
		return false
	}
	second := *r
	plus(&second, &g.scalars.m)
	f.mul(&want, &second, &scale)
	return want == p.x
}
