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

// Complete implements ca.Store. It reads the card after the commit, so that the writer is free for others; an error of that
// reading comes when the card is there.
func (s *Store) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (*ca.Card, error) {
	var number int64
	err := s.writer.do(ctx, func(w *session) (err error) {
		number, err = complete(w, done, entry)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("complete attempt %s: %w", done.Attempt, err)
	}
	return s.reads.card(ctx, number)
}

// Abandon implements ca.Store.
func (s *Store) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error {
		_, _, err := end(w, attempt, "abandoned", at, entry)
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

// complete ends an attempt with its card and gives the card's number.
func complete(s *session, done *ca.Completion, entry tlog.Entry) (int64, error) {
	attempt, orderID, err := end(s, done.Attempt, "complete", done.At, entry)
	if err != nil {
		return 0, err
	}
	var drafts int
	if err := s.row(countDrafts, []any{attempt}, &drafts); err != nil {
		return 0, fmt.Errorf("count its drafts: %w", err)
	}
	if drafts != len(done.Certificates) {
		return 0, fmt.Errorf("it has %d drafts, but %d certificates were given", drafts, len(done.Certificates))
	}
	number, err := s.insert(insertCard, attempt, orderID)
	if err != nil {
		return 0, fmt.Errorf("record the card: %w", err)
	}
	for i, data := range done.Certificates {
		if _, err := s.exec(insertCertificate, data, number, i); err != nil {
			return 0, fmt.Errorf("record certificate %d: %w", i, err)
		}
	}
	return number, nil
}

const (
	selectOpenAttempt = `SELECT number, order_id FROM attempts WHERE attempt_id = ? AND state = 'open'`

	endAttempt = `UPDATE attempts SET state = ?, ended_at = ?, end_entry_id = ? WHERE number = ?`
)

// end moves an open attempt to another state, with its entry, and gives its number and order.
func end(s *session, id ca.AttemptID, state string, at time.Time, entry tlog.Entry) (number int64, orderID string, err error) {
	endedAt, err := millis(at)
	if err != nil {
		return 0, "", err
	}
	err = s.row(selectOpenAttempt, []any{string(id)}, &number, &orderID)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", ca.ErrNoAttempt
	}
	if err != nil {
		return 0, "", fmt.Errorf("look up the attempt: %w", err)
	}
	entryID, err := record(s, entry)
	if err != nil {
		return 0, "", err
	}
	if _, err := s.exec(endAttempt, state, endedAt, entryID, number); err != nil {
		return 0, "", fmt.Errorf("end the attempt: %w", err)
	}
	return number, orderID, nil
}
