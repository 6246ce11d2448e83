package storetest

import (
	"reflect"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// What Intend records, and which attempts an order may have.
var intendCases = []testCase{
	{"records order, attempt and entry", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		open := ca.OpenAttempt{ID: in.Attempt, OrderID: in.OrderID, ICCSN: in.ICCSN, At: in.At}
		wantState := &ca.OrderState{ID: in.OrderID, Hash: in.OrderHash, First: in.Attempt, Open: &open}
		if got := b.order(in.OrderID); !reflect.DeepEqual(got, wantState) {
			b.Errorf("Order = %+v, want %+v", got, wantState)
		}
		all := b.contents()
		want := contents{
			Issuers: all.Issuers,
			Entries: []ca.StoredEntry{{ID: all.Entries[0].ID, Entry: NewEntry(tlog.OrderRecorded, in)}},
			Open:    []ca.OpenAttempt{open},
		}
		if !reflect.DeepEqual(all, want) {
			b.Errorf("lists show %+v, want %+v", all, want)
		}
	}},
	{"tells the first attempt, however many follow", func(b *bench) {
		b.intend(NewIntent(2, 1))
		first := NewIntent(1, 1).Attempt
		check := func(when string) {
			b.Helper()
			if got := b.order("order-1").First; got != first {
				b.Errorf("%s: first attempt is %s, want %s", when, got, first)
			}
		}
		for try := 1; try <= 3; try++ {
			b.intend(NewIntent(1, try))
			check("open")
			b.abandon(NewIntent(1, try))
			check("abandoned")
		}
		b.issue(NewIntent(1, 4))
		check("complete")
		first = NewIntent(3, 1).Attempt
		b.issue(NewIntent(3, 1))
		if got := b.order("order-3").First; got != first {
			b.Errorf("complete at once: first attempt is %s, want %s", got, first)
		}
	}},
	{"is not repeated for the same attempt", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.refusesIntent(ca.ErrAttemptOpen, NewIntent(1, 1))
	}},
	{"refuses a second open attempt", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.refusesIntent(ca.ErrAttemptOpen, NewIntent(1, 2))
	}},
	{"allows a new attempt after an abandoned one", func(b *bench) {
		first, second := NewIntent(1, 1), NewIntent(1, 2)
		b.intend(first)
		b.abandon(first)
		b.intend(second)
		if got := b.order(second.OrderID).Open; got == nil || got.ID != second.Attempt {
			b.Errorf("open attempt is %+v, want %s", got, second.Attempt)
		}
		b.complete(second)
	}},
	{"refuses a complete order", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.refusesIntent(ca.ErrOrderComplete, NewIntent(1, 2))
	}},
	{"refuses other content while an attempt is open", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.refusesIntent(ca.ErrOrderDiffers, otherContent(NewIntent(1, 2)))
	}},
	{"refuses other content after an abandoned attempt", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		b.refusesIntent(ca.ErrOrderDiffers, otherContent(NewIntent(1, 2)))
	}},
	{"refuses other content for a complete order", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.refusesIntent(ca.ErrOrderDiffers, otherContent(NewIntent(1, 2)))
	}},
	{"says that the content differs before it says what is taken", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.issue(NewIntent(2, 1))
		in := NewIntent(2, 2)
		in.OrderID = NewIntent(1, 1).OrderID
		b.refusesIntent(ca.ErrOrderDiffers, in)
	}},
	{"refuses an attempt id of another order", func(b *bench) {
		b.intend(NewIntent(1, 1))
		in := NewIntent(2, 1)
		in.Attempt = NewIntent(1, 1).Attempt
		b.refusesIntent(nil, in)
	}},
	{"refuses the id of an abandoned attempt", func(b *bench) {
		b.intend(NewIntent(1, 1))
		b.abandon(NewIntent(1, 1))
		in := NewIntent(1, 2)
		in.Attempt = NewIntent(1, 1).Attempt
		b.refusesIntent(nil, in)
	}},
}

// otherContent gives the intent another order of the same id.
func otherContent(in *ca.Intent) *ca.Intent {
	in.OrderJSON = append(in.OrderJSON, '\n')
	in.OrderHash = [32]byte(digest("other content", in.OrderID))
	return in
}
