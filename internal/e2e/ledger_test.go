package e2e

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
	_ "modernc.org/sqlite" // the driver "sqlite"
)

// ledger reads a database from outside, with SQL and nothing else: none of the code that wrote it has a part in what is said of it. It
// proves, of one moment, that
//
//   - every change has exactly one entry, which says what changed, and every entry its change;
//   - personal data are those that their leaves stand for;
//   - the tree of the entries, derived anew, gives every root and every tile, and every checkpoint is signed over its root;
//   - no serial number and no CHR is on two certificates, as the certificates themselves say;
//   - every acknowledged change, of cards and of their status, is there, and every checkpoint that a client has seen is a head of this log.
type ledger struct {
	t        *testing.T
	db       *sql.DB
	postgres bool
	verifier note.Verifier
}

// openLedger opens a database beside the servers that work on it.
func openLedger(t *testing.T, driver, source string, verifier note.Verifier) *ledger {
	t.Helper()
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &ledger{t, db, driver == "pgx", verifier}
}

// page is what a ledger has read.
type page struct {
	*ledger
	ctx      context.Context
	tx       *sql.Tx
	entries  map[int64]*ledgerEntry
	leaves   []*ledgerEntry // by their places
	waiting  int            // entries without a place
	hashes   []tlog.Hash    // of the tree, in the order of package tlog
	problems []string
}

// ledgerEntry is a row of the log.
type ledgerEntry struct {
	id         int64
	kind       string
	facts      json.RawMessage
	referenced int // by changes
}

func (p *page) report(format string, args ...any) {
	p.problems = append(p.problems, fmt.Sprintf(format, args...))
}

// rows calls scan for each row of a query.
func (p *page) rows(query string, scan func(row *sql.Rows) error) {
	p.t.Helper()
	rows, err := p.tx.QueryContext(p.ctx, query)
	if err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			p.t.Fatalf("%s: %v", query, err)
		}
	}
	if err := rows.Err(); err != nil {
		p.t.Fatalf("%s: %v", query, err)
	}
}

// known is what clients know.
type known struct {
	cards       map[string][][32]byte // hashes of the certificates that were acknowledged, by order
	states      []string              // ICCSN, state, and slot where the certificate is revoked by itself
	decisions   map[string]string     // states of requests that need two people, by id
	checkpoints []string              // that were shown
}

// check reads everything in one transaction and gives what is wrong, and how many entries have no place yet.
func (l *ledger) check(ctx context.Context, k known) (problems []string, waiting int, summary string) {
	l.t.Helper()
	options := &sql.TxOptions{ReadOnly: true}
	if l.postgres {
		options.Isolation = sql.LevelRepeatableRead
	}
	tx, err := l.db.BeginTx(ctx, options)
	if err != nil {
		l.t.Fatalf("read the database: %v", err)
	}
	defer tx.Rollback()
	p := &page{ledger: l, ctx: ctx, tx: tx, entries: map[int64]*ledgerEntry{}}
	p.readEntries()
	p.checkTree(k.checkpoints)
	p.checkChanges()
	certificates := p.checkCards(k.cards)
	p.checkStates(k.states)
	p.checkDecisions(k.decisions)
	return p.problems, p.waiting, fmt.Sprintf("%d entries, %d certificates; acknowledged %d orders, %d changes of status, %d acts of two people; %d checkpoints seen",
		len(p.entries), certificates, len(k.cards), len(k.states), len(k.decisions), len(k.checkpoints))
}

// leafText is the clear part of an entry as internal/tlog/leaf.go says that it is hashed.
type leafText struct {
	Kind     string          `json:"kind"`
	At       string          `json:"at"`
	Actor    string          `json:"actor"`
	Facts    json.RawMessage `json:"facts"`
	Personal []byte          `json:"personal_sha256,omitempty"`
}

func (p *page) readEntries() {
	at, text := "at", ""
	if p.postgres {
		at, text = "(extract(epoch FROM at) * 1000)::bigint", "::text"
	}
	query := fmt.Sprintf("SELECT id, kind, %s, actor, facts%[2]s, personal%[2]s, salt, personal_sha256, leaf_index FROM entries ORDER BY leaf_index, id", at, text)
	p.rows(query, func(row *sql.Rows) error {
		e, leaf := &ledgerEntry{}, leafText{}
		var millis int64
		var personal, salt []byte
		var place sql.NullInt64
		if err := row.Scan(&e.id, &leaf.Kind, &millis, &leaf.Actor, (*[]byte)(&leaf.Facts), &personal, &salt, &leaf.Personal, &place); err != nil {
			return err
		}
		leaf.At = time.UnixMilli(millis).UTC().Format("2006-01-02T15:04:05.000Z")
		e.kind, e.facts = leaf.Kind, leaf.Facts
		p.entries[e.id] = e
		if sum := sha256.Sum256(slices.Concat(salt, personal)); personal != nil && !bytes.Equal(sum[:], leaf.Personal) {
			p.report("entry %d (%s): its personal data are not those of its leaf", e.id, e.kind)
		}
		if !place.Valid {
			p.waiting++
			return nil
		}
		if place.Int64 != int64(len(p.leaves)) {
			p.report("entry %d has place %d, want %d", e.id, place.Int64, len(p.leaves))
		}
		octets, err := json.Marshal(leaf)
		if err != nil {
			return err
		}
		more, err := tlog.StoredHashes(int64(len(p.leaves)), octets, p)
		p.leaves, p.hashes = append(p.leaves, e), append(p.hashes, more...)
		return err
	})
}

// ReadHashes implements tlog.HashReader on the tree that was derived so far.
func (p *page) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, x := range indexes {
		hashes[i] = p.hashes[x]
	}
	return hashes, nil
}

// root derives the root of the first size leaves.
func (p *page) root(size int64) (tlog.Hash, bool) {
	if size > int64(len(p.leaves)) {
		return tlog.Hash{}, false
	}
	hash, err := tlog.TreeHash(size, p)
	if err != nil {
		p.t.Fatal(err)
	}
	return hash, true
}

// checkTree compares heads, checkpoints and tiles with the tree of the entries.
func (p *page) checkTree(seen []string) {
	last := int64(0)
	p.rows("SELECT size, previous, root, checkpoint FROM checkpoints ORDER BY size", func(row *sql.Rows) error {
		var size, previous int64
		var root []byte
		var signed sql.NullString
		if err := row.Scan(&size, &previous, &root, &signed); err != nil {
			return err
		}
		if previous != last {
			p.report("the head of %d leaves follows one of %d, want %d", size, previous, last)
		}
		last = size
		if want, ok := p.root(size); !ok || !bytes.Equal(root, want[:]) {
			p.report("the head of %d leaves has root %x, the entries give %s", size, root, want)
		}
		if signed.Valid {
			if got := p.checkpoint(signed.String); got != size {
				p.report("the checkpoint of %d leaves is of %d", size, got)
			}
		}
		return nil
	})
	if last != int64(len(p.leaves)) {
		p.report("the last head is of %d leaves, %d entries have places", last, len(p.leaves))
	}
	for _, signed := range seen {
		p.checkpoint(signed)
	}
	p.checkTiles()
}

// checkpoint verifies a signed head against the tree, and gives its size. As every one is a head of one tree, each is consistent with the
// next.
func (p *page) checkpoint(signed string) int64 {
	n, err := note.Open([]byte(signed), note.VerifierList(p.verifier))
	if err != nil {
		p.report("%q: %v", signed, err)
		return -1
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + strings.TrimPrefix(n.Text, p.verifier.Name()+"\n")))
	if err != nil {
		p.report("%q: %v", signed, err)
		return -1
	}
	if want, ok := p.root(tree.N); !ok || want != tree.Hash {
		p.report("a checkpoint of %d leaves was signed with root %s, the entries give %s", tree.N, tree.Hash, want)
	}
	return tree.N
}

func (p *page) checkTiles() {
	want := map[[2]int64]tlog.Tile{}
	for _, tile := range tlog.NewTiles(8, 0, int64(len(p.leaves))) {
		want[[2]int64{int64(tile.L), tile.N}] = tile // of two widths of a tile, the greater comes last
	}
	p.rows("SELECT level, number, hashes FROM tiles", func(row *sql.Rows) error {
		var id [2]int64
		var hashes []byte
		if err := row.Scan(&id[0], &id[1], &hashes); err != nil {
			return err
		}
		tile, ok := want[id]
		if !ok {
			p.report("there is a tile %v, which the tree does not have", id)
			return nil
		}
		delete(want, id)
		data, err := tlog.ReadTileData(tile, p)
		if err == nil && !bytes.Equal(data, hashes) {
			p.report("tile %v holds %d octets, which are not what the entries give", id, len(hashes))
		}
		return err
	})
	for id := range want {
		p.report("tile %v is missing", id)
	}
}

// change says in which rows a kind of entries is recorded. The query gives the id of the entry and the name of what changed, which
// stands in the entry's facts as field. A kind that is not here makes the check fail: whoever adds one says here what it records.
type change struct{ kind, field, query string }

var changes = []change{
	{"order-recorded", "attempt", "SELECT entry_id, attempt_id FROM attempts"},
	{"card-issued", "attempt", "SELECT end_entry_id, attempt_id FROM attempts WHERE state = 'complete'"},
	{"attempt-abandoned", "attempt", "SELECT end_entry_id, attempt_id FROM attempts WHERE state = 'abandoned'"},
	{"issuer-added", "name", "SELECT entry_id, name FROM issuers"},
	{"key-session-opened", "session", "SELECT entry_id, session_id FROM key_sessions"},
	{"key-session-closed", "session", "SELECT end_entry_id, session_id FROM key_sessions WHERE end_entry_id IS NOT NULL"},
	{"approval-requested", "approval", "SELECT entry_id, approval_id FROM approvals"},
	{"approval-given", "approval", "SELECT decision_entry, approval_id FROM approvals WHERE decision_entry IS NOT NULL AND state <> 'rejected'"},
	{"approval-rejected", "approval", "SELECT decision_entry, approval_id FROM approvals WHERE state = 'rejected'"},
	{"approval-used", "approval", "SELECT end_entry, approval_id FROM approvals WHERE state = 'used'"},
	{"approval-expired", "approval", "SELECT end_entry, approval_id FROM approvals WHERE state = 'expired'"},
	{"card-activated", "iccsn", ofCards + "s.state = 'active'"},
	{"card-revoked", "iccsn", ofCards + "s.state = 'revoked' AND s.place IS NULL"},
	{"certificate-revoked", "iccsn", ofCards + "s.state = 'revoked' AND s.place IS NOT NULL"},
	{"crl-recorded", "number", "SELECT entry_id, number FROM crls"},
	{"crl-issued", "number", "SELECT entry_id, number FROM published_crls"},
	{"server-started", "", ""},    // has no row: what it begins lives in the memory of a server
	{"operators-loaded", "", ""},  // likewise
	{"key-session-drawn", "", ""}, // has no row of its own: see checkDraws
}

const ofCards = "SELECT s.entry_id, o.iccsn FROM status_changes s JOIN cards c ON c.number = s.card JOIN orders o ON o.order_id = c.order_id WHERE "

func (p *page) checkChanges() {
	free := map[string]bool{}
	for _, c := range changes {
		if c.query == "" {
			free[c.kind] = true
			continue
		}
		p.rows(c.query, func(row *sql.Rows) error {
			var id int64
			var name string
			if err := row.Scan(&id, &name); err != nil {
				return err
			}
			e := p.entries[id]
			if e == nil || e.kind != c.kind {
				p.report("%s of %s has entry %d, which is %+v", c.kind, name, id, e)
				return nil
			}
			e.referenced++
			facts := map[string]json.RawMessage{}
			if err := json.Unmarshal(e.facts, &facts); err != nil {
				return err
			}
			if got := strings.Trim(string(facts[c.field]), `"`); got != name {
				p.report("entry %d (%s) is about %s, its change about %s", id, c.kind, got, name)
			}
			return nil
		})
	}
	for id, e := range p.entries {
		if want := 1; e.referenced != want && !free[e.kind] {
			p.report("entry %d (%s) has %d changes, want %d: %s", id, e.kind, e.referenced, want, e.facts)
		}
	}
	p.rows("SELECT o.order_id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM attempts a WHERE a.order_id = o.order_id)", func(row *sql.Rows) error {
		var order string
		p.report("an order has no attempt")
		return row.Scan(&order)
	})
	p.checkDraws()
}

// checkDraws compares what servers have taken off each key session, as the entries say, with what its row says. Closing gives back what was
// taken and not used, so that the entry of the end has the last word.
func (p *page) checkDraws() {
	drawn, closed := map[string]int64{}, map[string]int64{}
	for _, e := range p.entries {
		var facts struct {
			Session           string
			Signatures, Drawn int64
		}
		if !strings.HasPrefix(e.kind, "key-session-") {
			continue
		}
		if err := json.Unmarshal(e.facts, &facts); err != nil {
			p.report("entry %d (%s): %v", e.id, e.kind, err)
		}
		switch e.kind {
		case "key-session-opened":
			drawn[facts.Session] += facts.Drawn
		case "key-session-drawn":
			drawn[facts.Session] += facts.Signatures
		default:
			closed[facts.Session] = facts.Signatures
		}
	}
	p.rows("SELECT session_id, drawn FROM key_sessions", func(row *sql.Rows) error {
		var session string
		var total int64
		err := row.Scan(&session, &total)
		want, ended := closed[session]
		if !ended {
			want = drawn[session]
		}
		if total != want || total > drawn[session] {
			p.report("of session %s %d signatures are drawn, the entries say %d, and %d before its end", session, total, want, drawn[session])
		}
		delete(drawn, session)
		return err
	})
	for session := range drawn {
		p.report("entries draw on session %s, which there is not", session)
	}
}

// checkCards looks at every certificate: unique by its own words, in the log by its hash, and, where it was acknowledged, the same. It
// gives their number.
func (p *page) checkCards(acknowledged map[string][][32]byte) int {
	stored, entryOf := map[string][][32]byte{}, map[string]int64{}
	owner := map[string]string{}
	count := 0
	p.rows(`SELECT a.order_id, a.end_entry_id, t.issuer, t.serial, t.chr, t.renewal, t.data FROM certificates t
JOIN cards c ON c.number = t.card JOIN attempts a ON a.number = c.attempt ORDER BY c.number, t.position`, func(row *sql.Rows) error {
		var order, issuer string
		var entry, renewal int64
		var serial, data []byte
		var chr sql.NullString
		if err := row.Scan(&order, &entry, &issuer, &serial, &chr, &renewal, &data); err != nil {
			return err
		}
		count++
		name, err := nameOf(data)
		if err != nil {
			p.report("a certificate of order %s: %v", order, err)
		}
		if row := hex.EncodeToString(serial) + strings.ToLower(chr.String); row != name {
			p.report("a certificate of order %s says %s, its row %s", order, name, row)
		}
		if chr.Valid {
			name = fmt.Sprintf("%s renewal %d", name, renewal)
		}
		name = issuer + " " + name
		if other, ok := owner[name]; ok {
			p.report("%s is on two certificates, of orders %s and %s", name, other, order)
		}
		owner[name] = order
		stored[order], entryOf[order] = append(stored[order], sha256.Sum256(data)), entry
		return nil
	})
	for order, hashes := range stored {
		if logged := p.logged(entryOf[order]); !slices.Equal(logged, hashes) {
			p.report("order %s has certificates that are not those of its entry", order)
		}
	}
	for order, hashes := range acknowledged {
		if !slices.Equal(stored[order], hashes) {
			p.report("order %s was acknowledged with %d certificates; the database has %d, or others", order, len(hashes), len(stored[order]))
		}
	}
	for _, query := range []string{
		"SELECT issuer FROM drafts WHERE serial IS NOT NULL GROUP BY issuer, serial HAVING count(*) > 1",
		"SELECT order_id FROM cards GROUP BY order_id HAVING count(*) > 1",
		"SELECT iccsn FROM orders WHERE renews IS NULL GROUP BY iccsn HAVING count(*) > 1",
	} {
		p.rows(query, func(row *sql.Rows) error {
			var what string
			err := row.Scan(&what)
			p.report("doubled: %s (%s)", what, query)
			return err
		})
	}
	return count
}

// checkStates looks for every acknowledged change of the status, and that a revoked certificate is among the revocations.
func (p *page) checkStates(acknowledged []string) {
	stored := map[string]bool{}
	p.rows(`SELECT o.iccsn, s.state, coalesce(d.slot, '') FROM status_changes s JOIN cards c ON c.number = s.card JOIN orders o ON o.order_id = c.order_id
LEFT JOIN drafts d ON d.attempt = c.attempt AND d.position = s.place`, func(row *sql.Rows) error {
		var iccsn, state, slot string
		err := row.Scan(&iccsn, &state, &slot)
		change := iccsn + " " + state + " " + slot
		if stored[change] {
			p.report("%s is recorded twice", change)
		}
		stored[change] = true
		return err
	})
	for _, change := range acknowledged {
		if !stored[change] {
			p.report("%s was acknowledged and is not recorded", change)
		}
	}
	p.rows(`SELECT s.epoch, t.issuer FROM status_changes s JOIN certificates t ON t.card = s.card AND (s.place IS NULL OR s.place = t.position)
WHERE s.state = 'revoked' AND t.serial IS NOT NULL AND NOT EXISTS (SELECT 1 FROM revocations r WHERE r.issuer = t.issuer AND r.serial = t.serial)`,
		func(row *sql.Rows) error {
			var epoch int64
			var issuer string
			err := row.Scan(&epoch, &issuer)
			p.report("change %d of the status revokes a certificate of %s, which is not among the revocations", epoch, issuer)
			return err
		})
}

// checkDecisions looks at every request whose decision was acknowledged.
func (p *page) checkDecisions(acknowledged map[string]string) {
	stored := map[string]string{}
	p.rows("SELECT approval_id, state FROM approvals", func(row *sql.Rows) error {
		var id, state string
		err := row.Scan(&id, &state)
		stored[id] = state
		return err
	})
	for id, state := range acknowledged {
		if stored[id] != state {
			p.report("request %s was acknowledged as %s, and is %q", id, state, stored[id])
		}
	}
}

// logged gives the hashes of certificates that the entry of a card names.
func (p *page) logged(id int64) [][32]byte {
	var facts struct {
		Certificates []struct {
			SHA256 string `json:"certificate_sha256"`
		} `json:"certificates"`
	}
	e := p.entries[id]
	if e == nil || json.Unmarshal(e.facts, &facts) != nil {
		return nil
	}
	hashes := make([][32]byte, len(facts.Certificates))
	for i, c := range facts.Certificates {
		if n, err := hex.Decode(hashes[i][:], []byte(c.SHA256)); err != nil || n != 32 {
			return nil
		}
	}
	return hashes
}
