package profiles

import (
	"crypto/rsa"
	"math"
	"math/big"
	"math/bits"
	"sync"

	"github.com/titanous/rocacheck"
)

// Limits of an RSA key (gemSpec_Krypt, GS-A_4359; gemSpec_COS, (G2_N002.100) for the exponent).
const (
	rsaBits     = 2048
	minExponent = 1<<16 + 1
	maxExponent = 1<<32 - 1
)

// smallPrimeLimit bounds the trial division of the modulus. A_17092 leaves the bound open; the CA/Browser Forum asks for
// 752 (Baseline Requirements, Section 6.1.6), and more costs next to nothing.
const smallPrimeLimit = 1 << 12

// fermatRounds is how far the search for close primes goes (CA/Browser Forum, Baseline Requirements, Section 6.1.1.3).
const fermatRounds = 100

const (
	citeWeak     = "gemSpec_X.509_TSP, A_17294"
	citeFactors  = "gemSpec_Krypt, A_17092"
	citeExponent = "gemSpec_Krypt, A_17092; gemSpec_COS, (G2_N002.100)"
)

// weakness is what is wrong with a key.
type weakness struct{ rule, citation, message string }

// rsaWeaknesses lists what is wrong with an RSA key for a card. It finds known patterns only: a key without findings may
// still be weak. Where the size is wrong, nothing else is looked at.
func rsaWeaknesses(k *rsa.PublicKey) []weakness {
	if k.N.BitLen() != rsaBits {
		return []weakness{{"RSA_MODULUS_SIZE", "gemSpec_Krypt, GS-A_4359", "the modulus must have exactly 2048 bits"}}
	}
	var found []weakness
	add := func(is bool, rule, citation, message string) bool {
		if is {
			found = append(found, weakness{rule, citation, message})
		}
		return is
	}
	even := k.N.Bit(0) == 0
	add(even, "RSA_MODULUS_EVEN", citeFactors, "the modulus must be odd")
	e := int64(k.E)
	switch {
	case add(e%2 == 0, "RSA_EXPONENT_EVEN", citeExponent, "the public exponent must be odd, for example 65537"):
	case add(e < minExponent || e > maxExponent, "RSA_EXPONENT_RANGE", citeExponent, "the public exponent must be 65537 to 4294967295"):
	case add(e != minExponent && !isPrime(e), "RSA_EXPONENT_NOT_PRIME", citeExponent, "the public exponent must be prime, for example 65537"):
	}
	if even {
		return found
	}
	if !add(hasSmallFactor(k.N), "RSA_SMALL_FACTOR", citeFactors, "the modulus has a small prime factor") {
		add(hasCloseFactors(k.N), "RSA_CLOSE_PRIMES", citeWeak, "the modulus has two prime factors close together (Fermat)")
	}
	add(rocacheck.IsWeak(k), "RSA_ROCA", citeWeak, "the modulus has the pattern of a faulty key generator (ROCA, CVE-2017-15361)")
	return found
}

// isPrime tells whether a number below 2^64 is prime; ProbablyPrime is exact there.
func isPrime(n int64) bool { return big.NewInt(n).ProbablyPrime(0) }

// primeGroup are some small primes, whose multiples are looked for together.
type primeGroup struct {
	primes  []uint64
	product uint64
	powers  [maxWords]uint64 // of 2^64, modulo the product
}

// maxWords is the length in words of the longest number that hasSmallFactor takes: an RSA modulus, and a word more.
const maxWords = rsaBits/64 + 1

// A sum of maxWords products of a word and a number below groupLimit has no more than 128 bits.
const groupLimit = 1 << 58

// primeGroups holds the odd primes below smallPrimeLimit, about five in a group.
var primeGroups = sync.OnceValue(func() []primeGroup {
	composite := make([]bool, smallPrimeLimit)
	groups := []primeGroup{{product: 1}}
	for n := uint64(3); n < smallPrimeLimit; n += 2 {
		if composite[n] {
			continue
		}
		if groups[len(groups)-1].product >= groupLimit/n {
			groups = append(groups, primeGroup{product: 1})
		}
		last := &groups[len(groups)-1]
		last.primes, last.product = append(last.primes, n), last.product*n
		for m := n * n; m < smallPrimeLimit; m += 2 * n {
			composite[m] = true
		}
	}
	for i := range groups {
		g, power := &groups[i], uint64(1)
		for k := range g.powers {
			g.powers[k] = power % g.product
			power = bits.Rem64(g.powers[k], 0, g.product)
		}
	}
	return groups
})

// hasSmallFactor tells whether an odd number of at most maxWords words has a prime factor below smallPrimeLimit. The remainder for a
// group of primes is a sum over the number's words and one division; it tells all that the primes need.
func hasSmallFactor(n *big.Int) bool {
	words, groups := n.Bits(), primeGroups()
	for i := range groups {
		g := &groups[i]
		var high, low uint64
		for k, w := range words {
			h, l := bits.Mul64(uint64(w), g.powers[k])
			var carry uint64
			low, carry = bits.Add64(low, l, 0)
			high, _ = bits.Add64(high, h, carry)
		}
		remainder := bits.Rem64(high, low, g.product)
		for _, p := range g.primes {
			if remainder%p == 0 {
				return true
			}
		}
	}
	return false
}

// hasCloseFactors runs Fermat's method: n = a² - b² with a near the root of n has the factors a - b and a + b. Each round tries the next
// a; what is left of a² - n and a modulo squareModulus sorts out nearly all of them.
func hasCloseFactors(n *big.Int) bool {
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, big.NewInt(1))
	}
	square := new(big.Int).Mul(a, a)
	square.Sub(square, n)
	squareLeft, left := remainder(square), remainder(a)
	for round := range int64(fermatRounds) {
		if mayBeSquare(squareLeft) {
			next := new(big.Int).Add(a, big.NewInt(round))
			if isSquare(next.Mul(next, next).Sub(next, n)) {
				return true
			}
		}
		squareLeft = (squareLeft + 2*left + 1) % squareModulus // (a+1)² - n
		left++
	}
	return false
}

// isSquare tells whether n is a square. Residues sort out nearly all numbers before a root is taken.
func isSquare(n *big.Int) bool {
	if !mayBeSquare(remainder(n)) {
		return false
	}
	root := new(big.Int).Sqrt(n)
	return root.Mul(root, root).Cmp(n) == 0
}

// squareModulus is what squares are sorted out by. One number in 2000 may be a square by it.
const squareModulus = 64 * 3 * 5 * 7 * 11 * 13 * 17 * 19 * 23 * 29 * 31

func remainder(n *big.Int) uint64 {
	return new(big.Int).Mod(n, big.NewInt(squareModulus)).Uint64()
}

// mayBeSquare tells whether a number that leaves r modulo squareModulus may be a square.
func mayBeSquare(r uint64) bool {
	for _, s := range squares {
		if s.residues>>(r%s.modulus)&1 == 0 {
			return false
		}
	}
	return true
}

// squares has for each factor of squareModulus, in bits, what squares leave.
var squares = func() (list [11]struct{ modulus, residues uint64 }) {
	for i, m := range []uint64{64, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31} {
		list[i].modulus = m
		for k := range m {
			list[i].residues |= 1 << (k * k % m)
		}
	}
	return list
}()

// The exponent of an rsa.PublicKey is an int; the limits need more than 32 bits. So do the words of a big.Int.
const _ uint = math.MaxInt - maxExponent
