package brainpool

import (
	"bytes"
	"testing"
)

// BenchmarkVerify measures a signature under a key that is used once, and under one with a table.
func BenchmarkVerify(b *testing.B) {
	for _, c := range refCurves {
		key, digest, sig := c.sample(b)
		b.Run(c.Name()+"/PublicKey", func(b *testing.B) { verifyRate(b, key, digest, sig) })
		b.Run(c.Name()+"/Verifier", func(b *testing.B) { verifyRate(b, NewVerifier(key), digest, sig) })
	}
}

// verifyRate reports signatures per second.
func verifyRate(b *testing.B, v interface{ Verify(digest, sig []byte) bool }, digest, sig []byte) {
	b.ReportAllocs()
	for b.Loop() {
		if !v.Verify(digest, sig) {
			b.Fatal("a genuine signature is not valid")
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "verify/s")
}

func BenchmarkNewVerifier(b *testing.B) {
	for _, c := range refCurves {
		key, _, _ := c.sample(b)
		b.Run(c.Name(), func(b *testing.B) {
			for b.Loop() {
				NewVerifier(key)
			}
		})
	}
}

func BenchmarkParsePoint(b *testing.B) {
	for _, c := range refCurves {
		octets := c.encode(c.g)
		b.Run(c.Name(), func(b *testing.B) {
			for b.Loop() {
				if _, err := c.ParsePoint(octets); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// sample gives a key with a genuine signature.
func (c *refCurve) sample(tb testing.TB) (key *PublicKey, digest, sig []byte) {
	rnd := source("sample")
	d := c.random(rnd)
	digest = bytes.Repeat([]byte{0x5a}, c.ByteLen())
	key, err := c.ParsePoint(c.encode(c.mulTable(d, c.gTable)))
	if err != nil {
		tb.Fatal(err)
	}
	return key, digest, c.sign(d, c.random(rnd), digest)
}
