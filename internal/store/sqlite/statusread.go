package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
)

const (
	selectEpoch = `SELECT coalesce(max(epoch), 0) FROM status_changes`

	// One row always: where the certificate is not issued, of nothing but the epoch. All of it is of one moment.
	selectStatus = `
SELECT (` + selectEpoch + `), t.data, d.not_after, o.iccsn, d.slot, act.at, s.place IS NOT NULL,
    s.requested_at, s.at, s.actor, s.requester, s.reason
FROM (SELECT 1) AS always
LEFT JOIN certificates t ON t.issuer = ? AND t.serial = ?
LEFT JOIN cards c ON c.number = t.card LEFT JOIN orders o ON o.order_id = c.order_id
LEFT JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
LEFT JOIN status_changes act ON act.card = t.card AND act.state = 'active' AND act.place IS NULL
LEFT JOIN revocations r ON r.issuer = t.issuer AND r.serial = t.serial
LEFT JOIN status_changes s ON s.epoch = r.epoch`

	// The same, of what OCSP says alone.
	selectState = `
SELECT (` + selectEpoch + `), t.data, act.epoch IS NOT NULL, r.at
FROM (SELECT 1) AS always
LEFT JOIN certificates t ON t.issuer = ? AND t.serial = ?
LEFT JOIN status_changes act ON act.card = t.card AND act.state = 'active' AND act.place IS NULL
LEFT JOIN revocations r ON r.issuer = t.issuer AND r.serial = t.serial`
)

// CertificateStatus implements ca.StatusStore.
func (s *Store) CertificateStatus(ctx context.Context, id ca.CertificateID) (*ca.CertificateStatus, error) {
	status, err := scanStatus(s.reads.status.QueryRowContext(ctx, id.Issuer, id.Serial.Bytes()), id)
	if err != nil {
		return nil, fmt.Errorf("read the status of a certificate: %w", err)
	}
	return status, nil
}

// CertificateStates implements ca.StatusStore. There is no way to the database to share: each is read by itself.
func (s *Store) CertificateStates(ctx context.Context, ids []ca.CertificateID) ([]ca.CertificateState, error) {
	list := make([]ca.CertificateState, len(ids))
	for i, id := range ids {
		var err error
		if list[i], err = scanState(s.reads.state.QueryRowContext(ctx, id.Issuer, id.Serial.Bytes()), id); err != nil {
			return nil, fmt.Errorf("read the state of a certificate: %w", err)
		}
	}
	return list, nil
}

func scanState(row scanner, id ca.CertificateID) (ca.CertificateState, error) {
	s := ca.CertificateState{CertificateID: id, State: ca.NotIssued}
	var data []byte
	var activated bool
	var revokedAt sql.Null[int64]
	if err := row.Scan(&s.Epoch, &data, &activated, &revokedAt); err != nil || data == nil {
		return s, err
	}
	s.SHA256, s.State = sha256.Sum256(data), ca.StateOf(activated, revokedAt.Valid)
	if revokedAt.Valid {
		s.RevokedAt = fromMillis(revokedAt.V)
	}
	return s, nil
}

// certificateStatus reads as the writer sees it.
func certificateStatus(s *session, id ca.CertificateID) (*ca.CertificateStatus, error) {
	st, err := s.prepare(selectStatus)
	if err != nil {
		return nil, err
	}
	return scanStatus(st.QueryRowContext(context.Background(), id.Issuer, id.Serial.Bytes()), id)
}

func scanStatus(row scanner, id ca.CertificateID) (*ca.CertificateStatus, error) {
	s := &ca.CertificateStatus{CertificateID: id, State: ca.NotIssued}
	var data []byte
	var notAfter, activatedAt sql.Null[int64]
	var iccsn, slot sql.Null[string]
	var alone sql.Null[bool]
	var r nullRevocation
	err := row.Scan(&s.Epoch, &data, &notAfter, &iccsn, &slot, &activatedAt, &alone, &r.requestedAt, &r.at, &r.actor, &r.requester, &r.reason)
	if err != nil || data == nil {
		return s, err
	}
	s.SHA256, s.NotAfter, s.ICCSN, s.Slot, s.Alone = sha256.Sum256(data), fromMillis(notAfter.V), iccsn.V, slot.V, alone.V
	s.Revocation = r.revocation()
	var at time.Time
	if activatedAt.Valid {
		at = fromMillis(activatedAt.V)
	}
	s.Derive(at)
	return s, nil
}

// nullRevocation is a revocation in columns that are NULL where there is none.
type nullRevocation struct {
	requestedAt, at          sql.Null[int64]
	actor, requester, reason sql.Null[string]
}

func (r *nullRevocation) revocation() *ca.Revocation {
	if !r.at.Valid {
		return nil
	}
	return &ca.Revocation{RequestedAt: fromMillis(r.requestedAt.V), At: fromMillis(r.at.V), Actor: r.actor.V, Requester: r.requester.V, Reason: r.reason.V}
}

const (
	selectIssued = `
SELECT c.number, (` + selectEpoch + `), a.end_entry_id FROM orders o JOIN cards c ON c.order_id = o.order_id JOIN attempts a ON a.number = c.attempt
WHERE o.iccsn = ? AND o.renews IS NULL`

	selectCertificatesOfCard = `
SELECT t.issuer, t.serial, t.data, d.not_after, d.slot
FROM certificates t JOIN cards c ON c.number = t.card JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
WHERE t.card = ? AND t.serial IS NOT NULL ORDER BY t.position`

	selectChangesOfCard = `
SELECT s.entry_id, s.state, t.issuer, t.serial, s.requested_at, s.at, s.actor, s.requester, s.reason
FROM status_changes s LEFT JOIN certificates t ON t.card = s.card AND t.position = s.place
WHERE s.card = ? ORDER BY s.epoch`
)

// CardStatus implements ca.StatusStore. What it reads last is what changes, so that its parts are of one moment.
func (s *Store) CardStatus(ctx context.Context, iccsn string) (*ca.CardStatus, error) {
	_, status, err := readCardStatus(ctx, iccsn, s.reads.issued, s.reads.certificatesOfCard, s.reads.changesOfCard)
	if err != nil {
		return nil, fmt.Errorf("read the status of a card: %w", err)
	}
	return status, nil
}

// cardStatus reads as the writer sees it, and gives the number of the card, too.
func cardStatus(s *session, iccsn string) (card int64, status *ca.CardStatus, err error) {
	var st [3]*sql.Stmt
	for i, query := range []string{selectIssued, selectCertificatesOfCard, selectChangesOfCard} {
		if st[i], err = s.prepare(query); err != nil {
			return 0, nil, err
		}
	}
	return readCardStatus(context.Background(), iccsn, st[0], st[1], st[2])
}

func readCardStatus(ctx context.Context, iccsn string, issued, certificates, changes *sql.Stmt) (card int64, status *ca.CardStatus, err error) {
	var epoch, entry int64
	if err := issued.QueryRowContext(ctx, iccsn).Scan(&card, &epoch, &entry); err != nil {
		if errors.Is(err, sql.ErrNoRows) {
			err = ca.ErrNotFound
		}
		return 0, nil, err
	}
	certs, err := all(ctx, certificates, scanCertificateOfCard, card)
	if err != nil {
		return 0, nil, err
	}
	for i := range certs {
		certs[i].Epoch, certs[i].ICCSN = epoch, iccsn
	}
	list, err := all(ctx, changes, scanCardChange, card)
	if err != nil {
		return 0, nil, err
	}
	for i := range list {
		if a := list[i].Activation; a != nil {
			a.ICCSN = iccsn
		}
	}
	return card, ca.NewCardStatus(iccsn, entry, certs, list), nil
}

func scanCertificateOfCard(row scanner) (c ca.CertificateStatus, err error) {
	var serial, data []byte
	var notAfter int64
	if err := row.Scan(&c.Issuer, &serial, &data, &notAfter, &c.Slot); err != nil {
		return c, err
	}
	c.SHA256, c.NotAfter = sha256.Sum256(data), fromMillis(notAfter)
	c.Serial, err = pkix.NewSerial(serial)
	return c, err
}

func scanCardChange(row scanner) (c ca.CardChange, err error) {
	var state ca.State
	var issuer sql.Null[string]
	var serial []byte
	var r nullRevocation
	if err := row.Scan(&c.EntryID, &state, &issuer, &serial, &r.requestedAt, &r.at, &r.actor, &r.requester, &r.reason); err != nil {
		return c, err
	}
	if state == ca.Active {
		c.Activation = &ca.Activation{RequestedAt: fromMillis(r.requestedAt.V), At: fromMillis(r.at.V), Actor: r.actor.V}
		return c, nil
	}
	c.Revocation = r.revocation()
	if serial != nil {
		c.Certificate.Issuer = issuer.V
		c.Certificate.Serial, err = pkix.NewSerial(serial)
	}
	return c, err
}

const selectRevoked = `
SELECT serial, at, reason FROM revocations
WHERE issuer = ? AND serial > ? AND epoch <= ? AND not_after >= ? ORDER BY serial LIMIT ?`

// RevokedCertificates implements ca.StatusStore.
func (s *Store) RevokedCertificates(ctx context.Context, q ca.RevokedQuery) ([]ca.RevokedCertificate, error) {
	return list(ctx, "list revoked certificates", q.Limit, s.reads.revoked, scanRevoked, q.Issuer, q.After.Bytes(), q.Epoch, q.ValidAfter.UnixMilli(), q.Limit)
}

func scanRevoked(row scanner) (c ca.RevokedCertificate, err error) {
	var serial []byte
	var at int64
	if err := row.Scan(&serial, &at, &c.Reason); err != nil {
		return c, err
	}
	c.At = fromMillis(at)
	c.Serial, err = pkix.NewSerial(serial)
	return c, err
}

// StatusEpoch implements ca.StatusStore.
func (s *Store) StatusEpoch(ctx context.Context) (epoch int64, err error) {
	if err := s.reads.epoch.QueryRowContext(ctx).Scan(&epoch); err != nil {
		return 0, fmt.Errorf("read the epoch of the status: %w", err)
	}
	return epoch, nil
}

// A change of a card has a row for each X.509 certificate of it. Where a card has none, the row has none.
const selectChanges = `
SELECT s.epoch, o.iccsn, s.state, t.issuer, t.serial
FROM (SELECT epoch, card, place, state FROM status_changes WHERE epoch > ? ORDER BY epoch LIMIT ?) AS s
JOIN cards c ON c.number = s.card JOIN orders o ON o.order_id = c.order_id
LEFT JOIN certificates t ON t.card = s.card AND t.serial IS NOT NULL AND coalesce(s.place, t.position) = t.position
ORDER BY s.epoch, t.position`

// StatusChanges implements ca.StatusStore.
func (s *Store) StatusChanges(ctx context.Context, after int64, limit int) ([]ca.StatusChange, error) {
	rows, err := list(ctx, "list changes of the status", limit, s.reads.statusChanges, scanStatusChange, after, limit)
	if err != nil {
		return nil, err
	}
	return ca.JoinStatusChanges(rows), nil
}

func scanStatusChange(row scanner) (c ca.StatusChange, err error) {
	var issuer sql.Null[string]
	var serial []byte
	if err := row.Scan(&c.Epoch, &c.ICCSN, &c.To, &issuer, &serial); err != nil || !issuer.Valid {
		return c, err
	}
	id := ca.CertificateID{Issuer: issuer.V}
	id.Serial, err = pkix.NewSerial(serial)
	c.Certificates = []ca.CertificateID{id}
	return c, err
}
