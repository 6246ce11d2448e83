package sqlite

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// backUp backs up the database of a test into a directory of its own and opens the copy.
func backUp(t *testing.T, path string) (*Store, *BackupInfo, string) {
	t.Helper()
	to := filepath.Join(t.TempDir(), "backup.db")
	info, err := Backup(t.Context(), path, to)
	if err != nil {
		t.Fatal(err)
	}
	requireFiles(t, filepath.Dir(to), "backup.db")
	s, err := Open(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, info, to
}

func requireFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), "-wal") && !strings.HasSuffix(f.Name(), "-shm") { // a reader may leave SQLite's own files
			got = append(got, f.Name())
		}
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the directory holds %q, want %q", got, want)
	}
}

// TestBackupOfAStoreAtWork has what was acknowledged before it began, and the first entries of those that came meanwhile, without a gap.
func TestBackupOfAStoreAtWork(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	const before, meanwhile = 50, 300
	appendEntries := func(n int) {
		for range n {
			if _, err := s.Append(t.Context(), entry); err != nil {
				t.Error(err)
			}
		}
	}
	appendEntries(before)
	var others sync.WaitGroup
	others.Go(func() { appendEntries(meanwhile) })
	restored, info, to := backUp(t, path)
	others.Wait()
	entries, err := restored.Entries(t.Context(), 0, before+meanwhile)
	if err != nil || len(entries) < before {
		t.Fatalf("the backup has %d entries, %v, want the %d of before at least", len(entries), err, before)
	}
	for i, e := range entries {
		if e.ID != int64(i)+1 {
			t.Errorf("entry %d of the backup has id %d", i, e.ID)
		}
	}
	if stat, err := os.Stat(to); err != nil || stat.Mode().Perm() != 0o600 || info.Octets == 0 || info.Leaves != 0 {
		t.Errorf("the backup has mode %v, %v, and is said to be %+v", stat.Mode(), err, info)
	}
	if id, err := restored.Append(t.Context(), entry); err != nil || id != int64(len(entries))+1 {
		t.Errorf("the next entry of the backup has id %d, %v, want %d", id, err, len(entries)+1)
	}
}

// TestBackupOfAClosedStore needs no server.
func TestBackupOfAClosedStore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	restored, _, _ := backUp(t, path)
	if entries, err := restored.Entries(t.Context(), 0, 10); err != nil || len(entries) != 1 {
		t.Errorf("the backup has %d entries, %v, want 1", len(entries), err)
	}
}

// TestBackupRefuses: nothing is replaced, nothing is made where the database should be, and nothing half is left behind.
func TestBackupRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "siegel.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, name)
	}
	taken, noDatabase, other := write("taken", "of yesterday"), write("text", strings.Repeat("no database. ", 100)), write("other.db", "")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx      context.Context
		from, to string
		want     error
	}{
		"the name is taken":   {t.Context(), path, taken, fs.ErrExist},
		"no directory":        {t.Context(), path, filepath.Join(dir, "none", "backup.db"), fs.ErrNotExist},
		"no database":         {t.Context(), filepath.Join(dir, "none.db"), filepath.Join(dir, "a"), fs.ErrNotExist},
		"a text":              {t.Context(), noDatabase, filepath.Join(dir, "b"), nil},
		"another program's":   {t.Context(), other, filepath.Join(dir, "c"), ErrNotSiegel},
		"the caller has left": {ended, path, filepath.Join(dir, "d"), context.Canceled},
	} {
		if _, err := Backup(c.ctx, c.from, c.to); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: Backup = %v, want %v", name, err, c.want)
		}
	}
	requireFiles(t, dir, "other.db", "siegel.db", "siegel.db.lock", "taken", "text")
	if text, err := os.ReadFile(taken); err != nil || string(text) != "of yesterday" {
		t.Errorf("the file that was there holds %q, %v", text, err)
	}
}
