package brainpool

import "math/bits"

// Numbers of 512 bits: 8 limbs, least significant first.

// mul8 sets z = x·y/2^512 mod m for y < m and any x. See mul4.
func mul8(z, x, y, m *[8]uint64, n0 uint64) {
	var t0, t1, t2, t3, t4, t5, t6, t7, t8 uint64
	for _, a := range x {
		var c, d uint64
		h0, l0 := bits.Mul64(a, y[0])
		h1, l1 := bits.Mul64(a, y[1])
		h2, l2 := bits.Mul64(a, y[2])
		h3, l3 := bits.Mul64(a, y[3])
		h4, l4 := bits.Mul64(a, y[4])
		h5, l5 := bits.Mul64(a, y[5])
		h6, l6 := bits.Mul64(a, y[6])
		h7, l7 := bits.Mul64(a, y[7])
		t0, c = bits.Add64(t0, l0, 0)
		t1, c = bits.Add64(t1, l1, c)
		t2, c = bits.Add64(t2, l2, c)
		t3, c = bits.Add64(t3, l3, c)
		t4, c = bits.Add64(t4, l4, c)
		t5, c = bits.Add64(t5, l5, c)
		t6, c = bits.Add64(t6, l6, c)
		t7, c = bits.Add64(t7, l7, c)
		t8 += c
		t1, c = bits.Add64(t1, h0, 0)
		t2, c = bits.Add64(t2, h1, c)
		t3, c = bits.Add64(t3, h2, c)
		t4, c = bits.Add64(t4, h3, c)
		t5, c = bits.Add64(t5, h4, c)
		t6, c = bits.Add64(t6, h5, c)
		t7, c = bits.Add64(t7, h6, c)
		t8, d = bits.Add64(t8, h7, c)

		k := t0 * n0
		h0, l0 = bits.Mul64(k, m[0])
		h1, l1 = bits.Mul64(k, m[1])
		h2, l2 = bits.Mul64(k, m[2])
		h3, l3 = bits.Mul64(k, m[3])
		h4, l4 = bits.Mul64(k, m[4])
		h5, l5 = bits.Mul64(k, m[5])
		h6, l6 = bits.Mul64(k, m[6])
		h7, l7 = bits.Mul64(k, m[7])
		_, c = bits.Add64(t0, l0, 0)
		t0, c = bits.Add64(t1, l1, c)
		t1, c = bits.Add64(t2, l2, c)
		t2, c = bits.Add64(t3, l3, c)
		t3, c = bits.Add64(t4, l4, c)
		t4, c = bits.Add64(t5, l5, c)
		t5, c = bits.Add64(t6, l6, c)
		t6, c = bits.Add64(t7, l7, c)
		t7, c = bits.Add64(t8, 0, c)
		d += c
		t0, c = bits.Add64(t0, h0, 0)
		t1, c = bits.Add64(t1, h1, c)
		t2, c = bits.Add64(t2, h2, c)
		t3, c = bits.Add64(t3, h3, c)
		t4, c = bits.Add64(t4, h4, c)
		t5, c = bits.Add64(t5, h5, c)
		t6, c = bits.Add64(t6, h6, c)
		t7, c = bits.Add64(t7, h7, c)
		t8 = d + c
	}
	r0, b := bits.Sub64(t0, m[0], 0)
	r1, b := bits.Sub64(t1, m[1], b)
	r2, b := bits.Sub64(t2, m[2], b)
	r3, b := bits.Sub64(t3, m[3], b)
	r4, b := bits.Sub64(t4, m[4], b)
	r5, b := bits.Sub64(t5, m[5], b)
	r6, b := bits.Sub64(t6, m[6], b)
	r7, b := bits.Sub64(t7, m[7], b)
	_, b = bits.Sub64(t8, 0, b)
	keep := -b
	z[0] = r0 ^ keep&(r0^t0)
	z[1] = r1 ^ keep&(r1^t1)
	z[2] = r2 ^ keep&(r2^t2)
	z[3] = r3 ^ keep&(r3^t3)
	z[4] = r4 ^ keep&(r4^t4)
	z[5] = r5 ^ keep&(r5^t5)
	z[6] = r6 ^ keep&(r6^t6)
	z[7] = r7 ^ keep&(r7^t7)
}

// add8 sets z = x + y mod m for x, y < m.
func add8(z, x, y, m *[8]uint64) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	t4, c := bits.Add64(x[4], y[4], c)
	t5, c := bits.Add64(x[5], y[5], c)
	t6, c := bits.Add64(x[6], y[6], c)
	t7, c := bits.Add64(x[7], y[7], c)
	r0, b := bits.Sub64(t0, m[0], 0)
	r1, b := bits.Sub64(t1, m[1], b)
	r2, b := bits.Sub64(t2, m[2], b)
	r3, b := bits.Sub64(t3, m[3], b)
	r4, b := bits.Sub64(t4, m[4], b)
	r5, b := bits.Sub64(t5, m[5], b)
	r6, b := bits.Sub64(t6, m[6], b)
	r7, b := bits.Sub64(t7, m[7], b)
	_, b = bits.Sub64(c, 0, b)
	keep := -b
	z[0] = r0 ^ keep&(r0^t0)
	z[1] = r1 ^ keep&(r1^t1)
	z[2] = r2 ^ keep&(r2^t2)
	z[3] = r3 ^ keep&(r3^t3)
	z[4] = r4 ^ keep&(r4^t4)
	z[5] = r5 ^ keep&(r5^t5)
	z[6] = r6 ^ keep&(r6^t6)
	z[7] = r7 ^ keep&(r7^t7)
}

// sub8 sets z = x - y mod m for x, y < m.
func sub8(z, x, y, m *[8]uint64) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	t4, b := bits.Sub64(x[4], y[4], b)
	t5, b := bits.Sub64(x[5], y[5], b)
	t6, b := bits.Sub64(x[6], y[6], b)
	t7, b := bits.Sub64(x[7], y[7], b)
	back := -b
	var c uint64
	z[0], c = bits.Add64(t0, back&m[0], 0)
	z[1], c = bits.Add64(t1, back&m[1], c)
	z[2], c = bits.Add64(t2, back&m[2], c)
	z[3], c = bits.Add64(t3, back&m[3], c)
	z[4], c = bits.Add64(t4, back&m[4], c)
	z[5], c = bits.Add64(t5, back&m[5], c)
	z[6], c = bits.Add64(t6, back&m[6], c)
	z[7], _ = bits.Add64(t7, back&m[7], c)
}
