package ca_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// lostToken is the error of a token that was lost while it signed, when another one has the key.
type lostToken struct{ awayError }

func (lostToken) Elsewhere() bool { return true }

// TestTokenIsLostAndAnotherSigns: the signature may have been made, so that the draft is given up; a new attempt of the same call makes
// the card. The log has both.
func TestTokenIsLostAndAnotherSigns(t *testing.T) {
	for name, meddle := range map[string]func(int) (before, after error){
		"it did not sign":        func(call int) (error, error) { return onCall(call, 2, lostToken{}), nil },
		"it signed, answer lost": func(call int) (error, error) { return nil, onCall(call, 2, lostToken{}) },
		"two are lost in a row": func(call int) (error, error) {
			return nil, errors.Join(onCall(call, 1, lostToken{}), onCall(call, 8, lostToken{}))
		},
		"every signature is lost": func(int) (error, error) { return nil, lostToken{} },
		"lost, then it is all out": func(call int) (error, error) {
			return errors.Join(onCall(call, 1, lostToken{}), after(call, 1, awayError{})), nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.keys.meddle = meddle
			_, err := w.Issue(t.Context(), operator, smallOrder(1))
			attempts, abandoned := 0, 0
			for _, e := range w.entries(t) {
				switch e.Kind {
				case tlog.OrderRecorded:
					attempts++
				case tlog.AttemptAbandoned:
					abandoned++
					if !strings.Contains(string(e.Facts), `"reason":"signature-failed"`) {
						t.Errorf("an attempt was abandoned with %s", e.Facts)
					}
				}
			}
			switch unavailable, away := errors.AsType[*ca.UnavailableError](err); {
			case strings.Contains(name, "every") || strings.Contains(name, "all out"):
				if !away || abandoned != attempts || attempts > 3 {
					t.Errorf("got %v after %d attempts, %d of them abandoned; want *UnavailableError after 3 at most", unavailable, attempts, abandoned)
				}
			case err != nil || attempts != abandoned+1 || abandoned == 0:
				t.Errorf("got %v after %d attempts, %d of them abandoned; want a card by the last one", err, attempts, abandoned)
			}
			w.keys.meddle = nil
			if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
				t.Errorf("sent again: %v", err)
			}
			w.sweep(t)
		})
	}
}

// onCall gives the error on one call only.
func onCall(call, only int, err error) error {
	if call == only {
		return err
	}
	return nil
}

// after gives the error on each call after the first ones.
func after(call, first int, err error) error {
	if call > first {
		return err
	}
	return nil
}
