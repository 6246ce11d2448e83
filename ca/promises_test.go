package ca_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: the promises of the authority, by name and number. Each test fails when its promise breaks.

// TestPromise1RecordedBeforeSigned asks the store, at the moment a key is used, whether it holds the draft, and reads the log for it.
func TestPromise1RecordedBeforeSigned(t *testing.T) {
	w := newWorld(t)
	inLog := 0
	w.keys.meddle = func(int) (before, after error) {
		entries, err := w.db.Entries(context.Background(), 0, 100)
		if err != nil {
			t.Error(err)
		}
		if last := entries[len(entries)-1]; last.Kind == tlog.OrderRecorded {
			inLog++
		}
		return nil, nil
	}
	if _, err := w.Issue(t.Context(), operator, newOrder(1)); err != nil {
		t.Fatal(err)
	}
	if inLog != 9 || w.keys.calls != 9 {
		t.Errorf("of %d uses of a key, %d came after the order's entry, want 9 and 9", w.keys.calls, inLog)
	}
	w.sweep(t) // the witness reports what was not recorded
}

func TestPromise2OneOrderOneCardAllOrNothing(t *testing.T) {
	w := newWorld(t)
	order := newOrder(1)

	w.keys.meddle = func(call int) (before, after error) {
		if call == 5 {
			return errors.New("the token refuses"), nil
		}
		return nil, nil
	}
	if card, err := w.Issue(t.Context(), operator, order); err == nil {
		t.Fatalf("got card %+v, want an error", card.CardSummary)
	}
	if _, err := w.Card(t.Context(), order.ICCSN); !errors.Is(err, ca.ErrNotFound) {
		t.Errorf("a card of which one certificate is missing: got %v, want ErrNotFound", err)
	}

	w.keys.meddle = nil
	first, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	calls := w.keys.calls
	again, err := w.Issue(t.Context(), "line-2", newOrder(1))
	if err != nil || !reflect.DeepEqual(again, first) {
		t.Errorf("the same order again: got %+v (%v), want %+v", again, err, first)
	}
	if w.keys.calls != calls {
		t.Errorf("the same order again used a key %d times", w.keys.calls-calls)
	}
	other := newOrder(1)
	other.Institution.Name = "Krankenhausapotheke Am Waldesrande"
	if _, err := w.Issue(t.Context(), operator, other); !errors.Is(err, ca.ErrOrderDiffers) {
		t.Errorf("same id, other content: got %v, want ErrOrderDiffers", err)
	}
	w.sweep(t)
}

// TestPromise3OneDraftOneSignature kills an attempt between record and completion, so that it is found open by the next process.
func TestPromise3OneDraftOneSignature(t *testing.T) {
	w := newWorld(t)
	order := newOrder(1)
	dead := errors.New("the process is dead")
	store := &deadStore{err: dead}
	w.start(t, func(c *ca.Config) { store.Store, c.Store = c.Store, store })
	store.dead = true
	if _, err := w.Issue(t.Context(), operator, order); !errors.Is(err, dead) {
		t.Fatalf("got %v, want %v", err, dead)
	}
	open, err := w.db.OpenAttempts(t.Context())
	if err != nil || len(open) != 1 {
		t.Fatalf("open attempts are %v (%v), want one", open, err)
	}
	drafts := map[string]bool{}
	for _, e := range w.entries(t) {
		for _, d := range draftsIn(t, e) {
			drafts[d.Serial] = true
		}
	}

	w.start(t) // as another process would
	if left, err := w.db.OpenAttempts(t.Context()); err != nil || len(left) != 0 {
		t.Errorf("open attempts after the start are %v (%v), want none", left, err)
	}
	entries := w.entries(t)
	var facts struct{ Attempt, Reason string }
	for _, e := range entries {
		if e.Kind == tlog.AttemptAbandoned {
			if err := json.Unmarshal(e.Facts, &facts); err != nil {
				t.Fatal(err)
			}
		}
	}
	if facts.Attempt != string(open[0].ID) || facts.Reason != "process-ended" {
		t.Errorf("the log says %+v, want attempt %s abandoned", facts, open[0].ID)
	}
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range card.Certs {
		if c.Format == ca.X509 && drafts[c.Serial.String()] {
			t.Errorf("%s has serial number %s of the dead attempt", c.Slot, c.Serial)
		}
	}
	w.sweep(t) // the witness reports what was signed twice
}

// deadStore stops answering after an Intend that it let through.
type deadStore struct {
	ca.Store
	dead     bool // armed
	intended bool
	err      error
}

func (s *deadStore) Intend(ctx context.Context, in *ca.Intent, e tlog.Entry) error {
	s.intended = s.dead
	return s.Store.Intend(ctx, in, e)
}

func (s *deadStore) Complete(ctx context.Context, done *ca.Completion, e tlog.Entry) (ca.CardNumbers, error) {
	if s.intended {
		return ca.CardNumbers{}, s.err
	}
	return s.Store.Complete(ctx, done, e)
}

func (s *deadStore) Abandon(ctx context.Context, id ca.AttemptID, at time.Time, e tlog.Entry) error {
	if s.intended {
		return s.err
	}
	return s.Store.Abandon(ctx, id, at, e)
}

func (s *deadStore) Order(ctx context.Context, id string) (*ca.OrderState, error) {
	if s.intended {
		return nil, s.err
	}
	return s.Store.Order(ctx, id)
}

// TestPromise4NoChangeWithoutAnEntry reads Store: a verb that takes no entry cannot change anything and record it.
func TestPromise4NoChangeWithoutAnEntry(t *testing.T) {
	reads := map[string]bool{"Issuers": true, "Order": true, "Card": true, "Cards": true, "OpenAttempts": true, "Entries": true,
		"WaitingOrders": true, "CountOutliving": true, "Approval": true, "Approvals": true, "WaitingApprovals": true, "UsedApprovals": true,
		"Session": true, "OpenSession": true, "OpenedSessions": true, "Sessions": true}
	for _, name := range []string{"SelectCards", "Bulk", "RunningBulks", "BulkCards", "LeadBulks"} {
		reads[name] = true
	}
	for m := range reflect.TypeFor[ca.StatusReader]().Methods() {
		reads[m.Name] = true
	}
	carriers := []reflect.Type{reflect.TypeFor[tlog.Entry](), reflect.TypeFor[[]tlog.Entry](), reflect.TypeFor[*ca.ApprovalUse]()}
	store := reflect.TypeFor[ca.Store]()
	for i := range store.NumMethod() {
		m := store.Method(i)
		takes := m.Type.NumIn() > 0 && slices.Contains(carriers, m.Type.In(m.Type.NumIn()-1))
		if takes == reads[m.Name] {
			t.Errorf("verb %s: takes an entry is %t, only reads is %t", m.Name, takes, reads[m.Name])
		}
	}
	w := newWorld(t)
	before := len(w.entries(t))
	if _, err := w.Issue(t.Context(), operator, newOrder(1)); err != nil {
		t.Fatal(err)
	}
	if after := len(w.entries(t)); after != before+2 {
		t.Errorf("recording and completing left %d entries, want 2", after-before)
	}
	w.sweep(t)
}

// TestPromise5FiveYearsNeverMore asks for a day more, and for the most there is; the door's own check is in door_test.go.
func TestPromise5FiveYearsNeverMore(t *testing.T) {
	w := newWorld(t)
	order := smallOrder(1)
	order.ValidFrom, order.ValidUntil = "2026-03-02", "2031-03-02"
	_, err := w.Issue(t.Context(), operator, order)
	var refusal *profiles.Refusal
	if !errors.As(err, &refusal) || refusal.Violations[0].Field != "valid_until" {
		t.Errorf("five years and a day: got %v, want a refusal of valid_until", err)
	}
	order.ValidUntil = "2031-03-01"
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range card.Certs {
		if want := date(2031, 3, 2).Add(-1e9); !c.NotAfter.Equal(want) {
			t.Errorf("%s ends %s, want %s", c.Slot, c.NotAfter, want)
		}
	}
	w.sweep(t)
}

// TestPromise7AcknowledgedIsDurable copies the database's files at the moment of the answer: what a process that is killed then
// leaves behind.
func TestPromise7AcknowledgedIsDurable(t *testing.T) {
	w := newWorld(t)
	order := newOrder(1)
	card, err := w.Issue(t.Context(), operator, order)
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "siegel.db")
	for _, suffix := range []string{"", "-wal"} {
		copyFile(t, w.path+suffix, copied+suffix)
	}
	after := worldAt(t, copied)
	after.start(t)
	got, err := after.Issue(t.Context(), operator, order)
	if err != nil || !reflect.DeepEqual(got, card) {
		t.Errorf("after a crash: got %+v (%v), want %+v", got, err, card)
	}
	if err := storetest.Check(t.Context(), after.db); err != nil {
		t.Error(err)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestPromise8KeysStayInTheToken: what the authority can do with a key is to have it sign, to read its public half and to ask for its token. That the
// server cannot reach the code that makes keys is internal/arch's to check.
func TestPromise8KeysStayInTheToken(t *testing.T) {
	key := reflect.TypeFor[ca.Key]()
	for i := range key.NumMethod() {
		if name := key.Method(i).Name; name != "Sign" && name != "Public" && name != "Ready" {
			t.Errorf("ca.Key has method %s, want Sign, Public and Ready alone", name)
		}
	}
}
