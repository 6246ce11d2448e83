package metrics

import (
	"context"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Counting gives a store that counts what it records. An attempt whose recording failed in a way that says nothing is not counted.
func (m *Metrics) Counting(store ca.Store) ca.Store { return counting{store, m} }

type counting struct {
	ca.Store
	metrics *Metrics
}

// Intend implements ca.Store.
func (c counting) Intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	err := c.Store.Intend(ctx, in, entry)
	if err == nil {
		c.metrics.orders.WithLabelValues(in.CardType).Inc()
	}
	return err
}

// Complete implements ca.Store.
func (c counting) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (ca.CardNumbers, error) {
	numbers, err := c.Store.Complete(ctx, done, entry)
	if err == nil {
		in := done.Intent
		c.metrics.cards.WithLabelValues(in.CardType, in.Sector).Inc()
		for i := range in.Drafts {
			c.metrics.certificates.WithLabelValues(string(in.Drafts[i].Format)).Inc()
		}
	}
	return numbers, err
}

// Abandon implements ca.Store.
func (c counting) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	err := c.Store.Abandon(ctx, attempt, at, entry)
	if err == nil {
		c.metrics.abandoned.Inc()
	}
	return err
}
