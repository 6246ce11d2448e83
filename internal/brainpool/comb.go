package brainpool

// A comb computes k·P for one point P and many k. With n the bits of a scalar, and b the digits of k in {-1, +1}, the n digits
// are read as 8 teeth of n/8 digits each; one table entry adds the eight digits of a column at once, so n/8 additions do. The
// columns are cut into four blocks with a table each, which share the doublings: n/32 - 1 of them.
const (
	teeth  = 8
	blocks = 4
)

// comb holds, for each block, the points ±P·2^0 ± P·2^(n/8) ± … + P·2^(7n/8), times 2^(n/32) per block. A sign is a bit of the
// index, set for plus; the last tooth's is always plus, because a column and its opposite differ only in sign. A point
// takes two numbers: 32 KiB for 256 bits, 48 KiB for 384, 64 KiB for 512.
type comb[E limbs] [blocks][1 << (teeth - 1)]affine[E]

// newComb makes the table for a point.
//
// No point in it, and none that is normalized on the way, is infinity: each is c·P with 0 < c < q, since the last tooth
// outweighs the others together and 2^(31n/32+1) is less than q.
func newComb[E limbs](f *modulus[E], p *affine[E]) *comb[E] {
	powers := combPowers(f, p)
	points := make([]jacobian[E], 0, blocks<<(teeth-1))
	for block := range blocks {
		tooth := func(t int) *combPower[E] { return &powers[t*blocks+block] }
		var start jacobian[E] // all signs minus, but the last
		start.set(f, &tooth(teeth-1).once)
		for t := range teeth - 1 {
			start.addSigned(f, &tooth(t).once, true)
		}
		first := len(points)
		points = append(points, start)
		for t := range teeth - 1 {
			for i := range 1 << t { // the same signs, but tooth t turned to plus
				next := points[first+i]
				next.add(f, &tooth(t).twice)
				points = append(points, next)
			}
		}
	}
	table := new(comb[E])
	for i, a := range normalize(f, points) {
		table[i>>(teeth-1)][i&(1<<(teeth-1)-1)] = a
	}
	return table
}

// combPower is a point and its double.
type combPower[E limbs] struct{ once, twice affine[E] }

// combPowers gives P·2^(i·n/32) for i from 0 to 31: tooth t of block b is at i = t·blocks + b.
func combPowers[E limbs](f *modulus[E], p *affine[E]) [teeth * blocks]combPower[E] {
	var points [2 * teeth * blocks]jacobian[E]
	var q jacobian[E]
	q.set(f, p)
	for i := range teeth * blocks {
		points[2*i] = q
		for j := range columns[E]() {
			q.double(f)
			if j == 0 {
				points[2*i+1] = q
			}
		}
	}
	var powers [teeth * blocks]combPower[E]
	for i, a := range normalize(f, points[:]) {
		if i%2 == 0 {
			powers[i/2].once = a
		} else {
			powers[i/2].twice = a
		}
	}
	return powers
}

// columns is the number of columns of a block: n/32.
func columns[E limbs]() int {
	var k E
	return 64 * len(k) / (teeth * blocks)
}

// combDigits are the digits of one scalar, as they are looked up: for each block and column an index into the table, with
// the sign in the bit above. Room for 512 bits.
type combDigits [blocks][16]uint8

// newCombDigits recodes k, less than the odd q. Only odd numbers have digits that are all -1 or +1, so an even k is replaced by
// q - k, and negative tells to turn every sign.
//
// The digits of an odd k are the bits of (k + 2^n - 1)/2, with 0 for -1.
func newCombDigits[E limbs](k, q *E) (digits combDigits) {
	c := *k
	negative := c[0]&1 == 0
	if negative {
		c = *q
		subtract(&c, k)
	}
	for i := range len(c) - 1 {
		c[i] = c[i]>>1 | c[i+1]<<63
	}
	c[len(c)-1] = c[len(c)-1]>>1 | 1<<63

	width := columns[E]()
	for block := range blocks {
		for column := range width {
			var index uint8
			for t := range teeth {
				bit := (t*blocks+block)*width + column
				index |= uint8(c[bit/64]>>(bit%64)&1) << t
			}
			digits[block][column] = combDigit(index, negative)
		}
	}
	return digits
}

// combDigit brings the signs of a column to the form in which the last is plus. The bit above the index is set for a point
// to be subtracted.
func combDigit(signs uint8, negative bool) uint8 {
	const last = 1 << (teeth - 1)
	if signs&last == 0 {
		signs, negative = ^signs, !negative
	}
	if negative {
		return signs | last
	}
	return signs &^ last
}

// addColumn adds the points of one column, from the tables of all blocks.
func (c *comb[E]) addColumn(f *modulus[E], sum *jacobian[E], digits *combDigits, column int) {
	const last = 1 << (teeth - 1)
	for block := range blocks {
		digit := digits[block][column]
		sum.addSigned(f, &c[block][digit&^last], digit&last != 0)
	}
}
