package ca

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// bulkStep is how many cards are revoked in one transaction. While it commits, single revocations wait for their epoch: so long, and no
// longer.
const bulkStep = 50

// bulkPause is the time between two looks for bulk revocations that another server has started, and after a failure.
const bulkPause = time.Second

// wakeBulks has this server look for work at once.
func (a *Authority) wakeBulks() {
	select {
	case a.bulkWake <- struct{}{}:
	default: // it will look
	}
}

// RunBulks works on bulk revocations until ctx ends, when no other server does. It needs nothing but the database to know how far each is: where
// a server dies, the next one goes on.
func (a *Authority) RunBulks(ctx context.Context) error {
	failing := false
	for ctx.Err() == nil {
		err := a.store.LeadBulks(ctx, func(ctx context.Context) error {
			for {
				if err := a.workOnBulks(ctx); err != nil {
					return err
				}
				failing = false
				a.awaitBulks(ctx)
				if err := ctx.Err(); err != nil {
					return context.Cause(ctx)
				}
			}
		})
		if ctx.Err() != nil {
			return nil
		}
		if !failing {
			a.config.Log.Warn("bulk revocations stand still; they go on when they can", "error", err)
		}
		failing = true
		a.awaitBulks(ctx)
	}
	return nil
}

// awaitBulks waits until there may be something to do.
func (a *Authority) awaitBulks(ctx context.Context) {
	timer := time.NewTimer(bulkPause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-a.bulkWake:
	case <-timer.C:
	}
}

// workOnBulks takes steps of all that are running in turn, until none is.
func (a *Authority) workOnBulks(ctx context.Context) error {
	for {
		running, err := a.store.RunningBulks(ctx)
		if err != nil || len(running) == 0 {
			return err
		}
		for i := range running {
			err := a.advance(ctx, &running[i])
			if err != nil && !errors.Is(err, ErrBulkMoved) { // paused meanwhile, or another server took the step
				return err
			}
		}
	}
}

// advance takes one step, or ends what is through.
func (a *Authority) advance(ctx context.Context, b *Bulk) error {
	if b.Done == b.Cards {
		return a.endBulk(ctx, b)
	}
	cards, err := a.store.BulkCards(ctx, b.ID, b.Done, bulkStep)
	if err != nil {
		return err
	}
	step := &BulkStep{ID: b.ID, From: b.Done, Revocation: Revocation{
		RequestedAt: b.RequestedAt, At: a.now(), Actor: b.PlannedBy, Requester: b.Requester, Reason: b.Reason}}
	entries := make([]tlog.Entry, len(cards))
	for i := range cards {
		if entries[i], err = bulkCardEntry(b, &cards[i], &step.Revocation); err != nil {
			return err
		}
	}
	_, err = a.store.AdvanceBulk(ctx, step, entries)
	return err
}

func bulkCardEntry(b *Bulk, card *BulkCard, r *Revocation) (tlog.Entry, error) {
	facts := tlog.CardRevocationFacts{ICCSN: card.ICCSN, RequestedAt: tlog.Instant(r.RequestedAt), Requester: r.Requester, Reason: r.Reason, Ground: b.Ground, Bulk: string(b.ID)}
	for i := range card.Certificates {
		c := &card.Certificates[i]
		facts.Certificates = append(facts.Certificates, tlog.RevokedFacts{Slot: c.Slot, Issuer: c.Issuer, Serial: c.Serial.String()})
	}
	return tlog.NewEntry(tlog.CardRevoked, r.At, r.Actor, facts, nil)
}

func (a *Authority) endBulk(ctx context.Context, b *Bulk) error {
	now := a.now()
	entry, err := tlog.NewEntry(tlog.BulkEnded, now, systemActor, tlog.BulkEndFacts{Bulk: string(b.ID), Cards: int64(b.Cards), Revoked: int64(b.Revoked)}, nil)
	if err != nil {
		return err
	}
	if err := a.store.EndBulk(ctx, b.ID, now, entry); err != nil {
		return err
	}
	a.config.Log.Info("a bulk revocation is through", "bulk", b.ID, "cards", b.Cards, "revoked", b.Revoked)
	return nil
}
