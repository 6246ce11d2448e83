package storetest

import (
	"reflect"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// How attempts end.
var endCases = []testCase{
	{"complete gives what makes the card that is read", func(b *bench) {
		in := NewIntent(1, 1)
		want := b.issue(in)
		if read, err := b.store.Card(b.ctx, in.ICCSN); err != nil || !reflect.DeepEqual(read, want) {
			b.Errorf("Card gave\n%+v, %v, want\n%+v", read, err, want)
		}
		state := b.order(in.OrderID)
		if wantState := (&ca.OrderState{ID: in.OrderID, Hash: in.OrderHash, First: in.Attempt, Card: want}); !reflect.DeepEqual(state, wantState) {
			b.Errorf("Order gave\n%+v, want\n%+v", state, wantState)
		}
	}},
	{"complete writes its entry and lists the card", func(b *bench) {
		in := NewIntent(1, 1)
		card := b.issue(in)
		all := b.contents()
		if len(all.Entries) != 2 || len(all.Open) != 0 {
			b.Fatalf("lists show %s, want 2 entries and no open attempt", all)
		}
		want := ca.StoredEntry{ID: card.EntryID, Entry: NewEntry(tlog.CardIssued, in)}
		if got := all.Entries[1]; !reflect.DeepEqual(got, want) {
			b.Errorf("entry is %+v, want %+v", got, want)
		}
		if want := []ca.CardSummary{card.CardSummary}; !reflect.DeepEqual(all.Cards, want) {
			b.Errorf("Cards = %+v, want %+v", all.Cards, want)
		}
	}},
	{"a card has the certificates of the attempt that completed", func(b *bench) {
		first, second := NewIntent(1, 1), NewIntent(1, 2)
		second.Warnings = []string{"only the second try was warned of"}
		b.intend(first)
		b.abandon(first)
		b.issue(second) // compares what is read with the second attempt
	}},
	{"a card without warnings has none", func(b *bench) {
		for order, none := range [][]string{nil, {}} {
			in := NewIntent(order+1, 1)
			in.Warnings = none
			if card := b.issue(in); card.Warnings != nil {
				b.Errorf("warnings are %q, want nil", card.Warnings)
			}
		}
	}},
	{"cards are numbered in the order of completion", func(b *bench) {
		for order := 1; order <= 3; order++ {
			b.intend(NewIntent(order, 1))
		}
		last := int64(0)
		for _, order := range []int{3, 1, 2} {
			card := b.complete(NewIntent(order, 1))
			if card.Number <= last {
				b.Errorf("card of order %d has number %d after %d", order, card.Number, last)
			}
			last = card.Number
		}
	}},
	{"complete refuses an unknown attempt", func(b *bench) {
		b.refused(ca.ErrNoAttempt, "Complete", func() error { return second(b.tryComplete(NewIntent(1, 1))) })
	}},
	{"complete is not repeated", func(b *bench) {
		in := NewIntent(1, 1)
		b.issue(in)
		b.refused(ca.ErrNoAttempt, "Complete", func() error { return second(b.tryComplete(in)) })
	}},
	{"an abandoned attempt cannot complete", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		b.abandon(in)
		b.refused(ca.ErrNoAttempt, "Complete", func() error { return second(b.tryComplete(in)) })
		if _, err := b.store.Card(b.ctx, in.ICCSN); !sameError(err, ca.ErrNotFound) {
			b.Errorf("Card = %v, want %v", err, ca.ErrNotFound)
		}
	}},
	{"complete refuses a certificate too few", func(b *bench) {
		refusesCompletion(b, func(done *ca.Completion) { done.Certificates = done.Certificates[1:] })
	}},
	{"complete refuses a certificate too many", func(b *bench) {
		refusesCompletion(b, func(done *ca.Completion) { done.Certificates = append(done.Certificates, []byte("one more")) })
	}},
	{"complete refuses no certificates", func(b *bench) {
		refusesCompletion(b, func(done *ca.Completion) { done.Certificates = nil })
	}},
	{"complete refuses an empty certificate", func(b *bench) {
		refusesCompletion(b, func(done *ca.Completion) { done.Certificates[autECC] = nil })
	}},
	{"complete refuses a time finer than a millisecond", func(b *bench) {
		refusesCompletion(b, func(done *ca.Completion) { done.At = done.At.Add(time.Microsecond) })
	}},
	{"abandon ends the attempt with its entry", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		b.abandon(in)
		want := &ca.OrderState{ID: in.OrderID, Hash: in.OrderHash, First: in.Attempt}
		if got := b.order(in.OrderID); !reflect.DeepEqual(got, want) {
			b.Errorf("Order = %+v, want %+v", got, want)
		}
		all := b.contents()
		if len(all.Entries) != 2 || len(all.Open) != 0 || len(all.Cards) != 0 {
			b.Fatalf("lists show %s, want two entries", all)
		}
		if got, want := all.Entries[1].Entry, NewEntry(tlog.AttemptAbandoned, in); !reflect.DeepEqual(got, want) {
			b.Errorf("entry is %+v, want %+v", got, want)
		}
	}},
	{"abandon refuses an unknown attempt", func(b *bench) {
		b.refused(ca.ErrNoAttempt, "Abandon", func() error { return b.tryAbandon(NewIntent(1, 1)) })
	}},
	{"abandon is not repeated", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		b.abandon(in)
		b.refused(ca.ErrNoAttempt, "Abandon", func() error { return b.tryAbandon(in) })
	}},
	{"a complete attempt cannot be abandoned", func(b *bench) {
		in := NewIntent(1, 1)
		card := b.issue(in)
		b.refused(ca.ErrNoAttempt, "Abandon", func() error { return b.tryAbandon(in) })
		if got, err := b.store.Card(b.ctx, in.ICCSN); err != nil || !reflect.DeepEqual(got, card) {
			b.Errorf("Card = %+v, %v, want %+v", got, err, card)
		}
	}},
	{"abandon refuses a time finer than a millisecond", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		b.refused(nil, "Abandon", func() error {
			return b.store.Abandon(b.ctx, in.Attempt, in.At.Add(time.Microsecond), NewEntry(tlog.AttemptAbandoned, in))
		})
	}},
}

// refusesCompletion spoils a completion. It must be refused whole, and the attempt must stay open and be able to complete.
func refusesCompletion(b *bench, spoil func(done *ca.Completion)) {
	b.Helper()
	in := NewIntent(1, 1)
	b.intend(in)
	done := NewCompletion(in)
	spoil(done)
	b.refused(nil, "Complete", func() error {
		return second(b.store.Complete(b.ctx, done, NewEntry(tlog.CardIssued, in)))
	})
	b.complete(in)
}

// second gives the error of a call that answers with something and an error.
func second[T any](_ T, err error) error { return err }
