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

// ActivateCard implements ca.StatusStore.
func (s *Store) ActivateCard(ctx context.Context, a *ca.Activation, entry tlog.Entry) (*ca.CardStatus, error) {
	var status *ca.CardStatus
	err := s.changeStatus(ctx, func(w *session) (changed bool, err error) {
		status, changed, err = activate(w, a, entry)
		return changed, err
	})
	if err != nil {
		return nil, fmt.Errorf("activate a card: %w", err)
	}
	return status, nil
}

// RevokeCard implements ca.StatusStore.
func (s *Store) RevokeCard(ctx context.Context, iccsn string, r *ca.Revocation, entry tlog.Entry) (*ca.CardStatus, error) {
	var status *ca.CardStatus
	err := s.changeStatus(ctx, func(w *session) (changed bool, err error) {
		status, changed, err = revokeCard(w, iccsn, r, entry)
		return changed, err
	})
	if err != nil {
		return nil, fmt.Errorf("revoke a card: %w", err)
	}
	return status, nil
}

// RevokeCertificate implements ca.StatusStore.
func (s *Store) RevokeCertificate(ctx context.Context, id ca.CertificateID, r *ca.Revocation, entry tlog.Entry) (*ca.CertificateStatus, error) {
	var status *ca.CertificateStatus
	err := s.changeStatus(ctx, func(w *session) (changed bool, err error) {
		status, changed, err = revokeCertificate(w, id, r, entry)
		return changed, err
	})
	if err != nil {
		return nil, fmt.Errorf("revoke a certificate: %w", err)
	}
	return status, nil
}

// changeStatus has the writer run a change, and tells those who watch when it is committed.
func (s *Store) changeStatus(ctx context.Context, do func(*session) (changed bool, err error)) error {
	changed := false
	err := s.writer.do(ctx, func(w *session) (err error) {
		changed, err = do(w)
		return err
	})
	if changed || err != nil { // with an error it may have happened
		s.watchers.tell()
	}
	return err
}

func activate(s *session, a *ca.Activation, entry tlog.Entry) (*ca.CardStatus, bool, error) {
	card, before, err := cardStatus(s, a.ICCSN)
	if err != nil || before.State == ca.Active {
		return before, false, err
	}
	if before.State == ca.Revoked {
		return nil, false, ca.ErrCardRevoked
	}
	if err := writeChange(s, entry, card, nil, ca.Active, a.RequestedAt, a.At, a.Actor, nil, nil); err != nil {
		return nil, false, err
	}
	_, after, err := cardStatus(s, a.ICCSN)
	return after, true, err
}

func revokeCard(s *session, iccsn string, r *ca.Revocation, entry tlog.Entry) (*ca.CardStatus, bool, error) {
	card, before, err := cardStatus(s, iccsn)
	if err != nil {
		return nil, false, err
	}
	if before.State == ca.Revoked {
		return before, false, repeats(r, before.Revocation)
	}
	if err := writeRevocation(s, entry, card, nil, r); err != nil {
		return nil, false, err
	}
	_, after, err := cardStatus(s, iccsn)
	return after, true, err
}

const selectPlace = `SELECT card, position FROM certificates WHERE issuer = ? AND serial = ?`

func revokeCertificate(s *session, id ca.CertificateID, r *ca.Revocation, entry tlog.Entry) (*ca.CertificateStatus, bool, error) {
	var card int64
	var position int
	err := s.row(selectPlace, []any{id.Issuer, id.Serial.Bytes()}, &card, &position)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, false, ca.ErrNotFound
	}
	if err != nil {
		return nil, false, fmt.Errorf("look it up: %w", err)
	}
	before, err := certificateStatus(s, id)
	if err != nil {
		return nil, false, err
	}
	if before.Revocation != nil {
		return before, false, repeats(r, before.Revocation)
	}
	if err := writeRevocation(s, entry, card, position, r); err != nil {
		return nil, false, err
	}
	after, err := certificateStatus(s, id)
	return after, true, err
}

func repeats(r, before *ca.Revocation) error {
	if !r.Repeats(before) {
		return ca.ErrRevokedOtherwise
	}
	return nil
}

const (
	insertChange = `
INSERT INTO status_changes (epoch, card, place, state, requested_at, at, actor, requester, reason, entry_id)
VALUES ((SELECT coalesce(max(epoch), 0) + 1 FROM status_changes), ?, ?, ?, ?, ?, ?, ?, ?, ?)`

	// The certificates of the newest change that were not revoked before.
	insertRevocations = `
INSERT INTO revocations (issuer, serial, epoch, at, reason, not_after)
SELECT t.issuer, t.serial, s.epoch, s.at, s.reason, d.not_after
FROM status_changes s JOIN certificates t ON t.card = s.card AND coalesce(s.place, t.position) = t.position
JOIN cards c ON c.number = t.card JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
WHERE s.epoch = (SELECT max(epoch) FROM status_changes) AND t.serial IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.issuer = t.issuer AND r.serial = t.serial)`
)

// writeRevocation revokes a card, or its certificate at a position.
func writeRevocation(s *session, entry tlog.Entry, card int64, position any, r *ca.Revocation) error {
	if err := writeChange(s, entry, card, position, ca.Revoked, r.RequestedAt, r.At, r.Actor, r.Requester, r.Reason); err != nil {
		return err
	}
	if _, err := s.exec(insertRevocations); err != nil {
		return fmt.Errorf("record the certificates: %w", err)
	}
	return nil
}

func writeChange(s *session, entry tlog.Entry, card int64, position any, to ca.State, requestedAt, at time.Time, actor string, requester, reason any) error {
	requested, err := millis(requestedAt)
	if err != nil {
		return err
	}
	effect, err := millis(at)
	if err != nil {
		return err
	}
	entryID, err := record(s, entry)
	if err != nil {
		return err
	}
	if _, err := s.exec(insertChange, card, position, string(to), requested, effect, actor, requester, reason, entryID); err != nil {
		return fmt.Errorf("record the change: %w", err)
	}
	return nil
}
