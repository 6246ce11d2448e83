package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The last condition but one looks for the issuer among the certificates of the card.
const selectSelected = `
SELECT c.number, o.iccsn, o.card_type, o.sector, EXISTS (SELECT FROM status_changes s WHERE s.card = c.number AND s.state = 'revoked' AND s.place IS NULL)
FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN attempts a ON a.number = c.attempt
WHERE c.number > $1 AND o.renews IS NULL
    AND ($3 = '' OR o.iccsn >= $3) AND ($4 = '' OR o.iccsn <= $4) AND ($5 = '' OR o.card_type = $5) AND ($6 = '' OR o.sector = $6)
    AND ($7::timestamptz IS NULL OR a.ended_at >= $7) AND ($8::timestamptz IS NULL OR a.ended_at < $8)
    AND ($9 = '' OR EXISTS (SELECT FROM certificates t WHERE t.card = c.number AND t.serial IS NOT NULL AND t.issuer = $9))
    AND ($10::text[] IS NULL OR o.iccsn = ANY ($10))
ORDER BY c.number LIMIT $2`

// SelectCards implements ca.BulkStore.
func (s *Store) SelectCards(ctx context.Context, q *ca.CardSelection, after int64, limit int) ([]ca.SelectedCard, error) {
	return list(ctx, s, "select cards", limit, selectSelected, pgx.RowToStructByPos[ca.SelectedCard], after, limit, q.ICCSNFrom, q.ICCSNUntil, q.CardType,
		q.Sector, orNull(q.IssuedFrom), orNull(q.IssuedUntil), q.Issuer, q.ICCSNs)
}

// orNull gives NULL for the zero time.
func orNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// A card has a row for each X.509 certificate.
const selectBulkCards = `
SELECT l.place, o.iccsn, EXISTS (SELECT FROM status_changes s WHERE s.card = l.card AND s.state = 'revoked' AND s.place IS NULL), t.issuer, t.serial, d.slot
FROM bulk_revocations b JOIN bulk_cards l ON l.bulk = b.number JOIN cards c ON c.number = l.card JOIN orders o ON o.order_id = c.order_id
JOIN certificates t ON t.card = c.number AND t.serial IS NOT NULL JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
WHERE b.bulk_id = $1 AND l.place >= $2 AND l.place < $2 + $3 ORDER BY l.place, t.position`

// BulkCards implements ca.BulkStore.
func (s *Store) BulkCards(ctx context.Context, id ca.BulkID, from, limit int) ([]ca.BulkCard, error) {
	rows, err := list(ctx, s, "list the cards of a bulk revocation", limit, selectBulkCards, scanBulkCard, string(id), from, limit)
	if err != nil {
		return nil, err
	}
	return ca.JoinBulkCards(rows), nil
}

func scanBulkCard(row pgx.CollectableRow) (c ca.BulkCard, err error) {
	var serial []byte
	var certificate ca.CertificateStatus
	if err := row.Scan(&c.Place, &c.ICCSN, &c.Revoked, &certificate.Issuer, &serial, &certificate.Slot); err != nil {
		return c, err
	}
	certificate.Serial, err = pkix.NewSerial(serial)
	c.Certificates = []ca.CertificateStatus{certificate}
	return c, err
}
