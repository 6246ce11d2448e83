package postgres_test

import (
	"context"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/store/postgres"
)

// The story of this file: of several servers one numbers entries, and another one soon does when that one is gone.

// lead has a store lead until stop is called or its lock is lost, and tells both.
func lead(t *testing.T, s *postgres.Store) (leads, lost <-chan struct{}, stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	begun, ended, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		s.Lead(ctx, func(ctx context.Context) error {
			close(begun)
			<-ctx.Done()
			close(ended)
			return ctx.Err()
		})
	}()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return begun, ended, stop
}

// soon waits for something that must happen within two seconds.
func soon(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	begun := time.Now()
	select {
	case <-c:
		t.Logf("%s after %s", what, time.Since(begun).Round(time.Millisecond))
	case <-time.After(2 * time.Second):
		t.Fatalf("2 s later still not: %s", what)
	}
}

func TestOneServerLeads(t *testing.T) {
	dsn := newDatabase(t, cluster)
	first, _, stop := lead(t, open(t, dsn))
	soon(t, "the first leads", first)
	second, _, _ := lead(t, open(t, dsn))
	select {
	case <-second:
		t.Fatal("two servers lead")
	case <-time.After(1200 * time.Millisecond):
	}
	stop()
	soon(t, "the second leads", second)
}

// TestLeaderIsCutOff cuts the connection that holds the lock, as the death of the leader's process would.
func TestLeaderIsCutOff(t *testing.T) {
	dsn := newDatabase(t, cluster)
	first, lost, _ := lead(t, open(t, dsn))
	soon(t, "the first leads", first)
	second, _, _ := lead(t, open(t, dsn))
	_, err := raw(t, dsn).Exec(t.Context(), `SELECT pg_terminate_backend(pid) FROM pg_locks
		WHERE locktype = 'advisory' AND granted AND classid::bigint = hashtext('siegel sequencer') & 4294967295::bigint
			AND objid::bigint = hashtext(current_schema()) & 4294967295::bigint`)
	must(t, err)
	soon(t, "the first knows that it leads no more", lost)
	soon(t, "the second leads", second)
}
