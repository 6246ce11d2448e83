package postgres

import (
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
)

// drafts are the drafts of the intents of a group as columns, so that one statement takes them all.
type drafts struct {
	attempts, owners                           []string // owners of the keys: orders
	positions                                  []int
	slots, profiles, formats, issuers, schemes []string
	serials                                    [][]byte  // nil where the format has none
	chrs                                       []*string // likewise
	notBefore, notAfter                        []time.Time
	keyHashes, keys, bodies                    [][]byte // keys by their identity
}

func (c *drafts) add(in *intention) {
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
		c.attempts, c.owners, c.positions = append(c.attempts, string(in.Attempt)), append(c.owners, in.owner()), append(c.positions, i)
		c.slots, c.profiles, c.formats = append(c.slots, d.Slot), append(c.profiles, d.Profile), append(c.formats, string(d.Format))
		c.issuers, c.schemes = append(c.issuers, d.Issuer), append(c.schemes, d.Scheme.String())
		c.serials, c.chrs = append(c.serials, serial), append(c.chrs, chr)
		c.notBefore, c.notAfter = append(c.notBefore, d.NotBefore), append(c.notAfter, d.NotAfter)
		c.keyHashes, c.keys, c.bodies = append(c.keyHashes, d.KeyHash[:]), append(c.keys, d.KeyIdentity[:]), append(c.bodies, d.Body)
	}
}

const (
	lockCHRs = `SELECT pg_advisory_xact_lock($1::int4, chr) FROM unnest($2::int4[]) AS chr`

	// Sorted, so that two verbs cannot wait for each other; of two drafts with one key, the first gets it.
	takeKeys = `
INSERT INTO subject_keys (key_identity, order_id, slot)
SELECT w.key_identity, w.owner, w.slot FROM unnest($1::bytea[], $2::text[], $3::text[]) WITH ORDINALITY AS w (key_identity, owner, slot, n)
ORDER BY w.key_identity, w.n ON CONFLICT (key_identity) DO NOTHING`

	// The drafts whose key is not the owner's, or whose serial number or CHR is taken: which of the three.
	selectTaken = `
SELECT * FROM (
    SELECT w.n - 1 AS draft,
        NOT EXISTS (SELECT FROM subject_keys k WHERE k.key_identity = w.key_identity AND k.order_id = w.owner AND k.slot = w.slot) AS key,
        EXISTS (SELECT FROM drafts d WHERE d.issuer = w.issuer AND d.serial = w.serial) AS serial,
        EXISTS (SELECT FROM drafts d WHERE d.issuer = w.issuer AND d.chr = w.chr AND d.key_identity <> w.key_identity) AS chr
    FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::bytea[], $6::text[])
        WITH ORDINALITY AS w (key_identity, owner, slot, issuer, serial, chr, n)
) AS t WHERE key OR serial OR chr ORDER BY draft`
)

// chrLocks is the first half of the keys of advisory locks that stand for CHRs: "SCHR".
const chrLocks = 0x53434852

// takeDrafts takes keys and CHRs and asks whether anything that the drafts want belongs to something else.
func (g *group) takeDrafts(b *pgx.Batch) {
	d := &drafts{}
	for _, in := range g.intents {
		d.add(in)
	}
	g.drafts = d
	b.Queue(lockCHRs, chrLocks, d.chrKeys())
	if g.intents[0].Renews == "" { // the order to renew has the keys already
		b.Queue(takeKeys, d.keys, d.owners, d.slots)
	}
	b.Queue(selectTaken, d.keys, d.owners, d.slots, d.issuers, d.serials, d.chrs).Query(func(rows pgx.Rows) error {
		all := d.repeated()
		var draft int
		var key, serial, chr bool
		_, err := pgx.ForEachRow(rows, []any{&draft, &key, &serial, &chr}, func() error {
			t := all[draft]
			all[draft] = taken{key, serial || t.serial, chr || t.chr}
			return nil
		})
		if err != nil {
			return fmt.Errorf("look up what is taken: %w", err)
		}
		return firstTaken(all)
	})
}

// taken says what a draft wants that belongs to something else.
type taken struct{ key, serial, chr bool }

// repeated looks for serial numbers and CHRs that a draft before has.
func (c *drafts) repeated() []taken {
	type name struct{ issuer, serial, chr string }
	all, seen := make([]taken, len(c.slots)), map[name]bool{}
	for i := range all {
		n := name{issuer: c.issuers[i], serial: string(c.serials[i])}
		if c.chrs[i] != nil {
			n.chr = *c.chrs[i]
		}
		all[i] = taken{serial: c.serials[i] != nil && seen[n], chr: c.chrs[i] != nil && seen[n]}
		seen[n] = true
	}
	return all
}

// firstTaken gives the error of the first draft that cannot be had.
func firstTaken(all []taken) error {
	for i, t := range all {
		switch {
		case t.key:
			return &ca.TakenError{What: ca.UniqueKey, Draft: i}
		case t.serial:
			return &ca.TakenError{What: ca.UniqueSerial, Draft: i}
		case t.chr:
			return &ca.TakenError{What: ca.UniqueCHR, Draft: i}
		}
	}
	return nil
}

// chrKeys gives the second halves of the keys of the locks for the CHRs, sorted, so that two groups cannot wait for each other. Two CHRs
// that share a key only wait for one another.
func (c *drafts) chrKeys() []int32 {
	var keys []int32
	for i, chr := range c.chrs {
		if chr != nil {
			h := fnv.New32a()
			fmt.Fprintf(h, "%s %s", c.issuers[i], *chr)
			keys = append(keys, int32(h.Sum32()))
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}
