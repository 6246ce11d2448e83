package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestSecondStoreIsRefused opens a database that is open, in this process and in another.
func TestSecondStoreIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	first := open(t, path)
	second, err := sqlite.Open(t.Context(), path)
	if !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("second Open = %v, %v, want %v", second, err, sqlite.ErrInUse)
	} else if pid := strconv.Itoa(os.Getpid()); !strings.Contains(err.Error(), pid) {
		t.Errorf("error %q does not name the process %s", err, pid)
	}
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), crashFile+"="+path, crashRound+"=0")
	if out, err := other.CombinedOutput(); err == nil || !bytes.Contains(out, []byte(sqlite.ErrInUse.Error())) {
		t.Errorf("another process ended with %v and said %q, want %q", err, out, sqlite.ErrInUse)
	}
	closeStore(t, first)
	closeStore(t, open(t, path))
}

// TestSecondStoreByAnotherPathIsRefused opens a database that is open by other paths to the same file, and makes one through a link.
func TestSecondStoreByAnotherPathIsRefused(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data", "siegel.db")
	for _, err := range []error{
		os.Mkdir(filepath.Dir(path), 0o700),
		os.Symlink("data", filepath.Join(dir, "linked-folder")),
		os.Symlink(path, filepath.Join(dir, "linked.db")),
		os.Symlink("linked.db", filepath.Join(dir, "linked-twice.db")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if s, err := sqlite.Open(t.Context(), filepath.Join(dir, "linked.db")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Open of a link that leads nowhere = %v, %v, want %v", s, err, os.ErrNotExist)
	}
	first := open(t, filepath.Join(dir, "linked-folder", "siegel.db"))
	others := []string{path, filepath.Join(dir, "linked.db"), filepath.Join(dir, "linked-twice.db"), filepath.Join(dir, "linked-folder", "..", "data", "siegel.db")}
	for _, other := range others {
		if s, err := sqlite.Open(t.Context(), other); !errors.Is(err, sqlite.ErrInUse) {
			t.Errorf("Open(%s) = %v, %v, want %v", other, s, err, sqlite.ErrInUse)
		}
	}
	closeStore(t, first)
	for _, other := range others {
		closeStore(t, open(t, other))
	}
}

// TestHardLinksAreRefused: the second name would have a lock of its own.
func TestHardLinksAreRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	first := open(t, path)
	if err := os.Link(path, path+"-too"); err != nil {
		t.Fatal(err)
	}
	if s, err := sqlite.Open(t.Context(), path+"-too"); !errors.Is(err, sqlite.ErrHardLinks) {
		t.Errorf("Open by the second name = %v, %v, want %v", s, err, sqlite.ErrHardLinks)
	}
	closeStore(t, first)
	if s, err := sqlite.Open(t.Context(), path); !errors.Is(err, sqlite.ErrHardLinks) {
		t.Errorf("Open by the first name = %v, %v, want %v", s, err, sqlite.ErrHardLinks)
	}
}

// TestOpenRefuses gives Open files that it must not touch.
func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(t *testing.T, path string)
		want error // nil: any
	}{
		{"a newer schema", func(t *testing.T, path string) {
			closeStore(t, open(t, path))
			exec1(t, path, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)")
		}, sqlite.ErrNewerSchema},
		{"tables of another program", func(t *testing.T, path string) {
			exec1(t, path, "CREATE TABLE bookmarks (url TEXT)")
		}, sqlite.ErrNotSiegel},
		{"an empty database of another program", func(t *testing.T, path string) {
			exec1(t, path, "PRAGMA application_id = 252006673")
		}, sqlite.ErrNotSiegel},
		{"a file that is no database", func(t *testing.T, path string) {
			if err := os.WriteFile(path, bytes.Repeat([]byte("order;iccsn\n"), 1000), 0o600); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"a directory", func(t *testing.T, path string) {
			if err := os.Mkdir(path, 0o700); err != nil {
				t.Fatal(err)
			}
		}, nil},
		{"a directory that does not exist", func(t *testing.T, path string) {
			if err := os.Remove(filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
		}, os.ErrNotExist},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "data", "siegel.db")
			if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			c.make(t, path)
			before, _ := os.ReadFile(path)
			for range 2 { // the second time shows that the first gave up the lock
				s, err := sqlite.Open(t.Context(), path)
				if err == nil || c.want != nil && !errors.Is(err, c.want) {
					t.Errorf("Open = %v, %v, want error %v", s, err, c.want)
				}
				if errors.Is(err, sqlite.ErrInUse) {
					t.Errorf("Open = %v, but nobody has the file", err)
				}
			}
			if after, _ := os.ReadFile(path); !bytes.Equal(after, before) {
				t.Errorf("Open changed the file")
			}
		})
	}
}

// TestOpenWithEndedContext must not open, and must leave nothing locked.
func TestOpenWithEndedContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if s, err := sqlite.Open(ctx, path); !errors.Is(err, context.Canceled) {
		t.Errorf("Open = %v, %v, want %v", s, err, context.Canceled)
	}
	open(t, path)
}

// TestFilesArePrivate checks that only the owner can read what holds personal data.
func TestFilesArePrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s := open(t, path)
	if _, err := s.Append(t.Context(), storetest.NewEntry(tlog.ServerStarted, storetest.NewIntent(1, 1))); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".lock"} {
		info, err := os.Stat(path + suffix)
		if err != nil {
			t.Error(err)
		} else if got := info.Mode().Perm(); got != 0o600 {
			t.Errorf("%s has mode %o, want 600", info.Name(), got)
		}
	}
}

// TestPathWithSpecialCharacters opens a file whose name would mean something else in a URI.
func TestPathWithSpecialCharacters(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?mode=memory&c#d%20ä.db")
	closeStore(t, open(t, path))
	if _, err := os.Stat(path); err != nil {
		t.Errorf("the file has another name: %v", err)
	}
}

// TestClosedStore checks what a store does after Close.
func TestClosedStore(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "siegel.db"))
	closeStore(t, s)
	closeStore(t, s)
	in := storetest.NewIntent(1, 1)
	if err := s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)); !errors.Is(err, sqlite.ErrClosed) {
		t.Errorf("Intend = %v, want %v", err, sqlite.ErrClosed)
	}
	if list, err := s.Cards(t.Context(), 0, 1); err == nil {
		t.Errorf("Cards = %v, nil, want an error", list)
	}
}

// exec1 runs one statement behind the store's back.
func exec1(t *testing.T, path, statement string) {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	if _, err := db.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}
