package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Complete implements ca.Store.
func (s *Store) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (ca.CardNumbers, error) {
	numbers, err := s.complete(ctx, done, entry)
	if err != nil {
		return ca.CardNumbers{}, fmt.Errorf("complete attempt %s: %w", done.Intent.Attempt, err)
	}
	return numbers, nil
}

func (s *Store) complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (numbers ca.CardNumbers, err error) {
	if err := errors.Join(exact(done.At, time.Millisecond), checkEntry(entry)); err != nil {
		return numbers, err
	}
	err = s.inChange(ctx, func(c *change) error {
		attempt, err := c.lockAttempt(done.Intent.Attempt)
		if err != nil {
			return err
		}
		if attempt.drafts != len(done.Certificates) {
			return fmt.Errorf("it has %d drafts, but %d certificates were given", attempt.drafts, len(done.Certificates))
		}
		numbers.Renewal = attempt.renewal
		return c.commit(func(b *pgx.Batch) {
			writeEnd(b, attempt.number, "complete", done.At, entry).QueryRow(func(row pgx.Row) error { return row.Scan(&numbers.EntryID) })
			b.Queue(insertCard, attempt.number, attempt.orderID).QueryRow(func(row pgx.Row) error { return row.Scan(&numbers.Number) })
			b.Queue(insertCertificates, attempt.number, done.Certificates)
		})
	})
	return numbers, err
}

// Abandon implements ca.Store.
func (s *Store) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	if err := s.abandon(ctx, attempt, at, entry); err != nil {
		return fmt.Errorf("abandon attempt %s: %w", attempt, err)
	}
	return nil
}

func (s *Store) abandon(ctx context.Context, id ca.AttemptID, at time.Time, entry tlog.Entry) error {
	if err := errors.Join(exact(at, time.Millisecond), checkEntry(entry)); err != nil {
		return err
	}
	return s.inChange(ctx, func(c *change) error {
		attempt, err := c.lockAttempt(id)
		if err != nil {
			return err
		}
		return c.commit(func(b *pgx.Batch) { writeEnd(b, attempt.number, "abandoned", at, entry) })
	})
}

// openAttempt is an attempt that is locked and open.
type openAttempt struct {
	number  int64
	orderID string
	renewal int // of its order
	drafts  int
}

// A row that changes while the statement waits for its lock is looked at again: it comes only if it is still open.
const lockAttempt = `
SELECT number, order_id, (SELECT renewal FROM orders o WHERE o.order_id = a.order_id), (SELECT count(*) FROM drafts d WHERE d.attempt = a.number)
FROM attempts a WHERE attempt_id = $1 AND state = 'open' FOR NO KEY UPDATE`

// lockAttempt begins the transaction with the lock on an open attempt.
func (c *change) lockAttempt(id ca.AttemptID) (a openAttempt, err error) {
	err = c.ask(func(b *pgx.Batch) {
		b.Queue(lockAttempt, string(id)).QueryRow(func(row pgx.Row) error {
			err := row.Scan(&a.number, &a.orderID, &a.renewal, &a.drafts)
			if errors.Is(err, pgx.ErrNoRows) {
				return ca.ErrNoAttempt
			}
			return err
		})
	})
	return a, err
}

const (
	endAttempt = `
UPDATE attempts SET state = $8, ended_at = $9, end_entry_id = entry.id FROM entry WHERE number = $10 RETURNING entry.id`

	insertCard = `INSERT INTO cards (attempt, order_id) VALUES ($1, $2) RETURNING number`

	insertCertificates = `
INSERT INTO certificates (card, position, issuer, serial, chr, renewal, data)
SELECT c.number, d.position, d.issuer, d.serial, d.chr, o.renewal, w.data
FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN drafts d ON d.attempt = c.attempt
JOIN unnest($2::bytea[]) WITH ORDINALITY AS w (data, n) ON w.n - 1 = d.position
WHERE c.attempt = $1 ORDER BY d.position`
)

// writeEnd moves a locked attempt to another state, with its entry, whose id it gives.
func writeEnd(b *pgx.Batch, number int64, state string, at time.Time, entry tlog.Entry) *pgx.QueuedQuery {
	return b.Queue(withEntry+endAttempt, append(entryArgs(entry), state, at, number)...)
}
