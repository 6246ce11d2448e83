package main

import (
	"os"
	"path/filepath"
	"testing"
)

// TestCheckpointFile: what was written last is read, and nothing else stays behind.
func TestCheckpointFile(t *testing.T) {
	f := checkpointFile{filepath.Join(t.TempDir(), "checkpoint")}
	if text, err := f.read(); text != nil || err != nil {
		t.Errorf("without a file: read %q, %v, want nothing", text, err)
	}
	for _, text := range []string{"a longer one\n", "short\n"} {
		if err := f.write([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := f.read(); err != nil || string(got) != text {
			t.Errorf("read %q, %v, want %q", got, err, text)
		}
	}
	if files, err := os.ReadDir(filepath.Dir(f.path)); err != nil || len(files) != 1 {
		t.Errorf("the directory holds %v, %v, want one file", files, err)
	}
	if err := (checkpointFile{filepath.Join(t.TempDir(), "none", "checkpoint")}).write(nil); err == nil {
		t.Error("a checkpoint was saved in no directory")
	}
}
