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

// statusChanges is how many changes of a status this store makes at a time. One at a time commits anyway (lockEpoch), and another can ask
// meanwhile; more would hold the connections that answers about the status need.
const statusChanges = 2

const (
	// Changes of one card run one after the other. A card's row never changes, so that nobody else waits for it.
	lockCard = `
SELECT c.number FROM orders o JOIN cards c ON c.order_id = o.order_id WHERE o.iccsn = $1 AND o.renews IS NULL FOR NO KEY UPDATE OF c`

	lockCardOfCertificate = `
SELECT t.card, t.position FROM certificates t JOIN cards c ON c.number = t.card WHERE t.issuer = $1 AND t.serial = $2 FOR NO KEY UPDATE OF c`

	// From here to the commit one change at a time has the newest epoch. It is the last lock that a change takes.
	lockEpoch = `SELECT pg_advisory_xact_lock(hashtext('siegel status'), hashtext(current_schema()))`

	insertChange = `
INSERT INTO status_changes (epoch, card, place, state, requested_at, at, actor, requester, reason, entry_id)
SELECT coalesce((SELECT max(epoch) FROM status_changes), 0) + 1, $8::bigint, $9::integer, $10, $11::timestamptz, $12::timestamptz, $13, nullif($14, ''), nullif($15, ''), id FROM entry RETURNING epoch, entry_id`

	// The certificates of the newest change that were not revoked before.
	insertRevocations = `
INSERT INTO revocations (issuer, serial, epoch, at, reason, not_after)
SELECT t.issuer, t.serial, s.epoch, s.at, s.reason, d.not_after
FROM status_changes s JOIN certificates t ON t.card = s.card AND coalesce(s.place, t.position) = t.position
JOIN cards c ON c.number = t.card JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
WHERE s.epoch = (SELECT max(epoch) FROM status_changes) AND t.serial IS NOT NULL
    AND NOT EXISTS (SELECT FROM revocations r WHERE r.issuer = t.issuer AND r.serial = t.serial)`
)

// ActivateCard implements ca.StatusStore.
func (s *Store) ActivateCard(ctx context.Context, a *ca.Activation, entry tlog.Entry) (*ca.CardStatus, error) {
	status, err := s.changeCard(ctx, a.ICCSN, entry, []time.Time{a.RequestedAt, a.At}, func(before *ca.CardStatus) (*ca.CardChange, error) {
		switch before.State {
		case ca.Revoked:
			return nil, ca.ErrCardRevoked
		case ca.Active:
			return nil, nil
		}
		return &ca.CardChange{Activation: &ca.Activation{RequestedAt: a.RequestedAt.UTC(), At: a.At.UTC(), Actor: a.Actor}}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("activate a card: %w", err)
	}
	return status, nil
}

// RevokeCard implements ca.StatusStore.
func (s *Store) RevokeCard(ctx context.Context, iccsn string, r *ca.Revocation, entry tlog.Entry) (*ca.CardStatus, error) {
	status, err := s.changeCard(ctx, iccsn, entry, []time.Time{r.RequestedAt, r.At}, func(before *ca.CardStatus) (*ca.CardChange, error) {
		if before.State == ca.Revoked {
			return nil, repeats(r, before.Revocation)
		}
		kept := *r
		kept.RequestedAt, kept.At = r.RequestedAt.UTC(), r.At.UTC()
		return &ca.CardChange{Revocation: &kept}, nil
	})
	if err != nil {
		return nil, fmt.Errorf("revoke a card: %w", err)
	}
	return status, nil
}

func repeats(r, before *ca.Revocation) error {
	if !r.Repeats(before) {
		return ca.ErrRevokedOtherwise
	}
	return nil
}

// inStatusChange is inChange with a place among the changes of a status.
func (s *Store) inStatusChange(ctx context.Context, do func(*change) error) error {
	select {
	case s.changing <- struct{}{}:
		defer func() { <-s.changing }()
		return s.inChange(ctx, do)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// changeCard locks a card and has decide say what its status makes necessary, which may be nothing. It gives the status after that. It is not
// read again: nobody else changes a card that is locked, and other cards wait for the end of this change.
func (s *Store) changeCard(ctx context.Context, iccsn string, entry tlog.Entry, times []time.Time,
	decide func(before *ca.CardStatus) (*ca.CardChange, error)) (after *ca.CardStatus, err error) {
	if err := checkChange(entry, times...); err != nil {
		return nil, err
	}
	err = s.inStatusChange(ctx, func(c *change) error {
		var card int64
		read := cardReading{iccsn: iccsn}
		err := c.ask(func(b *pgx.Batch) {
			b.Queue(lockCard, iccsn).QueryRow(func(row pgx.Row) error { return orNotFound(row.Scan(&card)) })
			read.queue(b)
		})
		if err != nil {
			return err
		}
		made, err := decide(read.status())
		if err != nil {
			return err
		}
		if made != nil {
			read.changes = append(read.changes, *made)
		}
		err = c.commit(func(b *pgx.Batch) {
			if made != nil {
				writeCardChange(b, entry, card, made, &read)
			}
		})
		after = read.status()
		return err
	})
	return after, err
}

// writeCardChange writes the newest change that was read, and completes it with its epoch and the id of its entry.
func writeCardChange(b *pgx.Batch, entry tlog.Entry, card int64, made *ca.CardChange, read *cardReading) {
	newest := &read.changes[len(read.changes)-1]
	scan := func(row pgx.Row) error { return row.Scan(&read.epoch, &newest.EntryID) }
	if a := made.Activation; a != nil {
		writeChange(b, entry, card, nil, ca.Active, a.RequestedAt, a.At, a.Actor, "", "").QueryRow(scan)
	} else {
		writeRevocation(b, entry, card, nil, made.Revocation).QueryRow(scan)
	}
}

// RevokeCertificate implements ca.StatusStore.
func (s *Store) RevokeCertificate(ctx context.Context, id ca.CertificateID, r *ca.Revocation, entry tlog.Entry) (*ca.CertificateStatus, error) {
	status, err := s.revokeCertificate(ctx, id, r, entry)
	if err != nil {
		return nil, fmt.Errorf("revoke a certificate: %w", err)
	}
	return status, nil
}

func (s *Store) revokeCertificate(ctx context.Context, id ca.CertificateID, r *ca.Revocation, entry tlog.Entry) (status *ca.CertificateStatus, err error) {
	if err := checkChange(entry, r.RequestedAt, r.At); err != nil {
		return nil, err
	}
	err = s.inStatusChange(ctx, func(c *change) error {
		var card int64
		var position int
		before := &ca.CertificateStatus{CertificateID: id}
		err := c.ask(func(b *pgx.Batch) {
			b.Queue(lockCardOfCertificate, id.Issuer, id.Serial.Bytes()).QueryRow(func(row pgx.Row) error {
				return orNotFound(row.Scan(&card, &position))
			})
			queueStatus(b, before)
		})
		if err != nil {
			return err
		}
		if before.Revocation != nil {
			if err := repeats(r, before.Revocation); err != nil {
				return err
			}
		}
		status = &ca.CertificateStatus{CertificateID: id}
		return c.commit(func(b *pgx.Batch) {
			if before.Revocation == nil {
				writeRevocation(b, entry, card, &position, r)
			}
			queueStatus(b, status)
		})
	})
	return status, err
}

func checkChange(entry tlog.Entry, times ...time.Time) error {
	errs := []error{checkEntry(entry)}
	for _, t := range times {
		errs = append(errs, exact(t, time.Millisecond))
	}
	return errors.Join(errs...)
}

// writeRevocation revokes a card that is locked, or its certificate at a position, and tells the servers that watch.
func writeRevocation(b *pgx.Batch, entry tlog.Entry, card int64, position *int, r *ca.Revocation) *pgx.QueuedQuery {
	inserted := writeChange(b, entry, card, position, ca.Revoked, r.RequestedAt, r.At, r.Actor, r.Requester, r.Reason)
	b.Queue(insertRevocations)
	return inserted
}

// writeChange gives the statement whose row is the epoch of the change and the id of its entry.
func writeChange(b *pgx.Batch, entry tlog.Entry, card int64, position *int, to ca.State, requestedAt, at time.Time, actor, requester, reason string) *pgx.QueuedQuery {
	b.Queue(notifyStatus)
	b.Queue(lockEpoch)
	return b.Queue(withEntry+insertChange, append(entryArgs(entry), card, position, string(to), requestedAt, at, actor, requester, reason)...)
}
