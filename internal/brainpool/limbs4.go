package brainpool

import "math/bits"

// Numbers of 256 bits: 4 limbs, least significant first.

// mul4 sets z = x·y/2^256 mod m for y < m and any x, with n0 = -1/m mod 2^64: Montgomery's multiplication, word by word. Each
// round adds one limb of x times y, then the multiple of m that makes the lowest word zero, and drops that word. The sum t
// stays below 2·m, which needs a fifth word because m has its highest bit set.
func mul4(z, x, y, m *[4]uint64, n0 uint64) {
	var t0, t1, t2, t3, t4 uint64
	for _, a := range x {
		var c, d uint64
		h0, l0 := bits.Mul64(a, y[0])
		h1, l1 := bits.Mul64(a, y[1])
		h2, l2 := bits.Mul64(a, y[2])
		h3, l3 := bits.Mul64(a, y[3])
		t0, c = bits.Add64(t0, l0, 0)
		t1, c = bits.Add64(t1, l1, c)
		t2, c = bits.Add64(t2, l2, c)
		t3, c = bits.Add64(t3, l3, c)
		t4 += c
		t1, c = bits.Add64(t1, h0, 0)
		t2, c = bits.Add64(t2, h1, c)
		t3, c = bits.Add64(t3, h2, c)
		t4, d = bits.Add64(t4, h3, c)

		k := t0 * n0
		h0, l0 = bits.Mul64(k, m[0])
		h1, l1 = bits.Mul64(k, m[1])
		h2, l2 = bits.Mul64(k, m[2])
		h3, l3 = bits.Mul64(k, m[3])
		_, c = bits.Add64(t0, l0, 0)
		t0, c = bits.Add64(t1, l1, c)
		t1, c = bits.Add64(t2, l2, c)
		t2, c = bits.Add64(t3, l3, c)
		t3, c = bits.Add64(t4, 0, c)
		d += c
		t0, c = bits.Add64(t0, h0, 0)
		t1, c = bits.Add64(t1, h1, c)
		t2, c = bits.Add64(t2, h2, c)
		t3, c = bits.Add64(t3, h3, c)
		t4 = d + c
	}
	// t - m, unless that borrows. A branch here would be mispredicted half the time.
	r0, b := bits.Sub64(t0, m[0], 0)
	r1, b := bits.Sub64(t1, m[1], b)
	r2, b := bits.Sub64(t2, m[2], b)
	r3, b := bits.Sub64(t3, m[3], b)
	_, b = bits.Sub64(t4, 0, b)
	keep := -b
	z[0] = r0 ^ keep&(r0^t0)
	z[1] = r1 ^ keep&(r1^t1)
	z[2] = r2 ^ keep&(r2^t2)
	z[3] = r3 ^ keep&(r3^t3)
}

// add4 sets z = x + y mod m for x, y < m.
func add4(z, x, y, m *[4]uint64) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	r0, b := bits.Sub64(t0, m[0], 0)
	r1, b := bits.Sub64(t1, m[1], b)
	r2, b := bits.Sub64(t2, m[2], b)
	r3, b := bits.Sub64(t3, m[3], b)
	_, b = bits.Sub64(c, 0, b)
	keep := -b
	z[0] = r0 ^ keep&(r0^t0)
	z[1] = r1 ^ keep&(r1^t1)
	z[2] = r2 ^ keep&(r2^t2)
	z[3] = r3 ^ keep&(r3^t3)
}

// sub4 sets z = x - y mod m for x, y < m.
func sub4(z, x, y, m *[4]uint64) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	back := -b
	var c uint64
	z[0], c = bits.Add64(t0, back&m[0], 0)
	z[1], c = bits.Add64(t1, back&m[1], c)
	z[2], c = bits.Add64(t2, back&m[2], c)
	z[3], _ = bits.Add64(t3, back&m[3], c)
}
