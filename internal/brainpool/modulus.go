package brainpool

import "math/bits"

// limbs is a number of 256, 384 or 512 bits, least significant limb first.
type limbs interface {
	[4]uint64 | [6]uint64 | [8]uint64
}

// modulus is a prime m with its highest bit set, and what Montgomery's multiplication needs to know of it. With R = 2^(64·limbs),
// a number x is in Montgomery form when x·R mod m stands for it. Operands are less than m and may overlap with the result.
type modulus[E limbs] struct {
	m   E
	n0  uint64 // -1/m mod 2^64
	one E      // R mod m: 1 in Montgomery form
	rr  E      // R² mod m: multiplied in, it turns a number into Montgomery form
}

// newModulus works out the constants for an odd m.
func newModulus[E limbs](m E) *modulus[E] {
	f := &modulus[E]{m: m}
	inverse := m[0] // correct modulo 2³; each of Newton's steps doubles that
	for range 5 {
		inverse *= 2 - m[0]*inverse
	}
	f.n0 = -inverse

	subtract(&f.one, &m) // 2^bits - m, that is R mod m, since m has its highest bit set
	f.rr = f.one
	for range 64 * len(m) {
		f.add(&f.rr, &f.rr, &f.rr)
	}
	return f
}

// mul sets z = x·y/R. On two numbers in Montgomery form it is their product; with one of them plain, the product is plain. x
// may be any number below R.
func (f *modulus[E]) mul(z, x, y *E) {
	switch z := any(z).(type) {
	case *[4]uint64:
		mul4(z, any(x).(*[4]uint64), any(y).(*[4]uint64), any(&f.m).(*[4]uint64), f.n0)
	case *[6]uint64:
		mul6(z, any(x).(*[6]uint64), any(y).(*[6]uint64), any(&f.m).(*[6]uint64), f.n0)
	case *[8]uint64:
		mul8(z, any(x).(*[8]uint64), any(y).(*[8]uint64), any(&f.m).(*[8]uint64), f.n0)
	}
}

// add sets z = x + y.
func (f *modulus[E]) add(z, x, y *E) {
	switch z := any(z).(type) {
	case *[4]uint64:
		add4(z, any(x).(*[4]uint64), any(y).(*[4]uint64), any(&f.m).(*[4]uint64))
	case *[6]uint64:
		add6(z, any(x).(*[6]uint64), any(y).(*[6]uint64), any(&f.m).(*[6]uint64))
	case *[8]uint64:
		add8(z, any(x).(*[8]uint64), any(y).(*[8]uint64), any(&f.m).(*[8]uint64))
	}
}

// sub sets z = x - y.
func (f *modulus[E]) sub(z, x, y *E) {
	switch z := any(z).(type) {
	case *[4]uint64:
		sub4(z, any(x).(*[4]uint64), any(y).(*[4]uint64), any(&f.m).(*[4]uint64))
	case *[6]uint64:
		sub6(z, any(x).(*[6]uint64), any(y).(*[6]uint64), any(&f.m).(*[6]uint64))
	case *[8]uint64:
		sub8(z, any(x).(*[8]uint64), any(y).(*[8]uint64), any(&f.m).(*[8]uint64))
	}
}

// sqr sets z = x²/R. A routine of its own was tried: a sixth faster for 256 bits, no faster for more, and not worth its length.
func (f *modulus[E]) sqr(z, x *E) { f.mul(z, x, x) }

// toMontgomery sets z to the Montgomery form of x, which may be any number below R.
func (f *modulus[E]) toMontgomery(z, x *E) { f.mul(z, x, &f.rr) }

// has tells whether x is less than m.
func (f *modulus[E]) has(x *E) bool { return less(x, &f.m) }

// fromBytes reads a big-endian number of at most as many octets as E holds.
func fromBytes[E limbs](b []byte) (x E) {
	for i, octet := range b {
		place := len(b) - 1 - i
		x[place/8] |= uint64(octet) << (place % 8 * 8)
	}
	return x
}

// less tells whether x < y.
func less[E limbs](x, y *E) bool {
	var borrow uint64
	for i := range len(*x) {
		_, borrow = bits.Sub64((*x)[i], (*y)[i], borrow)
	}
	return borrow == 1
}

// plus sets x = x + y mod R.
func plus[E limbs](x, y *E) {
	var carry uint64
	for i := range len(*x) {
		(*x)[i], carry = bits.Add64((*x)[i], (*y)[i], carry)
	}
}

// subtract sets x = x - y mod R.
func subtract[E limbs](x, y *E) {
	var borrow uint64
	for i := range len(*x) {
		(*x)[i], borrow = bits.Sub64((*x)[i], (*y)[i], borrow)
	}
}

// isZero tells whether x is 0, in either form.
func isZero[E limbs](x *E) bool {
	var zero E
	return *x == zero
}
