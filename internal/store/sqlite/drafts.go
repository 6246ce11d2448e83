package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// recordDrafts writes the drafts of an attempt with what they take: subject keys, serial numbers and CHRs.
//
// The drafts of an order that takes all of its keys (takesKeys) are written at once, for the database refuses what is taken. Only then, and
// where keys may belong to the order already, are they written one by one, with a look at what each wants, so that the error can say which.
func recordDrafts(s *session, in *ca.Intent, attempt int64, takesKeys bool) error {
	rows, err := draftRows(in)
	if err != nil {
		return err
	}
	err = errLookFirst
	if takesKeys {
		err = insertDrafts(s, in, attempt, rows)
	}
	if errors.Is(err, errLookFirst) {
		err = lookAndInsert(s, in, attempt, rows)
	}
	if err != nil {
		return err
	}
	return checkCHRs(s, attempt)
}

// errLookFirst says that rows must be written one by one.
var errLookFirst = errors.New("something is taken")

const (
	insertKeys = `INSERT INTO subject_keys (order_id, key_identity, slot) VALUES `
	keyRow     = `(?1, ?, ?)`

	insertDraftRows = `
INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
VALUES `
	draftRow = `(?1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
)

// rowsOf gives a list of n rows for an INSERT. In SQLite a ? is the parameter after the highest so far, so that ?1 is shared by all rows.
func rowsOf(n int, row string) string { return row + strings.Repeat(", "+row, n-1) }

// draftRows gives each draft as the parameters of draftRow, but for the attempt.
func draftRows(in *ca.Intent) ([][]any, error) {
	rows := make([][]any, len(in.Drafts))
	for i := range in.Drafts {
		var err error
		if rows[i], err = draftParameters(&in.Drafts[i], i); err != nil {
			return nil, draftError("read", in, i, err)
		}
	}
	return rows, nil
}

func draftParameters(d *ca.Draft, position int) ([]any, error) {
	if _, err := sigalg.ParseScheme(d.Scheme.String()); err != nil {
		return nil, err // it could be written, but not be read again
	}
	notBefore, err := millis(d.NotBefore)
	if err != nil {
		return nil, err
	}
	notAfter, err := millis(d.NotAfter)
	if err != nil {
		return nil, err
	}
	var serial, chr any // NULL where the format has none
	switch d.Format {
	case ca.X509:
		serial = d.Serial.Bytes()
	case ca.CVC:
		chr = d.CHR
	}
	return []any{position, d.Slot, d.Profile, string(d.Format), d.Issuer, d.Scheme.String(), serial, chr, notBefore, notAfter,
		d.KeyHash[:], d.KeyIdentity[:], d.Body}, nil
}

func draftError(doing string, in *ca.Intent, position int, err error) error {
	return fmt.Errorf("%s draft %d (%s): %w", doing, position, in.Drafts[position].Slot, err)
}

// insertDrafts writes keys and drafts in a statement each. The error is errLookFirst where a constraint is in the way.
func insertDrafts(s *session, in *ca.Intent, attempt int64, rows [][]any) error {
	keys := make([]any, 0, 1+2*len(rows))
	keys = append(keys, in.OrderID)
	drafts := make([]any, 0, 1+len(rows)*len(rows[0]))
	drafts = append(drafts, attempt)
	for i := range in.Drafts {
		keys = append(keys, in.Drafts[i].KeyIdentity[:], in.Drafts[i].Slot)
		drafts = append(drafts, rows[i]...)
	}
	_, err := s.exec(insertKeys+rowsOf(len(rows), keyRow), keys...)
	if err == nil {
		_, err = s.exec(insertDraftRows+rowsOf(len(rows), draftRow), drafts...)
	}
	switch {
	case isConstraint(err):
		return errLookFirst
	case err != nil:
		return fmt.Errorf("record the drafts: %w", err)
	}
	return nil
}

// lookAndInsert writes keys and drafts one by one, and looks before. There is one writer, so that nobody comes between; and the database
// refuses what the looks miss.
func lookAndInsert(s *session, in *ca.Intent, attempt int64, rows [][]any) error {
	for i := range in.Drafts {
		d := &in.Drafts[i]
		if mine, err := takeKey(s, in, d); err != nil {
			return draftError("take the key of", in, i, err)
		} else if !mine {
			return &ca.TakenError{What: ca.UniqueKey, Draft: i}
		}
		if free, err := serialFree(s, d); err != nil {
			return draftError("look up the serial number of", in, i, err)
		} else if !free {
			return &ca.TakenError{What: ca.UniqueSerial, Draft: i}
		}
		if _, err := s.exec(insertDraftRows+draftRow, append([]any{attempt}, rows[i]...)...); err != nil {
			return draftError("record", in, i, err)
		}
	}
	return nil
}

const selectKeyIsMine = `SELECT order_id = ? AND slot = ? FROM subject_keys WHERE key_identity = ?`

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
	_, err = s.exec(insertKeys+keyRow, owner, d.KeyIdentity[:], d.Slot)
	return err == nil, err
}

const selectSerialFree = `SELECT NOT EXISTS (SELECT 1 FROM drafts WHERE issuer = ? AND serial = ?)`

// serialFree tells whether no draft of the issuer has the draft's serial number.
func serialFree(s *session, d *ca.Draft) (free bool, err error) {
	if d.Format != ca.X509 {
		return true, nil
	}
	err = s.row(selectSerialFree, []any{d.Issuer, d.Serial.Bytes()}, &free)
	return free, err
}

// The first of the attempt's drafts whose CHR another key, and so another slot or another card, had before it from its issuer.
const selectCHRTaken = `
SELECT d.position FROM drafts d JOIN drafts o ON o.issuer = d.issuer AND o.chr = d.chr AND o.key_identity <> d.key_identity
WHERE d.attempt = ? AND (o.attempt <> d.attempt OR o.position < d.position) ORDER BY d.position LIMIT 1`

// checkCHRs looks for a CHR that is taken, when the drafts are written: no index can know that one key may have its CHR twice.
func checkCHRs(s *session, attempt int64) error {
	var position int
	err := s.row(selectCHRTaken, []any{attempt}, &position)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return fmt.Errorf("look up the CHRs: %w", err)
	}
	return &ca.TakenError{What: ca.UniqueCHR, Draft: position}
}
