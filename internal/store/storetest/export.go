package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// about appends an entry whose facts name a chip, at so many minutes after the start of the samples.
func (b *logBench) about(iccsn string, minute int) {
	b.Helper()
	_, err := b.Append(b.ctx, tlog.Entry{Kind: tlog.CardIssued, At: start.Add(time.Duration(minute) * time.Minute), Actor: "line-1",
		Facts: fmt.Appendf(nil, `{"order_id":"x","iccsn":%q}`, iccsn)})
	if err != nil {
		b.Fatalf("Append = %v, want nil", err)
	}
}

// exportCases are those of ca.ExportStore.
var exportCases = []logCase{
	{"only signed heads are shown", func(b *logBench) {
		for _, size := range []int64{0, 1} {
			if _, err := b.SignedHead(b.ctx, size); !errors.Is(err, ca.ErrNotFound) {
				b.Errorf("SignedHead(%d) of an empty log = %v, want %v", size, err, ca.ErrNotFound)
			}
		}
		b.record(4)
		for range 3 {
			b.integrate(b.batch(1))
		}
		for _, size := range []int64{1, 2} {
			if err := b.Publish(b.ctx, size, fmt.Appendf(nil, "head of %d", size)); err != nil {
				b.Fatal(err)
			}
		}
		for asked, want := range map[int64]int64{0: 2, 1: 1, 2: 2} {
			head, err := b.SignedHead(b.ctx, asked)
			if err != nil || head.Size != want || string(head.Checkpoint) != fmt.Sprintf("head of %d", want) || !head.At.Equal(start) {
				b.Errorf("SignedHead(%d) = %+v, %v, want that of %d", asked, head, err, want)
			}
		}
		if _, err := b.SignedHead(b.ctx, 3); !errors.Is(err, ca.ErrNotFound) {
			b.Errorf("SignedHead(3), which is not signed = %v, want %v", err, ca.ErrNotFound)
		}
	}},
	{"leaves come with what stands beside them", func(b *logBench) {
		b.record(3)
		b.integrate(b.batch(3))
		b.record(1)
		want, err := b.Sequenced(b.ctx, 0, 10)
		if err != nil {
			b.Fatal(err)
		}
		got, err := b.Leaves(b.ctx, 0, 10)
		if err != nil || len(got) != 3 {
			b.Fatalf("Leaves gave %d, %v, want 3", len(got), err)
		}
		for i, l := range got {
			e := want[i].Entry
			want[i].Entry = e.Erase()
			if !reflect.DeepEqual(l, ca.StoredLeaf{SequencedEntry: want[i], Personal: e.Personal, Salt: e.Salt}) {
				b.Errorf("leaf %d is %+v, want %+v", i, l, want[i])
			}
		}
		if got, err := b.Leaves(b.ctx, 2, 1); err != nil || len(got) != 1 || got[0].LeafIndex != 2 {
			b.Errorf("Leaves(2, 1) = %+v, %v, want leaf 2", got, err)
		}
		if _, err := b.Leaves(b.ctx, 0, 0); err == nil {
			b.Error("Leaves took limit 0")
		}
	}},
	{"leaves are found by chip and by time", func(b *logBench) {
		chips := []string{"80276001010000000001", "80276001010000000002"}
		for minute := range 6 {
			b.about(chips[minute%2], minute)
			b.integrate(b.batch(1))
		}
		b.about(chips[0], 6) // has no place
		for i, want := range [][]int64{{0, 2, 4}, {1, 3, 5}} {
			if got, err := b.LeavesAbout(b.ctx, chips[i]); err != nil || !slices.Equal(got, want) {
				b.Errorf("LeavesAbout(%s) = %v, %v, want %v", chips[i], got, err, want)
			}
		}
		if got, err := b.LeavesAbout(b.ctx, "80276001010000000003"); err != nil || len(got) != 0 {
			b.Errorf("LeavesAbout an unknown chip = %v, %v, want none", got, err)
		}
		at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
		for _, c := range []struct {
			from, until time.Time
			first, end  int64
		}{
			{at(0), at(60), 0, 6}, {at(2), at(4), 2, 4}, {at(2).Add(1), at(4).Add(1), 3, 5},
			{time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC), 0, 6},
		} {
			if first, end, err := b.LeavesBetween(b.ctx, c.from, c.until); err != nil || first != c.first || end != c.end {
				b.Errorf("LeavesBetween(%s, %s) = %d, %d, %v, want %d, %d", c.from, c.until, first, end, err, c.first, c.end)
			}
		}
		if first, end, err := b.LeavesBetween(b.ctx, at(6), at(7)); err != nil || first != end {
			b.Errorf("LeavesBetween with nothing = %d, %d, %v, want none", first, end, err)
		}
	}},
	{"leaves of cards have certificates", func(b *logBench) {
		if err := AddIssuers(b.ctx, b); err != nil {
			b.Fatal(err)
		}
		var want []ca.LeafCertificate
		for order := range 2 {
			in := NewIntent(order, 1)
			done := NewCompletion(in)
			if err := b.Intend(b.ctx, in, NewEntry(tlog.OrderRecorded, in)); err != nil {
				b.Fatal(err)
			}
			card, err := b.Complete(b.ctx, done, NewEntry(tlog.CardIssued, in))
			if err != nil {
				b.Fatal(err)
			}
			b.integrate(b.batch(100))
			in2, err := b.Leaves(b.ctx, 0, 100)
			if err != nil {
				b.Fatal(err)
			}
			place := slices.IndexFunc(in2, func(l ca.StoredLeaf) bool { return l.ID == card.EntryID })
			for _, data := range done.Certificates {
				want = append(want, ca.LeafCertificate{LeafIndex: int64(place), Data: data})
			}
		}
		if got, err := b.LeafCertificates(b.ctx, 0, 100); err != nil || !reflect.DeepEqual(got, want) {
			b.Errorf("LeafCertificates = %v, %v, want %v", got, err, want)
		}
		second := want[slots].LeafIndex
		if got, err := b.LeafCertificates(b.ctx, second, second+1); err != nil || !reflect.DeepEqual(got, want[slots:]) {
			b.Errorf("LeafCertificates of the second card = %v, %v, want %v", got, err, want[slots:])
		}
	}},
	{"a tile that is not there is damage", func(b *logBench) {
		b.record(1)
		b.integrate(b.batch(1))
		if _, err := b.Tiles(b.ctx, []tlog.TileID{{Level: 0, Index: 0, Width: 2}}); !errors.Is(err, tlog.ErrDamaged) {
			b.Errorf("Tiles wider than the tree = %v, want %v", err, tlog.ErrDamaged)
		}
	}},
}
