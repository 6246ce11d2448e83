package main

import (
	"os"
	"testing"
)

// TestLogFormat: text is for a person at a terminal. /dev/null is a character device, and nobody reads it.
func TestLogFormat(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, f := range []*os.File{null, file} {
		if isTerminal(f) {
			t.Errorf("%s is taken for a terminal", f.Name())
		}
	}
	newLogger(logConfig{Format: "auto", Level: "info"}, file).Info("hello")
	text, err := os.ReadFile(file.Name())
	if err != nil || len(text) == 0 || text[0] != '{' {
		t.Errorf("the log is %q, %v, want JSON", text, err)
	}
}
