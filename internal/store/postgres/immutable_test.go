package postgres_test

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestDatabaseRefuses runs statements that no program of ours has: whoever gets hold of a server's connection still cannot change what
// happened. (The owner of the tables can switch the triggers off; that is what the log's checkpoints are for.)
func TestDatabaseRefuses(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s := ready(t, dsn)
	issued, dead, running := storetest.NewIntent(1, 1), storetest.NewIntent(2, 1), storetest.NewIntent(3, 1)
	card := issue(t, s, issued)
	intend(t, s, dead)
	must(t, s.Abandon(t.Context(), dead.Attempt, dead.At, storetest.NewEntry(tlog.AttemptAbandoned, dead)))
	intend(t, s, running)

	const (
		attempt = `(SELECT number FROM attempts WHERE order_id = 'order-%')`
		draft   = `INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
			SELECT $ATTEMPT, 9, 'S', profile, format, issuer, scheme, '\x77', chr, not_before, $AFTER, key_hash, key_identity, body FROM drafts WHERE slot = 'C.HCI.AUT.R2048' LIMIT 1`
	)
	const (
		tile = `INSERT INTO tiles VALUES (0, 0, sha256('a') || sha256('b')); `
		head = `INSERT INTO checkpoints VALUES (2, 0, sha256(''), now(), NULL); `
	)
	of := func(order string) string { return strings.ReplaceAll(attempt, "%", order) }
	draftOf := func(order, after string) string {
		return strings.NewReplacer("$ATTEMPT", of(order), "$AFTER", after).Replace(draft)
	}
	for _, c := range []struct{ statement, want string }{
		{"UPDATE entries SET facts = '{}'", "only by erasure"},
		{"UPDATE entries SET facts = (facts::text || ' ')::json", "only by erasure"},
		{"UPDATE entries SET personal = '{}'", "only by erasure"},
		{"UPDATE entries SET personal = NULL, salt = NULL, personal_sha256 = NULL", "only by erasure"},
		{"UPDATE entries SET id = DEFAULT", "only by erasure"},
		{"INSERT INTO entries (id, kind, at, actor, facts) VALUES (1000, 'card-issued', now(), 'x', '{}')", "non-DEFAULT value"},
		{"UPDATE entries SET leaf_index = id", ""},
		{"UPDATE entries SET leaf_index = 0", "entries_leaf_index"},
		{"UPDATE entries SET leaf_index = id; UPDATE entries SET leaf_index = id + 100", "only by erasure"},
		{"UPDATE entries SET leaf_index = id; UPDATE entries SET leaf_index = NULL", "only by erasure"},
		{"UPDATE entries SET leaf_index = id, personal = NULL, salt = NULL WHERE personal IS NOT NULL", "only by erasure"},
		{"DELETE FROM entries", "never deleted"},
		{tile + `UPDATE tiles SET hashes = hashes || sha256('')`, ""},
		{tile + `UPDATE tiles SET hashes = '\x01' || substring(hashes FROM 2)`, "only grow"},
		{tile + "UPDATE tiles SET hashes = substring(hashes FROM 33)", "only grow"},
		{tile + "UPDATE tiles SET number = 1", "only grow"},
		{tile + "DELETE FROM tiles", "never deleted"},
		{"TRUNCATE tiles", "never deleted"},
		{head + "UPDATE checkpoints SET checkpoint = 'signed'", ""},
		{head + "UPDATE checkpoints SET checkpoint = 'signed'; UPDATE checkpoints SET checkpoint = 'again'", "only by being signed"},
		{head + "UPDATE checkpoints SET root = sha256('another'), checkpoint = 'signed'", "only by being signed"},
		{head + "DELETE FROM checkpoints", "never deleted"},
		{"TRUNCATE checkpoints", "never deleted"},
		{head + "INSERT INTO checkpoints VALUES (3, 0, sha256(''), now(), NULL)", "unique constraint"},
		{"TRUNCATE entries CASCADE", "never deleted"},
		{"UPDATE issuers SET certificate = '\\x00'", "never change"},
		{"DELETE FROM issuers", "never deleted"},
		{"INSERT INTO issuers SELECT 'new', kind, issued_by, 'another', sha256(''), entry_id FROM issuers LIMIT 1", "check constraint"},
		{"UPDATE orders SET order_hash = sha256('')", "only by erasure"},
		{"UPDATE orders SET order_json = '{}'", "only by erasure"},
		{"UPDATE orders SET order_json = NULL, iccsn = '1' WHERE order_id = 'order-1'", "only by erasure"},
		{"UPDATE orders SET order_json = NULL, renews = 'order-2', renewal = 1 WHERE order_id = 'order-1'", "only by erasure"},
		{"DELETE FROM orders", "never deleted"},
		{"UPDATE attempts SET state = 'abandoned' WHERE order_id = 'order-1'", "only by ending"},
		{"UPDATE attempts SET state = 'open', ended_at = NULL, end_entry_id = NULL WHERE order_id = 'order-2'", "only by ending"},
		{"UPDATE attempts SET at = now() WHERE order_id = 'order-3'", "only by ending"},
		{"UPDATE attempts SET server = 1 WHERE order_id = 'order-3'", "only by ending"},
		{"UPDATE attempts SET state = 'abandoned' WHERE order_id = 'order-3'", "check constraint"}, // without time and entry
		{"UPDATE attempts SET state = 'abandoned', ended_at = now(), end_entry_id = entry_id WHERE order_id = 'order-3'", ""},
		{"DELETE FROM attempts", "never deleted"},
		{"UPDATE subject_keys SET slot = 'C.HCI.ENC.R2048'", "never change hands"},
		{"DELETE FROM subject_keys", "never deleted"},
		{"UPDATE drafts SET body = '\\x00' WHERE attempt = " + of("2"), "only by erasure"},
		{"UPDATE drafts SET body = NULL, slot = 'S' || position WHERE attempt = " + of("2"), "only by erasure"},
		{"UPDATE drafts SET body = NULL, serial = '\\x77' WHERE position = 0 AND attempt = " + of("2"), "only by erasure"},
		{"UPDATE drafts SET body = NULL WHERE attempt = " + of("3"), "when its attempt has ended"},
		{"UPDATE drafts SET body = NULL WHERE attempt = " + of("2"), ""},
		{"UPDATE drafts SET body = NULL WHERE attempt = " + of("1"), ""},
		{strings.Replace(draftOf("3", "not_after"), "body FROM", "NULL FROM", 1), "begins with its body"},
		{"DELETE FROM drafts", "never deleted"},
		{draftOf("1", "not_after"), "gets no drafts"},
		{draftOf("2", "not_after"), "gets no drafts"},
		{draftOf("3", "not_after + interval '1 second'"), "five_years"},
		{draftOf("3", "not_before"), "ends_after_it_begins"},
		{draftOf("3", "not_after"), ""},
		{"INSERT INTO cards (attempt, order_id) VALUES (" + of("2") + ", 'order-2')", "complete attempt"},
		{"INSERT INTO cards (attempt, order_id) VALUES (" + of("3") + ", 'order-3')", "complete attempt"},
		{"INSERT INTO cards (attempt, order_id) VALUES (" + of("1") + ", 'order-1')", "unique constraint"},
		{"UPDATE cards SET order_id = 'order-2'", "never change"},
		{"DELETE FROM cards", "never deleted"},
		{"TRUNCATE cards CASCADE", "never deleted"},
		{"UPDATE certificates SET data = '\\x00'", "never change"},
		{"DELETE FROM certificates", "never deleted"},
		{"INSERT INTO certificates (card, position, issuer, serial, renewal, data) SELECT card, 9, issuer, '\\x77', renewal, data FROM certificates WHERE position = 0", "signed draft"},
		{"INSERT INTO certificates (card, position, issuer, chr, renewal, data) SELECT card, 9, issuer, chr, 1, data FROM certificates WHERE position = 2", "signed draft"},
		{"INSERT INTO certificates (card, position, issuer, chr, renewal, data) SELECT card, 9, issuer, '000000000000000000000001', renewal, data FROM certificates WHERE position = 2", "signed draft"},
		{"INSERT INTO certificates (card, position, issuer, serial, renewal, data) SELECT card, 9, issuer, serial, renewal, data FROM certificates WHERE position = 0", "unique constraint"},
		{"INSERT INTO certificates (card, position, issuer, chr, renewal, data) SELECT card, 9, issuer, chr, renewal, data FROM certificates WHERE position = 2", "unique constraint"},
	} {
		err := tryAndUndo(t, raw(t, dsn), c.statement)
		if got := errorText(err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\n\tgave %q, want %q", c.statement, got, c.want)
		}
	}
	if got, err := s.Card(t.Context(), issued.ICCSN); err != nil || !reflect.DeepEqual(got, card) {
		t.Errorf("card is %+v, %v, want %+v", got, err, card)
	}
}

// TestErasure erases personal data as a later release will: the entry stays, and so does the hash that the tree needs.
func TestErasure(t *testing.T) {
	dsn := newDatabase(t, cluster)
	s, db := ready(t, dsn), raw(t, dsn)
	in := storetest.NewIntent(1, 1)
	card := issue(t, s, in)
	for _, statement := range []string{"UPDATE entries SET personal = NULL, salt = NULL WHERE kind = 'order-recorded'",
		"UPDATE orders SET order_json = NULL", "UPDATE drafts SET body = NULL"} {
		if _, err := db.Exec(t.Context(), statement); err != nil {
			t.Errorf("%s: %v", statement, err)
		}
	}
	var hash []byte
	must(t, db.QueryRow(t.Context(), "SELECT personal_sha256 FROM entries WHERE kind = 'order-recorded'").Scan(&hash))
	entry := storetest.NewEntry(tlog.OrderRecorded, in)
	if want := entry.PersonalSHA256(); !reflect.DeepEqual(hash, want) {
		t.Errorf("personal_sha256 is %x, want %x", hash, want)
	}
	list, err := s.Entries(t.Context(), 0, 100)
	must(t, err)
	got, want := list[len(list)-2].Entry, entry.Erase()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("entry is %+v, want %+v", got, want)
	}
	before, errBefore := entry.Leaf()
	after, errAfter := got.Leaf()
	if errBefore != nil || errAfter != nil || !bytes.Equal(after, before) {
		t.Errorf("leaf is %s, %v, want %s, %v as before", after, errAfter, before, errBefore)
	}
	if got, err := s.Card(t.Context(), in.ICCSN); err != nil || !reflect.DeepEqual(got, card) {
		t.Errorf("card is %+v, %v, want it as it was, %+v", got, err, card)
	}
}

// TestServerNeedsNoOwner runs a store with the rights that the package comment asks for, and shows that they do not reach further.
func TestServerNeedsNoOwner(t *testing.T) {
	dsn := newDatabase(t, cluster)
	owner := raw(t, dsn)
	var schema string
	must(t, owner.QueryRow(t.Context(), "SELECT current_schema()").Scan(&schema))
	server := "server_of_" + schema
	for _, statement := range []string{
		"CREATE ROLE " + server + " LOGIN",
		"GRANT USAGE ON SCHEMA " + schema + " TO " + server,
		"GRANT SELECT, INSERT, UPDATE ON entries, issuers, orders, attempts, subject_keys, drafts, cards, certificates, tiles, checkpoints TO " + server,
		"GRANT SELECT ON goose_db_version TO " + server,
	} {
		_, err := owner.Exec(t.Context(), statement)
		must(t, err)
	}
	dsn = strings.Replace(dsn, "user=siegel", "user="+server, 1)
	s := ready(t, dsn)
	issue(t, s, storetest.NewIntent(1, 1))
	must(t, storetest.Check(t.Context(), s))
	for _, statement := range []string{
		"ALTER TABLE entries DISABLE TRIGGER ALL", "DROP TRIGGER entries_are_never_deleted ON entries", "SET session_replication_role = replica",
		"DELETE FROM entries", "TRUNCATE entries CASCADE", "DROP TABLE entries CASCADE", "DELETE FROM goose_db_version",
	} {
		if err := tryAndUndo(t, raw(t, dsn), statement); err == nil {
			t.Errorf("%s: the server's role may do it", statement)
		}
	}
}

// tryAndUndo runs a statement in a transaction that it rolls back.
func tryAndUndo(t *testing.T, db *pgx.Conn, statement string) error {
	t.Helper()
	tx, err := db.Begin(t.Context())
	must(t, err)
	defer db.Close(t.Context())
	defer tx.Rollback(t.Context())
	_, err = tx.Exec(t.Context(), statement)
	return err
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func intend(t testing.TB, s *postgres.Store, in *ca.Intent) {
	t.Helper()
	must(t, s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)))
}

func issue(t testing.TB, s *postgres.Store, in *ca.Intent) *ca.Card {
	t.Helper()
	intend(t, s, in)
	done := storetest.NewCompletion(in)
	numbers, err := s.Complete(t.Context(), done, storetest.NewEntry(tlog.CardIssued, in))
	must(t, err)
	return done.Card(numbers)
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
