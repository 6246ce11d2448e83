package profiles

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"testing"
)

// testRSA reads a key of testdata/keys without judging it.
func testRSA(t testing.TB, name string) *rsa.PublicKey {
	t.Helper()
	text, err := os.ReadFile("testdata/keys/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

// TestRSAExponents goes along the borders of the public exponent. The upper one is what a parsed key can have, too.
func TestRSAExponents(t *testing.T) {
	n := testRSA(t, "rsa-good").N
	for _, c := range []struct {
		e    int
		rule string
	}{
		{65537, ""}, {65539, ""}, {4294967291, ""}, // the largest prime of 32 bits
		{1, "RSA_EXPONENT_RANGE"}, {3, "RSA_EXPONENT_RANGE"}, {65521, "RSA_EXPONENT_RANGE"}, {4294967311, "RSA_EXPONENT_RANGE"},
		{65538, "RSA_EXPONENT_EVEN"}, {2, "RSA_EXPONENT_EVEN"}, {0, "RSA_EXPONENT_EVEN"},
		{65541, "RSA_EXPONENT_NOT_PRIME"}, {4294967295, "RSA_EXPONENT_NOT_PRIME"},
	} {
		var got string
		if found := rsaWeaknesses(&rsa.PublicKey{N: n, E: c.e}); len(found) > 0 {
			got = found[0].rule
		}
		if got != c.rule {
			t.Errorf("exponent %d: %q, want %q", c.e, got, c.rule)
		}
	}
}

// TestSmallFactors multiplies the good modulus with primes on both sides of the limit.
func TestSmallFactors(t *testing.T) {
	n := testRSA(t, "rsa-good").N
	for p, want := range map[int64]bool{1: false, 3: true, 751: true, 4093: true, 4099: false} {
		if got := hasSmallFactor(new(big.Int).Mul(n, big.NewInt(p))); got != want {
			t.Errorf("factor %d: found is %t, want %t", p, got, want)
		}
	}
}

// TestSmallFactorsAreAll compares with divisions: all products of the good modulus's neighbours, which have small factors or none as it comes,
// and every prime below the limit alone.
func TestSmallFactorsAreAll(t *testing.T) {
	n := new(big.Int).Set(testRSA(t, "rsa-good").N)
	primes := 0
	for p := int64(3); p < smallPrimeLimit; p += 2 {
		if !big.NewInt(p).ProbablyPrime(0) {
			continue
		}
		primes++
		if !hasSmallFactor(big.NewInt(p)) {
			t.Fatalf("factor %d is not found", p)
		}
	}
	known := 0
	for _, g := range primeGroups() {
		known += len(g.primes)
	}
	if known != primes {
		t.Fatalf("%d primes are looked for, there are %d", known, primes)
	}
	without := 0
	for range 500 {
		n.Add(n, big.NewInt(2))
		want := false
		for p := int64(3); p < smallPrimeLimit; p += 2 {
			want = want || new(big.Int).Mod(n, big.NewInt(p)).Sign() == 0
		}
		if got := hasSmallFactor(n); got != want {
			t.Fatalf("%d: found is %t, want %t", n, got, want)
		}
		if !want {
			without++
		}
	}
	if without == 0 || without == 500 {
		t.Errorf("%d of 500 numbers have no small factor: the test compares too little", without)
	}
	if widest := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 64*maxWords), big.NewInt(1)); !hasSmallFactor(widest) { // 3 divides it
		t.Error("the largest number that it takes overflows")
	}
}

// TestFermat builds products of numbers at growing distance. Fermat's method finds them as long as the distance is small
// beside the fourth root of the product; the rounds decide how small.
func TestFermat(t *testing.T) {
	p := new(big.Int).Lsh(big.NewInt(3), 1022)
	p.Add(p, big.NewInt(1))
	for shift, want := range map[uint]bool{1: true, 256: true, 512: true, 515: true, 530: false, 1000: false} {
		q := new(big.Int).Lsh(big.NewInt(1), shift)
		if got := hasCloseFactors(q.Add(q, p).Mul(q, p)); got != want {
			t.Errorf("factors at a distance of 2^%d: found is %t, want %t", shift, got, want)
		}
	}
	if square := new(big.Int).Mul(p, p); !hasCloseFactors(square) {
		t.Error("the square of a number is not found")
	}
}

// TestFermatRounds finds factors in the last round and not in the one after it: a is then so much above the root.
func TestFermatRounds(t *testing.T) {
	p := new(big.Int).Lsh(big.NewInt(3), 1022)
	for _, c := range []struct {
		round int64
		want  bool
	}{{0, true}, {1, true}, {50, true}, {fermatRounds - 1, true}, {fermatRounds, false}, {fermatRounds + 1, false}} {
		// (a - b)(a + b) has its root b²/2a below a.
		a := new(big.Int).Set(p)
		b := new(big.Int).Mul(a, big.NewInt(2*c.round))
		b.Sqrt(b)
		for roundOf(a, b) < c.round {
			b.Add(b, big.NewInt(1))
		}
		n := new(big.Int).Mul(new(big.Int).Sub(a, b), new(big.Int).Add(a, b))
		if got := hasCloseFactors(n); got != c.want || roundOf(a, b) != c.round {
			t.Errorf("factors of round %d (%d): found is %t, want %t", c.round, roundOf(a, b), got, c.want)
		}
	}
}

// roundOf counts from the root of (a - b)(a + b), rounded up, to a.
func roundOf(a, b *big.Int) int64 {
	n := new(big.Int).Mul(new(big.Int).Sub(a, b), new(big.Int).Add(a, b))
	root := new(big.Int).Sqrt(n)
	if new(big.Int).Mul(root, root).Cmp(n) < 0 {
		root.Add(root, big.NewInt(1))
	}
	return root.Sub(a, root).Int64()
}

// TestIsSquare compares with the root for all small numbers.
func TestIsSquare(t *testing.T) {
	squares := map[int64]bool{}
	for i := int64(0); i*i < 1<<18; i++ {
		squares[i*i] = true
	}
	for n := range int64(1 << 18) {
		if got := isSquare(big.NewInt(n)); got != squares[n] {
			t.Fatalf("isSquare(%d) is %t", n, got)
		}
	}
}

// BenchmarkRSAWeaknesses measures the checks of one good key.
func BenchmarkRSAWeaknesses(b *testing.B) {
	k := testRSA(b, "rsa-good")
	for b.Loop() {
		if found := rsaWeaknesses(k); found != nil {
			b.Fatal(found)
		}
	}
}
