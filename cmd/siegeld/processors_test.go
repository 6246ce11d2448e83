package main

import (
	"runtime"
	"testing"
)

// TestSpareProcessors are added where the environment leaves the number open, and only there.
func TestSpareProcessors(t *testing.T) {
	before := runtime.GOMAXPROCS(0)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
	t.Setenv("GOMAXPROCS", "7")
	if tuneProcessors(); runtime.GOMAXPROCS(0) != before {
		t.Errorf("GOMAXPROCS is set, but %d became %d", before, runtime.GOMAXPROCS(0))
	}
	t.Setenv("GOMAXPROCS", "")
	if tuneProcessors(); runtime.GOMAXPROCS(0) != before+spareProcessors {
		t.Errorf("%d became %d, want %d more", before, runtime.GOMAXPROCS(0), spareProcessors)
	}
}
