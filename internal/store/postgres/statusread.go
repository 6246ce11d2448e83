package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
)

const (
	newestEpoch = `coalesce((SELECT max(epoch) FROM status_changes), 0)`

	// One row always: where the certificate is not issued, of nothing but the epoch. All of it is of one moment.
	selectStatus = `
SELECT ` + newestEpoch + `, x.* FROM (VALUES (1)) AS always LEFT JOIN (
    SELECT sha256(t.data), d.not_after, o.iccsn, d.slot,
        (SELECT at FROM status_changes WHERE card = t.card AND state = 'active' AND place IS NULL) AS activated_at, s.place IS NOT NULL, s.requested_at, s.at, s.actor, s.requester, s.reason
    FROM certificates t JOIN cards c ON c.number = t.card JOIN orders o ON o.order_id = c.order_id
    JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
    LEFT JOIN revocations r ON r.issuer = t.issuer AND r.serial = t.serial
    LEFT JOIN status_changes s ON s.epoch = r.epoch
    WHERE t.issuer = $1 AND t.serial = $2
) AS x ON true`
)

// CertificateStatus implements ca.StatusStore.
func (s *Store) CertificateStatus(ctx context.Context, id ca.CertificateID) (*ca.CertificateStatus, error) {
	status := &ca.CertificateStatus{CertificateID: id}
	if err := scanStatus(s.pool.QueryRow(ctx, selectStatus, id.Issuer, id.Serial.Bytes()), status); err != nil {
		return nil, fmt.Errorf("read the status of a certificate: %w", err)
	}
	return status, nil
}

// queueStatus reads the status of the certificate that it names.
func queueStatus(b *pgx.Batch, status *ca.CertificateStatus) {
	b.Queue(selectStatus, status.Issuer, status.Serial.Bytes()).QueryRow(func(row pgx.Row) error { return scanStatus(row, status) })
}

func scanStatus(row pgx.Row, s *ca.CertificateStatus) error {
	var hash []byte
	var notAfter, activatedAt *time.Time
	var iccsn, slot *string
	var alone *bool
	var r nullRevocation
	err := row.Scan(&s.Epoch, &hash, &notAfter, &iccsn, &slot, &activatedAt, &alone, &r.requestedAt, &r.at, &r.actor, &r.requester, &r.reason)
	if err != nil {
		return err
	}
	s.State = ca.NotIssued
	if hash == nil {
		return nil
	}
	s.SHA256, s.NotAfter, s.ICCSN, s.Slot, s.Alone = [32]byte(hash), notAfter.UTC(), *iccsn, *slot, *alone
	s.Revocation = r.revocation()
	if activatedAt == nil {
		activatedAt = new(time.Time)
	}
	s.Derive(activatedAt.UTC())
	return nil
}

// nullRevocation is a revocation in columns that are NULL where there is none.
type nullRevocation struct {
	requestedAt, at          *time.Time
	actor, requester, reason *string
}

func (r *nullRevocation) revocation() *ca.Revocation {
	if r.at == nil {
		return nil
	}
	return &ca.Revocation{RequestedAt: r.requestedAt.UTC(), At: r.at.UTC(), Actor: *r.actor, Requester: *r.requester, Reason: *r.reason}
}

// CardStatus implements ca.StatusStore.
func (s *Store) CardStatus(ctx context.Context, iccsn string) (*ca.CardStatus, error) {
	b, read := &pgx.Batch{}, cardReading{iccsn: iccsn}
	read.queue(b)
	if err := send(ctx, s.pool, b); err != nil {
		return nil, fmt.Errorf("read the status of a card: %w", orNotFound(err))
	}
	return read.status(), nil
}

// cardReading reads the status of a card in three statements: two about what never changes, and one about what changes, so that its
// parts are of one moment.
type cardReading struct {
	iccsn        string
	epoch, entry int64
	certificates []ca.CertificateStatus
	changes      []ca.CardChange
}

const (
	selectIssued = `
SELECT ` + newestEpoch + `, a.end_entry_id FROM orders o JOIN cards c ON c.order_id = o.order_id JOIN attempts a ON a.number = c.attempt` + byICCSN

	selectCertificatesOfCard = `
SELECT t.issuer, t.serial, sha256(t.data), d.not_after, d.slot
FROM orders o JOIN cards c ON c.order_id = o.order_id JOIN certificates t ON t.card = c.number
JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position` + byICCSN + ` AND t.serial IS NOT NULL ORDER BY t.position`

	selectChangesOfCard = `
SELECT s.entry_id, s.state, t.issuer, t.serial, s.requested_at, s.at, s.actor, s.requester, s.reason
FROM orders o JOIN cards c ON c.order_id = o.order_id JOIN status_changes s ON s.card = c.number
LEFT JOIN certificates t ON t.card = s.card AND t.position = s.place` + byICCSN + ` ORDER BY s.epoch`
)

// queue reads; where there is no such card, the batch gives pgx.ErrNoRows.
func (r *cardReading) queue(b *pgx.Batch) {
	b.Queue(selectIssued, r.iccsn).QueryRow(func(row pgx.Row) error { return row.Scan(&r.epoch, &r.entry) })
	b.Queue(selectCertificatesOfCard, r.iccsn).Query(func(rows pgx.Rows) (err error) {
		r.certificates, err = pgx.CollectRows(rows, scanCertificateOfCard)
		return err
	})
	b.Queue(selectChangesOfCard, r.iccsn).Query(func(rows pgx.Rows) (err error) {
		r.changes, err = pgx.CollectRows(rows, scanCardChange)
		return err
	})
}

func (r *cardReading) status() *ca.CardStatus {
	for i := range r.certificates {
		r.certificates[i].Epoch, r.certificates[i].ICCSN = r.epoch, r.iccsn
	}
	for i := range r.changes {
		if a := r.changes[i].Activation; a != nil {
			a.ICCSN = r.iccsn
		}
	}
	return ca.NewCardStatus(r.iccsn, r.entry, r.certificates, r.changes)
}

func scanCertificateOfCard(row pgx.CollectableRow) (c ca.CertificateStatus, err error) {
	var serial, hash []byte
	if err := row.Scan(&c.Issuer, &serial, &hash, &c.NotAfter, &c.Slot); err != nil {
		return c, err
	}
	c.SHA256, c.NotAfter = [32]byte(hash), c.NotAfter.UTC()
	c.Serial, err = pkix.NewSerial(serial)
	return c, err
}

func scanCardChange(row pgx.CollectableRow) (c ca.CardChange, err error) {
	var state ca.State
	var issuer *string
	var serial []byte
	var r nullRevocation
	if err := row.Scan(&c.EntryID, &state, &issuer, &serial, &r.requestedAt, &r.at, &r.actor, &r.requester, &r.reason); err != nil {
		return c, err
	}
	if state == ca.Active {
		c.Activation = &ca.Activation{RequestedAt: r.requestedAt.UTC(), At: r.at.UTC(), Actor: *r.actor}
		return c, nil
	}
	c.Revocation = r.revocation()
	if serial != nil {
		c.Certificate.Issuer = *issuer
		c.Certificate.Serial, err = pkix.NewSerial(serial)
	}
	return c, err
}

const selectRevoked = `
SELECT serial, at, reason FROM revocations
WHERE issuer = $1 AND serial > $2 AND epoch <= $3 AND not_after >= $4 ORDER BY serial LIMIT $5`

// RevokedCertificates implements ca.StatusStore.
func (s *Store) RevokedCertificates(ctx context.Context, q ca.RevokedQuery) ([]ca.RevokedCertificate, error) {
	return list(ctx, s, "list revoked certificates", q.Limit, selectRevoked, scanRevoked, q.Issuer, q.After.Bytes(), q.Epoch, q.ValidAfter, q.Limit)
}

func scanRevoked(row pgx.CollectableRow) (c ca.RevokedCertificate, err error) {
	var serial []byte
	if err := row.Scan(&serial, &c.At, &c.Reason); err != nil {
		return c, err
	}
	c.At = c.At.UTC()
	c.Serial, err = pkix.NewSerial(serial)
	return c, err
}

// StatusEpoch implements ca.StatusStore.
func (s *Store) StatusEpoch(ctx context.Context) (epoch int64, err error) {
	if err := s.pool.QueryRow(ctx, `SELECT `+newestEpoch).Scan(&epoch); err != nil {
		return 0, fmt.Errorf("read the epoch of the status: %w", err)
	}
	return epoch, nil
}

// A change of a card has a row for each X.509 certificate of it. Where a card has none, the row has none.
const selectChanges = `
SELECT s.epoch, o.iccsn, s.state, t.issuer, t.serial
FROM (SELECT epoch, card, place, state FROM status_changes WHERE epoch > $1 ORDER BY epoch LIMIT $2) AS s
JOIN cards c ON c.number = s.card JOIN orders o ON o.order_id = c.order_id
LEFT JOIN certificates t ON t.card = s.card AND t.serial IS NOT NULL AND coalesce(s.place, t.position) = t.position
ORDER BY s.epoch, t.position`

// StatusChanges implements ca.StatusStore.
func (s *Store) StatusChanges(ctx context.Context, after int64, limit int) ([]ca.StatusChange, error) {
	rows, err := list(ctx, s, "list changes of the status", limit, selectChanges, scanStatusChange, after, limit)
	if err != nil {
		return nil, err
	}
	return ca.JoinStatusChanges(rows), nil
}

func scanStatusChange(row pgx.CollectableRow) (c ca.StatusChange, err error) {
	var issuer *string
	var serial []byte
	if err := row.Scan(&c.Epoch, &c.ICCSN, &c.To, &issuer, &serial); err != nil || issuer == nil {
		return c, err
	}
	id := ca.CertificateID{Issuer: *issuer}
	id.Serial, err = pkix.NewSerial(serial)
	c.Certificates = []ca.CertificateID{id}
	return c, err
}

const (
	statusChannel = `'siegel_status_' || md5(current_schema())`

	// A notification leaves when its transaction commits, and not at all where it does not (PostgreSQL documentation, NOTIFY).
	notifyStatus = `SELECT pg_notify(` + statusChannel + `, '')`
)

// WatchStatus implements ca.StatusStore. It watches on a connection of its own.
func (s *Store) WatchStatus(ctx context.Context, changed func()) error {
	if err := s.watchStatus(ctx, changed); err != nil {
		return fmt.Errorf("watch the status: %w", err)
	}
	return nil
}

func (s *Store) watchStatus(ctx context.Context, changed func()) error {
	conn, err := pgx.ConnectConfig(ctx, s.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	defer end(conn)
	var channel string
	if err := conn.QueryRow(ctx, `SELECT `+statusChannel).Scan(&channel); err != nil {
		return err
	}
	if _, err := conn.Exec(ctx, `LISTEN `+pgx.Identifier{channel}.Sanitize()); err != nil {
		return err
	}
	for {
		changed()
		if _, err := conn.WaitForNotification(ctx); err != nil {
			return errors.Join(ctx.Err(), err)
		}
	}
}
