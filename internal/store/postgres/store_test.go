package postgres_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
	"github.com/siegel-pki/siegel/internal/store/storetest"
)

// cluster serves all tests of the package but those that crash it. Each test has a schema of its own.
var cluster *pgtest.Cluster

func TestMain(m *testing.M) { os.Exit(runTests(m)) }

func runTests(m *testing.M) int {
	var err error
	if cluster, err = pgtest.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := cluster.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestContract runs the suite of all stores.
func TestContract(t *testing.T) {
	storetest.Exercise(t, func(t *testing.T) (ca.Store, func(*testing.T) ca.Store) {
		dsn := newDatabase(t, cluster)
		s := open(t, dsn)
		return s, func(t *testing.T) ca.Store {
			closeStore(t, s)
			s = open(t, dsn)
			return s
		}
	})
}

// TestLogContract runs the suite of all stores that keep the log.
func TestLogContract(t *testing.T) {
	storetest.ExerciseLog(t, func(t *testing.T) (storetest.LogStore, func(*testing.T) storetest.LogStore) {
		dsn := newDatabase(t, cluster)
		s := open(t, dsn)
		return s, func(t *testing.T) storetest.LogStore {
			closeStore(t, s)
			s = open(t, dsn)
			return s
		}
	})
}

// TestStatusContract runs the suite of all stores that keep the status.
func TestStatusContract(t *testing.T) {
	storetest.ExerciseStatus(t, func(t *testing.T) (ca.Store, func(*testing.T) ca.Store) {
		dsn := newDatabase(t, cluster)
		s := open(t, dsn)
		return s, func(t *testing.T) ca.Store {
			closeStore(t, s)
			s = open(t, dsn)
			return s
		}
	})
}

// TestCRLContract runs the suite of all stores that keep CRLs.
func TestCRLContract(t *testing.T) {
	storetest.ExerciseCRL(t, func(t *testing.T) (storetest.CRLStore, func(*testing.T) storetest.CRLStore) {
		dsn := newDatabase(t, cluster)
		s := open(t, dsn)
		return s, func(t *testing.T) storetest.CRLStore {
			closeStore(t, s)
			s = open(t, dsn)
			return s
		}
	})
}

// newDatabase gives a schema with our tables.
func newDatabase(t testing.TB, c *pgtest.Cluster) (dsn string) {
	t.Helper()
	dsn, err := c.NewSchema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := postgres.Migrate(t.Context(), dsn); err != nil {
		t.Fatalf("Migrate = %v, want nil", err)
	}
	return dsn
}

// open opens a store that must open, and closes it when the test ends.
func open(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// ready opens a store that knows the issuers of the samples.
func ready(t testing.TB, dsn string) *postgres.Store {
	t.Helper()
	s := open(t, dsn)
	if err := storetest.AddIssuers(t.Context(), s); err != nil {
		t.Fatalf("AddIssuer = %v, want nil", err)
	}
	return s
}

func closeStore(t testing.TB, s *postgres.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}

// raw connects to a database behind the store's back.
func raw(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}
