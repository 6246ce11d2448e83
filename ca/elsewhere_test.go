package ca_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: an attempt that another server has open. While that server lives the attempt is its own; afterwards it is
// nobody's, and whoever finds it abandons it.

// shared is a store that tells of another server which runs every open attempt.
type shared struct {
	ca.Store
	lives bool
}

func (s *shared) Order(ctx context.Context, id string) (*ca.OrderState, error) {
	state, err := s.Store.Order(ctx, id)
	if err == nil && state.Open != nil {
		state.Open.Elsewhere = s.lives
	}
	return state, err
}

func (s *shared) OpenAttempts(ctx context.Context) ([]ca.OpenAttempt, error) {
	list, err := s.Store.OpenAttempts(ctx)
	for i := range list {
		list[i].Elsewhere = s.lives
	}
	return list, err
}

func TestAttemptElsewhere(t *testing.T) {
	w := newWorld(t)
	store := &shared{lives: true}
	dead := errors.New("the answer does not come")
	theirs := &deadStore{err: dead}
	w.start(t, func(c *ca.Config) { theirs.Store, c.Store = c.Store, theirs })
	theirs.dead = true
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); !errors.Is(err, dead) {
		t.Fatalf("got %v, want %v", err, dead)
	}
	w.start(t, func(c *ca.Config) { store.Store, c.Store = c.Store, store })
	var unavailable *ca.UnavailableError
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); !errors.As(err, &unavailable) || unavailable.RetryAfter <= 0 {
		t.Errorf("while the other server lives: got %v, want *UnavailableError with a hint when to come again", err)
	}
	if slices.Contains(w.faulty.Calls(), storetest.Abandon) {
		t.Errorf("calls %v: start or order abandoned the attempt of a server that lives", w.faulty.Calls())
	}
	store.lives = false
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Errorf("when the other server is dead: %v", err)
	}
	abandoned := 0
	for _, e := range w.entries(t) {
		if e.Kind == tlog.AttemptAbandoned {
			abandoned++
		}
	}
	if abandoned != 1 {
		t.Errorf("%d attempts were abandoned, want 1", abandoned)
	}
	w.sweep(t)
}
