package ca_test

import (
	"context"
	"errors"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: many callers at once, and callers that leave.

// answer is what one of many callers got.
type answer struct {
	card *ca.Card
	err  error
}

// together sends orders at the same time.
func together(w *world, orders ...*profiles.Order) []answer {
	answers := make([]answer, len(orders))
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i, order := range orders {
		wg.Go(func() {
			<-start
			card, err := w.Issue(context.Background(), operator, order)
			answers[i] = answer{card, err}
		})
	}
	close(start)
	wg.Wait()
	return answers
}

func TestSameOrderManyTimesAtOnce(t *testing.T) {
	w := newWorld(t)
	orders := make([]*profiles.Order, 32)
	for i := range orders {
		orders[i] = newOrder(1)
	}
	answers := together(w, orders...)
	for i, a := range answers {
		if a.err != nil || !reflect.DeepEqual(a.card, answers[0].card) {
			t.Errorf("caller %d got %+v (%v), caller 0 %+v", i, a.card, a.err, answers[0].card)
		}
	}
	if w.keys.calls != 9 {
		t.Errorf("keys were used %d times, want 9", w.keys.calls)
	}
	w.sweep(t)
}

// TestOnlyOneGetsIt: many orders want the same thing, one wins, and the others are told why.
func TestOnlyOneGetsIt(t *testing.T) {
	for _, c := range []struct {
		name, rule string
		share      func(o *profiles.Order)
	}{
		{"ICCSN", "ICCSN_TAKEN", func(o *profiles.Order) { o.ICCSN = newOrder(1).ICCSN }},
		{"key", "KEY_REUSED", func(o *profiles.Order) { o.Keys[0].SPKI = newOrder(1).Keys[0].SPKI }},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			orders := make([]*profiles.Order, 8)
			for i := range orders {
				orders[i] = smallOrder(i + 1)
				c.share(orders[i])
			}
			won := 0
			for _, a := range together(w, orders...) {
				var refusal *profiles.Refusal
				switch {
				case a.err == nil:
					won++
				case !errors.As(a.err, &refusal) || refusal.Violations[0].Rule != c.rule:
					t.Errorf("got %v, want a refusal with %s", a.err, c.rule)
				}
			}
			if won != 1 {
				t.Errorf("%d orders won, want 1", won)
			}
			w.sweep(t)
		})
	}
}

func TestSameIDOtherContentAtOnce(t *testing.T) {
	w := newWorld(t)
	other := smallOrder(1)
	other.Institution.Name = "Krankenhausapotheke Am Feldrain"
	answers := together(w, smallOrder(1), other)
	lost := 0
	for _, a := range answers {
		if errors.Is(a.err, ca.ErrOrderDiffers) {
			lost++
		} else if a.err != nil {
			t.Errorf("got %v", a.err)
		}
	}
	if lost != 1 {
		t.Errorf("%d orders were told that their id is another's, want 1", lost)
	}
	w.sweep(t)
}

// gate is a key that waits to be let through, or for its caller to leave.
type gate struct {
	ca.Key
	entered chan struct{} // one for each use of the key
	open    chan struct{}
}

func (g *gate) Sign(ctx context.Context, s sigalg.Scheme, message []byte) ([]byte, error) {
	g.entered <- struct{}{}
	select {
	case <-g.open:
		return g.Key.Sign(ctx, s, message)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// gatedWorld is a world whose CVC key waits.
func gatedWorld(t *testing.T) (*world, *gate) {
	g := &gate{entered: make(chan struct{}, 1000), open: make(chan struct{})}
	return newWorld(t, func(c *ca.Config) {
		g.Key = c.Issuers[cvcSub].Key
		c.Issuers[cvcSub].Key = g
	}), g
}

// issue sends an order from a goroutine of its own.
func issue(ctx context.Context, w *world, order *profiles.Order) <-chan answer {
	got := make(chan answer, 1)
	go func() {
		card, err := w.Issue(ctx, operator, order)
		got <- answer{card, err}
	}()
	return got
}

func TestCallerThatLeavesDoesNotEndItForTheOther(t *testing.T) {
	w, g := gatedWorld(t)
	ctx, leave := context.WithCancel(t.Context())
	first := issue(ctx, w, smallOrder(1))
	<-g.entered
	second := issue(t.Context(), w, smallOrder(1))
	waitFor(t, "the second caller to join", func() bool { return w.Waiting("order-1") == 2 })
	leave()
	if a := <-first; !errors.Is(a.err, context.Canceled) {
		t.Errorf("the caller that left got %+v (%v), want context.Canceled", a.card, a.err)
	}
	close(g.open)
	if a := <-second; a.err != nil {
		t.Errorf("the other got %v, want the card", a.err)
	}
	w.sweep(t)
}

// TestLastCallerLeavesMidSign: the attempt is abandoned although nobody waits, and the order can come again at once.
func TestLastCallerLeavesMidSign(t *testing.T) {
	w, g := gatedWorld(t)
	ctx, leave := context.WithCancel(t.Context())
	first := issue(ctx, w, smallOrder(1))
	<-g.entered
	leave()
	if a := <-first; !errors.Is(a.err, context.Canceled) {
		t.Fatalf("got %+v (%v), want context.Canceled", a.card, a.err)
	}
	close(g.open)
	card, err := w.Issue(t.Context(), operator, smallOrder(1))
	if err != nil {
		t.Fatalf("sent again: %v", err)
	}
	var kinds []tlog.Kind
	for _, e := range w.entries(t)[entriesAtStart:] {
		kinds = append(kinds, e.Kind)
	}
	want := []tlog.Kind{tlog.OrderRecorded, tlog.AttemptAbandoned, tlog.OrderRecorded, tlog.CardIssued}
	if !reflect.DeepEqual(kinds, want) {
		t.Errorf("got entries %v, want %v", kinds, want)
	}
	if got, err := w.Card(t.Context(), card.ICCSN); err != nil || !reflect.DeepEqual(got, card) {
		t.Errorf("got card %+v (%v), want %+v", got, err, card)
	}
	w.sweep(t)
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	w, g := gatedWorld(t)
	got := issue(t.Context(), w, smallOrder(1))
	<-g.entered
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := w.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Close gave %v, want the deadline", err)
	}
	var unavailable *ca.UnavailableError
	if a := <-got; !errors.As(a.err, &unavailable) {
		t.Errorf("the order under way got %v, want *UnavailableError", a.err)
	}
	if _, err := w.Issue(t.Context(), operator, smallOrder(2)); !errors.As(err, &unavailable) {
		t.Errorf("an order after Close got %v, want *UnavailableError", err)
	}
	if open, err := w.db.OpenAttempts(t.Context()); err != nil || len(open) != 0 {
		t.Errorf("open attempts are %v (%v), want none", open, err)
	}
	w.sweep(t)
}

// waitFor waits until something holds that another goroutine brings about.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("waited in vain for %s", what)
}
