package sqlite_test

import (
	"bytes"
	"database/sql"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestDatabaseRefuses runs statements that no program of ours has: whoever gets hold of the database handle still cannot change
// what happened. (Whoever gets hold of the file can; that is what the log's checkpoints are for.)
func TestDatabaseRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s := ready(t, path)
	issued, dead, running := storetest.NewIntent(1, 1), storetest.NewIntent(2, 1), storetest.NewIntent(3, 1)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(s.Intend(t.Context(), issued, storetest.NewEntry(tlog.OrderRecorded, issued)))
	done := storetest.NewCompletion(issued)
	numbers, err := s.Complete(t.Context(), done, storetest.NewEntry(tlog.CardIssued, issued))
	must(err)
	card := done.Card(numbers)
	must(s.Intend(t.Context(), dead, storetest.NewEntry(tlog.OrderRecorded, dead)))
	must(s.Abandon(t.Context(), dead.Attempt, dead.At, storetest.NewEntry(tlog.AttemptAbandoned, dead)))
	must(s.Intend(t.Context(), running, storetest.NewEntry(tlog.OrderRecorded, running)))
	closeStore(t, s)

	db := raw(t, path+"?_pragma=foreign_keys(ON)&_pragma=recursive_triggers(ON)")
	const draft = `INSERT INTO drafts (attempt, position, slot, profile, format, issuer, scheme, serial, chr, not_before, not_after, key_hash, key_identity, body)
		SELECT %ATTEMPT, 9, 'S', profile, format, issuer, scheme, x'77', chr, not_before, %AFTER, key_hash, key_identity, body FROM drafts WHERE attempt = 1 AND position = 0`
	const (
		tile = "INSERT INTO tiles VALUES (0, 0, zeroblob(64)); "
		head = "INSERT INTO checkpoints VALUES (2, 0, zeroblob(32), 0, NULL); "
	)
	const (
		request = `INSERT INTO approvals (approval_id, act, summary, parameters, hash, reason, requested_by, requested_person, requested_at, expires, entry_id, state)
			VALUES ('00000000000000000000000000000001', 'act', 's', '{}', zeroblob(32), 'r', 'a', 'anna', 0, 1000, 1, 'pending'); `
		approve = `UPDATE approvals SET state = 'approved', decided_by = 'b', decided_person = 'bert', decided_at = 1, decision_entry = 2; `
		use     = `UPDATE approvals SET state = 'used', ended_at = 2, end_entry = 3; `
		opening = `INSERT INTO key_sessions (session_id, issuer, signatures, drawn, opened_at, ends, entry_id)
			SELECT '00000000000000000000000000000002', min(name), 10, 1, 0, 1000, 4 FROM issuers; `
		shut = `UPDATE key_sessions SET closed_at = 1, reason = 'time', end_entry_id = 5; `
	)
	for _, c := range []struct{ statement, want string }{
		{request + approve + use, ""},
		{request + "UPDATE approvals SET reason = NULL", ""},
		{request + strings.Replace(approve, "bert", "anna", 1), "four_eyes"},
		{request + strings.Replace(approve, "decided_at = 1,", "decided_at = 1000,", 1), "CHECK"},
		{request + use, "only by a decision"},
		{request + approve + strings.Replace(use, "ended_at = 2", "ended_at = 1000", 1), "CHECK"},
		{request + approve + use + "UPDATE approvals SET state = 'approved', ended_at = NULL, end_entry = NULL", "only by a decision"},
		{request + approve + "UPDATE approvals SET decided_person = 'cora'", "only by a decision"},
		{request + "UPDATE approvals SET parameters = '{\"a\":1}'", "only by a decision"},
		{request + "UPDATE approvals SET expires = 2000", "only by a decision"},
		{request + "DELETE FROM approvals", "never deleted"},
		{strings.Replace(request, "'pending'", "'approved'", 1), "begins as pending"},
		{opening + "UPDATE key_sessions SET drawn = 10", ""},
		{opening + "UPDATE key_sessions SET drawn = 11", "never_more_than_allowed"},
		{opening + "UPDATE key_sessions SET drawn = -1", "never_more_than_allowed"},
		{opening + "UPDATE key_sessions SET signatures = 100", "only by drawing and by closing"},
		{opening + "UPDATE key_sessions SET ends = 2000", "only by drawing and by closing"},
		{opening + shut, ""},
		{opening + shut + "UPDATE key_sessions SET closed_at = NULL, reason = NULL, end_entry_id = NULL", "only by drawing and by closing"},
		{opening + shut + "UPDATE key_sessions SET drawn = 2", "only by drawing and by closing"},
		{opening + "DELETE FROM key_sessions", "never deleted"},
		{"UPDATE entries SET facts = '{}' WHERE id = 7", "only by erasure"},
		{"UPDATE entries SET personal = '{}' WHERE id = 7", "only by erasure"},
		{"UPDATE entries SET personal = NULL, salt = NULL, personal_sha256 = NULL WHERE id = 7", "only by erasure"},
		{"UPDATE entries SET id = 77 WHERE id = 7", "only by erasure"},
		{"UPDATE entries SET leaf_index = 7 WHERE id = 7", ""},
		{"UPDATE entries SET leaf_index = 7 WHERE id = 7; UPDATE entries SET leaf_index = 8 WHERE id = 7", "only by erasure"},
		{"UPDATE entries SET leaf_index = 7 WHERE id = 7; UPDATE entries SET leaf_index = NULL WHERE id = 7", "only by erasure"},
		{"UPDATE entries SET leaf_index = 7, personal = NULL, salt = NULL WHERE id = 7", "only by erasure"},
		{"UPDATE entries SET leaf_index = 7 WHERE id = 7; UPDATE OR REPLACE entries SET leaf_index = 7 WHERE id = 6", "never replaced"},
		{"INSERT INTO entries (kind, at, actor, facts, leaf_index) VALUES ('card-issued', 0, 'x', '{}', 7)", "never replaced"},
		{"DELETE FROM entries WHERE id = 7", "never deleted"},
		{tile + "UPDATE tiles SET hashes = zeroblob(96)", ""},
		{tile + "UPDATE tiles SET hashes = randomblob(96)", "only grow"},
		{tile + "UPDATE tiles SET hashes = substr(hashes, 33)", "only grow"},
		{tile + "UPDATE tiles SET number = 1", "only grow"},
		{tile + "DELETE FROM tiles", "never deleted"},
		{tile + "REPLACE INTO tiles VALUES (0, 0, zeroblob(32))", "never replaced"},
		{head + "UPDATE checkpoints SET checkpoint = 'signed'", ""},
		{head + "UPDATE checkpoints SET checkpoint = 'signed'; UPDATE checkpoints SET checkpoint = 'again'", "only by being signed"},
		{head + "UPDATE checkpoints SET root = randomblob(32), checkpoint = 'signed'", "only by being signed"},
		{head + "DELETE FROM checkpoints", "never deleted"},
		{head + "REPLACE INTO checkpoints VALUES (3, 0, zeroblob(32), 0, NULL)", "never replaced"},
		{"REPLACE INTO entries (id, kind, at, actor, facts) VALUES (7, 'card-issued', 0, 'x', '{}')", "never replaced"},
		{"UPDATE issuers SET certificate = x'00'", "never change"},
		{"DELETE FROM issuers", "never deleted"},
		{"UPDATE orders SET order_hash = zeroblob(32)", "only by erasure"},
		{"UPDATE orders SET order_json = '{}'", "only by erasure"},
		{"UPDATE orders SET order_json = NULL, iccsn = '1' WHERE order_id = 'order-1'", "only by erasure"},
		{"UPDATE orders SET order_json = NULL, renews = 'order-2', renewal = 1 WHERE order_id = 'order-1'", "only by erasure"},
		{"DELETE FROM orders WHERE order_id = 'order-1'", "never deleted"},
		{"UPDATE attempts SET state = 'abandoned' WHERE number = 1", "only by ending"},
		{"UPDATE attempts SET state = 'open', ended_at = NULL, end_entry_id = NULL WHERE number = 2", "only by ending"},
		{"UPDATE attempts SET at = 0 WHERE number = 3", "only by ending"},
		{"UPDATE attempts SET state = 'abandoned' WHERE number = 3", "CHECK"}, // without time and entry
		{"UPDATE attempts SET state = 'abandoned', ended_at = 0, end_entry_id = 1 WHERE number = 3", ""},
		{"DELETE FROM attempts WHERE number = 3", "never deleted"},
		{"UPDATE subject_keys SET slot = 'C.HCI.ENC.R2048'", "never change hands"},
		{"DELETE FROM subject_keys", "never deleted"},
		{"UPDATE drafts SET body = x'00' WHERE attempt = 2", "only by erasure"},
		{"UPDATE drafts SET body = NULL, slot = 'S' || position WHERE attempt = 2", "only by erasure"},
		{"UPDATE drafts SET body = NULL, serial = x'77' WHERE attempt = 2 AND position = 0", "only by erasure"},
		{"UPDATE drafts SET body = NULL WHERE attempt = 3", "when its attempt has ended"},
		{"UPDATE drafts SET body = NULL WHERE attempt = 2", ""},
		{"UPDATE drafts SET body = NULL WHERE attempt = 1", ""},
		{"UPDATE drafts SET body = NULL WHERE attempt = 2; UPDATE drafts SET body = x'00' WHERE attempt = 2", "only by erasure"},
		{strings.NewReplacer("%ATTEMPT", "3", "%AFTER", "not_after", "body FROM", "NULL FROM").Replace(draft), "begins with its body"},
		{"DELETE FROM drafts WHERE attempt = 2", "never deleted"},
		{strings.NewReplacer("%ATTEMPT", "1", "%AFTER", "not_after").Replace(draft), "gets no drafts"},
		{strings.NewReplacer("%ATTEMPT", "2", "%AFTER", "not_after").Replace(draft), "gets no drafts"},
		{strings.NewReplacer("%ATTEMPT", "3", "%AFTER", "not_after + 1000").Replace(draft), "five_years"},
		{strings.NewReplacer("%ATTEMPT", "3", "%AFTER", "not_before").Replace(draft), "ends_after_it_begins"},
		{"INSERT INTO cards (attempt, order_id) VALUES (2, 'order-2')", "complete attempt"},
		{"INSERT INTO cards (attempt, order_id) VALUES (3, 'order-3')", "complete attempt"},
		{"INSERT INTO cards (attempt, order_id) VALUES (1, 'order-1')", "never replaced"},
		{"UPDATE cards SET order_id = 'order-2'", "never change"},
		{"DELETE FROM cards", "never deleted"},
		{"UPDATE certificates SET data = x'00'", "never change"},
		{"DELETE FROM certificates", "never deleted"},
		{"INSERT INTO certificates (card, position, issuer, serial, renewal, data) SELECT card, 9, issuer, serial, renewal, data FROM certificates WHERE position = 0", "never replaced"},
		{"INSERT INTO certificates (card, position, issuer, serial, renewal, data) SELECT card, 9, issuer, x'77', renewal, data FROM certificates WHERE position = 0", "signed draft"},
		{"INSERT INTO certificates (card, position, issuer, chr, renewal, data) SELECT card, 9, issuer, chr, 1, data FROM certificates WHERE position = 2", "signed draft"},
		{"INSERT INTO certificates (card, position, issuer, chr, renewal, data) SELECT card, 9, issuer, '000000000000000000000001', renewal, data FROM certificates WHERE position = 2", "signed draft"},
		{"INSERT INTO certificates (card, position, issuer, chr, renewal, data) SELECT card, 9, issuer, chr, renewal, data FROM certificates WHERE position = 2", "never replaced"},
	} {
		_, err := db.Exec("BEGIN; " + c.statement + "; ROLLBACK")
		if err != nil {
			db.Exec("ROLLBACK")
		}
		if got := errorText(err); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s\n\tgave %q, want %q", c.statement, got, c.want)
		}
	}
	db.Close()
	s = open(t, path)
	if got, err := s.Card(t.Context(), issued.ICCSN); err != nil || !reflect.DeepEqual(got, card) {
		t.Errorf("card is %+v, %v, want %+v", got, err, card)
	}
}

// TestReplacingIsRefused tries INSERT OR REPLACE over each thing that is unique, and UPDATE OR REPLACE, from a connection of another
// program, which has none of our settings: there the triggers that refuse deletion do not see the rows go.
func TestReplacingIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s := ready(t, path)
	for order := 1; order <= 2; order++ {
		in := storetest.NewIntent(order, 1)
		for _, err := range []error{
			s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)),
			s.Abandon(t.Context(), in.Attempt, in.At, storetest.NewEntry(tlog.AttemptAbandoned, in)),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		in = storetest.NewIntent(order, 2)
		if err := s.Intend(t.Context(), in, storetest.NewEntry(tlog.OrderRecorded, in)); err != nil {
			t.Fatal(err)
		}
		if order == 1 {
			if _, err := s.Complete(t.Context(), storetest.NewCompletion(in), storetest.NewEntry(tlog.CardIssued, in)); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeStore(t, s)
	db := raw(t, path)
	db.SetMaxOpenConns(1)
	tables := map[string][]string{ // by table: the columns of each row that must not give way
		"entries":      {"id"},
		"issuers":      {"name", "sha256", "entry_id"},
		"orders":       {"rowid", "order_id", "iccsn"},
		"attempts":     {"number", "attempt_id", "entry_id", "end_entry_id", "order_id, state"},
		"subject_keys": {"key_identity"},
		"drafts":       {"rowid", "attempt, position", "attempt, slot", "issuer, serial"},
		"cards":        {"number", "attempt", "order_id"},
		"certificates": {"rowid", "card, position", "issuer, serial", "issuer, chr"},
	}
	for table, unique := range tables {
		for _, columns := range unique {
			statement := replacing(t, db, table, columns)
			if err := tryAndUndo(db, statement); err == nil || !strings.Contains(err.Error(), "never replaced") {
				t.Errorf("%s: %s gave %v, want it refused", columns, statement, err)
			}
			if err := tryAndUndo(db, dropInsertTriggers(t, db), statement); err != nil {
				t.Errorf("%s: %s gave %v without the triggers: it shows nothing", columns, statement, err)
			}
		}
	}
	for _, statement := range []string{
		"UPDATE OR REPLACE orders SET rowid = 2, order_json = NULL WHERE rowid = 1",
		"UPDATE OR REPLACE attempts SET state = 'abandoned', ended_at = 1, end_entry_id = (SELECT max(end_entry_id) FROM attempts) WHERE state = 'open'",
		"UPDATE OR REPLACE attempts SET state = 'complete', ended_at = 1, end_entry_id = 1, order_id = 'order-1' WHERE state = 'open'",
	} {
		if err := tryAndUndo(db, statement); err == nil {
			t.Errorf("%s: done, want it refused", statement)
		}
	}
}

// replacing gives a statement that replaces a row of a table by one that has nothing in common with it but the columns named: the others
// are made up, or NULL where they may be.
func replacing(t *testing.T, db *sql.DB, table, columns string) string {
	t.Helper()
	rows, err := db.Query("SELECT name, type, \"notnull\" FROM pragma_table_info(?)", table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	kept := strings.Split(columns, ", ")
	names, values := slices.Clone(kept), slices.Clone(kept)
	for rows.Next() {
		var name, kind string
		var notNull bool
		if err := rows.Scan(&name, &kind, &notNull); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(kept, name) || name == "id" || name == "number" {
			continue // what numbers itself is left to do so
		}
		value := name // what is not unique may stay as it is
		switch {
		case name == "attempt_id":
			value = "lower(hex(randomblob(16)))"
		case name == "sha256" || name == "key_identity":
			value = "randomblob(32)"
		case name == "serial":
			value = "iif(serial IS NULL, NULL, randomblob(16))"
		case name == "chr":
			value = "iif(chr IS NULL, NULL, hex(randomblob(12)))"
		case name == "end_entry_id":
			value = "end_entry_id + 1000"
		case name == "entry_id" || name == "position" || name == "attempt" || name == "card":
			value = "abs(random() % 100000) + 1000"
		case kind == "TEXT" && slices.Contains([]string{"name", "order_id", "iccsn", "slot"}, name):
			value = "hex(randomblob(8))"
		}
		names, values = append(names, name), append(values, value)
	}
	return fmt.Sprintf("INSERT OR REPLACE INTO %s (%s) SELECT %s FROM %s WHERE %s IS NOT NULL",
		table, strings.Join(names, ", "), strings.Join(values, ", "), table, kept[len(kept)-1])
}

// dropInsertTriggers gives statements that drop every trigger on insertion.
func dropInsertTriggers(t *testing.T, db *sql.DB) string {
	t.Helper()
	var statements string
	err := db.QueryRow("SELECT group_concat('DROP TRIGGER ' || name, '; ') FROM sqlite_schema WHERE type = 'trigger' AND sql LIKE '%BEFORE INSERT%'").Scan(&statements)
	if err != nil {
		t.Fatal(err)
	}
	return statements
}

// tryAndUndo runs statements in a transaction that it rolls back.
func tryAndUndo(db *sql.DB, statements ...string) error {
	_, err := db.Exec("BEGIN; " + strings.Join(statements, "; "))
	db.Exec("ROLLBACK")
	return err
}

// TestErasure erases personal data as a later release will: the entry stays, and so does the hash that the tree needs.
func TestErasure(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	s := ready(t, path)
	in := storetest.NewIntent(1, 1)
	entry := storetest.NewEntry(tlog.OrderRecorded, in)
	if err := s.Intend(t.Context(), in, entry); err != nil {
		t.Fatal(err)
	}
	done := storetest.NewCompletion(in)
	numbers, err := s.Complete(t.Context(), done, tlog.Entry{Kind: tlog.CardIssued, At: in.At, Actor: "line-1", Facts: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	card := done.Card(numbers)
	closeStore(t, s)
	exec1(t, path, "UPDATE entries SET personal = NULL, salt = NULL")
	exec1(t, path, "UPDATE orders SET order_json = NULL")
	exec1(t, path, "UPDATE drafts SET body = NULL")
	var hash []byte
	if err := raw(t, path).QueryRow("SELECT personal_sha256 FROM entries WHERE kind = 'order-recorded'").Scan(&hash); err != nil {
		t.Fatal(err)
	}
	if want := entry.PersonalSHA256(); !reflect.DeepEqual(hash, want) {
		t.Errorf("personal_sha256 is %x, want %x", hash, want)
	}
	s = open(t, path)
	list, err := s.Entries(t.Context(), 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	got, want := list[len(list)-2].Entry, entry.Erase()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("entry is %+v, want %+v", got, want)
	}
	if got, err := s.Card(t.Context(), in.ICCSN); err != nil || !reflect.DeepEqual(got, card) {
		t.Errorf("card is %+v, %v, want it as it was, %+v", got, err, card)
	}
	before, errBefore := entry.Leaf()
	after, errAfter := got.Leaf()
	if errBefore != nil || errAfter != nil || !bytes.Equal(after, before) {
		t.Errorf("leaf is %s, %v, want %s, %v as before", after, errAfter, before, errBefore)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
