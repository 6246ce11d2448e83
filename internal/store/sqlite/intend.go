package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
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
	if err := recordOrder(s, in); err != nil {
		return err
	}
	attempt, err := recordAttempt(s, in, entry)
	if err != nil {
		return err
	}
	for i := range in.Drafts {
		if err := recordDraft(s, in, attempt, i); err != nil {
			return err
		}
	}
	return nil
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

// recordOrder writes the order at its first attempt. At a later one it makes sure that the order may have another.
func recordOrder(s *session, in *ca.Intent) error {
	var hash []byte
	var complete, open bool
	err := s.row(selectOrderForIntent, []any{in.OrderID}, &hash, &complete, &open)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return recordNewOrder(s, in)
	case err != nil:
		return fmt.Errorf("look up the order: %w", err)
	case string(hash) != string(in.OrderHash[:]):
		return ca.ErrOrderDiffers
	case complete:
		return ca.ErrOrderComplete
	case open:
		return ca.ErrAttemptOpen
	}
	return nil
}

func recordNewOrder(s *session, in *ca.Intent) error {
	at, err := millis(in.At)
	if err != nil {
		return err
	}
	if in.Renews != "" {
		return recordRenewal(s, in, at)
	}
	var taken bool
	if err := s.row(selectICCSNTaken, []any{in.ICCSN}, &taken); err != nil {
		return fmt.Errorf("look up the ICCSN: %w", err)
	}
	if taken {
		return &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}
	}
	_, err = s.exec(insertOrder, in.OrderID, in.OrderHash[:], string(in.OrderJSON), in.ICCSN, in.CardType, in.Sector, at)
	if err != nil {
		return fmt.Errorf("record the order: %w", err)
	}
	return nil
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

const insertDraft = `
INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// recordDraft writes a draft with what it takes: subject key, serial number or CHR.
func recordDraft(s *session, in *ca.Intent, attempt int64, position int) error {
	d := &in.Drafts[position]
	taken := func(what ca.Unique) error { return &ca.TakenError{What: what, Draft: position} }
	failed := func(doing string, err error) error {
		return fmt.Errorf("%s draft %d (%s): %w", doing, position, d.Slot, err)
	}
	if _, err := sigalg.ParseScheme(d.Scheme.String()); err != nil {
		return failed("read", err) // it could be written, but not be read again
	}
	if mine, err := takeKey(s, in, d); err != nil {
		return failed("take the key of", err)
	} else if !mine {
		return taken(ca.UniqueKey)
	}
	var serial, chr any // NULL where the format has none
	switch d.Format {
	case ca.X509:
		serial = d.Serial.Bytes()
		if free, err := serialFree(s, d.Issuer, serial); err != nil {
			return failed("look up the serial number of", err)
		} else if !free {
			return taken(ca.UniqueSerial)
		}
	case ca.CVC:
		if free, err := chrFree(s, d); err != nil {
			return failed("look up the CHR of", err)
		} else if !free {
			return taken(ca.UniqueCHR)
		}
		chr = d.CHR
	}
	notBefore, err := millis(d.NotBefore)
	if err != nil {
		return failed("read", err)
	}
	notAfter, err := millis(d.NotAfter)
	if err != nil {
		return failed("read", err)
	}
	_, err = s.exec(insertDraft, attempt, position, d.Slot, d.Profile, string(d.Format), d.Issuer, d.Scheme.String(), serial, chr,
		notBefore, notAfter, d.KeyHash[:], d.KeyIdentity[:], d.Body)
	if err != nil {
		return failed("record", err)
	}
	return nil
}

// The three that follow look and then write. There is one writer, so that nobody comes between; and the database refuses what they miss.

const (
	selectKeyIsMine = `SELECT order_id = ? AND slot = ? FROM subject_keys WHERE key_identity = ?`

	insertKey = `INSERT INTO subject_keys (key_identity, order_id, slot) VALUES (?, ?, ?)`
)

// takeKey gives the draft's key to its slot of the order, and tells whether it is there now. A renewal takes none: its keys must be those of
// the order that made the card.
func takeKey(s *session, in *ca.Intent, d *ca.Draft) (mine bool, err error) {
	owner := in.OrderID
	if in.Renews != "" {
		owner = in.Renews
	}
	err = s.row(selectKeyIsMine, []any{owner, d.Slot, d.KeyIdentity[:]}, &mine)
	if !errors.Is(err, sql.ErrNoRows) {
		return mine, err
	}
	if in.Renews != "" {
		return false, nil
	}
	_, err = s.exec(insertKey, d.KeyIdentity[:], owner, d.Slot)
	return err == nil, err
}

const selectSerialFree = `SELECT NOT EXISTS (SELECT 1 FROM drafts WHERE issuer = ? AND serial = ?)`

// serialFree tells whether no draft of the issuer has the serial number.
func serialFree(s *session, issuer string, serial any) (free bool, err error) {
	err = s.row(selectSerialFree, []any{issuer, serial}, &free)
	return free, err
}

const selectCHRFree = `SELECT NOT EXISTS (SELECT 1 FROM drafts WHERE issuer = ? AND chr = ? AND key_identity <> ?)`

// chrFree tells whether no other key, and so no other slot and no other card, has the draft's CHR from its issuer.
func chrFree(s *session, d *ca.Draft) (free bool, err error) {
	err = s.row(selectCHRFree, []any{d.Issuer, d.CHR, d.KeyIdentity[:]}, &free)
	return free, err
}
