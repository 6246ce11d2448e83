package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// selectWaitingOrders gives a row for each draft of the latest attempt of each order without a card. An attempt that is open is the
// latest; one that is complete has a card.
const selectWaitingOrders = `
WITH waiting AS (
    SELECT order_id FROM attempts WHERE state = 'open' AND order_id > ?1
    UNION
    SELECT a.order_id FROM attempts a WHERE a.state = 'abandoned' AND a.order_id > ?1
        AND NOT EXISTS (SELECT 1 FROM cards c WHERE c.order_id = a.order_id)
    ORDER BY order_id LIMIT ?2
), latest AS (
    SELECT w.order_id, coalesce((SELECT number FROM attempts WHERE state = 'open' AND order_id = w.order_id),
        (SELECT max(number) FROM attempts WHERE state = 'abandoned' AND order_id = w.order_id)) AS attempt
    FROM waiting w
)
SELECT o.order_id, o.card_type, o.sector, o.recorded_at, a.state = 'open', d.slot, d.profile, d.issuer, d.scheme
FROM latest l JOIN orders o ON o.order_id = l.order_id JOIN attempts a ON a.number = l.attempt JOIN drafts d ON d.attempt = l.attempt
ORDER BY o.order_id, d.position`

// WaitingOrders implements ca.Store.
func (s *Store) WaitingOrders(ctx context.Context, after string, limit int) ([]ca.WaitingOrder, error) {
	rows, err := list(ctx, "list waiting orders", limit, s.reads.waitingOrders, scanWaiting, after, limit)
	if err != nil {
		return nil, err
	}
	var orders []ca.WaitingOrder
	for _, row := range rows {
		if n := len(orders); n > 0 && orders[n-1].OrderID == row.OrderID {
			orders[n-1].Drafts = append(orders[n-1].Drafts, row.Drafts...)
			continue
		}
		orders = append(orders, row)
	}
	return orders, nil
}

// scanWaiting reads an order with one of its drafts.
func scanWaiting(row scanner) (o ca.WaitingOrder, err error) {
	var at int64
	var scheme string
	var d ca.AlgorithmsUsed
	err = row.Scan(&o.OrderID, &o.CardType, &o.Sector, &at, &o.Open, &d.Slot, &d.Profile, &d.Issuer, &scheme)
	if err != nil {
		return o, err
	}
	o.RecordedAt = fromMillis(at)
	d.Scheme, err = sigalg.ParseScheme(scheme)
	o.Drafts = []ca.AlgorithmsUsed{d}
	return o, err
}

const countOutliving = `
SELECT d.slot, d.profile, d.issuer, d.scheme, count(*)
FROM cards c JOIN drafts d ON d.attempt = c.attempt WHERE d.not_after > ?
GROUP BY d.issuer, d.profile, d.slot, d.scheme ORDER BY d.issuer, d.profile, d.slot, d.scheme`

// CountOutliving implements ca.Store.
func (s *Store) CountOutliving(ctx context.Context, instant time.Time) ([]ca.CertificateCount, error) {
	counts, err := all(ctx, s.reads.countOutliving, scanCount, instant.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("count certificates that outlive a day: %w", err)
	}
	return counts, nil
}

func scanCount(row scanner) (c ca.CertificateCount, err error) {
	var scheme string
	if err = row.Scan(&c.Slot, &c.Profile, &c.Issuer, &scheme, &c.Certificates); err != nil {
		return c, err
	}
	c.Scheme, err = sigalg.ParseScheme(scheme)
	return c, err
}
