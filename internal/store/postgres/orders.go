package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
)

// elsewhere tells whether an open attempt is that of another server that lives. The lock of one that is dead can be had; it is given
// back when the statement ends.
const elsewhere = `CASE WHEN a.server = $1 THEN false ELSE NOT pg_try_advisory_xact_lock_shared(a.server) END`

// selectOrder looks for the first attempt state by state, since each has its index: abandoned ones come before the one that is open or
// complete.
const selectOrder = `
SELECT o.order_hash, o.iccsn, a.attempt_id, a.at, ` + elsewhere + `, c.number IS NOT NULL,
    coalesce((SELECT f.attempt_id FROM attempts f WHERE f.order_id = o.order_id AND f.state = 'abandoned' ORDER BY f.number LIMIT 1),
        a.attempt_id, (SELECT f.attempt_id FROM attempts f WHERE f.number = c.attempt))
FROM orders o
LEFT JOIN attempts a ON a.order_id = o.order_id AND a.state = 'open'
LEFT JOIN cards c ON c.order_id = o.order_id
WHERE o.order_id = $2`

// Order implements ca.Store.
func (s *Store) Order(ctx context.Context, orderID string) (*ca.OrderState, error) {
	state, err := s.order(ctx, orderID)
	if err != nil {
		return nil, fmt.Errorf("read order %q: %w", orderID, orNotFound(err))
	}
	return state, nil
}

func (s *Store) order(ctx context.Context, orderID string) (*ca.OrderState, error) {
	state := &ca.OrderState{ID: orderID}
	var known, complete bool
	var card ca.Card
	b := &pgx.Batch{}
	b.Queue(selectOrder, s.presence.key, orderID).QueryRow(func(row pgx.Row) (err error) {
		complete, err = scanOrder(row, state)
		known = err == nil
		return err
	})
	readCard(b, byOrder, orderID, &card)
	err := send(ctx, s.pool, b)
	switch {
	case err != nil && !errors.Is(err, pgx.ErrNoRows), !known:
		return nil, err
	case complete:
		state.Card = &card
	}
	return state, nil // a card that came between the statements is not of this state
}

// scanOrder reads a row of selectOrder and tells whether the order has its card.
func scanOrder(row pgx.Row, state *ca.OrderState) (complete bool, err error) {
	var hash []byte
	var iccsn string
	var attempt *ca.AttemptID
	var at *time.Time
	var away *bool
	if err := row.Scan(&hash, &iccsn, &attempt, &at, &away, &complete, &state.First); err != nil {
		return false, err
	}
	state.Hash = [32]byte(hash)
	if attempt != nil {
		state.Open = &ca.OpenAttempt{ID: *attempt, OrderID: state.ID, ICCSN: iccsn, At: at.UTC(), Elsewhere: *away}
	}
	return complete, nil
}

const selectOpenAttempts = `
SELECT a.attempt_id, a.order_id, o.iccsn, a.at, ` + elsewhere + `
FROM attempts a JOIN orders o ON o.order_id = a.order_id
WHERE a.state = 'open' ORDER BY a.number`

// OpenAttempts implements ca.Store.
func (s *Store) OpenAttempts(ctx context.Context) ([]ca.OpenAttempt, error) {
	return all(ctx, s, "list open attempts", selectOpenAttempts, scanOpenAttempt, s.presence.key)
}

func scanOpenAttempt(row pgx.CollectableRow) (a ca.OpenAttempt, err error) {
	err = row.Scan(&a.ID, &a.OrderID, &a.ICCSN, &a.At, &a.Elsewhere)
	a.At = a.At.UTC()
	return a, err
}
