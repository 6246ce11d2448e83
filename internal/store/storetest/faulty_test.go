package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// happened is a store that counts what happens in it.
type happened struct {
	shown
	verbs []Verb
	err   error // what Intend answers
}

func (h *happened) Intend(context.Context, *ca.Intent, tlog.Entry) error {
	h.verbs = append(h.verbs, Intend)
	return h.err
}

func (h *happened) Complete(context.Context, *ca.Completion, tlog.Entry) (ca.CardNumbers, error) {
	h.verbs = append(h.verbs, Complete)
	return ca.CardNumbers{}, nil
}

func (h *happened) Abandon(context.Context, ca.AttemptID, time.Time, tlog.Entry) error {
	h.verbs = append(h.verbs, Abandon)
	return nil
}

func (h *happened) Append(context.Context, tlog.Entry) (int64, error) {
	h.verbs = append(h.verbs, Append)
	return 7, nil
}

// TestFaults makes the same four calls under different faults.
func TestFaults(t *testing.T) {
	all := []Verb{Append, Intend, Append, Complete}
	for _, c := range []struct {
		name     string
		faults   []Fault
		failed   []int // calls, from 0
		happened []Verb
	}{
		{"none", nil, nil, all},
		{"before the verb", []Fault{{Verb: Intend, Call: 1}}, []int{1}, []Verb{Append, Append, Complete}},
		{"the answer is lost", []Fault{{Verb: Intend, Call: 1, Lost: true}}, []int{1}, all},
		{"the second call of a verb", []Fault{{Verb: Append, Call: 2}}, []int{2}, []Verb{Append, Intend, Complete}},
		{"the fourth call of any verb", []Fault{{Call: 4}}, []int{3}, []Verb{Append, Intend, Append}},
		{"a call that never comes", []Fault{{Verb: Append, Call: 3}, {Call: 5}}, nil, all},
		{"two faults", []Fault{{Call: 1, Lost: true}, {Verb: Complete, Call: 1}}, []int{0, 3}, []Verb{Append, Intend, Append}},
	} {
		t.Run(c.name, func(t *testing.T) {
			inner := &happened{}
			f := Faulty(inner, c.faults...)
			in := NewIntent(1, 1)
			var failed []int
			for i, verb := range all {
				var err error
				switch verb {
				case Append:
					_, err = f.Append(t.Context(), tlog.Entry{})
				case Intend:
					err = f.Intend(t.Context(), in, tlog.Entry{})
				case Complete:
					_, err = f.Complete(t.Context(), NewCompletion(in), tlog.Entry{})
				}
				if err != nil {
					failed = append(failed, i)
				}
				if err != nil && !errors.Is(err, ErrFault) {
					t.Errorf("call %d = %v, want %v", i, err, ErrFault)
				}
			}
			if !slices.Equal(failed, c.failed) {
				t.Errorf("calls %v failed, want %v", failed, c.failed)
			}
			if !slices.Equal(inner.verbs, c.happened) {
				t.Errorf("%v happened, want %v", inner.verbs, c.happened)
			}
			if got := f.Calls(); !slices.Equal(got, all) {
				t.Errorf("Calls = %v, want %v", got, all)
			}
		})
	}
}

// TestIntended knows the bodies that are in the inner store, and no others.
func TestIntended(t *testing.T) {
	inner := &happened{}
	f := Faulty(inner, Fault{Verb: Intend, Call: 1}, Fault{Verb: Intend, Call: 2, Lost: true})
	for try := 1; try <= 3; try++ {
		_ = f.Intend(t.Context(), NewIntent(1, try), tlog.Entry{}) // the first two fail by design
	}
	inner.err = ca.ErrAttemptOpen
	if err := f.Intend(t.Context(), NewIntent(1, 4), tlog.Entry{}); !errors.Is(err, ca.ErrAttemptOpen) {
		t.Errorf("Intend = %v, want %v", err, ca.ErrAttemptOpen)
	}
	for try, want := range map[int]bool{1: false, 2: true, 3: true, 4: false} {
		for _, d := range NewIntent(1, try).Drafts {
			if got := f.Intended(sha256.Sum256(d.Body)); got != want {
				t.Errorf("try %d, %s: Intended = %t, want %t", try, d.Slot, got, want)
			}
		}
	}
}
