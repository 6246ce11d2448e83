package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/ca"
)

// selectOrder looks for the first attempt state by state, since each has its index: abandoned ones come before the one that is open or
// complete.
const selectOrder = `
SELECT o.order_hash, o.iccsn, a.attempt_id, a.at, c.number,
    coalesce((SELECT f.attempt_id FROM attempts f WHERE f.order_id = o.order_id AND f.state = 'abandoned' ORDER BY f.number LIMIT 1),
        a.attempt_id, (SELECT f.attempt_id FROM attempts f WHERE f.number = c.attempt))
FROM orders o
LEFT JOIN attempts a ON a.order_id = o.order_id AND a.state = 'open'
LEFT JOIN cards c ON c.order_id = o.order_id
WHERE o.order_id = ?`

// Order implements ca.Store.
func (s *Store) Order(ctx context.Context, orderID string) (*ca.OrderState, error) {
	state, err := s.order(ctx, orderID)
	if err != nil {
		return nil, fmt.Errorf("read order %q: %w", orderID, err)
	}
	return state, nil
}

func (s *Store) order(ctx context.Context, orderID string) (*ca.OrderState, error) {
	state := &ca.OrderState{ID: orderID}
	var hash []byte
	var iccsn string
	var attempt sql.Null[ca.AttemptID]
	var at, card sql.Null[int64]
	err := s.reads.order.QueryRowContext(ctx, orderID).Scan(&hash, &iccsn, &attempt, &at, &card, &state.First)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, ca.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	state.Hash = [32]byte(hash)
	if attempt.Valid {
		state.Open = &ca.OpenAttempt{ID: attempt.V, OrderID: orderID, ICCSN: iccsn, At: fromMillis(at.V)}
	}
	if card.Valid {
		if state.Card, err = s.reads.card(ctx, card.V); err != nil {
			return nil, err
		}
	}
	return state, nil
}

const selectOpenAttempts = `
SELECT a.attempt_id, a.order_id, o.iccsn, a.at
FROM attempts a JOIN orders o ON o.order_id = a.order_id
WHERE a.state = 'open' ORDER BY a.number`

// OpenAttempts implements ca.Store.
func (s *Store) OpenAttempts(ctx context.Context) ([]ca.OpenAttempt, error) {
	found, err := all(ctx, s.reads.openAttempts, scanOpenAttempt)
	if err != nil {
		return nil, fmt.Errorf("list open attempts: %w", err)
	}
	return found, nil
}

func scanOpenAttempt(row scanner) (a ca.OpenAttempt, err error) {
	var at int64
	err = row.Scan(&a.ID, &a.OrderID, &a.ICCSN, &at)
	a.At = fromMillis(at)
	return a, err
}
