package ca_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: key sessions end, by count and by time, and an order finds out before anything is recorded for it.

// sessionEnds lists the reasons of the sessions that were closed, and checks that a session was opened for each key at any time.
func sessionEnds(t *testing.T, w *world) []string {
	t.Helper()
	open := map[string]string{} // session by issuer
	var ends []string
	for _, e := range w.entries(t) {
		switch e.Kind {
		case tlog.KeySessionOpened:
			f := readFacts[*tlog.SessionFacts](t, e)
			if open[f.Issuer] != "" {
				t.Errorf("%s has two sessions at a time", f.Issuer)
			}
			open[f.Issuer] = f.Session
		case tlog.KeySessionClosed:
			f := readFacts[*tlog.SessionEndFacts](t, e)
			if open[f.Issuer] != f.Session {
				t.Errorf("%s: session %s ends, which is not open", f.Issuer, f.Session)
			}
			delete(open, f.Issuer)
			ends = append(ends, f.Reason)
		}
	}
	return ends
}

func readFacts[T tlog.Facts](t *testing.T, e ca.StoredEntry) T {
	t.Helper()
	f, err := e.ReadFacts()
	if err != nil {
		t.Fatal(err)
	}
	return f.(T)
}

// TestSessionEndsByCount: an order needs three ECC signatures. A session of four fulfils one order; the second finds one left, and
// opens the next session before anything is recorded.
func TestSessionEndsByCount(t *testing.T) {
	w := newWorld(t, func(c *ca.Config) { c.KeySession.Signatures = 4 })
	for i := range 3 {
		if _, err := w.Issue(t.Context(), operator, smallOrder(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	ends := sessionEnds(t, w)
	if len(ends) == 0 || slices.ContainsFunc(ends, func(r string) bool { return r != "count" }) {
		t.Errorf("sessions ended by %q, want count", ends)
	}
	w.sweep(t)
}

// TestSessionEndsByTime: the next order after the end opens the next session.
func TestSessionEndsByTime(t *testing.T) {
	now := dayOfIssue
	w := newWorld(t, func(c *ca.Config) {
		c.KeySession.Lifetime = time.Hour
		c.Now = func() time.Time { return now }
	})
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Fatal(err)
	}
	now = now.Add(time.Hour + time.Millisecond)
	if _, err := w.Issue(t.Context(), operator, smallOrder(2)); err != nil {
		t.Fatal(err)
	}
	ends := sessionEnds(t, w)
	if len(ends) == 0 || slices.ContainsFunc(ends, func(r string) bool { return r != "time" }) {
		t.Errorf("sessions ended by %q, want time", ends)
	}
	w.sweep(t)
}

// TestSessionsEndWithTheServer: the log says when a key could sign no longer.
func TestSessionsEndWithTheServer(t *testing.T) {
	w := newWorld(t)
	if err := w.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	ends := sessionEnds(t, w)
	if len(ends) == 0 || slices.ContainsFunc(ends, func(r string) bool { return r != "server-stop" }) {
		t.Errorf("sessions ended by %q, want server-stop", ends)
	}
}

// TestSessionTooSmallForACard is a fault of the configuration, and leaves nothing behind.
func TestSessionTooSmallForACard(t *testing.T) {
	w := newWorld(t, func(c *ca.Config) { c.KeySession.Signatures = 1 })
	before := len(w.entries(t))
	_, err := w.Issue(t.Context(), operator, smallOrder(1))
	var unavailable *ca.UnavailableError
	if err == nil || errors.As(err, &unavailable) || !strings.Contains(err.Error(), "key_session.signatures") {
		t.Errorf("got %v, want an error that names the setting", err)
	}
	if after := len(w.entries(t)); after != before {
		t.Errorf("%d entries before, %d after", before, after)
	}
}

// TestTokenThatIsAwayLeavesNothingBehind: otherwise every retry during an outage would leave an abandoned attempt and a copy of the
// order in the log. The hint is the token's.
func TestTokenThatIsAwayLeavesNothingBehind(t *testing.T) {
	w := newWorld(t)
	before := len(w.entries(t))
	w.keys.away = lostError{}
	_, err := w.Issue(t.Context(), operator, smallOrder(1))
	var unavailable *ca.UnavailableError
	if !errors.As(err, &unavailable) || unavailable.RetryAfter != 7*time.Second {
		t.Errorf("got %v, want *UnavailableError with the hint of the token", err)
	}
	if w.Ready() == nil {
		t.Error("the authority says that it is ready")
	}
	w.keys.away = nil
	if err := w.Ready(); err != nil {
		t.Errorf("the token is back: %v", err)
	}
	if after := len(w.entries(t)); after != before {
		t.Errorf("%d entries before, %d after", before, after)
	}
}

// lostError is how package hsm says that a token is away, with its hint.
type lostError struct{ awayError }

func (lostError) RetryAfter() time.Duration { return 7 * time.Second }
