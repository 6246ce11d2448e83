package main

import (
	"os"
	"runtime/debug"
)

// How the garbage collector is set where the environment does not say otherwise (GOGC, GOMEMLIMIT). An order leaves a megabyte of garbage and
// nothing that stays, so that the usual setting collects several times a second for a heap that hardly grows: a tenth of the server's time.
const (
	gcPercent   = 400     // collect when the heap is five times what was live
	memoryLimit = 1 << 30 // octets; from there on collect as often as it takes
)

// tuneMemory sets the garbage collector.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryLimit)
	}
}
