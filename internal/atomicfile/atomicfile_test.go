package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// TestWriteIsWhole reads a file all the time while it is replaced by contents of different lengths: each is whole, and nothing else is left.
func TestWriteIsWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	contents := map[string]bool{"short": true, string(make([]byte, 1<<16)): true}
	if err := Write(path, []byte("short")); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for content := range contents {
		writers.Go(func() {
			for range 50 {
				if err := Write(path, []byte(content)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 200 {
		if got, err := os.ReadFile(path); err != nil || !contents[string(got)] {
			t.Errorf("read %d octets, %v", len(got), err)
		}
	}
	writers.Wait()
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v, want one", len(files), err)
	}
}

// TestWriteFails: what was there stays, and nothing beside it.
func TestWriteFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.Mkdir(path, 0o700); err != nil { // no file can take its place
		t.Fatal(err)
	}
	if err := Write(path, []byte("x")); err == nil {
		t.Error("a file took the place of a folder")
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) != 1 {
		t.Errorf("%d files are left, %v, want the folder", len(files), err)
	}
	if err := Write(filepath.Join(dir, "no", "f"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// TestKeep writes once, is content with the same, and takes nothing else.
func TestKeep(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	for _, c := range []struct {
		content string
		want    error
	}{{"a", nil}, {"a", nil}, {"b", fs.ErrExist}, {"", fs.ErrExist}} {
		if err := Keep(path, []byte(c.content)); !errors.Is(err, c.want) {
			t.Errorf("%q: %v, want %v", c.content, err, c.want)
		}
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "a" {
		t.Errorf("the file holds %q, %v, want the first content", got, err)
	}
}
