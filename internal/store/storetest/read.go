package storetest

import (
	"context"
	"fmt"
	"reflect"
	"slices"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// What the reads show, and what a caller's context does.
var readCases = []testCase{
	{"an empty store", func(b *bench) {
		if all := b.contents(); len(all.Entries)+len(all.Cards)+len(all.Open) != 0 {
			b.Errorf("lists show %s, want nothing", all)
		}
		if _, err := b.store.Order(b.ctx, "order-1"); !sameError(err, ca.ErrNotFound) {
			b.Errorf("Order = %v, want %v", err, ca.ErrNotFound)
		}
		if _, err := b.store.Card(b.ctx, "80276001010000000001"); !sameError(err, ca.ErrNotFound) {
			b.Errorf("Card = %v, want %v", err, ca.ErrNotFound)
		}
	}},
	{"a card is invisible until it is complete", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		if _, err := b.store.Card(b.ctx, in.ICCSN); !sameError(err, ca.ErrNotFound) {
			b.Errorf("Card = %v, want %v", err, ca.ErrNotFound)
		}
		if card := b.order(in.OrderID).Card; card != nil {
			b.Errorf("Order shows card %+v, want none", card)
		}
		if cards := b.contents().Cards; len(cards) != 0 {
			b.Errorf("Cards = %+v, want none", cards)
		}
	}},
	{"an entry keeps its octets", func(b *bench) {
		in := NewIntent(1, 1)
		e := NewEntry(tlog.ServerStarted, in)
		e.Facts = []byte("{ \"b\" : 1,\n\t\"a\":\"\\u0000 ä \U0001F512\" ,\"a\":2.50}")
		e.Personal = []byte("{\"name\":\"Ärztehaus \\\"Süd\\\"\"  }")
		id, err := b.store.Append(b.ctx, e)
		if err != nil {
			b.Fatalf("Append = %v, want nil", err)
		}
		if got, want := b.contents().Entries, []ca.StoredEntry{{ID: id, Entry: e}}; !reflect.DeepEqual(got, want) {
			b.Errorf("Entries = %+v, want %+v", got, want)
		}
	}},
	{"an entry without personal data has none", func(b *bench) {
		e := NewEntry(tlog.ServerStarted, NewIntent(1, 1))
		e.Personal, e.Salt = nil, nil
		if _, err := b.store.Append(b.ctx, e); err != nil {
			b.Fatalf("Append = %v, want nil", err)
		}
		if got := b.contents().Entries[0]; got.Personal != nil || got.Salt != nil {
			b.Errorf("personal data are %q with salt %x, want nil", got.Personal, got.Salt)
		}
	}},
	{"entries ascend and come in pages", func(b *bench) {
		var want []int64
		for i := range 7 {
			id, err := b.store.Append(b.ctx, NewEntry(tlog.ServerStarted, NewIntent(i, 1)))
			if err != nil {
				b.Fatalf("Append = %v, want nil", err)
			}
			want = append(want, id)
		}
		if !slices.IsSorted(want) || slices.Compact(slices.Clone(want))[0] < 1 {
			b.Errorf("ids are %v, want ascending from 1 or more", want)
		}
		comesInPages(b, want, func(after int64, limit int) (ids []int64, err error) {
			list, err := b.store.Entries(b.ctx, max(after, b.begun), limit)
			for _, e := range list {
				ids = append(ids, e.ID)
			}
			return ids, err
		})
	}},
	{"cards ascend and come in pages", func(b *bench) {
		var want []int64
		for order := range 7 {
			want = append(want, b.issue(NewIntent(order, 1)).Number)
		}
		comesInPages(b, want, func(after int64, limit int) (numbers []int64, err error) {
			list, err := b.store.Cards(b.ctx, after, limit)
			for _, c := range list {
				numbers = append(numbers, c.Number)
			}
			return numbers, err
		})
	}},
	{"open attempts come oldest first", func(b *bench) {
		for _, order := range []int{4, 2, 3, 1, 5} {
			b.intend(NewIntent(order, 1))
		}
		b.complete(NewIntent(2, 1))
		b.abandon(NewIntent(1, 1))
		var got []string
		for _, a := range b.contents().Open {
			got = append(got, a.OrderID)
		}
		if want := []string{"order-4", "order-3", "order-5"}; !slices.Equal(got, want) {
			b.Errorf("open attempts are of %v, want %v", got, want)
		}
	}},
	{"a context that has ended changes nothing", func(b *bench) {
		open, other := NewIntent(1, 1), NewIntent(2, 1)
		b.intend(open)
		live := b.ctx
		ended, cancel := context.WithCancel(live)
		cancel()
		for verb, call := range map[Verb]func() error{
			Intend: func() error { return b.store.Intend(ended, other, NewEntry(tlog.OrderRecorded, other)) },
			Complete: func() error {
				return second(b.store.Complete(ended, NewCompletion(open), NewEntry(tlog.CardIssued, open)))
			},
			Abandon: func() error {
				return b.store.Abandon(ended, open.Attempt, open.At, NewEntry(tlog.AttemptAbandoned, open))
			},
			AddIssuer: func() error {
				issuer := NewIssuer("new", profiles.SMCBCA)
				return b.store.AddIssuer(ended, issuer, NewIssuerEntry(issuer))
			},
			Append: func() error {
				_, err := b.store.Append(ended, NewEntry(tlog.ServerStarted, open))
				return err
			},
		} {
			b.refused(context.Canceled, string(verb), call)
		}
		b.complete(open)
		b.issue(other)
	}},
	{"a context that has ended ends reads", func(b *bench) {
		in := NewIntent(1, 1)
		b.issue(in)
		ended, cancel := context.WithCancel(b.ctx)
		cancel()
		for verb, call := range map[Verb]func() error{
			Issuers:        func() error { _, err := b.store.Issuers(ended); return err },
			Order:          func() error { _, err := b.store.Order(ended, in.OrderID); return err },
			Card:           func() error { _, err := b.store.Card(ended, in.ICCSN); return err },
			Cards:          func() error { _, err := b.store.Cards(ended, 0, 1); return err },
			OpenAttempts:   func() error { _, err := b.store.OpenAttempts(ended); return err },
			Entries:        func() error { _, err := b.store.Entries(ended, 0, 1); return err },
			WaitingOrders:  func() error { _, err := b.store.WaitingOrders(ended, "", 1); return err },
			CountOutliving: func() error { _, err := b.store.CountOutliving(ended, in.At); return err },
		} {
			b.refused(context.Canceled, string(verb), call)
		}
	}},
}

// comesInPages reads a list of ascending ids whole and in pages of every size.
func comesInPages(b *bench, want []int64, read func(after int64, limit int) ([]int64, error)) {
	b.Helper()
	for limit := 1; limit <= len(want)+1; limit++ {
		var got []int64
		for after := int64(0); ; {
			ids, err := read(after, limit)
			if err != nil {
				b.Fatalf("read %d after %d: %v", limit, after, err)
			}
			if len(ids) > limit {
				b.Fatalf("read %d after %d: got %d", limit, after, len(ids))
			}
			if len(ids) == 0 {
				break
			}
			got = append(got, ids...)
			after = ids[len(ids)-1]
		}
		if !slices.Equal(got, want) {
			b.Errorf("in pages of %d: got %v, want %v", limit, got, want)
		}
	}
	for _, limit := range []int{0, -1} {
		b.refused(nil, fmt.Sprintf("a page of %d", limit), func() error { _, err := read(0, limit); return err })
	}
}
