package storetest

import (
	"context"

	"github.com/siegel-pki/siegel/ca"
)

// Check sweeps over a whole store and gives every broken invariant, joined, or nil. The store must be at rest: no verb may run
// meanwhile. It uses nothing but ca.Store, so that it serves every store and every fault test.
func Check(ctx context.Context, store ca.Store) error { panic("not written") }
