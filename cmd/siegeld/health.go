package main

import (
	"context"
	"fmt"
	"math"

	"github.com/siegel-pki/siegel/ca"
)

// readiness tells whether orders could be fulfilled now: an open key session and a token that serves for every issuer key, and a
// database that answers.
type readiness struct {
	keys  interface{ Ready() error } // the authority
	store interface {
		Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error)
	}
}

// ready gives the reason why not. The question to the database is the cheapest that there is: the cards after the last possible one.
func (r readiness) ready(ctx context.Context) error {
	if err := r.keys.Ready(); err != nil {
		return err
	}
	if _, err := r.store.Cards(ctx, math.MaxInt64, 1); err != nil {
		return fmt.Errorf("ask the database: %w", err)
	}
	return nil
}
