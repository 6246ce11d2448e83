package ca

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
)

// The story of this file: who signs when. As many at a time as there are turns, urgent ones first, then in the order of arrival.

func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(1)
		if err := turns.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []string
		wait := func(name string, ctx context.Context) {
			go func() {
				if err := turns.take(ctx); err != nil {
					order = append(order, name+" left")
					return
				}
				order = append(order, name)
				turns.give()
			}()
			synctest.Wait() // until it waits
		}
		leaving, leave := context.WithCancel(t.Context())
		wait("a", t.Context())
		wait("gone", leaving)
		wait("b", t.Context())
		wait("urgent", Urgent(t.Context()))
		leave()
		synctest.Wait()
		turns.give()
		synctest.Wait()
		if want := []string{"gone left", "urgent", "a", "b"}; !slices.Equal(order, want) {
			t.Errorf("order %q, want %q", order, want)
		}
		if turns.free != 1 {
			t.Errorf("%d turns are free in the end, want 1", turns.free)
		}
	})
}

// TestTurnsBound: never more at a time than there are turns, whoever leaves in between.
func TestTurnsBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(3)
		var busy, most atomic.Int32
		for n := range 100 {
			ctx, cancel := context.WithCancel(t.Context())
			go func() {
				if n%7 == 0 {
					cancel()
				}
				defer cancel()
				if err := turns.take(ctx); err != nil {
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
					return
				}
				most.Store(max(most.Load(), busy.Add(1)))
				runtime.Gosched()
				busy.Add(-1)
				turns.give()
			}()
		}
		synctest.Wait()
		if most := most.Load(); most > 3 || turns.free != 3 {
			t.Errorf("%d at a time, %d free in the end, want 3 and 3", most, turns.free)
		}
	})
}

// TestTurnKept: of few turns one is the urgent ones' alone, so that they find it free; of many none is.
func TestTurnKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := newTurns(3)
		for range 2 {
			if err := turns.take(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		var got atomic.Bool
		go func() {
			if err := turns.take(t.Context()); err != nil {
				t.Error(err)
			}
			got.Store(true)
		}()
		synctest.Wait()
		if got.Load() {
			t.Error("an order that nobody waits for has the last of three turns")
		}
		if err := turns.take(Urgent(t.Context())); err != nil {
			t.Fatal(err)
		}
		turns.give() // the urgent one's
		synctest.Wait()
		if got.Load() {
			t.Error("the turn of an urgent one went to another")
		}
		turns.give()
		synctest.Wait()
		if !got.Load() || turns.free != 1 {
			t.Errorf("third has a turn: %t, %d free, want true and 1", got.Load(), turns.free)
		}
	})
	for n, kept := range map[int]int{1: 0, 2: 1, 7: 1, 8: 0, 16: 0} {
		if got := newTurns(n).kept; got != kept {
			t.Errorf("of %d turns %d are kept, want %d", n, got, kept)
		}
	}
}

func TestTurnsUnbounded(t *testing.T) {
	turns := newTurns(0)
	for range 100 {
		if err := turns.take(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
