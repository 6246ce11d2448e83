package brainpool

// Digits for a point that is multiplied once: each is zero or odd and at most 15 in size, and of five neighbours at most one is
// not zero (the width-5 non-adjacent form; Hankerson, Menezes and Vanstone, Guide to Elliptic Curve Cryptography,
// Algorithm 3.35). So about one addition in six doublings is left.
const nafWidth = 5

// nafDigits are the digits of a scalar, lowest first. One more than its bits can be needed; there is room for 512 bits.
type nafDigits [513]int8

// newNAF recodes k and tells how many digits are used.
func newNAF[E limbs](k *E) (digits nafDigits, length int) {
	n := 64 * len(*k)
	var carry uint64 // 1 if the digits so far make 2^i more than they should
	for i := 0; i < n; {
		if window(k, i, 1) == carry { // bit + carry is even
			i++
			continue
		}
		w := window(k, i, nafWidth) + carry
		carry = w >> (nafWidth - 1)
		digits[i] = int8(w) - int8(carry<<nafWidth)
		length = i + 1
		i += nafWidth
	}
	if carry == 1 {
		digits[n] = 1
		length = n + 1
	}
	return digits, length
}

// window gives the bits of k from place i on, width of them; beyond its end there are zeros.
func window[E limbs](k *E, i, width int) uint64 {
	bitsFrom := (*k)[i/64] >> (i % 64)
	if i/64+1 < len(*k) {
		bitsFrom |= (*k)[i/64+1] << (64 - i%64)
	}
	return bitsFrom & (1<<width - 1)
}

// nafTable holds P, 3·P, 5·P, … 15·P.
type nafTable[E limbs] [1 << (nafWidth - 2)]affine[E]

// newNAFTable makes the table for a point. The order of the curve is a large prime, so none of the multiples is infinity.
func newNAFTable[E limbs](f *modulus[E], p *affine[E]) *nafTable[E] {
	var multiple jacobian[E]
	multiple.set(f, p)
	multiple.double(f)
	twice := normalize(f, []jacobian[E]{multiple})[0]

	var points [len(nafTable[E]{})]jacobian[E]
	points[0].set(f, p)
	for i := 1; i < len(points); i++ {
		points[i] = points[i-1]
		points[i].add(f, &twice)
	}
	return (*nafTable[E])(normalize(f, points[:]))
}

// addDigit adds the multiple of the point that a digit stands for.
func (t *nafTable[E]) addDigit(f *modulus[E], sum *jacobian[E], digit int8) {
	switch {
	case digit > 0:
		sum.addSigned(f, &t[digit/2], false)
	case digit < 0:
		sum.addSigned(f, &t[-digit/2], true)
	}
}
