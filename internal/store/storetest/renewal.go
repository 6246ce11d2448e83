package storetest

import (
	"reflect"
	"slices"

	"github.com/siegel-pki/siegel/ca"
)

// What an order that renews shares with the order that made the card, and what it cannot have.
var renewalCases = []testCase{
	{"a renewal is complete beside its card", func(b *bench) {
		card := b.issue(NewIntent(1, 1))
		b.isRenewal(b.issue(NewRenewal(1, 1, 1)), 1)
		if got, err := b.store.Card(b.ctx, card.ICCSN); err != nil || !reflect.DeepEqual(got, card) {
			b.Errorf("Card = %+v, %v, want the card as it was made, %+v", got, err, card)
		}
		if got := b.order(card.OrderID).Card; !reflect.DeepEqual(got, card) {
			b.Errorf("Order = %+v, want the card as it was made, %+v", got, card)
		}
	}},
	{"renewals are numbered as they are recorded", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.issue(NewIntent(2, 1))
		for _, i := range []int{1, 2, 3} {
			b.intend(NewRenewal(1, i, 1))
		}
		b.isRenewal(b.complete(NewRenewal(1, 3, 1)), 3)
		b.isRenewal(b.complete(NewRenewal(1, 1, 1)), 1)
		b.isRenewal(b.issue(NewRenewal(2, 1, 1)), 1)
		b.isRenewal(b.complete(NewRenewal(1, 2, 1)), 2)
	}},
	{"a renewal keeps its number at the next attempt", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.intend(NewRenewal(1, 1, 1))
		b.abandon(NewRenewal(1, 1, 1))
		b.isRenewal(b.issue(NewRenewal(1, 2, 1)), 2)
		b.isRenewal(b.issue(NewRenewal(1, 1, 2)), 1)
	}},
	{"a renewal may come from another issuer", func(b *bench) {
		b.issue(NewIntent(1, 1))
		in := NewRenewal(1, 1, 1)
		in.Drafts[0].Issuer = otherCVC
		b.isRenewal(b.issue(in), 1)
		b.isRenewal(b.issue(NewRenewal(1, 2, 1)), 2)
	}},
	{"the rules of an order hold for its id", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.intend(NewRenewal(1, 1, 1))
		b.refusesIntent(ca.ErrAttemptOpen, NewRenewal(1, 1, 2))
		other := NewRenewal(1, 1, 2)
		other.OrderHash[0] ^= 1
		b.refusesIntent(ca.ErrOrderDiffers, other)
		b.complete(NewRenewal(1, 1, 1))
		b.refusesIntent(ca.ErrOrderComplete, NewRenewal(1, 1, 2))
	}},
	{"what it renews must be a card of the same ICCSN, card type and sector", func(b *bench) {
		b.refusesIntent(ca.ErrNotRenewable, NewRenewal(1, 1, 1))
		b.intend(NewIntent(1, 1))
		b.refusesIntent(ca.ErrNotRenewable, NewRenewal(1, 1, 1))
		b.complete(NewIntent(1, 1))
		for _, spoil := range []func(in *ca.Intent){
			func(in *ca.Intent) { in.ICCSN = NewIntent(2, 1).ICCSN },
			func(in *ca.Intent) { in.CardType = "smcb-g2.0" },
			func(in *ca.Intent) { in.Sector = "pharmacy" },
			func(in *ca.Intent) { in.Renews = in.OrderID },
		} {
			in := NewRenewal(1, 1, 1)
			spoil(in)
			b.refusesIntent(ca.ErrNotRenewable, in)
		}
		b.issue(NewRenewal(1, 1, 1))
		in := NewRenewal(1, 2, 1)
		in.Renews = NewRenewal(1, 1, 1).OrderID
		b.refusesIntent(ca.ErrNotRenewable, in)
	}},
	{"its key must be that of its slot of the card", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.issue(NewIntent(2, 1))
		for _, key := range [][32]byte{
			NewIntent(1, 1).Drafts[autECC].KeyIdentity, NewIntent(2, 1).Drafts[autrCVC].KeyIdentity, NewIntent(free, 1).Drafts[autrCVC].KeyIdentity,
		} {
			in := NewRenewal(1, 1, 1)
			in.Drafts[0].KeyIdentity = key
			b.refusesIntent(&ca.TakenError{What: ca.UniqueKey, Draft: 0}, in)
		}
		b.issue(NewIntent(free, 1)) // its key was not taken by the attempt to use it
	}},
	{"its CHR may not be that of another key", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.issue(NewIntent(2, 1))
		in := NewRenewal(1, 1, 1)
		in.Drafts[0].CHR = NewIntent(2, 1).Drafts[autrCVC].CHR
		b.refusesIntent(&ca.TakenError{What: ca.UniqueCHR, Draft: 0}, in)
	}},
	{"what a card has taken stays taken when it is renewed", func(b *bench) {
		b.issue(NewIntent(1, 1))
		b.issue(NewRenewal(1, 1, 1))
		takesNothing(b, &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}, iccsnOf(1))
		in := NewIntent(2, 1)
		keyOf(autrCVC, 1, autrCVC)(in)
		b.refusesIntent(&ca.TakenError{What: ca.UniqueKey, Draft: autrCVC}, in)
		in = NewIntent(2, 1)
		chrOf(1)(in)
		b.refusesIntent(&ca.TakenError{What: ca.UniqueCHR, Draft: autrCVC}, in)
	}},
	{"renewals of one card that race get all numbers", func(b *bench) {
		b.issue(NewIntent(1, 1))
		run(b, func(i int) error { return b.tryIntend(NewRenewal(1, i+1, 1)) })
		var got, want []int
		for i := range racers {
			got, want = append(got, b.complete(NewRenewal(1, i+1, 1)).Renewal), append(want, i+1)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			b.Errorf("the renewals have the numbers %v, want %v", got, want)
		}
	}},
	{"a renewal is there when the store is opened again", func(b *bench) {
		b.issue(NewIntent(1, 1))
		want := b.issue(NewRenewal(1, 1, 1))
		b.store = b.reopen(b.T)
		if got := b.order(want.OrderID).Card; !reflect.DeepEqual(got, want) {
			b.Errorf("Order = %+v, want %+v", got, want)
		}
	}},
}

// isRenewal holds a card that completed against the sample that it renews.
func (b *bench) isRenewal(got *ca.Card, number int) {
	b.Helper()
	if got.Renews == "" || got.Renewal != number || got.Certificates != 1 || got.Certs[0].Format != ca.CVC {
		b.Errorf("Complete = %+v, want renewal number %d with the CV certificate alone", got, number)
	}
	if again := b.order(got.OrderID).Card; !reflect.DeepEqual(again, got) {
		b.Errorf("Order = %+v, want %+v", again, got)
	}
}
