package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Intend implements ca.Store.
func (s *Store) Intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error { return intend(w, in, entry) })
	if err != nil {
		return fmt.Errorf("intend attempt %s: %w", in.Attempt, err)
	}
	return nil
}

func intend(s *session, in *ca.Intent, entry tlog.Entry) error {
	if len(in.Drafts) == 0 {
		return errors.New("it has no drafts")
	}
	isNew, err := recordOrder(s, in)
	if err != nil {
		return err
	}
	attempt, err := recordAttempt(s, in, entry)
	if err != nil {
		return err
	}
	return recordDrafts(s, in, attempt, isNew && in.Renews == "")
}

const (
	selectOrderForIntent = `
SELECT order_hash,
    EXISTS (SELECT 1 FROM attempts a WHERE a.order_id = o.order_id AND a.state = 'complete'),
    EXISTS (SELECT 1 FROM attempts a WHERE a.order_id = o.order_id AND a.state = 'open')
FROM orders o WHERE order_id = ?`

	selectICCSNTaken = `SELECT EXISTS (SELECT 1 FROM orders WHERE iccsn = ? AND renews IS NULL)`

	insertOrder = `
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at)
VALUES (?, ?, ?, ?, ?, ?, ?)`

	// Nothing, where the order to renew made no such card.
	insertRenewal = `
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at, renews, renewal)
SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, f.order_id, (SELECT count(*) + 1 FROM orders r WHERE r.renews = f.order_id)
FROM orders f JOIN cards c ON c.order_id = f.order_id
WHERE f.order_id = ?8 AND f.renews IS NULL AND f.iccsn = ?4 AND f.card_type = ?5 AND f.sector = ?6`
)

// recordOrder writes the order at its first attempt, which isNew tells. At a later one it makes sure that the order may have another.
//
// Almost every order is a new one that makes a card. It is written without a look, for the database refuses it where its id or its ICCSN is
// taken; only then is it looked up what stands in the way.
func recordOrder(s *session, in *ca.Intent) (isNew bool, err error) {
	at, err := millis(in.At)
	if err != nil {
		return false, err
	}
	var refused error
	if in.Renews == "" {
		_, refused = s.exec(insertOrder, in.OrderID, in.OrderHash[:], string(in.OrderJSON), in.ICCSN, in.CardType, in.Sector, at)
		if refused == nil {
			return true, nil
		}
		refused = fmt.Errorf("record the order: %w", refused)
		if !isConstraint(refused) {
			return false, refused
		}
	}
	known, err := mayHaveAttempt(s, in)
	switch {
	case err != nil || known:
		return false, err
	case in.Renews != "":
		return true, recordRenewal(s, in, at)
	}
	var taken bool
	if err := s.row(selectICCSNTaken, []any{in.ICCSN}, &taken); err != nil {
		return false, fmt.Errorf("look up the ICCSN: %w", err)
	}
	if taken {
		return false, &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}
	}
	return false, refused
}

// mayHaveAttempt tells whether the order is known. The error says why it may have no other attempt.
func mayHaveAttempt(s *session, in *ca.Intent) (known bool, err error) {
	var hash []byte
	var complete, open bool
	err = s.row(selectOrderForIntent, []any{in.OrderID}, &hash, &complete, &open)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look up the order: %w", err)
	case string(hash) != string(in.OrderHash[:]):
		return true, ca.ErrOrderDiffers
	case complete:
		return true, ca.ErrOrderComplete
	case open:
		return true, ca.ErrAttemptOpen
	}
	return true, nil
}

func recordRenewal(s *session, in *ca.Intent, at int64) error {
	r, err := s.exec(insertRenewal, in.OrderID, in.OrderHash[:], string(in.OrderJSON), in.ICCSN, in.CardType, in.Sector, at, in.Renews)
	if err != nil {
		return fmt.Errorf("record the order: %w", err)
	}
	switch n, err := r.RowsAffected(); {
	case err != nil:
		return fmt.Errorf("record the order: %w", err)
	case n == 0:
		return ca.ErrNotRenewable
	}
	return nil
}

const insertAttempt = `
INSERT INTO attempts (attempt_id, order_id, state, warnings, at, entry_id) VALUES (?, ?, 'open', ?, ?, ?)`

// recordAttempt writes the attempt with its entry and gives its number.
func recordAttempt(s *session, in *ca.Intent, entry tlog.Entry) (int64, error) {
	at, err := millis(in.At)
	if err != nil {
		return 0, err
	}
	warnings, err := json.Marshal(append([]string{}, in.Warnings...)) // [] for nil
	if err != nil {
		return 0, fmt.Errorf("encode the warnings: %w", err)
	}
	entryID, err := record(s, entry)
	if err != nil {
		return 0, err
	}
	number, err := s.insert(insertAttempt, string(in.Attempt), in.OrderID, string(warnings), at, entryID)
	if err != nil {
		return 0, fmt.Errorf("record the attempt: %w", err)
	}
	return number, nil
}
