package brainpool

import (
	"fmt"
	"math/big"
	"math/rand/v2"
	"sync"
	"testing"
)

// testCase is a point, a digest and a signature. The point need not be one.
type testCase struct {
	name               string
	curve              *refCurve
	point, digest, sig []byte
	multiply           func(k *big.Int) refPoint // the point, for the reference
	genuine            bool                      // signed and not touched
}

// TestAgreement is the campaign: signatures by the reference, most of them spoiled in some way, judged by PublicKey, by Verifier, by
// the reference and by OpenSSL. All four must agree on each. The cases are the same in every run. A run with the race detector takes
// the first tenth of the keys: it looks for something else.
func TestAgreement(t *testing.T) {
	second := newOpenSSL(t)
	for i, size := range []struct{ keys, signatures int }{{100, 100}, {20, 100}, {20, 100}} {
		c := refCurves[i]
		t.Run(c.Name(), func(t *testing.T) {
			if raceDetector {
				size.keys /= 10
			}
			cases := campaign(c, size.keys, size.signatures)
			valid := judge(t, second, cases)
			t.Logf("%d cases under %d keys, %d of them valid: PublicKey, Verifier, math/big and OpenSSL agree", len(cases), size.keys, valid)
			if valid < len(cases)/3 || valid > 2*len(cases)/3 {
				t.Errorf("%d of %d cases are valid: the campaign is lopsided", valid, len(cases))
			}
		})
	}
}

// judge compares the verdicts on cases whose points are sound, and gives the number of valid signatures.
func judge(t *testing.T, second openssl, cases []*testCase) (valid int) {
	t.Helper()
	reference := referenceVerdicts(cases)
	var key *PublicKey
	var verifier *Verifier
	for i, verdict := range second.verify(t, cases) {
		c := cases[i]
		if key == nil || string(key.Bytes()) != string(c.point) {
			var err error
			if key, err = c.curve.ParsePoint(c.point); err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			verifier = NewVerifier(key)
		}
		plain, tabled := key.Verify(c.digest, c.sig), verifier.Verify(c.digest, c.sig)
		if other := verdict == "1"; plain != reference[i] || tabled != reference[i] || other != reference[i] {
			t.Errorf("%s: PublicKey %t, Verifier %t, math/big %t, OpenSSL %q\n\tpoint %x\n\tdigest %x\n\tsignature %x",
				c.name, plain, tabled, reference[i], verdict, c.point, c.digest, c.sig)
		}
		if c.genuine && !reference[i] {
			t.Errorf("%s: a genuine signature is not valid", c.name)
		}
		if reference[i] {
			valid++
		}
	}
	return valid
}

// referenceVerdicts asks the reference, on all cores, since it is by far the slowest.
func referenceVerdicts(cases []*testCase) []bool {
	verdicts := make([]bool, len(cases))
	const workers = 4
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(cases); i += workers {
				c := cases[i]
				verdicts[i] = c.curve.verify(c.multiply, c.digest, c.sig)
			}
		})
	}
	wait.Wait()
	return verdicts
}

// campaign makes random cases. Those of one key come together. The nonces of a key are a random one and those that follow it, which
// nobody may do who has a secret, but spares the reference a multiplication for each.
func campaign(c *refCurve, keys, signatures int) (cases []*testCase) {
	rnd := source("campaign on " + c.Name())
	r := rand.New(rnd)
	for key := range keys {
		d := c.random(rnd)
		public := c.mulTable(d, c.gTable)
		table := c.table(public)
		multiply := func(k *big.Int) refPoint { return c.mulTable(k, table) }
		nonce := c.random(rnd)
		commitment := c.mulTable(nonce, c.gTable)
		for n := range signatures {
			digest := make([]byte, []int{c.ByteLen(), 32, 20, 48, 64, 1, 100}[r.IntN(7)])
			rnd.Read(digest)
			tc := &testCase{curve: c, point: c.encode(public), digest: digest, multiply: multiply}
			tc.sig = c.signAt(d, nonce, commitment, digest)
			nonce, commitment = nonce.Add(nonce, big.NewInt(1)), c.add(commitment, c.g)
			what := spoil[0]
			if r.IntN(2) == 0 {
				what = spoil[1+r.IntN(len(spoil)-1)]
			}
			what.do(tc, rnd, r)
			tc.genuine = what.name == spoil[0].name
			tc.name = fmt.Sprintf("%s, key %d, signature %d, %s", c.Name(), key, n, what.name)
			cases = append(cases, tc)
		}
	}
	return cases
}

// spoil lists what a case of the campaign can be made of a genuine signature.
var spoil = []struct {
	name string
	do   func(*testCase, *rand.ChaCha8, *rand.Rand)
}{
	{"genuine", func(*testCase, *rand.ChaCha8, *rand.Rand) {}},
	{"a bit of the signature turned", func(c *testCase, _ *rand.ChaCha8, r *rand.Rand) { flip(c.sig, r) }},
	{"a bit of the digest turned", func(c *testCase, _ *rand.ChaCha8, r *rand.Rand) { flip(c.digest, r) }},
	{"random octets", func(c *testCase, rnd *rand.ChaCha8, _ *rand.Rand) { rnd.Read(c.sig) }},
	{"r and s swapped", func(c *testCase, _ *rand.ChaCha8, _ *rand.Rand) {
		r, s := c.curve.split(c.sig)
		c.sig = c.curve.join(s, r)
	}},
	{"-s for s, which is valid", func(c *testCase, _ *rand.ChaCha8, _ *rand.Rand) {
		r, s := c.curve.split(c.sig)
		c.sig = c.curve.join(r, s.Sub(c.curve.q, s))
	}},
	{"-r for r", func(c *testCase, _ *rand.ChaCha8, _ *rand.Rand) {
		r, s := c.curve.split(c.sig)
		c.sig = c.curve.join(r.Sub(c.curve.q, r), s)
	}},
	{"small r and s", func(c *testCase, _ *rand.ChaCha8, r *rand.Rand) {
		c.sig = c.curve.join(big.NewInt(r.Int64N(4)), big.NewInt(r.Int64N(4)))
	}},
}

func flip(b []byte, r *rand.Rand) {
	bit := r.IntN(8 * len(b))
	b[bit/8] ^= 1 << (bit % 8)
}
