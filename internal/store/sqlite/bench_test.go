package sqlite_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// BenchmarkCard measures Intend and Complete of whole cards of smcb-g2.1 (nine certificates of a thousand octets), for one caller
// and for many who share commits. verbs/s counts both verbs.
func BenchmarkCard(b *testing.B) {
	for _, callers := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := ready(b, filepath.Join(b.TempDir(), "siegel.db"))
			var order atomic.Int64
			run(b, callers, func() error { return issue(b, s, fullCard(int(order.Add(1)))) })
			b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "verbs/s")
		})
	}
}

// BenchmarkAppend measures the smallest verb that writes.
func BenchmarkAppend(b *testing.B) {
	entry := storetest.NewEntry(tlog.ServerStarted, storetest.NewIntent(1, 1))
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := ready(b, filepath.Join(b.TempDir(), "siegel.db"))
			run(b, callers, func() error {
				_, err := s.Append(b.Context(), entry)
				return err
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "verbs/s")
		})
	}
}

// BenchmarkRead measures the read of a whole card.
func BenchmarkRead(b *testing.B) {
	s := ready(b, filepath.Join(b.TempDir(), "siegel.db"))
	in := fullCard(1)
	if err := issue(b, s, in); err != nil {
		b.Fatal(err)
	}
	run(b, 8, func() error {
		_, err := s.Card(b.Context(), in.ICCSN)
		return err
	})
}

// run makes b.N calls from a number of callers, and reports the CPU time of one, which the load of the machine changes less than it
// changes the time that passes.
func run(b *testing.B, callers int, call func() error) {
	b.Helper()
	b.ResetTimer()
	began := cpuTime(b)
	defer func() { b.ReportMetric(float64((cpuTime(b)-began).Microseconds())/float64(b.N), "cpu-µs/op") }()
	left := atomic.Int64{}
	left.Store(int64(b.N))
	done := make(chan error)
	for range callers {
		go func() {
			var err error
			for err == nil && left.Add(-1) >= 0 {
				err = call()
			}
			done <- err
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			b.Error(err)
		}
	}
	b.StopTimer()
}

// cpuTime is what the process has used of the processors.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

func issue(b *testing.B, s *sqlite.Store, in *ca.Intent) error {
	if err := s.Intend(b.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)); err != nil {
		return err
	}
	_, err := s.Complete(b.Context(), storetest.NewCompletion(in), storetest.NewEntry(tlog.CardIssued, in))
	return err
}

// fullCard gives a sample intent the size of a real one.
func fullCard(order int) *ca.Intent {
	in := storetest.NewIntent(order, 1)
	aut := in.Drafts[1]
	for i := len(in.Drafts); i < 9; i++ {
		d := aut
		d.Slot = fmt.Sprintf("%s-%d", d.Slot, i)
		d.KeyIdentity = sha256.Sum256(fmt.Append(nil, order, i))
		serial := d.KeyIdentity
		serial[0] = 1 // positive, and no leading zeros
		d.Serial, _ = pkix.NewSerial(serial[:16])
		in.Drafts = append(in.Drafts, d)
	}
	for i := range in.Drafts {
		in.Drafts[i].Body = append(in.Drafts[i].Body, bytes.Repeat([]byte{byte(i)}, 950)...)
	}
	return in
}
