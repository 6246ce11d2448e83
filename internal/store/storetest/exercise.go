package storetest

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Opener gives a store on a new and empty database, and a function that closes the store last given and opens the same database
// again. What it gives is closed by t.Cleanup.
type Opener func(t *testing.T) (store ca.Store, reopen func(t *testing.T) ca.Store)

// Exercise runs the contract of ca.Store, case by case, each on a database of its own and in parallel. After each case it sweeps
// over the database (Check).
func Exercise(t *testing.T, open Opener) {
	n := 0
	for _, story := range []struct {
		name  string
		cases []testCase
	}{
		{"issuers", issuerCases},
		{"intend", intendCases},
		{"take", takeCases},
		{"malformed", malformedCases()},
		{"five years", fiveYearCases()},
		{"renewal", renewalCases},
		{"end", endCases},
		{"read", readCases},
		{"review", reviewCases},
		{"race", raceCases},
		{"keep", keepCases},
		{"approvals", approvalCases},
		{"key sessions", sessionCases},
	} {
		n += len(story.cases)
		t.Run(story.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range story.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					store, reopen := open(t)
					b := &bench{T: t, ctx: t.Context(), store: store, reopen: reopen}
					b.addIssuers()
					c.run(b)
					if err := Check(b.ctx, b.store); err != nil {
						t.Errorf("after the case: %v", err)
					}
				})
			}
		})
	}
	t.Logf("%d cases", n)
}

type testCase struct {
	name string
	run  func(b *bench)
}

// bench is what a case works at: a store on a database of its own, and the steps that cases are made of.
type bench struct {
	*testing.T
	ctx    context.Context
	store  ca.Store
	reopen func(t *testing.T) ca.Store
	begun  int64 // id of the last entry before the case, about the issuers of the samples
}

// addIssuers makes the issuers of the samples known. What is in the log before the case does not count.
func (b *bench) addIssuers() {
	b.Helper()
	if err := AddIssuers(b.ctx, b.store); err != nil {
		b.Fatalf("AddIssuer = %v, want nil", err)
	}
	entries := b.contents().Entries
	b.begun = entries[len(entries)-1].ID
}

// intend makes an intent that must succeed.
func (b *bench) intend(in *ca.Intent) {
	b.Helper()
	if err := b.tryIntend(in); err != nil {
		b.Fatalf("Intend(%s) = %v, want nil", in.OrderID, err)
	}
}

func (b *bench) tryIntend(in *ca.Intent) error {
	return b.store.Intend(b.ctx, in, NewEntry(tlog.OrderRecorded, in))
}

// complete completes an intent, which must succeed. What it gives must be what is read from then on.
func (b *bench) complete(in *ca.Intent) *ca.Card {
	b.Helper()
	card, err := b.tryComplete(in)
	if err != nil {
		b.Fatalf("Complete(%s) = %v, want nil", in.OrderID, err)
	}
	if read := b.order(in.OrderID).Card; !reflect.DeepEqual(read, card) {
		b.Errorf("Complete gave\n%+v, but Order gives\n%+v", card, read)
	}
	return card
}

func (b *bench) tryComplete(in *ca.Intent) (*ca.Card, error) {
	done := NewCompletion(in)
	numbers, err := b.store.Complete(b.ctx, done, NewEntry(tlog.CardIssued, in))
	if err != nil {
		return nil, err
	}
	return done.Card(numbers), nil
}

// abandon abandons an intent, which must succeed.
func (b *bench) abandon(in *ca.Intent) {
	b.Helper()
	if err := b.tryAbandon(in); err != nil {
		b.Fatalf("Abandon(%s) = %v, want nil", in.OrderID, err)
	}
}

func (b *bench) tryAbandon(in *ca.Intent) error {
	return b.store.Abandon(b.ctx, in.Attempt, in.At, NewEntry(tlog.AttemptAbandoned, in))
}

// issue intends and completes.
func (b *bench) issue(in *ca.Intent) *ca.Card {
	b.Helper()
	b.intend(in)
	return b.complete(in)
}

// order reads an order that must be there.
func (b *bench) order(id string) *ca.OrderState {
	b.Helper()
	state, err := b.store.Order(b.ctx, id)
	if err != nil {
		b.Fatalf("Order(%s) = %v, want nil", id, err)
	}
	return state
}

// contents is all that the lists of a store show.
type contents struct {
	Issuers []ca.KnownIssuer
	Entries []ca.StoredEntry
	Cards   []ca.CardSummary
	Open    []ca.OpenAttempt
}

// contents reads all lists.
func (b *bench) contents() (all contents) {
	b.Helper()
	var err [4]error
	all.Issuers, err[3] = b.store.Issuers(b.ctx)
	all.Entries, err[0] = b.store.Entries(b.ctx, b.begun, 100_000)
	all.Cards, err[1] = b.store.Cards(b.ctx, 0, 100_000)
	all.Open, err[2] = b.store.OpenAttempts(b.ctx)
	if e := errors.Join(err[:]...); e != nil {
		b.Fatalf("read the lists: %v", e)
	}
	return all
}

// refused makes a call that must fail with an error that is want, or with any error where want is nil, and must leave nothing
// behind: the lists stay as they are.
func (b *bench) refused(want error, doing string, call func() error) {
	b.Helper()
	before := b.contents()
	err := call()
	if err == nil || want != nil && !sameError(err, want) {
		b.Errorf("%s = %v, want error %v", doing, err, want)
	}
	if after := b.contents(); !reflect.DeepEqual(after, before) {
		b.Errorf("%s was refused, but left %s, before %s", doing, after, before)
	}
}

// refusesIntent is refused for an intent. When its order is new, the order must stay unknown.
func (b *bench) refusesIntent(want error, in *ca.Intent) {
	b.Helper()
	_, err := b.store.Order(b.ctx, in.OrderID)
	isNew := errors.Is(err, ca.ErrNotFound)
	b.refused(want, fmt.Sprintf("Intend(%s)", in.OrderID), func() error { return b.tryIntend(in) })
	if _, err := b.store.Order(b.ctx, in.OrderID); isNew && !errors.Is(err, ca.ErrNotFound) {
		b.Errorf("Intend was refused, but Order(%s) = %v, want %v", in.OrderID, err, ca.ErrNotFound)
	}
}

// sameError tells whether err is want; for a *ca.TakenError, whether it says the same.
func sameError(err, want error) bool {
	var got, taken *ca.TakenError
	if errors.As(want, &taken) {
		return errors.As(err, &got) && *got == *taken
	}
	return errors.Is(err, want)
}

// String counts what there is; the contents themselves would fill a screen.
func (c contents) String() string {
	ids := slices.Collect(func(yield func(int64) bool) {
		for _, e := range c.Entries {
			if !yield(e.ID) {
				return
			}
		}
	})
	return fmt.Sprintf("entries %v, %d cards, %d open attempts", ids, len(c.Cards), len(c.Open))
}
