package storetest

import (
	"fmt"
	"reflect"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/ca"
)

// What a change of the algorithm policy asks of a store: which orders wait, and how many certificates outlive a day.
var reviewCases = []testCase{
	{"an empty store has nothing to review", func(b *bench) {
		if got := b.waiting("", 10); len(got) != 0 {
			b.Errorf("WaitingOrders = %+v, want none", got)
		}
		if got := b.outliving(start); len(got) != 0 {
			b.Errorf("CountOutliving = %+v, want none", got)
		}
	}},
	{"orders wait until they have a card", func(b *bench) {
		open, dead, again, issued := NewIntent(4, 1), NewIntent(1, 1), NewIntent(3, 1), NewIntent(2, 1)
		b.intend(open)
		b.intend(dead)
		b.abandon(dead)
		b.intend(again)
		b.abandon(again)
		b.intend(issued)
		b.abandon(issued)
		retried := NewIntent(3, 2)
		retried.Drafts[autRSA].Issuer = otherX509
		b.intend(retried)
		b.issue(NewIntent(2, 2))
		want := []ca.WaitingOrder{waiting(dead, dead, false), waiting(again, retried, true), waiting(open, open, true)}
		if got := b.waiting("", 10); !reflect.DeepEqual(got, want) {
			b.Errorf("WaitingOrders = %+v, want %+v", got, want)
		}
		b.abandon(retried)
		want[1].Open = false
		if got := b.waiting("", 10); !reflect.DeepEqual(got, want) {
			b.Errorf("after the second attempt was abandoned: WaitingOrders = %+v, want %+v", got, want)
		}
		b.complete(open)
		if got := b.waiting("", 10); !reflect.DeepEqual(got, want[:2]) {
			b.Errorf("after a completion: WaitingOrders = %+v, want %+v", got, want[:2])
		}
	}},
	{"waiting orders come in pages", func(b *bench) {
		var want []string
		for order := range 7 {
			in := NewIntent(order, 1)
			b.intend(in)
			if order%2 == 0 {
				b.abandon(in)
			}
			want = append(want, in.OrderID)
		}
		for limit := 1; limit <= len(want)+1; limit++ {
			var got []string
			for after := ""; ; after = got[len(got)-1] {
				page := b.waiting(after, limit)
				if len(page) > limit {
					b.Fatalf("WaitingOrders gives %d orders, limit %d", len(page), limit)
				}
				if len(page) == 0 {
					break
				}
				for _, o := range page {
					got = append(got, o.OrderID)
				}
			}
			if !slices.Equal(got, want) {
				b.Errorf("in pages of %d: %v, want %v", limit, got, want)
			}
		}
		for _, limit := range []int{0, -1} {
			b.refused(nil, fmt.Sprintf("a page of %d", limit), func() error { _, err := b.store.WaitingOrders(b.ctx, "", limit); return err })
		}
	}},
	{"only issued certificates outlive a day", func(b *bench) {
		long, short := NewIntent(1, 1), NewIntent(2, 1)
		for i := range short.Drafts {
			short.Drafts[i].NotAfter = start.AddDate(1, 0, 0).Add(-time.Second)
		}
		b.issue(long)
		b.issue(short)
		b.intend(NewIntent(3, 1))
		dead := NewIntent(4, 1)
		b.intend(dead)
		b.abandon(dead)
		end := short.Drafts[0].NotAfter
		for _, c := range []struct {
			instant time.Time
			count   int64
		}{
			{start, 2}, {end.Add(-time.Second), 2}, {end, 1}, {long.Drafts[0].NotAfter.Add(-time.Second), 1}, {long.Drafts[0].NotAfter, 0},
		} {
			var want []ca.CertificateCount
			for _, position := range []int{autrCVC, autRSA, autECC} { // by issuer
				if c.count > 0 {
					want = append(want, ca.CertificateCount{AlgorithmsUsed: usedBy(&long.Drafts[position]), Certificates: c.count})
				}
			}
			if got := b.outliving(c.instant); !reflect.DeepEqual(got, want) {
				b.Errorf("CountOutliving(%s) = %+v, want %+v", c.instant, got, want)
			}
		}
	}},
}

func (b *bench) waiting(after string, limit int) []ca.WaitingOrder {
	b.Helper()
	orders, err := b.store.WaitingOrders(b.ctx, after, limit)
	if err != nil {
		b.Fatalf("WaitingOrders = %v, want nil", err)
	}
	return orders
}

func (b *bench) outliving(instant time.Time) []ca.CertificateCount {
	b.Helper()
	counts, err := b.store.CountOutliving(b.ctx, instant)
	if err != nil {
		b.Fatalf("CountOutliving = %v, want nil", err)
	}
	return counts
}

// waiting gives what is to be seen of an order whose first and latest attempts are these.
func waiting(first, latest *ca.Intent, open bool) ca.WaitingOrder {
	o := ca.WaitingOrder{OrderID: first.OrderID, CardType: first.CardType, Sector: first.Sector, RecordedAt: first.At, Open: open}
	for i := range latest.Drafts {
		o.Drafts = append(o.Drafts, usedBy(&latest.Drafts[i]))
	}
	return o
}

func usedBy(d *ca.Draft) ca.AlgorithmsUsed {
	return ca.AlgorithmsUsed{Slot: d.Slot, Profile: d.Profile, Issuer: d.Issuer, Scheme: d.Scheme}
}
