package storetest

import (
	"reflect"

	"github.com/siegel-pki/siegel/ca"
)

// What a database keeps when its store is closed and opened again.
var keepCases = []testCase{
	{"all that the reads show", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.intend(NewIntent(2, 1))
		b.abandon(NewIntent(2, 1))
		b.intend(NewIntent(3, 1))
		lists := b.contents()
		var states []*ca.OrderState
		for order := 1; order <= 3; order++ {
			states = append(states, b.order(NewIntent(order, 1).OrderID))
		}
		b.store = b.reopen(b.T)
		if got := b.contents(); !reflect.DeepEqual(got, lists) {
			b.Errorf("lists show %+v, want %+v", got, lists)
		}
		for _, want := range states {
			if got := b.order(want.ID); !reflect.DeepEqual(got, want) {
				b.Errorf("Order = %+v, want %+v", got, want)
			}
		}
	}},
	{"an open attempt, which can then complete", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		b.store = b.reopen(b.T)
		b.refusesIntent(ca.ErrAttemptOpen, NewIntent(1, 2))
		b.complete(in)
	}},
	{"an open attempt, which can then be abandoned", func(b *bench) {
		in := NewIntent(1, 1)
		b.intend(in)
		b.store = b.reopen(b.T)
		b.abandon(in)
		b.issue(NewIntent(1, 2))
	}},
	{"what is taken", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.intend(NewIntent(2, 1))
		b.abandon(NewIntent(2, 1))
		b.store = b.reopen(b.T)
		for _, c := range []struct {
			spoil func(*ca.Intent)
			want  ca.TakenError
		}{
			{iccsnOf(1), ca.TakenError{What: ca.UniqueICCSN, Draft: -1}},
			{keyOf(autECC, 1, autECC), ca.TakenError{What: ca.UniqueKey, Draft: autECC}},
			{serialOf(autRSA, 2, 1), ca.TakenError{What: ca.UniqueSerial, Draft: autRSA}},
			{chrOf(2), ca.TakenError{What: ca.UniqueCHR, Draft: autrCVC}},
		} {
			in := NewIntent(free, 1)
			c.spoil(in)
			b.refusesIntent(&c.want, in)
		}
	}},
	{"the order of ids and numbers", func(b *bench) {
		before := b.issue(NewIntent(1, 1))
		b.store = b.reopen(b.T)
		after := b.issue(NewIntent(2, 1))
		if after.Number <= before.Number || after.EntryID <= before.EntryID {
			b.Errorf("card %d with entry %d comes after card %d with entry %d", after.Number, after.EntryID, before.Number, before.EntryID)
		}
	}},
}
