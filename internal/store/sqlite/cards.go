package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

const selectCards = `
SELECT c.number, o.iccsn, c.order_id, o.card_type, o.sector, a.ended_at,
    (SELECT count(*) FROM certificates t WHERE t.card = c.number), coalesce(o.renews, ''), o.renewal
FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN attempts a ON a.number = c.attempt
WHERE c.number > ? ORDER BY c.number LIMIT ?`

// Cards implements ca.Store.
func (s *Store) Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error) {
	return list(ctx, "list cards", limit, s.reads.cards, scanSummary, after, limit)
}

func scanSummary(row scanner) (c ca.CardSummary, err error) {
	var at int64
	err = row.Scan(&c.Number, &c.ICCSN, &c.OrderID, &c.CardType, &c.Sector, &at, &c.Certificates, &c.Renews, &c.Renewal)
	c.IssuedAt = fromMillis(at)
	return c, err
}

const selectCardByICCSN = `
SELECT c.number FROM orders o JOIN cards c ON c.order_id = o.order_id WHERE o.iccsn = ? AND o.renews IS NULL`

// Card implements ca.Store.
func (s *Store) Card(ctx context.Context, iccsn string) (*ca.Card, error) {
	var number int64
	err := s.reads.cardByICCSN.QueryRowContext(ctx, iccsn).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		err = ca.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("look up a card by its ICCSN: %w", err)
	}
	return s.reads.card(ctx, number)
}

const (
	selectCardHead = `
SELECT c.number, o.iccsn, c.order_id, o.card_type, o.sector, a.ended_at, coalesce(o.renews, ''), o.renewal,
    o.order_hash, a.warnings, a.end_entry_id
FROM cards c JOIN orders o ON o.order_id = c.order_id JOIN attempts a ON a.number = c.attempt
WHERE c.number = ?`

	selectCertificates = `
SELECT d.slot, d.profile, d.format, d.issuer, d.scheme, d.serial, d.chr, d.not_before, d.not_after, d.key_hash, d.key_identity, t.data
FROM cards c JOIN certificates t ON t.card = c.number JOIN drafts d ON d.attempt = c.attempt AND d.position = t.position
WHERE c.number = ? ORDER BY t.position`
)

// card reads the card of a number that is there.
func (r *reads) card(ctx context.Context, number int64) (*ca.Card, error) {
	card, err := scanCardHead(r.cardHead.QueryRowContext(ctx, number))
	if err != nil {
		return nil, fmt.Errorf("read card number %d: %w", number, err)
	}
	if card.Certs, err = all(ctx, r.certificates, scanCertificate, number); err != nil {
		return nil, fmt.Errorf("read the certificates of card number %d: %w", number, err)
	}
	card.Certificates = len(card.Certs)
	return card, nil
}

func scanCardHead(row scanner) (*ca.Card, error) {
	c := &ca.Card{}
	var at int64
	var hash, warnings []byte
	err := row.Scan(&c.Number, &c.ICCSN, &c.OrderID, &c.CardType, &c.Sector, &at, &c.Renews, &c.Renewal, &hash, &warnings, &c.EntryID)
	if err != nil {
		return nil, err
	}
	c.IssuedAt = fromMillis(at)
	c.OrderHash = [32]byte(hash)
	if err := json.Unmarshal(warnings, &c.Warnings); err != nil {
		return nil, fmt.Errorf("decode its warnings: %w", err)
	}
	if len(c.Warnings) == 0 {
		c.Warnings = nil
	}
	return c, nil
}

func scanCertificate(row scanner) (c ca.Certificate, err error) {
	var scheme string
	var serial, hash, identity []byte
	var chr sql.Null[string]
	var notBefore, notAfter int64
	err = row.Scan(&c.Slot, &c.Profile, &c.Format, &c.Issuer, &scheme, &serial, &chr, &notBefore, &notAfter, &hash, &identity, &c.Data)
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
	c.CHR = chr.V
	c.NotBefore, c.NotAfter = fromMillis(notBefore), fromMillis(notAfter)
	c.KeyHash, c.KeyIdentity = [32]byte(hash), [32]byte(identity)
	return c, nil
}
