package sqlite

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// These tests hold the writer inside a verb, which no caller from outside can. Where it matters who waits behind whom, they run
// in a bubble (testing/synctest), whose Wait returns when all others wait.

// hold is a verb that begins, and ends when it is let go.
type hold struct {
	began, letGo chan struct{}
	answer       chan error
}

// holdWriter has the writer begin a verb and waits until it has.
func holdWriter(t *testing.T, s *Store, ctx context.Context) *hold {
	t.Helper()
	h := submitHold(s, ctx)
	<-h.began
	return h
}

// submitHold submits such a verb and does not wait.
func submitHold(s *Store, ctx context.Context) *hold {
	h := &hold{began: make(chan struct{}), letGo: make(chan struct{}), answer: make(chan error, 1)}
	go func() {
		h.answer <- s.writer.do(ctx, func(w *session) error {
			close(h.began)
			<-h.letGo
			_, err := record(w, entry)
			return err
		})
	}()
	return h
}

var entry = tlog.Entry{Kind: tlog.ServerStarted, At: time.UnixMilli(0), Actor: "siegeld", Facts: []byte(`{}`)}

// TestContextEndsWhileVerbWaits leaves a verb that has not begun: nothing of it may happen.
func TestContextEndsWhileVerbWaits(t *testing.T) { synctest.Test(t, contextEndsWhileVerbWaits) }

func contextEndsWhileVerbWaits(t *testing.T) {
	s := openTest(t)
	h := holdWriter(t, s, t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	answer := make(chan error, 1)
	go func() {
		_, err := s.Append(ctx, entry)
		answer <- err
	}()
	synctest.Wait()
	cancel()
	if err := <-answer; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "may have happened") {
		t.Errorf("Append = %v, want %v and no doubt", err, context.Canceled)
	}
	close(h.letGo)
	if err := <-h.answer; err != nil {
		t.Errorf("the verb before it = %v, want nil", err)
	}
	if got := countEntries(t, s); got != 1 {
		t.Errorf("there are %d entries, want 1", got)
	}
}

// TestContextEndsAfterVerbWasTaken leaves a verb that the writer has in its batch but has not begun.
func TestContextEndsAfterVerbWasTaken(t *testing.T) { synctest.Test(t, contextEndsAfterVerbWasTaken) }

func contextEndsAfterVerbWasTaken(t *testing.T) {
	s := openTest(t)
	h := holdWriter(t, s, t.Context())
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	next, last := submitHold(s, t.Context()), make(chan error, 1)
	synctest.Wait()
	go func() {
		_, err := s.Append(ctx, entry)
		last <- err
	}()
	synctest.Wait()
	close(h.letGo)
	synctest.Wait() // next has begun, and the Append waits behind it in the same batch
	cancel()
	if err := <-last; !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "may have happened") {
		t.Errorf("Append = %v, want %v and no doubt", err, context.Canceled)
	}
	close(next.letGo)
	<-next.answer
	if got := countEntries(t, s); got != 2 {
		t.Errorf("there are %d entries, want 2", got)
	}
}

// TestContextEndsAfterVerbBegan leaves a verb that has begun: the error must not claim that nothing happened.
func TestContextEndsAfterVerbBegan(t *testing.T) { synctest.Test(t, contextEndsAfterVerbBegan) }

func contextEndsAfterVerbBegan(t *testing.T) {
	s := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	h := holdWriter(t, s, ctx)
	cancel()
	if err := <-h.answer; !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "may have happened") {
		t.Errorf("the verb = %v, want %v and that it may have happened", err, context.Canceled)
	}
	close(h.letGo)
	if _, err := s.Append(t.Context(), entry); err != nil { // comes after it
		t.Errorf("Append = %v, want nil", err)
	}
	if got := countEntries(t, s); got != 2 {
		t.Errorf("there are %d entries, want 2", got)
	}
}

// TestVerbsShareACommit shows that verbs that wait together are answered together, also one that fails: its answer may rest on
// what a neighbour wrote.
func TestVerbsShareACommit(t *testing.T) { synctest.Test(t, verbsShareACommit) }

func verbsShareACommit(t *testing.T) {
	s := openTest(t)
	first := holdWriter(t, s, t.Context())
	good, bad := make(chan error, 1), make(chan error, 1)
	cause := errors.New("refused")
	go func() {
		good <- s.writer.do(t.Context(), func(w *session) error { _, err := record(w, entry); return err })
	}()
	synctest.Wait()
	go func() { bad <- s.writer.do(t.Context(), func(*session) error { return cause }) }()
	synctest.Wait()
	last := submitHold(s, t.Context())
	synctest.Wait()
	close(first.letGo)
	<-first.answer
	synctest.Wait() // last has begun, so that the other two have run
	select {
	case err := <-good:
		t.Errorf("a verb was answered (%v) before the commit that it shares", err)
	case err := <-bad:
		t.Errorf("a verb was answered (%v) before the commit that it shares", err)
	case <-last.began:
	}
	close(last.letGo)
	if err := <-good; err != nil {
		t.Errorf("good verb = %v, want nil", err)
	}
	if err := <-bad; !errors.Is(err, cause) {
		t.Errorf("bad verb = %v, want %v", err, cause)
	}
}

// TestCloseDrains closes the store while a verb runs: that verb ends well, others are refused.
func TestCloseDrains(t *testing.T) { synctest.Test(t, closeDrains) }

func closeDrains(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	h := holdWriter(t, s, t.Context())
	closed := make(chan error, 1)
	go func() { closed <- s.Close() }()
	synctest.Wait()
	if _, err := s.Append(t.Context(), entry); !errors.Is(err, ErrClosed) {
		t.Errorf("Append = %v, want %v", err, ErrClosed)
	}
	select {
	case err := <-closed:
		t.Errorf("Close = %v before the verb under way had ended", err)
	default:
	}
	close(h.letGo)
	if err := <-h.answer; err != nil {
		t.Errorf("the verb under way = %v, want nil", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
	s, err = Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := countEntries(t, s); got != 1 {
		t.Errorf("there are %d entries, want 1", got)
	}
}

// TestFullDisk fills the database. The verb fails and leaves nothing, the store lives on, and works again when there is room.
func TestFullDisk(t *testing.T) {
	s := openTest(t)
	limit := func(pages string) {
		t.Helper()
		var now int
		err := s.writer.do(t.Context(), func(w *session) error { return w.row("PRAGMA max_page_count = "+pages, nil, &now) })
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // which means: no more than there are
	big := entry
	big.Facts = []byte(`"` + strings.Repeat("x", 100_000) + `"`)
	if _, err := s.Append(t.Context(), big); err == nil || !strings.Contains(err.Error(), "full") {
		t.Errorf("Append = %v, want that the database is full", err)
	}
	if got := countEntries(t, s); got != 0 {
		t.Errorf("there are %d entries, want 0", got)
	}
	limit("1000000")
	if _, err := s.Append(t.Context(), big); err != nil {
		t.Errorf("Append = %v, want nil", err)
	}
}

// TestSettings asks the connections what they run with: durability hangs on it, and how much memory a long read takes.
func TestSettings(t *testing.T) {
	s := openTest(t)
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "fullfsync": "1",
		"recursive_triggers": "1", "busy_timeout": "5000", "application_id": "1397310791", "cache_size": "-8192",
		"wal_autocheckpoint": "4000"} {
		var got string
		if err := s.writer.do(t.Context(), func(w *session) error { return w.row("PRAGMA "+pragma, nil, &got) }); err != nil || got != want {
			t.Errorf("writer: %s = %q, %v, want %q", pragma, got, err, want)
		}
	}
	var cache int
	if err := s.read.QueryRowContext(t.Context(), "PRAGMA cache_size").Scan(&cache); err != nil || cache != -2048 {
		t.Errorf("reader: cache_size = %d, %v, want -2048", cache, err)
	}
	if _, err := s.read.ExecContext(t.Context(), "DELETE FROM orders"); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("a reader's DELETE = %v, want that it is read-only", err)
	}
}

func openTest(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "siegel.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close = %v, want nil", err)
		}
	})
	return s
}

func countEntries(t *testing.T, s *Store) int {
	t.Helper()
	list, err := s.Entries(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return len(list)
}
