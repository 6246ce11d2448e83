package ca_test

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: somebody else works on the same store, against the rule, or chance repeats a serial number. Each answer
// that a store may then give is met.

// rival is a store in which something happens before a verb.
type rival struct {
	ca.Store
	beforeIntend   func(in *ca.Intent) error
	beforeComplete func(done *ca.Completion)
	beforeAbandon  func(id ca.AttemptID)
}

func (r *rival) Intend(ctx context.Context, in *ca.Intent, e tlog.Entry) error {
	if r.beforeIntend != nil {
		if err := r.beforeIntend(in); err != nil {
			return err
		}
	}
	return r.Store.Intend(ctx, in, e)
}

func (r *rival) Complete(ctx context.Context, done *ca.Completion, e tlog.Entry) (ca.CardNumbers, error) {
	if r.beforeComplete != nil {
		r.beforeComplete(done)
	}
	return r.Store.Complete(ctx, done, e)
}

func (r *rival) Abandon(ctx context.Context, id ca.AttemptID, at time.Time, e tlog.Entry) error {
	if r.beforeAbandon != nil {
		r.beforeAbandon(id)
	}
	return r.Store.Abandon(ctx, id, at, e)
}

// rivalWorld is a world on a rival's store, and another authority on the same database, the rival.
func rivalWorld(t *testing.T) (w *world, r *rival, other *world) {
	t.Helper()
	other = newWorld(t)
	w = &world{path: other.path, db: other.db, keys: other.keys}
	r = &rival{}
	w.start(t, func(c *ca.Config) { r.Store, c.Store = c.Store, r })
	intended := w.keys.intended
	w.keys.intended = func(hash [32]byte) bool { return intended(hash) || other.faulty.Intended(hash) }
	return w, r, other
}

// abandonAs writes what a rival would that takes an attempt for dead.
func abandonAs(t *testing.T, w *world, id ca.AttemptID) {
	t.Helper()
	entry := must(tlog.NewEntry(tlog.AttemptAbandoned, tick(), "rival", struct{}{}, nil))
	if err := w.db.Abandon(t.Context(), id, entry.At, entry); err != nil {
		t.Error(err)
	}
}

func TestSerialNumberIsDrawnAgain(t *testing.T) {
	for _, c := range []struct {
		taken int
		good  bool
	}{{1, true}, {2, true}, {3, false}} {
		w, r, _ := rivalWorld(t)
		draws, serials := 0, map[string]bool{}
		r.beforeIntend = func(in *ca.Intent) error {
			serials[in.Drafts[0].Serial.String()] = true
			if draws++; draws <= c.taken {
				return &ca.TakenError{What: ca.UniqueSerial, Draft: 0}
			}
			return nil
		}
		_, err := w.Issue(t.Context(), operator, smallOrder(1))
		if (err == nil) != c.good {
			t.Errorf("taken %d times: got %v, want a card: %t", c.taken, err, c.good)
		}
		if len(serials) != draws {
			t.Errorf("taken %d times: %d draws gave %d serial numbers", c.taken, draws, len(serials))
		}
		w.sweep(t)
	}
}

func TestRivalCompletesTheOrderFirst(t *testing.T) {
	w, r, other := rivalWorld(t)
	var theirs *ca.Card
	r.beforeIntend = func(*ca.Intent) (err error) {
		theirs, err = other.Issue(t.Context(), "line-2", smallOrder(1))
		return err
	}
	ours, err := w.Issue(t.Context(), operator, smallOrder(1))
	if err != nil || !reflect.DeepEqual(ours, theirs) {
		t.Errorf("got %+v (%v), want the rival's card %+v", ours, err, theirs)
	}
	w.sweep(t)
}

func TestRivalHasTheOrderOpen(t *testing.T) {
	w, r, _ := rivalWorld(t)
	r.beforeIntend = func(*ca.Intent) error { return ca.ErrAttemptOpen }
	var unavailable *ca.UnavailableError
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); !errors.As(err, &unavailable) || unavailable.RetryAfter <= 0 {
		t.Errorf("got %v, want *UnavailableError with a hint when to come again", err)
	}
	if calls := w.faulty.Calls(); slices.Contains(calls, storetest.Abandon) {
		t.Errorf("calls %v: nothing was recorded, so there is nothing to abandon", calls)
	}
}

// TestRivalAbandonsOurAttempt: it cannot complete any more, and the order can come again.
func TestRivalAbandonsOurAttempt(t *testing.T) {
	w, r, _ := rivalWorld(t)
	r.beforeComplete = func(done *ca.Completion) { abandonAs(t, w, done.Intent.Attempt) }
	var unavailable *ca.UnavailableError
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); !errors.As(err, &unavailable) {
		t.Errorf("got %v, want *UnavailableError", err)
	}
	w.sweep(t)
	r.beforeComplete = nil
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Errorf("sent again: %v", err)
	}
	w.sweep(t)
}

// TestRivalAbandonsTheDeadAttemptFirst: what is gone need not be ended.
func TestRivalAbandonsTheDeadAttemptFirst(t *testing.T) {
	w, r, other := rivalWorld(t)
	r.beforeIntend = func(in *ca.Intent) error {
		r.beforeIntend = nil
		entry := must(tlog.NewEntry(tlog.OrderRecorded, in.At, "rival", struct{}{}, nil))
		if err := other.faulty.Intend(t.Context(), in, entry); err != nil {
			return err
		}
		return ca.ErrAttemptOpen
	}
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err == nil {
		t.Fatal("an order that a rival has open was fulfilled")
	}
	r.beforeAbandon = func(id ca.AttemptID) { abandonAs(t, w, id) }
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Errorf("sent again: %v", err)
	}
	w.sweep(t)
}
