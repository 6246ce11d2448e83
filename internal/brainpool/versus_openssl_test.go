//go:build unix

package brainpool

import (
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BenchmarkVersusOpenSSL measures ours and OpenSSL's in turns, in processor time, and reports the best turn of each: signatures per
// second on one core, and how many times as fast as OpenSSL we are. So other programs on the machine disturb it little.
func BenchmarkVersusOpenSSL(b *testing.B) {
	const turns, turn = 4, 100 * time.Millisecond
	second := newOpenSSL(b)
	for _, c := range refCurves {
		key, digest, sig := c.sample(b)
		verifier := NewVerifier(key)
		b.Run(c.Name(), func(b *testing.B) {
			var openssl, plain, tabled float64
			for b.Loop() {
				for range turns {
					openssl = max(openssl, second.rate(b, c.Name(), turn))
					plain = max(plain, rate(b, turn, func() bool { return key.Verify(digest, sig) }))
					tabled = max(tabled, rate(b, turn, func() bool { return verifier.Verify(digest, sig) }))
				}
			}
			b.ReportMetric(0, "ns/op") // a turn's length says nothing
			b.ReportMetric(openssl, "OpenSSL-verify/s")
			b.ReportMetric(plain, "PublicKey-verify/s")
			b.ReportMetric(tabled, "Verifier-verify/s")
			b.ReportMetric(plain/openssl, "ratio-PublicKey")
			b.ReportMetric(tabled/openssl, "ratio-Verifier")
		})
	}
}

// rate gives how often a verification that must succeed runs in a second of processor time.
func rate(b *testing.B, turn time.Duration, verify func() bool) float64 {
	start, count := processorTime(b), 0
	for {
		for range 16 {
			if !verify() {
				b.Fatal("a genuine signature is not valid")
			}
		}
		count += 16
		if spent := processorTime(b) - start; spent >= turn {
			return float64(count) / spent.Seconds()
		}
	}
}

// processorTime is what this process has used.
func processorTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// rate is OpenSSL's, in its own processor time.
func (o openssl) rate(b *testing.B, curve string, turn time.Duration) float64 {
	lines := o.run(b, nil, "bench", curve, strconv.FormatFloat(turn.Seconds(), 'f', -1, 64))
	perSecond, err := strconv.ParseFloat(lines[0], 64)
	if err != nil {
		b.Fatalf("OpenSSL's rate: %v", err)
	}
	return perSecond
}
