package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

const selectCards = `
SELECT c.number, o.iccsn, c.order_id, o.card_type, o.sector, a.ended_at,
    (SELECT count(*) FROM certificates t WHERE t.card = c.number), coalesce(o.renews, ''), o.renewal
FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN attempts a ON a.number = c.attempt
WHERE c.number > $1 ORDER BY c.number LIMIT $2`

// Cards implements ca.Store.
func (s *Store) Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error) {
	return list(ctx, s, "list cards", limit, selectCards, scanSummary, after, limit)
}

func scanSummary(row pgx.CollectableRow) (c ca.CardSummary, err error) {
	err = row.Scan(&c.Number, &c.ICCSN, &c.OrderID, &c.CardType, &c.Sector, &c.IssuedAt, &c.Certificates, &c.Renews, &c.Renewal)
	c.IssuedAt = c.IssuedAt.UTC()
	return c, err
}

// Card implements ca.Store.
func (s *Store) Card(ctx context.Context, iccsn string) (*ca.Card, error) {
	b, card := &pgx.Batch{}, &ca.Card{}
	readCard(b, byICCSN, iccsn, card)
	if err := send(ctx, s.pool, b); err != nil {
		return nil, fmt.Errorf("read a card by its ICCSN: %w", orNotFound(err))
	}
	return card, nil
}

// What a card is looked up by.
const (
	byICCSN = ` WHERE o.iccsn = $1 AND o.renews IS NULL`
	byOrder = ` WHERE o.order_id = $1`
)

const (
	selectCard = `
SELECT c.number, o.iccsn, c.order_id, o.card_type, o.sector, a.ended_at, coalesce(o.renews, ''), o.renewal,
    o.order_hash, a.warnings, a.end_entry_id
FROM orders o JOIN cards c ON c.order_id = o.order_id JOIN attempts a ON a.number = c.attempt`

	// The certificates are looked up one by one. As a join, a plan that is made while the tables are empty may go through all there are.
	selectCertificates = `
SELECT d.slot, d.profile, d.format, d.issuer, d.scheme, d.serial, d.chr, d.not_before, d.not_after, d.key_hash, d.key_identity,
    (SELECT t.data FROM certificates t WHERE t.card = c.number AND t.position = d.position)
FROM orders o JOIN cards c ON c.order_id = o.order_id JOIN drafts d ON d.attempt = c.attempt`

	inOrder = ` ORDER BY d.position`
)

// readCard reads a card in two statements. They need no common view of the database, since the rows of a card come together and never
// change. Where there is none, the batch gives pgx.ErrNoRows.
func readCard(b *pgx.Batch, by, value string, card *ca.Card) {
	b.Queue(selectCard+by, value).QueryRow(func(row pgx.Row) error { return scanCard(row, card) })
	b.Queue(selectCertificates+by+inOrder, value).Query(func(rows pgx.Rows) (err error) {
		card.Certs, err = pgx.CollectRows(rows, scanCertificate)
		card.Certificates = len(card.Certs)
		return err
	})
}

func scanCard(row pgx.Row, c *ca.Card) error {
	var hash []byte
	err := row.Scan(&c.Number, &c.ICCSN, &c.OrderID, &c.CardType, &c.Sector, &c.IssuedAt, &c.Renews, &c.Renewal, &hash, &c.Warnings, &c.EntryID)
	if err != nil {
		return err
	}
	c.IssuedAt = c.IssuedAt.UTC()
	c.OrderHash = [32]byte(hash)
	if len(c.Warnings) == 0 {
		c.Warnings = nil
	}
	return nil
}

func scanCertificate(row pgx.CollectableRow) (c ca.Certificate, err error) {
	var scheme string
	var serial, hash, identity []byte
	var chr *string
	err = row.Scan(&c.Slot, &c.Profile, &c.Format, &c.Issuer, &scheme, &serial, &chr, &c.NotBefore, &c.NotAfter, &hash, &identity, &c.Data)
	if err != nil {
		return c, err
	}
	if c.Scheme, err = sigalg.ParseScheme(scheme); err != nil {
		return c, err
	}
	if c.Format == ca.X509 {
		if c.Serial, err = pkix.NewSerial(serial); err != nil {
			return c, err
		}
	}
	if chr != nil {
		c.CHR = *chr
	}
	c.NotBefore, c.NotAfter = c.NotBefore.UTC(), c.NotAfter.UTC()
	c.KeyHash, c.KeyIdentity = [32]byte(hash), [32]byte(identity)
	return c, nil
}
