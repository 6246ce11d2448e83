package hsm_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// BenchmarkToken measures the raw rate of C_SignInit and C_Sign on the real token, one key kind at a time and in the mix of a
// G2.1 card (4 RSA and 5 ECDSA signatures), with 1, 2, 4 and 16 sessions. Each is one measurement of half a second, whatever
// b.N is.
func BenchmarkToken(b *testing.B) {
	token := openToken(b, hsm.Config{ReadWrite: true, Sessions: 16})
	share := func(kind sigalg.KeyType, scheme sigalg.Scheme, count int) hsm.Share {
		id, _ := newKey(b, token, kind)
		key, err := token.Key(b.Context(), id)
		if err != nil {
			b.Fatal(err)
		}
		return hsm.Share{Key: key, Scheme: scheme, Count: count}
	}
	rsa, ec := share(sigalg.R2048, sigalg.RSAPKCS1SHA256, 4), share(sigalg.E256, sigalg.ECDSASHA256, 5)
	for _, c := range []struct {
		name string
		mix  []hsm.Share
	}{{"R2048", []hsm.Share{rsa}}, {"E256", []hsm.Share{ec}}, {"card G2.1", []hsm.Share{rsa, ec}}} {
		for _, sessions := range []int{1, 2, 4, 16} {
			b.Run(fmt.Sprintf("%s/%d sessions", c.name, sessions), func(b *testing.B) {
				rate, err := token.Measure(b.Context(), c.mix, sessions, 500*time.Millisecond)
				if err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(0, "ns/op")
				b.ReportMetric(rate.PerSecond(), "sign/s")
				if len(c.mix) > 1 {
					b.ReportMetric(rate.UnitsPerSecond(), "cards/s")
				}
			})
		}
	}
}

// BenchmarkKey measures Key.Sign itself: hashing, the queue and the pool around the same calls.
func BenchmarkKey(b *testing.B) {
	token := openToken(b, hsm.Config{ReadWrite: true})
	for kind, scheme := range map[sigalg.KeyType]sigalg.Scheme{sigalg.R2048: sigalg.RSAPKCS1SHA256, sigalg.E256: sigalg.ECDSASHA256} {
		id, _ := newKey(b, token, kind)
		key, err := token.Key(b.Context(), id)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(kind.String(), func(b *testing.B) {
			message := make([]byte, 1000) // about a certificate
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := key.Sign(b.Context(), scheme, message); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "sign/s")
		})
	}
}
