package ca_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: every call that Issue makes to the store and to a key fails, each in two ways: it did not happen, or it
// happened and its answer was lost. Then the order is sent again, to the same process or after a restart, and what was promised
// must hold. A run without faults says which calls there are, so that none is missed; a run with faults says which calls come after
// them, and each of those fails too.

// event is one call on the way: a verb of the store, or a signature.
type event struct {
	name  string
	store bool
	call  int // the how-manieth call of the store since the start, or of a key, from 1
}

// fault makes one event fail.
type fault struct {
	event
	lost bool
}

func (f fault) String() string {
	if f.lost {
		return fmt.Sprintf("%s %d lost", f.name, f.call)
	}
	return fmt.Sprintf("%s %d failed", f.name, f.call)
}

var errKey = errors.New("injected key fault")

// trial sends an order through a fresh world in which the faults happen, and gives the calls that were made, in their order.
func trial(t *testing.T, w *world, order *profiles.Order, faults ...fault) (card *ca.Card, trace []event, err error) {
	t.Helper()
	return trialAfter(t, callsOfStart(t), w, order, faults...)
}

// trialAfter is trial in a world whose start makes another number of calls.
func trialAfter(t *testing.T, offset int, w *world, order *profiles.Order, faults ...fault) (card *ca.Card, trace []event, err error) {
	t.Helper()
	var planned []storetest.Fault
	for _, f := range faults {
		if f.store {
			planned = append(planned, storetest.Fault{Call: offset + f.call, Lost: f.lost})
		}
	}
	w.start(t, func(c *ca.Config) {
		w.faulty = storetest.Faulty(w.db, planned...)
		w.keys.intended, c.Store = w.faulty.Intended, w.faulty
	})
	var after []int // for each use of a key, how many calls of the store came before it
	first := w.keys.calls
	w.keys.meddle = func(call int) (before, lost error) {
		after = append(after, len(w.faulty.Calls()))
		for _, f := range faults {
			if !f.store && f.call == call-first {
				if f.lost {
					return nil, errKey
				}
				return errKey, nil
			}
		}
		return nil, nil
	}
	card, err = w.Issue(context.Background(), operator, order)
	w.keys.meddle = nil
	for i, verb := range w.faulty.Calls() {
		if i >= offset {
			trace = append(trace, event{string(verb), true, i + 1 - offset})
		}
		for k, n := range after {
			if n == i+1 {
				trace = append(trace, event{"Sign", false, k + 1})
			}
		}
	}
	return card, trace, err
}

// callsOfStart is how many calls of the store a start makes.
func callsOfStart(t *testing.T) int {
	startCalls.once.Do(func() { startCalls.n = len(newWorld(t).faulty.Calls()) })
	return startCalls.n
}

var startCalls struct {
	once sync.Once
	n    int
}

func TestEveryCallFails(t *testing.T) {
	_, trace, err := trial(t, emptyWorld(t), newOrder(1))
	if err != nil {
		t.Fatalf("without faults: %v", err)
	}
	if len(trace) != 3+9 {
		t.Fatalf("a run without faults makes the calls %v, want Order, Intend, 9 Sign, Complete", trace)
	}
	cases := 0
	for _, e := range trace {
		for _, lost := range []bool{false, true} {
			for _, restart := range []bool{false, true} {
				f := fault{e, lost}
				t.Run(fmt.Sprintf("%s, restart %t", f, restart), func(t *testing.T) {
					t.Parallel()
					w := emptyWorld(t)
					card, _, err := trial(t, w, newOrder(1), f)
					var unavailable *ca.UnavailableError
					if err != nil && errors.As(err, &unavailable) != f.store {
						t.Errorf("got %v: an error of the store is temporary, one of a key need not be", err)
					}
					if f.name == "Complete" && f.lost && err != nil {
						t.Errorf("got %v: the card was completed, and the store can say so", err)
					}
					if open, openErr := w.db.OpenAttempts(t.Context()); openErr != nil || len(open) != 0 {
						t.Errorf("open attempts are %v (%v): one fault leaves none", open, openErr)
					}
					recoverFrom(t, w, newOrder(1), card, restart)
				})
				cases++
			}
		}
	}
	t.Logf("%d cases", cases)
}

// TestFaultsInARow adds to each fault one among the calls that come after it, and to those two one more of the store.
func TestFaultsInARow(t *testing.T) {
	cases := 0
	var extend func(faults []fault)
	extend = func(faults []fault) {
		card, trace, err := trial(t, emptyWorld(t), smallOrder(1), faults...)
		if len(faults) == 0 && (err != nil || card == nil) {
			t.Fatalf("without faults: %v", err)
		}
		for _, next := range trace[passed(trace, faults):] {
			if len(faults) == 2 && !next.store {
				continue
			}
			for _, lost := range []bool{false, true} {
				more := append(slices.Clone(faults), fault{next, lost})
				restart := cases%2 == 0
				cases++
				if len(more) > 1 { // single faults have their own test
					t.Run(fmt.Sprint(more), func(t *testing.T) {
						t.Parallel()
						w := emptyWorld(t)
						card, _, _ := trial(t, w, smallOrder(1), more...)
						recoverFrom(t, w, smallOrder(1), card, restart)
					})
				}
				if len(more) < 3 {
					extend(more)
				}
			}
		}
	}
	extend(nil)
	t.Logf("%d cases", cases)
}

// passed is how many calls of a trace come up to the last of the faults.
func passed(trace []event, faults []fault) int {
	n := 0
	for i, e := range trace {
		for _, f := range faults {
			if e == f.event {
				n = i + 1
			}
		}
	}
	return n
}

// recoverFrom sends the order again, without faults, and checks the promises: whatever was acknowledged stands unchanged, the order
// has one card, nothing is left open, and everything that was signed was recorded.
func recoverFrom(t *testing.T, w *world, order *profiles.Order, acknowledged *ca.Card, restart bool) {
	t.Helper()
	w.sweep(t)
	if restart {
		w.start(t)
		w.sweep(t)
	}
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatalf("sent again: %v", err)
	}
	if acknowledged != nil && !reflect.DeepEqual(card, acknowledged) {
		t.Errorf("sent again: got %+v, acknowledged was %+v", card, acknowledged)
	}
	calls := w.keys.calls
	if again, err := w.Issue(t.Context(), operator, order); err != nil || !reflect.DeepEqual(again, card) {
		t.Errorf("sent a third time: got %+v (%v), want %+v", again, err, card)
	}
	if w.keys.calls != calls {
		t.Errorf("sent a third time, the order used a key %d times", w.keys.calls-calls)
	}
	if open, err := w.db.OpenAttempts(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("open attempts are %v (%v), want none", open, err)
	}
	if list, err := w.Cards(t.Context(), 0, 10); err != nil || len(list) != 1 {
		t.Errorf("cards are %v (%v), want one", list, err)
	}
	w.sweep(t)
}

// TestEveryCallOfStartFails: the server does not come up half, and comes up the next time.
func TestEveryCallOfStartFails(t *testing.T) {
	for call := 1; call <= callsOfStart(t)-issuersKnown+1; call++ { // the issuers are known by now, and there is an attempt to abandon
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("call %d, lost %t", call, lost), func(t *testing.T) {
				t.Parallel()
				w := emptyWorld(t)
				if _, _, err := trial(t, w, smallOrder(1), fault{event{"Sign", false, 1}, false}, fault{event{"Abandon", true, 3}, false}); err == nil {
					t.Fatal("the order that was to leave an open attempt was fulfilled")
				}
				cfg := w.config()
				cfg.Store = storetest.Faulty(w.db, storetest.Fault{Call: call, Lost: lost})
				a, err := ca.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := a.Start(t.Context()); !errors.Is(err, storetest.ErrFault) {
					t.Errorf("got %v, want the fault", err)
				}
				w.sweep(t)
				recoverFrom(t, w, smallOrder(1), nil, true)
			})
		}
	}
}

// TestEveryIssuerFails: the first start of a database dies at any of its issuers, and the next adds those that are missing.
func TestEveryIssuerFails(t *testing.T) {
	for call := 1; call <= issuersKnown; call++ {
		for _, lost := range []bool{false, true} {
			t.Run(fmt.Sprintf("issuer %d, lost %t", call, lost), func(t *testing.T) {
				t.Parallel()
				w := emptyWorld(t)
				cfg := w.config()
				cfg.Store = storetest.Faulty(w.db, storetest.Fault{Verb: storetest.AddIssuer, Call: call, Lost: lost})
				a, err := ca.New(cfg)
				if err != nil {
					t.Fatal(err)
				}
				if err := a.Start(t.Context()); !errors.Is(err, storetest.ErrFault) {
					t.Errorf("got %v, want the fault", err)
				}
				w.start(t)
				if list, err := w.db.Issuers(t.Context()); err != nil || len(list) != issuersKnown {
					t.Errorf("%d issuers are known (%v), want %d", len(list), err, issuersKnown)
				}
				w.sweep(t)
			})
		}
	}
}
