package e2e

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tampering are edits of a database that a ledger must find, each with a part of what it must say.
var tampering = []struct{ name, edit, want string }{
	{"a card loses its certificates", "DELETE FROM certificates WHERE card = (SELECT max(number) FROM cards)", "was acknowledged with"},
	{"a certificate is changed", "UPDATE certificates SET data = CAST(data || x'00' AS BLOB) WHERE card = 2 AND position = 0", "has certificates that are not those of its entry"},
	{"a certificate is on two cards", `DROP INDEX certificates_serial; INSERT INTO certificates (card, position, issuer, serial, renewal, data)
SELECT 1, 99, issuer, serial, renewal, data FROM certificates WHERE card > 1 AND serial IS NOT NULL LIMIT 1`, "is on two certificates"},
	{"a CHR is on two cards", `DROP INDEX certificates_chr; INSERT INTO certificates (card, position, issuer, chr, renewal, data)
SELECT 1, 99, issuer, chr, renewal, data FROM certificates WHERE card > 1 AND chr IS NOT NULL LIMIT 1`, "is on two certificates"},
	{"a row says another serial number", "UPDATE certificates SET serial = x'01' WHERE card = 2 AND position = 0", "says"},
	{"two drafts have a serial number", `DROP INDEX drafts_serial; UPDATE drafts SET serial = (SELECT serial FROM drafts WHERE attempt = 1 AND position = 0),
issuer = (SELECT issuer FROM drafts WHERE attempt = 1 AND position = 0) WHERE attempt = 2 AND position = 0`, "doubled"},
	{"an entry is removed", "DELETE FROM entries WHERE id = (SELECT min(end_entry_id) FROM attempts WHERE state = 'complete')", "card-issued of"},
	{"an entry is added", "INSERT INTO entries (kind, at, actor, facts) VALUES ('card-issued', 0, 'x', '{}')", "has 0 changes, want 1"},
	{"an entry of a new kind is added", "INSERT INTO entries (kind, at, actor, facts) VALUES ('never-heard-of', 0, 'x', '{}')", "has 0 changes, want 1"},
	{"a change has no entry", "UPDATE attempts SET entry_id = 1000000 WHERE number = 3", "has entry 1000000"},
	{"a change has the entry of another", "UPDATE attempts SET attempt_id = 'ffffffffffffffffffffffffffffffff' WHERE number = 3", "its change about fff"},
	{"a fact is changed", "UPDATE entries SET facts = replace(facts, 'dkg', 'kzv') WHERE id = (SELECT min(end_entry_id) FROM attempts WHERE state = 'complete')", "the entries give"},
	{"the time of an entry is changed", "UPDATE entries SET at = at + 1 WHERE leaf_index = 20", "the entries give"},
	{"two entries change places", "UPDATE entries SET leaf_index = -1 WHERE leaf_index = 20; UPDATE entries SET leaf_index = 20 WHERE leaf_index = 21; UPDATE entries SET leaf_index = 21 WHERE leaf_index = -1",
		"the entries give"},
	{"personal data are changed", "UPDATE entries SET personal = '{}' WHERE id = (SELECT min(id) FROM entries WHERE personal IS NOT NULL)", "personal data are not those of its leaf"},
	{"a session is filled up again", "UPDATE key_sessions SET drawn = drawn - 1 WHERE number = 1", "signatures are drawn"},
	{"a change of the status is removed", "DELETE FROM status_changes WHERE epoch = (SELECT min(epoch) FROM status_changes)", "was acknowledged and is not recorded"},
	{"a root is changed", "UPDATE checkpoints SET root = zeroblob(32) WHERE size = (SELECT max(size) FROM checkpoints)", "has root 0000"},
	{"a head is removed", "DELETE FROM checkpoints WHERE size = (SELECT size FROM checkpoints ORDER BY size LIMIT 1 OFFSET 2)", "follows one of"},
	{"a checkpoint is another's", "UPDATE checkpoints SET checkpoint = (SELECT checkpoint FROM checkpoints WHERE checkpoint IS NOT NULL ORDER BY size DESC LIMIT 1) WHERE size = (SELECT min(size) FROM checkpoints)",
		"leaves is of"},
	{"a tile is changed", "UPDATE tiles SET hashes = zeroblob(length(hashes)) WHERE level = 0 AND number = 0", "not what the entries give"},
	{"a tile is removed", "DELETE FROM tiles WHERE level = 0 AND number = 0", "is missing"},
	{"the log goes back to its first head", `UPDATE entries SET leaf_index = NULL WHERE leaf_index >= (SELECT min(size) FROM checkpoints);
DELETE FROM checkpoints WHERE size > (SELECT min(size) FROM checkpoints)`, "a checkpoint of"},
}

// requireTamperingFound edits copies of a database of which a ledger has just said that it is good.
func requireTamperingFound(l *ledger, k known) {
	t := l.t
	t.Helper()
	whole := filepath.Join(t.TempDir(), "whole.db")
	if _, err := l.db.ExecContext(t.Context(), "VACUUM INTO '"+whole+"'"); err != nil {
		t.Fatal(err)
	}
	octets, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	if problems, _, _ := openLedger(t, "sqlite", "file:"+whole, l.verifier).check(t.Context(), k); len(problems) > 0 {
		t.Fatalf("a copy is not good: %q", problems)
	}
	for _, c := range tampering {
		copied := filepath.Join(t.TempDir(), "tampered.db")
		if err := os.WriteFile(copied, octets, 0o600); err != nil {
			t.Fatal(err)
		}
		tamper(t, copied, c.edit)
		problems, _, _ := openLedger(t, "sqlite", "file:"+copied, l.verifier).check(t.Context(), k)
		if all := strings.Join(problems, "\n"); !strings.Contains(all, c.want) {
			t.Errorf("%s: the checker says %.2000q, want %q", c.name, all, c.want)
		}
	}
	if !t.Failed() {
		t.Logf("%d edits of the database, every one found", len(tampering))
	}
}

// tamper makes an edit as somebody would who may do anything with the file.
func tamper(t *testing.T, file, edit string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(OFF)&_pragma=ignore_check_constraints(ON)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	rows, err := db.QueryContext(t.Context(), "SELECT 'DROP TRIGGER ' || name FROM sqlite_schema WHERE type = 'trigger'")
	if err != nil {
		t.Fatal(err)
	}
	var statements []string
	for rows.Next() {
		var drop string
		if err := rows.Scan(&drop); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, drop)
	}
	rows.Close()
	for _, statement := range append(statements, edit) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}
