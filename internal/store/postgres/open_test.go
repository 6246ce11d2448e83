package postgres_test

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"
	"sync"
	"testing"

	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/migrations"
)

// TestOpenRefuses gives Open databases that do not fit, which it must not change.
func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name      string
		migrated  bool
		statement string
		want      error
		says      string
	}{
		{"an empty database", false, "", postgres.ErrOlderSchema, "siegeld migrate"},
		{"an older schema", true, "DELETE FROM goose_db_version WHERE version_id > 0", postgres.ErrOlderSchema, "siegeld migrate"},
		{"a newer schema", true, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, true)", postgres.ErrNewerSchema, "version 99999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dsn, err := cluster.NewSchema(t.Context())
			must(t, err)
			if c.migrated {
				_, _, err := postgres.Migrate(t.Context(), dsn)
				must(t, err)
			}
			db := raw(t, dsn)
			_, err = db.Exec(t.Context(), c.statement)
			must(t, err)
			before := countTables(t, dsn)
			s, err := postgres.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("Open = %v, %v, want %v that says %q", s, err, c.want, c.says)
			}
			if after := countTables(t, dsn); after != before {
				t.Errorf("Open made tables: %d before, %d after", before, after)
			}
			if c.want == postgres.ErrNewerSchema {
				if _, _, err := postgres.Migrate(t.Context(), dsn); !errors.Is(err, c.want) {
					t.Errorf("Migrate = %v, want %v", err, c.want)
				}
			}
		})
	}
}

func countTables(t *testing.T, dsn string) (n int) {
	t.Helper()
	must(t, raw(t, dsn).QueryRow(t.Context(), "SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace").Scan(&n))
	return n
}

// TestMigrateTogether runs many migrations of one database at once: each waits for its turn, and all find it good.
func TestMigrateTogether(t *testing.T) {
	dsn, err := cluster.NewSchema(t.Context())
	must(t, err)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := postgres.Migrate(t.Context(), dsn); err != nil {
				t.Errorf("Migrate = %v, want nil", err)
			}
		})
	}
	wg.Wait()
	from, to, err := postgres.Migrate(t.Context(), dsn)
	if err != nil || from != to || to < 1 {
		t.Errorf("Migrate again = %d, %d, %v, want the last version twice", from, to, err)
	}
	var steps int
	must(t, raw(t, dsn).QueryRow(t.Context(), "SELECT count(*) FROM goose_db_version WHERE version_id > 0").Scan(&steps))
	files, err := fs.Glob(migrations.Postgres(), "*.sql")
	must(t, err)
	if steps != len(files) {
		t.Errorf("%d steps were recorded, want %d", steps, len(files))
	}
	open(t, dsn)
}

// TestOpenNothing gives Open DSNs that lead nowhere. The errors say where, and hold no password.
func TestOpenNothing(t *testing.T) {
	for _, c := range []struct{ name, dsn, says string }{
		{"no database there", "postgres://siegel:s3cret@127.0.0.1:1/cards", "siegel@127.0.0.1:1/cards"},
		{"not a port", "postgres://siegel:s3cret@127.0.0.1:none/cards", "port"},
		{"bad number of connections", "postgres://siegel:s3cret@127.0.0.1:1/cards?pool_max_conns=0", "pool_max_conns"},
		{"unknown database", cluster.DSN("") + "&dbname=none", "none"},
	} {
		t.Run(c.name, func(t *testing.T) {
			for what, err := range map[string]error{
				"Open":    second(postgres.Open(t.Context(), c.dsn, slog.New(slog.DiscardHandler))),
				"Migrate": third(postgres.Migrate(t.Context(), c.dsn)),
			} {
				if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") {
					t.Errorf("%s = %v, want an error that says %q and no password", what, err, c.says)
				}
			}
		})
	}
}

func second[A any](_ A, err error) error        { return err }
func third[A, B any](_ A, _ B, err error) error { return err }

// TestDescribe keeps passwords out of logs, whatever the form of the DSN.
func TestDescribe(t *testing.T) {
	for _, dsn := range []string{
		"postgres://siegel:s3cret@db.example:5433/cards?sslmode=disable",
		"host=db.example port=5433 user=siegel password=s3cret dbname=cards sslmode=disable",
	} {
		if got, err := postgres.Describe(dsn); err != nil || got != "siegel@db.example:5433/cards" {
			t.Errorf("Describe = %q, %v, want siegel@db.example:5433/cards", got, err)
		}
	}
}

// TestOpenWithEndedContext must not open, and must leave nothing running.
func TestOpenWithEndedContext(t *testing.T) {
	dsn := newDatabase(t, cluster)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := postgres.Open(ctx, dsn, slog.New(slog.DiscardHandler)); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, %v, want %v", s, err, context.Canceled)
	}
}

// TestClosedStore checks what a store does after Close.
func TestClosedStore(t *testing.T) {
	s := open(t, newDatabase(t, cluster))
	closeStore(t, s)
	closeStore(t, s)
	in := storetest.NewIntent(1, 1)
	if err := s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)); err == nil {
		t.Error("Intend = nil, want an error")
	}
	if list, err := s.Cards(t.Context(), 0, 1); err == nil {
		t.Errorf("Cards = %v, nil, want an error", list)
	}
}

// TestSettings asks a connection what it runs with, where database and role say otherwise: durability hangs on it.
func TestSettings(t *testing.T) {
	dsn := newDatabase(t, cluster)
	for name, want := range map[string]string{"synchronous_commit": "on", "default_transaction_isolation": "read committed", "TimeZone": "UTC"} {
		got, err := postgres.Setting(t.Context(), open(t, dsn+"&synchronous_commit=off&timezone=Europe/Berlin"), name)
		if err != nil || got != want {
			t.Errorf("%s = %q, %v, want %q", name, got, err, want)
		}
	}
}
