package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/clone"
)

// copyCards clones the pattern inside the database, in transactions of so many cards, each followed by the sequencer, so that what it reads is
// still in memory. It gives the id of the last entry.
func (c *fillCmd) copyCards(ctx context.Context, store filledStore, sequencer *ca.Sequencer, t *template) (_ int64, err error) {
	kind, name := clone.SQLite, filepath.Join(c.Data, "siegel.db")
	if c.Postgres != "" {
		kind, name = clone.Postgres, c.Postgres
	}
	cloner, err := clone.Open(ctx, kind, name, patternOrder, c.Cards)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, cloner.Close()) }()
	missing := c.Cards - cloner.There()
	if missing <= 0 {
		return 0, fmt.Errorf("%d clones are there already", cloner.There())
	}
	sessions, err := openFillSessions(ctx, store, t, missing)
	if err != nil {
		return 0, err
	}
	began, used := time.Now(), useOfCPU()
	for made := int64(0); made < missing; made += min(c.Chunk, missing-made) {
		chunk := time.Now()
		last, err := cloner.Cards(ctx, min(c.Chunk, missing-made))
		if err != nil {
			return 0, err
		}
		if c.Active {
			if last, err = cloner.Activate(ctx); err != nil {
				return 0, err
			}
		}
		cloned := time.Since(chunk)
		if _, err := sequencer.Await(ctx, last); err != nil {
			return 0, err
		}
		fmt.Fprintf(os.Stderr, "siegel-bench: %d cards after %s and %s of CPU; the last ones took %s to clone and %s to number\n", cloner.There(),
			time.Since(began).Round(time.Second), useOfCPU().since(used).total().Round(time.Second), cloned.Round(100*time.Millisecond), (time.Since(chunk) - cloned).Round(100*time.Millisecond))
	}
	if err := cloner.Settle(ctx); err != nil {
		return 0, err
	}
	fmt.Fprintln(os.Stderr, "siegel-bench: the log is well formed, its tree and checkpoints verify; but the certificates of all these cards are those of the first, and do not "+
		"bear the serial numbers and keys that the entries name")
	return closeFillSessions(ctx, store, sessions)
}
