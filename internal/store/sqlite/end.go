package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
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

	// The drafts of a card's attempt with their signed forms: see insertCertificates.
	insertCertificatesOf = `
INSERT INTO certificates (card, position, issuer, serial, chr, renewal, data)
SELECT ?1, d.position, d.issuer, d.serial, d.chr, ?2, CASE d.position%s END FROM drafts d WHERE d.attempt = ?3 ORDER BY d.position`
)

// complete ends an attempt with its card.
func complete(s *session, done *ca.Completion, entry tlog.Entry) (numbers ca.CardNumbers, err error) {
	attempt, err := end(s, done.Intent.Attempt, "complete", done.At, entry)
	if err != nil {
		return numbers, err
	}
	number, err := s.insert(insertCard, attempt.number, attempt.orderID)
	if err != nil {
		return numbers, fmt.Errorf("record the card: %w", err)
	}
	if err := insertCertificates(s, number, attempt, done.Certificates); err != nil {
		return numbers, err
	}
	return ca.CardNumbers{Number: number, Renewal: attempt.renewal, EntryID: attempt.entryID}, nil
}

// insertCertificates writes a card's certificates in one statement. A draft without one gets NULL, which the table refuses.
func insertCertificates(s *session, card int64, attempt endedAttempt, certificates [][]byte) error {
	var choice strings.Builder
	args := []any{card, attempt.renewal, attempt.number}
	for position, data := range certificates {
		args = append(args, data)
		fmt.Fprintf(&choice, " WHEN %d THEN ?%d", position, len(args))
	}
	r, err := s.exec(fmt.Sprintf(insertCertificatesOf, &choice), args...)
	if err != nil {
		return fmt.Errorf("record %d certificates: %w", len(certificates), err)
	}
	switch n, err := r.RowsAffected(); {
	case err != nil:
		return fmt.Errorf("record the certificates: %w", err)
	case n != int64(len(certificates)):
		return fmt.Errorf("%d certificates were given, but the attempt has %d drafts", len(certificates), n)
	}
	return nil
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
