package brainpool

import "math/bits"

// inverse gives 1/x mod m for a plain x < m (not in Montgomery form), and 0 for x = 0. It takes a time that depends on x.
//
// It is Bernstein and Yang's algorithm ("Fast constant-time gcd computation and modular inversion", TCHES 2019), here in
// variable time. The numbers (f, g), at first (m, x), are led to (±1, 0) by steps that look only at their lowest bits, so many
// steps can be done on single words and then applied to the long numbers at once. Beside them go (d, e) with
//
//	f = d·x mod m and g = e·x mod m,
//
// so that in the end ±d is the inverse.
func (f *modulus[E]) inverse(x *E) E {
	var (
		a     = signed[E]{low: f.m} // f of the paper
		g     = signed[E]{low: *x}
		d     = signed[E]{}
		e     = signed[E]{}
		delta = 1
	)
	e.low[0] = 1
	for !isZero(&g.low) {
		var t transition
		t, delta = divsteps(a.low[0], g.low[0], delta)
		a, g = combine(t.u, &a, t.v, &g, 0, &f.m), combine(t.q, &a, t.r, &g, 0, &f.m)
		d, e = f.combine(t.u, &d, t.v, &e), f.combine(t.q, &d, t.r, &e)
	}
	if a.high != 0 { // a = -1
		d.negate()
	}
	// |d| grows by at most m/2 in each round, so it is below 15·m; in practice it hardly passes m, and one turn does.
	for d.high < 0 {
		d.add(&f.m)
	}
	for d.high > 0 || !f.has(&d.low) {
		d.subtract(&f.m)
	}
	return d.low
}

// inverseMontgomery sets z to the inverse of x, both in Montgomery form.
func (f *modulus[E]) inverseMontgomery(z, x *E) {
	inv := f.inverse(x) // 1/(x·R)
	f.mul(&inv, &inv, &f.rr)
	f.mul(z, &inv, &f.rr)
}

// steps is the number of steps done on single words. A transition then has entries of at most 2^steps, which leaves seven
// bits of a signed number with one limb more than m for |d| and |e| to grow: by less than m/2 in each of at most 27 rounds
// (1479 steps for 512 bits: Theorem 11.2 of the paper).
const steps = 56

// transition is the effect of that many steps: 2^steps·(f', g') = (u·f + v·g, q·f + r·g), with |u| + |v| and |q| + |r| at most
// 2^steps.
type transition struct{ u, v, q, r int64 }

// divsteps runs the steps on the lowest words of f, which is odd, and g. One step is, with delta as the paper's δ:
//
//	delta > 0 and g odd:  delta, f, g = 1-delta, g, (g-f)/2
//	otherwise:            delta, f, g = 1+delta, f, (g + (g mod 2)·f)/2
//
// Steps with an even g only shift, so they are done together; and until delta is positive again f stays, so that as many low
// bits of g are cleared at once by adding the right multiple of f.
func divsteps(f, g uint64, delta int) (transition, int) {
	t := transition{u: 1, r: 1}
	for left := steps; ; {
		shift := min(bits.TrailingZeros64(g), left)
		g >>= shift
		t.u <<= shift
		t.v <<= shift
		delta += shift
		left -= shift
		if left == 0 {
			return t, delta
		}
		if delta > 0 {
			delta = -delta
			f, g = g, -f
			t.u, t.v, t.q, t.r = t.q, t.r, -t.u, -t.v
		}
		// f·(f²-2) is -1/f modulo 2⁶: an odd f is its own inverse modulo 2³, and this is one of Newton's steps from there.
		clear := min(1-delta, left, 6)
		w := f * (f*f - 2) * g & (1<<clear - 1)
		g += w * f
		t.q += int64(w) * t.u
		t.r += int64(w) * t.v
	}
}

// signed is a signed number in two's complement with one limb more than E.
type signed[E limbs] struct {
	low  E
	high int64
}

// combine gives (u·x + v·y + k·m)/2^steps, for u, v, k and numbers where that leaves no remainder.
func combine[E limbs](u int64, x *signed[E], v int64, y *signed[E], k int64, m *E) (z signed[E]) {
	var sum int128
	for i := range len(*m) {
		sum.addProduct(u, x.low[i])
		sum.addProduct(v, y.low[i])
		sum.addProduct(k, (*m)[i])
		word := sum.shift()
		if i > 0 {
			z.low[i-1] |= word << (64 - steps)
		}
		z.low[i] = word >> steps
	}
	top := sum.lo + uint64(u*x.high+v*y.high)
	z.low[len(*m)-1] |= top << (64 - steps)
	z.high = int64(top) >> steps
	return z
}

// combine gives (u·d + v·e)/2^steps modulo m: it adds the multiple of m that makes the division exact, the one nearest to zero.
func (f *modulus[E]) combine(u int64, d *signed[E], v int64, e *signed[E]) signed[E] {
	k := (uint64(u)*d.low[0] + uint64(v)*e.low[0]) * f.n0
	return combine(u, d, v, e, int64(k<<(64-steps))>>(64-steps), &f.m)
}

// add adds a number without sign.
func (z *signed[E]) add(x *E) {
	var carry uint64
	for i := range len(*x) {
		z.low[i], carry = bits.Add64(z.low[i], (*x)[i], carry)
	}
	z.high += int64(carry)
}

// subtract subtracts a number without sign.
func (z *signed[E]) subtract(x *E) {
	var borrow uint64
	for i := range len(*x) {
		z.low[i], borrow = bits.Sub64(z.low[i], (*x)[i], borrow)
	}
	z.high -= int64(borrow)
}

// negate turns the sign.
func (z *signed[E]) negate() {
	var zero signed[E]
	zero.subtract(&z.low)
	zero.high -= z.high
	*z = zero
}

// int128 is a signed number in two's complement.
type int128 struct{ hi, lo uint64 }

// addProduct adds a·b.
func (s *int128) addProduct(a int64, b uint64) {
	hi, lo := bits.Mul64(uint64(a), b)
	hi -= uint64(a>>63) & b // a negative a was read as 2⁶⁴ too much
	var carry uint64
	s.lo, carry = bits.Add64(s.lo, lo, 0)
	s.hi += hi + carry
}

// shift takes the lowest word off.
func (s *int128) shift() uint64 {
	word := s.lo
	s.lo, s.hi = s.hi, uint64(int64(s.hi)>>63)
	return word
}
