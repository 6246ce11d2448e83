package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Complete implements ca.Store.
func (s *Store) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (numbers ca.CardNumbers, err error) {
	err = s.writer.do(ctx, func(w *session) (err error) {
		numbers, err = complete(w, done, entry)
		return err
	})
	if err != nil {
		return ca.CardNumbers{}, fmt.Errorf("complete attempt %s: %w", done.Intent.Attempt, err)
	}
	return numbers, nil
}

// Abandon implements ca.Store.
func (s *Store) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error {
		_, err := end(w, attempt, "abandoned", at, entry)
		return err
	})
	if err != nil {
		return fmt.Errorf("abandon attempt %s: %w", attempt, err)
	}
	return nil
}

const (
	insertCard = `INSERT INTO cards (attempt, order_id) VALUES (?, ?)`

	insertCertificate = `
INSERT INTO certificates (card, position, issuer, serial, chr, renewal, data)
SELECT c.number, d.position, d.issuer, d.serial, d.chr, o.renewal, ?
FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN drafts d ON d.attempt = c.attempt
WHERE c.number = ? AND d.position = ?`

	countDrafts = `SELECT count(*) FROM drafts WHERE attempt = ?`
)

// complete ends an attempt with its card.
func complete(s *session, done *ca.Completion, entry tlog.Entry) (numbers ca.CardNumbers, err error) {
	attempt, err := end(s, done.Intent.Attempt, "complete", done.At, entry)
	if err != nil {
		return numbers, err
	}
	var drafts int
	if err := s.row(countDrafts, []any{attempt.number}, &drafts); err != nil {
		return numbers, fmt.Errorf("count its drafts: %w", err)
	}
	if drafts != len(done.Certificates) {
		return numbers, fmt.Errorf("it has %d drafts, but %d certificates were given", drafts, len(done.Certificates))
	}
	number, err := s.insert(insertCard, attempt.number, attempt.orderID)
	if err != nil {
		return numbers, fmt.Errorf("record the card: %w", err)
	}
	for i, data := range done.Certificates {
		if _, err := s.exec(insertCertificate, data, number, i); err != nil {
			return numbers, fmt.Errorf("record certificate %d: %w", i, err)
		}
	}
	return ca.CardNumbers{Number: number, Renewal: attempt.renewal, EntryID: attempt.entryID}, nil
}

// endedAttempt is an attempt that has just ended.
type endedAttempt struct {
	number  int64
	orderID string
	renewal int // of its order
	entryID int64
}

const (
	selectOpenAttempt = `
SELECT a.number, a.order_id, o.renewal FROM attempts a JOIN orders o ON o.order_id = a.order_id
WHERE a.attempt_id = ? AND a.state = 'open'`

	endAttempt = `UPDATE attempts SET state = ?, ended_at = ?, end_entry_id = ? WHERE number = ?`
)

// end moves an open attempt to another state, with its entry.
func end(s *session, id ca.AttemptID, state string, at time.Time, entry tlog.Entry) (a endedAttempt, err error) {
	endedAt, err := millis(at)
	if err != nil {
		return a, err
	}
	err = s.row(selectOpenAttempt, []any{string(id)}, &a.number, &a.orderID, &a.renewal)
	if errors.Is(err, sql.ErrNoRows) {
		return a, ca.ErrNoAttempt
	}
	if err != nil {
		return a, fmt.Errorf("look up the attempt: %w", err)
	}
	if a.entryID, err = record(s, entry); err != nil {
		return a, err
	}
	if _, err := s.exec(endAttempt, state, endedAt, a.entryID, a.number); err != nil {
		return a, fmt.Errorf("end the attempt: %w", err)
	}
	return a, nil
}
