package storetest

import (
	"testing"

	"github.com/siegel-pki/siegel/ca"
)

// Opener gives a store on a new and empty database, and a function that closes the store last given and opens the same database
// again. What it gives is closed by t.Cleanup.
type Opener func(t *testing.T) (store ca.Store, reopen func(t *testing.T) ca.Store)

// Exercise runs the contract of ca.Store, case by case, each on a database of its own and in parallel.
func Exercise(t *testing.T, open Opener) { panic("not written") }
