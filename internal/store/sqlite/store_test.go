package sqlite_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
)

func TestMain(m *testing.M) {
	crashIfChild()
	goleak.VerifyTestMain(m)
}

// TestContract runs the suite of all stores.
func TestContract(t *testing.T) {
	storetest.Exercise(t, func(t *testing.T) (ca.Store, func(*testing.T) ca.Store) {
		path := filepath.Join(t.TempDir(), "siegel.db")
		s := open(t, path)
		return s, func(t *testing.T) ca.Store {
			closeStore(t, s)
			s = open(t, path)
			return s
		}
	})
}

// TestLogContract runs the suite of all stores that keep the log.
func TestLogContract(t *testing.T) {
	storetest.ExerciseLog(t, func(t *testing.T) (storetest.LogStore, func(*testing.T) storetest.LogStore) {
		path := filepath.Join(t.TempDir(), "siegel.db")
		s := open(t, path)
		return s, func(t *testing.T) storetest.LogStore {
			closeStore(t, s)
			s = open(t, path)
			return s
		}
	})
}

// TestStatusContract runs the suite of all stores that keep the status.
func TestStatusContract(t *testing.T) {
	storetest.ExerciseStatus(t, func(t *testing.T) (ca.Store, func(*testing.T) ca.Store) {
		path := filepath.Join(t.TempDir(), "siegel.db")
		s := open(t, path)
		return s, func(t *testing.T) ca.Store {
			closeStore(t, s)
			s = open(t, path)
			return s
		}
	})
}

// TestCRLContract runs the suite of all stores that keep CRLs.
func TestCRLContract(t *testing.T) {
	storetest.ExerciseCRL(t, func(t *testing.T) (storetest.CRLStore, func(*testing.T) storetest.CRLStore) {
		path := filepath.Join(t.TempDir(), "siegel.db")
		s := open(t, path)
		return s, func(t *testing.T) storetest.CRLStore {
			closeStore(t, s)
			s = open(t, path)
			return s
		}
	})
}

// open opens a store that must open, and closes it when the test ends.
func open(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatalf("Open = %v, want nil", err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

// ready opens a store that knows the issuers of the samples.
func ready(t testing.TB, path string) *sqlite.Store {
	t.Helper()
	s := open(t, path)
	if err := storetest.AddIssuers(t.Context(), s); err != nil {
		t.Fatalf("AddIssuer = %v, want nil", err)
	}
	return s
}

func closeStore(t testing.TB, s *sqlite.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("Close = %v, want nil", err)
	}
}
