package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

var _ ca.CRLStore = (*Store)(nil)

// No row where the number is not the next one. Of two at the same time, the second waits for the first to commit and has none then.
const insertCRL = `
INSERT INTO crls (issuer, number, epoch, this_update, next_update, entries, body_sha256, entry_id)
SELECT $8::text, $9::bigint, $10, $11::timestamptz, $12::timestamptz, $13, $14::bytea, id FROM entry
WHERE coalesce((SELECT max(number) FROM crls WHERE issuer = $8), 0) = $9 - 1 ON CONFLICT (issuer, number) DO NOTHING`

// RecordCRL implements ca.CRLStore.
func (s *Store) RecordCRL(ctx context.Context, d *ca.CRLDraft, entry tlog.Entry) error {
	if err := s.recordCRL(ctx, d, entry); err != nil {
		return fmt.Errorf("record CRL %d of %s: %w", d.Number, d.Issuer, err)
	}
	return nil
}

func (s *Store) recordCRL(ctx context.Context, d *ca.CRLDraft, entry tlog.Entry) error {
	if err := errors.Join(exact(d.ThisUpdate, time.Second), exact(d.NextUpdate, time.Second), checkEntry(entry)); err != nil {
		return err
	}
	return s.inChange(ctx, func(c *change) error {
		err := c.ask(func(b *pgx.Batch) {
			args := append(entryArgs(entry), d.Issuer, d.Number, d.Epoch, d.ThisUpdate, d.NextUpdate, d.Entries, d.BodySHA256[:])
			b.Queue(withEntry+insertCRL, args...).Exec(func(done pgconn.CommandTag) error {
				if done.RowsAffected() != 1 {
					return ca.ErrCRLMoved
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		return c.commit(func(*pgx.Batch) {})
	})
}

const (
	// Whether a CRL is recorded, and the newest that is published. Of two who publish one number, the second waits.
	lockCRL = `
SELECT number, (SELECT coalesce(max(number), 0) FROM published_crls WHERE issuer = $1)
FROM crls WHERE issuer = $1 AND number = $2 FOR NO KEY UPDATE`

	insertPublishedCRL = `
INSERT INTO published_crls (issuer, number, size, sha256, entry_id) SELECT $8, $9, $10, $11, id FROM entry`

	insertCRLPart = `INSERT INTO crl_parts (issuer, number, part, octets) VALUES ($1, $2, $3, $4)`

	// The CRL before stays: somebody may be reading it.
	dropCRLParts = `
DELETE FROM crl_parts WHERE issuer = $1 AND number < (SELECT max(number) FROM published_crls WHERE issuer = $1 AND number < $2)`
)

// PublishCRL implements ca.CRLStore.
func (s *Store) PublishCRL(ctx context.Context, crl *ca.SignedCRL, entry tlog.Entry) error {
	if err := s.publishCRL(ctx, crl, entry); err != nil {
		return fmt.Errorf("publish CRL %d of %s: %w", crl.Number, crl.Issuer, err)
	}
	return nil
}

func (s *Store) publishCRL(ctx context.Context, crl *ca.SignedCRL, entry tlog.Entry) error {
	if err := checkEntry(entry); err != nil {
		return err
	}
	return s.inChange(ctx, func(c *change) error {
		var number, newest int64
		err := c.ask(func(b *pgx.Batch) {
			b.Queue(lockCRL, crl.Issuer, crl.Number).QueryRow(func(row pgx.Row) error { return orNotFound(row.Scan(&number, &newest)) })
			b.Queue(withEntry+insertPublishedCRL, append(entryArgs(entry), crl.Issuer, crl.Number, len(crl.Octets), crl.SHA256[:])...)
		})
		if newest >= crl.Number {
			return ca.ErrCRLMoved
		}
		if err != nil {
			return err
		}
		part := 0
		for octets := range slices.Chunk(crl.Octets, ca.CRLPartLen) { // one at a time, so that they are not all in a buffer at once
			if _, err := c.conn.Exec(ctx, insertCRLPart, crl.Issuer, crl.Number, part, octets); err != nil {
				return fmt.Errorf("part %d: %w", part, err)
			}
			part++
		}
		return c.commit(func(b *pgx.Batch) { b.Queue(dropCRLParts, crl.Issuer, crl.Number) })
	})
}

const (
	// One row always: without a publication, of nothing but the newest number.
	selectNewestCRL = `
SELECT coalesce((SELECT max(number) FROM crls WHERE issuer = $1), 0),
    c.number, c.epoch, c.this_update, c.next_update, c.entries, c.body_sha256, p.sha256, p.size, p.entry_id
FROM (VALUES (1)) AS always
LEFT JOIN published_crls p ON p.issuer = $1 AND p.number = (SELECT max(number) FROM published_crls WHERE issuer = $1)
LEFT JOIN crls c ON c.issuer = p.issuer AND c.number = p.number`

	selectCRLPart = `SELECT octets FROM crl_parts WHERE issuer = $1 AND number = $2 AND part = $3`
)

// NewestCRL implements ca.CRLReader.
func (s *Store) NewestCRL(ctx context.Context, issuer string) (*ca.CRLState, error) {
	state := new(ca.CRLState)
	var number, epoch, entries, size, entryID *int64
	var thisUpdate, nextUpdate *time.Time
	var bodyHash, hash []byte
	err := s.pool.QueryRow(ctx, selectNewestCRL, issuer).Scan(&state.Recorded, &number, &epoch, &thisUpdate, &nextUpdate, &entries, &bodyHash, &hash,
		&size, &entryID)
	if err != nil {
		return nil, fmt.Errorf("read the newest CRL of %s: %w", issuer, err)
	}
	if number != nil {
		state.Published = &ca.PublishedCRL{
			CRLDraft: ca.CRLDraft{Issuer: issuer, Number: *number, Epoch: *epoch, ThisUpdate: thisUpdate.UTC(), NextUpdate: nextUpdate.UTC(),
				Entries: int(*entries), BodySHA256: [32]byte(bodyHash)},
			SHA256: [32]byte(hash), Size: *size, EntryID: *entryID,
		}
	}
	return state, nil
}

// CRLPart implements ca.CRLReader.
func (s *Store) CRLPart(ctx context.Context, issuer string, number int64, part int) (octets []byte, err error) {
	if err := s.pool.QueryRow(ctx, selectCRLPart, issuer, number, part).Scan(&octets); err != nil {
		return nil, fmt.Errorf("read part %d of CRL %d of %s: %w", part, number, issuer, orNotFound(err))
	}
	return octets, nil
}
