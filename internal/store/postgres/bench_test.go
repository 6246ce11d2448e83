package postgres_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// BenchmarkCard measures Intend and Complete of whole cards of smcb-g2.1 (nine certificates of a thousand octets), for one caller
// and for many who share commits. verbs/s counts both verbs.
func BenchmarkCard(b *testing.B) {
	for _, callers := range []int{1, 8, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := ready(b, newDatabase(b, cluster))
			var order atomic.Int64
			run(b, callers, func() error { return tryIssue(b.Context(), s, fullCard(int(order.Add(1)))) })
			b.ReportMetric(2*float64(b.N)/b.Elapsed().Seconds(), "verbs/s")
		})
	}
}

// BenchmarkAppend measures the smallest verb that writes.
func BenchmarkAppend(b *testing.B) {
	entry := storetest.NewEntry(tlog.ServerStarted, storetest.NewIntent(1, 1))
	for _, callers := range []int{1, 32} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s := ready(b, newDatabase(b, cluster))
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
	s := ready(b, newDatabase(b, cluster))
	in := fullCard(1)
	issue(b, s, in)
	run(b, 8, func() error {
		_, err := s.Card(b.Context(), in.ICCSN)
		return err
	})
}

// run makes b.N calls from a number of callers.
func run(b *testing.B, callers int, call func() error) {
	b.Helper()
	b.ResetTimer()
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

func tryIssue(ctx context.Context, s *postgres.Store, in *ca.Intent) error {
	if err := s.Intend(ctx, in, storetest.NewEntry(tlog.OrderRecorded, in)); err != nil {
		return err
	}
	_, err := s.Complete(ctx, storetest.NewCompletion(in), storetest.NewEntry(tlog.CardIssued, in))
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
