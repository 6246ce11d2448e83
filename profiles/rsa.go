package profiles

import (
	"crypto/rsa"
	"math"
	"math/big"
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
	case add(!isPrime(e), "RSA_EXPONENT_NOT_PRIME", citeExponent, "the public exponent must be prime, for example 65537"):
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

// smallPrimes is the product of the odd primes below smallPrimeLimit.
var smallPrimes = sync.OnceValue(func() *big.Int {
	composite := make([]bool, smallPrimeLimit)
	product := big.NewInt(1)
	for n := 3; n < smallPrimeLimit; n += 2 {
		if composite[n] {
			continue
		}
		product.Mul(product, big.NewInt(int64(n)))
		for m := n * n; m < smallPrimeLimit; m += 2 * n {
			composite[m] = true
		}
	}
	return product
})

// hasSmallFactor tells whether an odd number has a prime factor below smallPrimeLimit: one greatest common divisor instead of
// many divisions.
func hasSmallFactor(n *big.Int) bool {
	product := new(big.Int).Mod(smallPrimes(), n)
	return product.GCD(nil, nil, product, n).Cmp(big.NewInt(1)) != 0
}

// hasCloseFactors runs Fermat's method: n = a² - b² with a near the root of n has the factors a - b and a + b.
func hasCloseFactors(n *big.Int) bool {
	one := big.NewInt(1)
	a := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(a, a).Cmp(n) < 0 {
		a.Add(a, one)
	}
	square := new(big.Int).Mul(a, a)
	square.Sub(square, n) // a² - n
	for range fermatRounds {
		if isSquare(square) {
			return true
		}
		square.Add(square, a).Add(square, a).Add(square, one) // (a+1)² - n
		a.Add(a, one)
	}
	return false
}

// isSquare tells whether n is a square. Residues sort out nearly all numbers before a root is taken.
func isSquare(n *big.Int) bool {
	if !squareResidues[new(big.Int).And(n, big.NewInt(63)).Uint64()] {
		return false
	}
	const odd = 3 * 5 * 7 * 11 * 13
	r := new(big.Int).Mod(n, big.NewInt(odd)).Uint64()
	for _, p := range [...]uint64{3, 5, 7, 11, 13} {
		if !isResidue(r%p, p) {
			return false
		}
	}
	root := new(big.Int).Sqrt(n)
	return root.Mul(root, root).Cmp(n) == 0
}

// squareResidues are the squares modulo 64.
var squareResidues = func() (squares [64]bool) {
	for i := range 64 {
		squares[i*i%64] = true
	}
	return squares
}()

func isResidue(r, p uint64) bool {
	for i := range p {
		if i*i%p == r {
			return true
		}
	}
	return false
}

// The exponent of an rsa.PublicKey is an int; the limits need more than 32 bits.
const _ uint = math.MaxInt - maxExponent
