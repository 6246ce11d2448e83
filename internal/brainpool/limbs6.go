package brainpool

import "math/bits"

// Numbers of 384 bits: 6 limbs, least significant first.

// mul6 sets z = x·y/2^384 mod m for y < m and any x. See mul4.
func mul6(z, x, y, m *[6]uint64, n0 uint64) {
	var t0, t1, t2, t3, t4, t5, t6 uint64
	for _, a := range x {
		var c, d uint64
		h0, l0 := bits.Mul64(a, y[0])
		h1, l1 := bits.Mul64(a, y[1])
		h2, l2 := bits.Mul64(a, y[2])
		h3, l3 := bits.Mul64(a, y[3])
		h4, l4 := bits.Mul64(a, y[4])
		h5, l5 := bits.Mul64(a, y[5])
		t0, c = bits.Add64(t0, l0, 0)
		t1, c = bits.Add64(t1, l1, c)
		t2, c = bits.Add64(t2, l2, c)
		t3, c = bits.Add64(t3, l3, c)
		t4, c = bits.Add64(t4, l4, c)
		t5, c = bits.Add64(t5, l5, c)
		t6 += c
		t1, c = bits.Add64(t1, h0, 0)
		t2, c = bits.Add64(t2, h1, c)
		t3, c = bits.Add64(t3, h2, c)
		t4, c = bits.Add64(t4, h3, c)
		t5, c = bits.Add64(t5, h4, c)
		t6, d = bits.Add64(t6, h5, c)

		k := t0 * n0
		h0, l0 = bits.Mul64(k, m[0])
		h1, l1 = bits.Mul64(k, m[1])
		h2, l2 = bits.Mul64(k, m[2])
		h3, l3 = bits.Mul64(k, m[3])
		h4, l4 = bits.Mul64(k, m[4])
		h5, l5 = bits.Mul64(k, m[5])
		_, c = bits.Add64(t0, l0, 0)
		t0, c = bits.Add64(t1, l1, c)
		t1, c = bits.Add64(t2, l2, c)
		t2, c = bits.Add64(t3, l3, c)
		t3, c = bits.Add64(t4, l4, c)
		t4, c = bits.Add64(t5, l5, c)
		t5, c = bits.Add64(t6, 0, c)
		d += c
		t0, c = bits.Add64(t0, h0, 0)
		t1, c = bits.Add64(t1, h1, c)
		t2, c = bits.Add64(t2, h2, c)
		t3, c = bits.Add64(t3, h3, c)
		t4, c = bits.Add64(t4, h4, c)
		t5, c = bits.Add64(t5, h5, c)
		t6 = d + c
	}
	r0, b := bits.Sub64(t0, m[0], 0)
	r1, b := bits.Sub64(t1, m[1], b)
	r2, b := bits.Sub64(t2, m[2], b)
	r3, b := bits.Sub64(t3, m[3], b)
	r4, b := bits.Sub64(t4, m[4], b)
	r5, b := bits.Sub64(t5, m[5], b)
	_, b = bits.Sub64(t6, 0, b)
	keep := -b
	z[0] = r0 ^ keep&(r0^t0)
	z[1] = r1 ^ keep&(r1^t1)
	z[2] = r2 ^ keep&(r2^t2)
	z[3] = r3 ^ keep&(r3^t3)
	z[4] = r4 ^ keep&(r4^t4)
	z[5] = r5 ^ keep&(r5^t5)
}

// add6 sets z = x + y mod m for x, y < m.
func add6(z, x, y, m *[6]uint64) {
	t0, c := bits.Add64(x[0], y[0], 0)
	t1, c := bits.Add64(x[1], y[1], c)
	t2, c := bits.Add64(x[2], y[2], c)
	t3, c := bits.Add64(x[3], y[3], c)
	t4, c := bits.Add64(x[4], y[4], c)
	t5, c := bits.Add64(x[5], y[5], c)
	r0, b := bits.Sub64(t0, m[0], 0)
	r1, b := bits.Sub64(t1, m[1], b)
	r2, b := bits.Sub64(t2, m[2], b)
	r3, b := bits.Sub64(t3, m[3], b)
	r4, b := bits.Sub64(t4, m[4], b)
	r5, b := bits.Sub64(t5, m[5], b)
	_, b = bits.Sub64(c, 0, b)
	keep := -b
	z[0] = r0 ^ keep&(r0^t0)
	z[1] = r1 ^ keep&(r1^t1)
	z[2] = r2 ^ keep&(r2^t2)
	z[3] = r3 ^ keep&(r3^t3)
	z[4] = r4 ^ keep&(r4^t4)
	z[5] = r5 ^ keep&(r5^t5)
}

// sub6 sets z = x - y mod m for x, y < m.
func sub6(z, x, y, m *[6]uint64) {
	t0, b := bits.Sub64(x[0], y[0], 0)
	t1, b := bits.Sub64(x[1], y[1], b)
	t2, b := bits.Sub64(x[2], y[2], b)
	t3, b := bits.Sub64(x[3], y[3], b)
	t4, b := bits.Sub64(x[4], y[4], b)
	t5, b := bits.Sub64(x[5], y[5], b)
	back := -b
	var c uint64
	z[0], c = bits.Add64(t0, back&m[0], 0)
	z[1], c = bits.Add64(t1, back&m[1], c)
	z[2], c = bits.Add64(t2, back&m[2], c)
	z[3], c = bits.Add64(t3, back&m[3], c)
	z[4], c = bits.Add64(t4, back&m[4], c)
	z[5], _ = bits.Add64(t5, back&m[5], c)
}
