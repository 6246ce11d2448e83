package postgres

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
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
	d := newDrafts(in)
	return s.inChange(ctx, func(c *change) error {
		if err := c.ask(func(b *pgx.Batch) {
			takeOrder(b, in)
			takeDrafts(b, in, d)
		}); err != nil {
			return err
		}
		return c.commit(func(b *pgx.Batch) { writeAttempt(b, in, entry, s.presence.key, d) })
	})
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
	insertOrder = `
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at)
VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`

	// Nothing, where the order to renew made no such card, or the renewal is there. The order to renew must be locked, so that no two
	// renewals count the same.
	insertRenewal = `
INSERT INTO orders (order_id, order_hash, order_json, iccsn, card_type, sector, recorded_at, renews, renewal)
SELECT $1, $2, $3, $4, $5, $6, $7, f.order_id, (SELECT count(*) + 1 FROM orders r WHERE r.renews = f.order_id)
FROM orders f JOIN cards c ON c.order_id = f.order_id
WHERE f.order_id = $8 AND f.renews IS NULL AND f.iccsn = $4 AND f.card_type = $5 AND f.sector = $6 ON CONFLICT (order_id) DO NOTHING`

	lockOrder = `SELECT order_hash FROM orders WHERE order_id = $1 FOR NO KEY UPDATE`

	// Asked apart from the lock: what a statement sees is as old as its beginning, and it may have waited for the lock.
	selectEnds = `
SELECT EXISTS (SELECT FROM attempts WHERE order_id = $1 AND state = 'complete'),
    EXISTS (SELECT FROM attempts WHERE order_id = $1 AND state = 'open')`
)

// insertNewOrder inserts the order if it is not there, and gives the error of an order that is still not there then.
func insertNewOrder(b *pgx.Batch, in *ca.Intent) (refused error) {
	values := []any{in.OrderID, in.OrderHash[:], in.OrderJSON, in.ICCSN, in.CardType, in.Sector, in.At}
	if in.Renews == "" {
		b.Queue(insertOrder, values...)
		return &ca.TakenError{What: ca.UniqueICCSN, Draft: -1}
	}
	b.Queue(lockOrder, in.Renews)
	b.Queue(insertRenewal, append(values, in.Renews)...)
	return ca.ErrNotRenewable
}

// takeOrder inserts the order, or locks the one that is there and makes sure that it may have another attempt.
func takeOrder(b *pgx.Batch, in *ca.Intent) {
	refused := insertNewOrder(b, in)
	b.Queue(lockOrder, in.OrderID).QueryRow(func(row pgx.Row) error {
		var hash []byte
		switch err := row.Scan(&hash); {
		case errors.Is(err, pgx.ErrNoRows): // not inserted and not there
			return refused
		case err != nil:
			return fmt.Errorf("take the order: %w", err)
		case string(hash) != string(in.OrderHash[:]):
			return ca.ErrOrderDiffers
		}
		return nil
	})
	b.Queue(selectEnds, in.OrderID).QueryRow(func(row pgx.Row) error {
		var complete, open bool
		switch err := row.Scan(&complete, &open); {
		case err != nil:
			return fmt.Errorf("look up the order's attempts: %w", err)
		case complete:
			return ca.ErrOrderComplete
		case open:
			return ca.ErrAttemptOpen
		}
		return nil
	})
}

// drafts are the drafts of an intent as columns, so that one statement takes them all.
type drafts struct {
	slots, profiles, formats, issuers, schemes []string
	serials                                    [][]byte  // nil where the format has none
	chrs                                       []*string // likewise
	notBefore, notAfter                        []time.Time
	keyHashes, keys, bodies                    [][]byte // keys by their identity
}

func newDrafts(in *ca.Intent) *drafts {
	var c drafts
	for i := range in.Drafts {
		d := &in.Drafts[i]
		var serial []byte
		var chr *string
		switch d.Format {
		case ca.X509:
			serial = append([]byte{}, d.Serial.Bytes()...) // not nil: the database refuses the empty one
		case ca.CVC:
			chr = &d.CHR
		}
		c.slots, c.profiles, c.formats = append(c.slots, d.Slot), append(c.profiles, d.Profile), append(c.formats, string(d.Format))
		c.issuers, c.schemes = append(c.issuers, d.Issuer), append(c.schemes, d.Scheme.String())
		c.serials, c.chrs = append(c.serials, serial), append(c.chrs, chr)
		c.notBefore, c.notAfter = append(c.notBefore, d.NotBefore), append(c.notAfter, d.NotAfter)
		c.keyHashes, c.keys, c.bodies = append(c.keyHashes, d.KeyHash[:]), append(c.keys, d.KeyIdentity[:]), append(c.bodies, d.Body)
	}
	return &c
}

const (
	lockCHRs = `SELECT pg_advisory_xact_lock($1::int4, chr) FROM unnest($2::int4[]) AS chr`

	// Sorted, so that two verbs cannot wait for each other; of two drafts with one key, the first gets it.
	takeKeys = `
INSERT INTO subject_keys (key_identity, order_id, slot)
SELECT w.key_identity, $1, w.slot FROM unnest($2::bytea[], $3::text[]) WITH ORDINALITY AS w (key_identity, slot, n)
ORDER BY w.key_identity, w.n ON CONFLICT (key_identity) DO NOTHING`

	// Of each draft: whether its key is not the owner's, and whether its serial number or its CHR is taken, here or by a draft before it.
	selectTaken = `
WITH w AS (SELECT * FROM unnest($2::bytea[], $3::text[], $4::text[], $5::bytea[], $6::text[])
    WITH ORDINALITY AS w (key_identity, slot, issuer, serial, chr, n))
SELECT w.n - 1,
    NOT EXISTS (SELECT FROM subject_keys k WHERE k.key_identity = w.key_identity AND k.order_id = $1 AND k.slot = w.slot),
    EXISTS (SELECT FROM drafts d WHERE d.issuer = w.issuer AND d.serial = w.serial)
        OR EXISTS (SELECT FROM w v WHERE v.n < w.n AND v.issuer = w.issuer AND v.serial = w.serial),
    EXISTS (SELECT FROM drafts d WHERE d.issuer = w.issuer AND d.chr = w.chr AND d.key_identity <> w.key_identity)
        OR EXISTS (SELECT FROM w v WHERE v.n < w.n AND v.issuer = w.issuer AND v.chr = w.chr)
FROM w ORDER BY w.n`
)

// chrLocks is the first half of the keys of advisory locks that stand for CHRs: "SCHR".
const chrLocks = 0x53434852

// takeDrafts takes keys and CHRs and asks whether anything that the drafts want belongs to something else.
func takeDrafts(b *pgx.Batch, in *ca.Intent, d *drafts) {
	owner := in.Renews // has the keys already
	b.Queue(lockCHRs, chrLocks, chrKeys(in))
	if owner == "" {
		owner = in.OrderID
		b.Queue(takeKeys, owner, d.keys, d.slots)
	}
	b.Queue(selectTaken, owner, d.keys, d.slots, d.issuers, d.serials, d.chrs).Query(func(rows pgx.Rows) error {
		var taken error // not returned at once: the rows must be read to their end
		var draft int
		var key, serial, chr bool
		_, err := pgx.ForEachRow(rows, []any{&draft, &key, &serial, &chr}, func() error {
			for _, t := range []struct {
				is   bool
				what ca.Unique
			}{{key, ca.UniqueKey}, {serial, ca.UniqueSerial}, {chr, ca.UniqueCHR}} {
				if t.is && taken == nil {
					taken = &ca.TakenError{What: t.what, Draft: draft}
				}
			}
			return nil
		})
		if err != nil {
			return fmt.Errorf("look up what is taken: %w", err)
		}
		return taken
	})
}

// chrKeys gives the second halves of the keys of the locks for the CHRs of an intent, sorted, so that two verbs cannot wait for each
// other. Two CHRs that share a key only wait for one another.
func chrKeys(in *ca.Intent) []int32 {
	var keys []int32
	for i := range in.Drafts {
		if d := &in.Drafts[i]; d.Format == ca.CVC {
			h := fnv.New32a()
			fmt.Fprintf(h, "%s %s", d.Issuer, d.CHR)
			keys = append(keys, int32(h.Sum32()))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

const (
	insertAttempt = `
INSERT INTO attempts (attempt_id, order_id, server, state, warnings, at, entry_id)
SELECT $8, $9, $10, 'open', $11, $12, id FROM entry`

	insertDrafts = `
INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
SELECT a.number, w.n - 1, w.slot, w.profile, w.format, w.issuer, w.scheme, w.serial, w.chr, w.not_before, w.not_after,
    w.key_hash, w.key_identity, w.body
FROM attempts a, unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::text[], $9::timestamptz[],
        $10::timestamptz[], $11::bytea[], $12::bytea[], $13::bytea[])
    WITH ORDINALITY AS w (slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body, n)
WHERE a.attempt_id = $1 ORDER BY w.n`
)

// writeAttempt writes the attempt with its entry, and its drafts.
func writeAttempt(b *pgx.Batch, in *ca.Intent, entry tlog.Entry, server int64, d *drafts) {
	warnings := append([]string{}, in.Warnings...) // {} for nil
	b.Queue(withEntry+insertAttempt, append(entryArgs(entry), string(in.Attempt), in.OrderID, server, warnings, in.At)...)
	b.Queue(insertDrafts, string(in.Attempt), d.slots, d.profiles, d.formats, d.issuers, d.schemes, d.serials, d.chrs, d.notBefore, d.notAfter,
		d.keyHashes, d.keys, d.bodies)
}
