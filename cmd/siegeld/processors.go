package main

import (
	"os"
	"runtime"
)

// spareProcessors is how many goroutines may run beyond the processors there are. A thread in the token's module holds the right to run Go
// until the runtime takes it away, tens of microseconds to ten milliseconds later. With a token across a network, whose signatures take
// milliseconds and no processor, all rights are held by threads that wait, and what else an order needs stands still. Two more let a server
// with two processors reach 0.63 of such a token's rate instead of 0.55. With a token in software they cost a card one or two per cent; the
// system's scheduler then shares the processors.
const spareProcessors = 2

// tuneProcessors adds them, where the environment does not say how many goroutines may run (GOMAXPROCS). The number then stays the same
// as long as the server runs, even if a container is given more.
func tuneProcessors() {
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + spareProcessors)
	}
}
