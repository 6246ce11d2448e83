package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

var _ ca.CRLStore = (*Store)(nil)

const (
	selectNewestNumber = `SELECT coalesce(max(number), 0) FROM crls WHERE issuer = ?`

	insertCRL = `
INSERT INTO crls (issuer, number, epoch, this_update, next_update, entries, body_sha256, entry_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
)

// RecordCRL implements ca.CRLStore.
func (s *Store) RecordCRL(ctx context.Context, d *ca.CRLDraft, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error { return recordCRL(w, d, entry) })
	if err != nil {
		return fmt.Errorf("record CRL %d of %s: %w", d.Number, d.Issuer, err)
	}
	return nil
}

func recordCRL(s *session, d *ca.CRLDraft, entry tlog.Entry) error {
	var newest int64
	if err := s.row(selectNewestNumber, []any{d.Issuer}, &newest); err != nil {
		return err
	}
	if d.Number != newest+1 {
		return ca.ErrCRLMoved
	}
	thisUpdate, err := millis(d.ThisUpdate)
	if err != nil {
		return err
	}
	nextUpdate, err := millis(d.NextUpdate)
	if err != nil {
		return err
	}
	entryID, err := record(s, entry)
	if err != nil {
		return err
	}
	_, err = s.exec(insertCRL, d.Issuer, d.Number, d.Epoch, thisUpdate, nextUpdate, d.Entries, d.BodySHA256[:], entryID)
	return err
}

const (
	// Whether a CRL is recorded, and the newest that is published.
	selectCRLForPublication = `
SELECT EXISTS (SELECT 1 FROM crls WHERE issuer = ?1 AND number = ?2), (SELECT coalesce(max(number), 0) FROM published_crls WHERE issuer = ?1)`

	insertPublishedCRL = `INSERT INTO published_crls (issuer, number, size, sha256, entry_id) VALUES (?, ?, ?, ?, ?)`

	insertCRLPart = `INSERT INTO crl_parts (issuer, number, part, octets) VALUES (?, ?, ?, ?)`

	// The CRL before stays: somebody may be reading it.
	dropCRLParts = `
DELETE FROM crl_parts WHERE issuer = ?1 AND number < (SELECT max(number) FROM published_crls WHERE issuer = ?1 AND number < ?2)`
)

// PublishCRL implements ca.CRLStore.
func (s *Store) PublishCRL(ctx context.Context, crl *ca.SignedCRL, entry tlog.Entry) error {
	err := s.writer.do(ctx, func(w *session) error { return publishCRL(w, crl, entry) })
	if err != nil {
		return fmt.Errorf("publish CRL %d of %s: %w", crl.Number, crl.Issuer, err)
	}
	return nil
}

func publishCRL(s *session, crl *ca.SignedCRL, entry tlog.Entry) error {
	var recorded bool
	var newest int64
	if err := s.row(selectCRLForPublication, []any{crl.Issuer, crl.Number}, &recorded, &newest); err != nil {
		return err
	}
	switch {
	case !recorded:
		return ca.ErrNotFound
	case newest >= crl.Number:
		return ca.ErrCRLMoved
	}
	entryID, err := record(s, entry)
	if err != nil {
		return err
	}
	if _, err := s.exec(insertPublishedCRL, crl.Issuer, crl.Number, len(crl.Octets), crl.SHA256[:], entryID); err != nil {
		return err
	}
	part := 0
	for octets := range slices.Chunk(crl.Octets, ca.CRLPartLen) {
		if _, err := s.exec(insertCRLPart, crl.Issuer, crl.Number, part, octets); err != nil {
			return fmt.Errorf("part %d: %w", part, err)
		}
		part++
	}
	_, err = s.exec(dropCRLParts, crl.Issuer, crl.Number)
	return err
}

const (
	// One row always: without a publication, of nothing but the newest number.
	selectNewestCRL = `
SELECT (SELECT coalesce(max(number), 0) FROM crls WHERE issuer = ?1),
    c.number, c.epoch, c.this_update, c.next_update, c.entries, c.body_sha256, p.sha256, p.size, p.entry_id
FROM (SELECT 1) AS always
LEFT JOIN published_crls p ON p.issuer = ?1 AND p.number = (SELECT max(number) FROM published_crls WHERE issuer = ?1)
LEFT JOIN crls c ON c.issuer = p.issuer AND c.number = p.number`

	selectCRLPart = `SELECT octets FROM crl_parts WHERE issuer = ? AND number = ? AND part = ?`
)

// NewestCRL implements ca.CRLReader.
func (s *Store) NewestCRL(ctx context.Context, issuer string) (*ca.CRLState, error) {
	state := new(ca.CRLState)
	var number, epoch, thisUpdate, nextUpdate, entries, size, entryID sql.Null[int64]
	var bodyHash, hash []byte
	err := s.reads.newestCRL.QueryRowContext(ctx, issuer).Scan(&state.Recorded, &number, &epoch, &thisUpdate, &nextUpdate, &entries, &bodyHash, &hash,
		&size, &entryID)
	if err != nil {
		return nil, fmt.Errorf("read the newest CRL of %s: %w", issuer, err)
	}
	if number.Valid {
		state.Published = &ca.PublishedCRL{
			CRLDraft: ca.CRLDraft{Issuer: issuer, Number: number.V, Epoch: epoch.V, ThisUpdate: fromMillis(thisUpdate.V), NextUpdate: fromMillis(nextUpdate.V),
				Entries: int(entries.V), BodySHA256: [32]byte(bodyHash)},
			SHA256: [32]byte(hash), Size: size.V, EntryID: entryID.V,
		}
	}
	return state, nil
}

// CRLPart implements ca.CRLReader.
func (s *Store) CRLPart(ctx context.Context, issuer string, number int64, part int) (octets []byte, err error) {
	err = s.reads.crlPart.QueryRowContext(ctx, issuer, number, part).Scan(&octets)
	if errors.Is(err, sql.ErrNoRows) {
		err = ca.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("read part %d of CRL %d of %s: %w", part, number, issuer, err)
	}
	return octets, nil
}
