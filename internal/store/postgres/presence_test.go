package postgres_test

import (
	"bytes"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: two servers on one database. What one has open is at work elsewhere for the other, until the one is dead.

func TestElsewhere(t *testing.T) {
	dsn := newDatabase(t, cluster)
	one, other := ready(t, dsn), open(t, dsn)
	in := storetest.NewIntent(1, 1)
	intend(t, one, in)
	checkElsewhere(t, one, in, false)
	checkElsewhere(t, other, in, true)
	checkElsewhere(t, other, in, true) // looking changes nothing
	closeStore(t, one)
	checkElsewhere(t, other, in, false)
	must(t, other.Abandon(t.Context(), in.Attempt, in.At, storetest.NewEntry(tlog.AttemptAbandoned, in)))
	issue(t, other, storetest.NewIntent(1, 2))
	must(t, storetest.Check(t.Context(), other))
}

// TestServerThatCameBackIsAnother opens the database again, as a server that was killed would: what its former life left open is dead.
func TestServerThatCameBackIsAnother(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	in := storetest.NewIntent(1, 1)
	intend(t, s, in)
	closeStore(t, s)
	checkElsewhere(t, open(t, dsn), in, false)
}

// TestPresenceComesBack cuts the connection that holds the lock. The store must take it again by itself, and say both in its log.
func TestPresenceComesBack(t *testing.T) {
	dsn := newDatabase(t, cluster)
	var log syncBuffer
	one, err := postgres.Open(t.Context(), dsn+"&application_name=cut-"+t.Name(), slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	defer closeStore(t, one)
	other := ready(t, dsn)
	in := storetest.NewIntent(1, 1)
	intend(t, one, in)
	for range 3 {
		var cut int
		must(t, raw(t, dsn).QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
			WHERE application_name = 'cut-`+t.Name()+`' AND pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')`).Scan(&cut))
		if cut != 1 {
			t.Fatalf("%d connections held the lock, want 1", cut)
		}
		begun := time.Now()
		for !isElsewhere(t, other, in) {
			if time.Since(begun) > 10*time.Second {
				t.Fatal("the store is not present again")
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
	checkElsewhere(t, one, in, false)
	closeStore(t, one)
	if text := log.String(); strings.Count(text, "lost the connection") != 3 || strings.Count(text, "know of this one again") < 2 {
		t.Errorf("the log says\n%s", text)
	}
}

func isElsewhere(t *testing.T, s *postgres.Store, in *ca.Intent) bool {
	t.Helper()
	state, err := s.Order(t.Context(), in.OrderID)
	must(t, err)
	return state.Open.Elsewhere
}

// checkElsewhere looks at an open attempt in both ways in which a store shows it.
func checkElsewhere(t *testing.T, s *postgres.Store, in *ca.Intent, want bool) {
	t.Helper()
	list, err := s.OpenAttempts(t.Context())
	must(t, err)
	if len(list) != 1 || list[0].Elsewhere != want {
		t.Errorf("OpenAttempts = %+v, want one with Elsewhere %t", list, want)
	}
	if got := isElsewhere(t, s, in); got != want {
		t.Errorf("Order says Elsewhere %t, want %t", got, want)
	}
}

// TestRivalsOfTwoStores has two stores try the same order at once, again and again: one wins, and the other is told the truth.
func TestRivalsOfTwoStores(t *testing.T) {
	dsn := newDatabase(t, cluster)
	stores := []*postgres.Store{ready(t, dsn), open(t, dsn)}
	for order := range 50 {
		var wg sync.WaitGroup
		var errs [2]error
		for i, s := range stores {
			wg.Go(func() {
				in := storetest.NewIntent(order, i+1)
				errs[i] = s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in))
			})
		}
		wg.Wait()
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("order %d: got %v and %v, want one winner", order, errs[0], errs[1])
		}
		for i, err := range errs {
			if err != nil && !strings.Contains(err.Error(), ca.ErrAttemptOpen.Error()) {
				t.Errorf("order %d: loser %d got %v, want %v", order, i, err, ca.ErrAttemptOpen)
			}
		}
	}
	must(t, storetest.Check(t.Context(), stores[0]))
}

// syncBuffer is a buffer for one writer and one reader at a time.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
