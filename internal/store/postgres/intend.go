package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Intend implements ca.Store.
func (s *Store) Intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	if err := s.intend(ctx, in, entry); err != nil {
		return fmt.Errorf("intend attempt %s: %w", in.Attempt, err)
	}
	return nil
}

func (s *Store) intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	if err := errors.Join(checkIntent(in), checkEntry(entry)); err != nil {
		return err
	}
	i := &intention{in, entry, s.presence.key}
	if in.Renews != "" { // counts the renewals of its card, and so must see those before it
		return s.inGroupOfOne(ctx, i.join)
	}
	return s.inGroup(ctx, i.join)
}

// intention is an intent with its entry.
type intention struct {
	*ca.Intent
	entry  tlog.Entry
	server int64 // the lock of the server that makes the attempt
}

// join keeps the group in the order of its orders' ids, in which they are locked.
func (i *intention) join(g *group) {
	at, _ := slices.BinarySearchFunc(g.intents, i.OrderID, func(o *intention, id string) int { return strings.Compare(o.OrderID, id) })
	g.intents = slices.Insert(g.intents, at, i)
}

// owner is the order that has the keys: that of the card.
func (i *intention) owner() string {
	if i.Renews != "" {
		return i.Renews
	}
	return i.OrderID
}

// checkIntent looks at what the database could not refuse: what it would round, or give back in another form.
func checkIntent(in *ca.Intent) error {
	if len(in.Drafts) == 0 {
		return errors.New("it has no drafts")
	}
	errs := []error{exact(in.At, time.Millisecond)}
	for i := range in.Drafts {
		d := &in.Drafts[i]
		_, err := sigalg.ParseScheme(d.Scheme.String())
		if err := errors.Join(err, exact(d.NotBefore, time.Second), exact(d.NotAfter, time.Second)); err != nil {
			errs = append(errs, fmt.Errorf("draft %d (%s): %w", i, d.Slot, err))
		}
	}
	return errors.Join(errs...)
}

const (
	// An order that is there, or another with the ICCSN, makes it do nothing; one that is being inserted makes it wait.
	insertOrders = `
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at)
SELECT w.order_id, w.order_hash, w.order_json, w.iccsn, w.card_type, w.sector, w.recorded_at
FROM unnest($1::text[], $2::bytea[], $3::json[], $4::text[], $5::text[], $6::text[], $7::timestamptz[])
    WITH ORDINALITY AS w (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at, n)
ORDER BY w.n ON CONFLICT DO NOTHING`

	// Nothing, where the order to renew made no such card, or the renewal is there. The order to renew must be locked, so that no two
	// renewals count the same.
	insertRenewal = `
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at, renews, renewal)
SELECT $1, $2, $3, $4, $5, $6, $7, f.order_id, (SELECT count(*) + 1 FROM orders r WHERE r.renews = f.order_id)
FROM orders f JOIN cards c ON c.order_id = f.order_id
WHERE f.order_id = $8 AND f.renews IS NULL AND f.iccsn = $4 AND f.card_type = $5 AND f.sector = $6 ON CONFLICT (order_id) DO NOTHING`

	lockOrders = `SELECT order_id, order_hash FROM orders WHERE order_id = ANY ($1) ORDER BY order_id FOR NO KEY UPDATE`

	// Asked apart from the lock: what a statement sees is as old as its beginning, and it may have waited for the lock.
	selectEnds = `
SELECT EXISTS (SELECT FROM attempts WHERE order_id = ANY ($1) AND state = 'complete'),
    EXISTS (SELECT FROM attempts WHERE order_id = ANY ($1) AND state = 'open')`
)

// orderColumns are orders as columns beside their ids, so that one statement takes them all.
type orderColumns struct {
	iccsns, cardTypes, sectors []string
	hashes, jsons              [][]byte
	ats                        []time.Time
}

// insertNewOrders inserts the orders that are not there, and gives the error of an order that is still not there then.
func (g *group) insertNewOrders(b *pgx.Batch, ids []string) (refused error) {
	if in := g.intents[0]; in.Renews != "" { // alone
		b.Queue(lockOrders, []string{in.Renews})
		b.Queue(insertRenewal, in.OrderID, in.OrderHash[:], in.OrderJSON, in.ICCSN, in.CardType, in.Sector, in.At, in.Renews)
		return ca.ErrNotRenewable
	}
	var c orderColumns
	for _, in := range g.intents {
		c.hashes, c.jsons, c.iccsns = append(c.hashes, in.OrderHash[:]), append(c.jsons, in.OrderJSON), append(c.iccsns, in.ICCSN)
		c.cardTypes, c.sectors, c.ats = append(c.cardTypes, in.CardType), append(c.sectors, in.Sector), append(c.ats, in.At)
	}
	b.Queue(insertOrders, ids, c.hashes, c.jsons, c.iccsns, c.cardTypes, c.sectors, c.ats)
	return &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}
}

// takeOrders inserts the orders, or locks those that are there and makes sure that they may have another attempt.
func (g *group) takeOrders(b *pgx.Batch) {
	var ids []string
	for _, in := range g.intents {
		ids = append(ids, in.OrderID)
	}
	refused := g.insertNewOrders(b, ids)
	b.Queue(lockOrders, ids).Query(func(rows pgx.Rows) error {
		var id string
		var hash []byte
		hashes := map[string]string{}
		if _, err := pgx.ForEachRow(rows, []any{&id, &hash}, func() error { hashes[id] = string(hash); return nil }); err != nil {
			return fmt.Errorf("take the orders: %w", err)
		}
		for _, in := range g.intents {
			switch hash, there := hashes[in.OrderID]; {
			case !there: // not inserted either
				return refused
			case hash != string(in.OrderHash[:]):
				return ca.ErrOrderDiffers
			}
		}
		return nil
	})
	b.Queue(selectEnds, ids).QueryRow(func(row pgx.Row) error {
		var complete, open bool
		switch err := row.Scan(&complete, &open); {
		case err != nil:
			return fmt.Errorf("look up the orders' attempts: %w", err)
		case complete:
			return ca.ErrOrderComplete
		case open:
			return ca.ErrAttemptOpen
		}
		return nil
	})
}

const (
	insertAttempts = `
INSERT INTO attempts (attempt_id, order_id, server, state, warnings, at, entry_id)
SELECT w.attempt_id, w.order_id, w.server, 'open', ARRAY(SELECT json_array_elements_text(w.warnings)), w.at, e.id
FROM entry e JOIN unnest($8::text[], $9::text[], $10::bigint[], $11::json[], $12::timestamptz[])
    WITH ORDINALITY AS w (attempt_id, order_id, server, warnings, at, n) ON w.n = e.n
ORDER BY w.n`

	insertDrafts = `
INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
SELECT a.number, w.position, w.slot, w.profile, w.format, w.issuer, w.scheme, w.serial, w.chr, w.not_before, w.not_after,
    w.key_hash, w.key_identity, w.body
FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bytea[], $9::text[], $10::timestamptz[],
        $11::timestamptz[], $12::bytea[], $13::bytea[], $14::bytea[])
    WITH ORDINALITY AS w (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body, n)
JOIN attempts a ON a.attempt_id = w.attempt ORDER BY w.n`
)

// writeAttempts writes the attempts with their entries, and their drafts.
func (g *group) writeAttempts(b *pgx.Batch) {
	var ids, orders []string
	var servers []int64
	var warnings [][]byte
	var ats []time.Time
	for _, in := range g.intents {
		ids, orders, servers = append(ids, string(in.Attempt)), append(orders, in.OrderID), append(servers, in.server)
		list, _ := json.Marshal(append([]string{}, in.Warnings...)) // strings always can
		warnings, ats = append(warnings, list), append(ats, in.At)
	}
	entries := entryColumns(g.intents, func(i *intention) tlog.Entry { return i.entry })
	b.Queue(withEntries+insertAttempts, append(entries, ids, orders, servers, warnings, ats)...)
	d := g.drafts
	b.Queue(insertDrafts, d.attempts, d.positions, d.slots, d.profiles, d.formats, d.issuers, d.schemes, d.serials, d.chrs, d.notBefore, d.notAfter,
		d.keyHashes, d.keys, d.bodies)
}
