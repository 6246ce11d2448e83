package e2e

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: somebody with the database in his hands, who knows SQL and drops the triggers, changes it behind the server's back. A real
// siegeld serves what he left, and the auditor finds it.

// forger is a database without a server, and without what protects it.
type forger struct {
	t  *testing.T
	db *sql.DB
}

// tamper changes the database of a server that is not running.
func (a *audited) tamper(t *testing.T, change func(f forger)) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(a.rig.Data, "siegel.db")+"?_pragma=foreign_keys(OFF)&_pragma=ignore_check_constraints(ON)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	f := forger{t, db}
	for _, name := range f.texts(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`) {
		f.do(1, `DROP TRIGGER `+name)
	}
	change(f)
}

// do runs a statement that must change so many rows; DDL is not counted.
func (f forger) do(rows int64, query string, args ...any) {
	f.t.Helper()
	r, err := f.db.Exec(query, args...)
	if err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
	if n, err := r.RowsAffected(); err != nil || n != rows && !strings.HasPrefix(query, "DROP") {
		f.t.Fatalf("%s changed %d rows, %v, want %d", query, n, err, rows)
	}
}

func (f forger) texts(query string, args ...any) (list []string) {
	f.t.Helper()
	rows, err := f.db.Query(query, args...)
	if err != nil {
		f.t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			f.t.Fatal(err)
		}
		list = append(list, s)
	}
	if err := rows.Err(); err != nil {
		f.t.Fatal(err)
	}
	return list
}

// leaf gives the place of the n-th entry of a kind.
func (f forger) leaf(kind string, n int) int64 {
	f.t.Helper()
	var leaf int64
	if err := f.db.QueryRow(`SELECT leaf_index FROM entries WHERE kind = ? ORDER BY leaf_index LIMIT 1 OFFSET ?`, kind, n).Scan(&leaf); err != nil {
		f.t.Fatal(err)
	}
	return leaf
}

// served starts siegeld on the database as it is, exports all of the log and verifies the export.
func (a *audited) served(t *testing.T) (out string, code int, dir string) {
	t.Helper()
	server := start(t, a.rig)
	dir = filepath.Join(t.TempDir(), "export")
	a.must(server, "audit", "export", dir, "--personal")
	stop(t, server)
	out, code = a.verify(dir, "--whole")
	return out, code, dir
}

// restore puts the database back.
func (a *audited) restore(t *testing.T, database, checkpoint []byte) {
	t.Helper()
	writeDatabase(t, a.rig, database)
	if err := os.WriteFile(filepath.Join(a.rig.Data, "checkpoint"), checkpoint, 0o600); err != nil {
		t.Fatal(err)
	}
}

func tamperedDatabases(t *testing.T, a *audited) {
	database, checkpoint := readData(t, a.rig, "siegel.db"), readData(t, a.rig, "checkpoint")
	if out, code, _ := a.served(t); code != 0 {
		t.Fatalf("the untouched database: exit code %d\n%s", code, out)
	}
	for _, c := range []struct {
		name  string
		edits func(a *audited, f forger) (want []string)
	}{
		{"entries, certificates and personal data", editRows},
		{"rows removed and exchanged", editPlaces},
		{"a hash in a tile", func(a *audited, f forger) []string {
			f.do(1, `UPDATE tiles SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE level = 0 AND number = 0`)
			return []string{"tile 0 of level 0 (leaves 0 to 255) was changed", "leaf 0 (", "one of them was changed"}
		}},
		{"a tile removed", func(a *audited, f forger) []string {
			f.do(1, `DELETE FROM tiles WHERE level = 0 AND number = 0`)
			return []string{"tile 0 of level 0 is missing (leaves 0 to 255)"}
		}},
		{"an invented card", func(a *audited, f forger) []string {
			facts := f.texts(`SELECT facts FROM entries WHERE kind = 'card-issued' ORDER BY id LIMIT 1`)[0]
			f.do(1, `INSERT INTO entries (kind, at, actor, facts) SELECT kind, at, actor, ? FROM entries WHERE kind = 'card-issued' LIMIT 1`,
				strings.Replace(facts, `"order_id":"`, `"order_id":"invented-`, 1))
			return []string{"was not recorded before, or has ended already", "the card of chip", "is there twice"}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer a.restore(t, database, checkpoint)
			var want []string
			a.tamper(t, func(f forger) { want = c.edits(a, f) })
			out, code, _ := a.served(t)
			wantFound(t, out, code, want...)
		})
	}
	for _, c := range []struct{ name, change string }{
		{"the root of the head", `UPDATE checkpoints SET root = zeroblob(32) WHERE size = (SELECT max(size) FROM checkpoints)`},
		{"a hash at the edge", `UPDATE tiles SET hashes = CAST(zeroblob(32) || substr(hashes, 33) AS BLOB) WHERE level = 0 AND number = 1`},
		{"a tile at the edge removed", `DELETE FROM tiles WHERE level = 0 AND number = 1`},
		{"the newest head removed", `DELETE FROM checkpoints WHERE size = (SELECT max(size) FROM checkpoints)`},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer a.restore(t, database, checkpoint)
			a.tamper(t, func(f forger) { f.do(1, c.change) })
			a.refused(t)
		})
	}
	t.Run("yesterday's database without a saved checkpoint", func(t *testing.T) { forked(t, a, database) })
}

// refused makes sure that the server itself finds it, at its start or with its first round, and ends.
func (a *audited) refused(t *testing.T) {
	t.Helper()
	server, err := a.rig.Start()
	if err == nil {
		err = server.Stop()
	}
	if err == nil || !strings.Contains(err.Error(), "the database does not hold the log that was signed before") {
		t.Errorf("the server ends with %v, want that the log was changed", err)
	}
}

// editRows changes one entry for each column, a certificate, personal data and a salt.
func editRows(a *audited, f forger) (want []string) {
	wrong := func(leaf int64, what string) { want = append(want, fmt.Sprintf("leaf %d (", leaf)+what) }
	for n, column := range []string{
		`facts = replace(facts, '"sector":"', '"sector":"x')`, `at = at + 1`, `actor = 'somebody'`, `kind = 'card-activated'`,
	} {
		leaf := f.leaf("card-issued", 5+n)
		f.do(1, `UPDATE entries SET `+column+` WHERE leaf_index = ?`, leaf)
		if kind := "card-issued"; column != `kind = 'card-activated'` {
			wrong(leaf, kind+"): the leaf was changed")
		} else {
			wrong(leaf, "card-activated): the leaf was changed")
		}
	}
	personal := f.leaf("order-recorded", 5)
	f.do(1, `UPDATE entries SET personal = replace(personal, '{', '{ ') WHERE leaf_index = ?`, personal)
	wrong(personal, "order-recorded): personal data or salt were changed")
	salted := f.leaf("order-recorded", 6)
	f.do(1, `UPDATE entries SET salt = zeroblob(16) WHERE leaf_index = ?`, salted)
	wrong(salted, "order-recorded): personal data or salt were changed")
	hashed := f.leaf("order-recorded", 7)
	f.do(1, `UPDATE entries SET personal_sha256 = zeroblob(32) WHERE leaf_index = ?`, hashed)
	wrong(hashed, "order-recorded): the leaf was changed")
	taken := f.leaf("order-recorded", 8)
	f.do(1, `UPDATE entries SET personal = NULL, salt = NULL, personal_sha256 = NULL WHERE leaf_index = ?`, taken)
	wrong(taken, "order-recorded): the leaf was changed")

	certified := f.leaf("card-issued", 20)
	const ofLeaf = `(SELECT c.number FROM cards c JOIN attempts t ON t.number = c.attempt JOIN entries e ON e.id = t.end_entry_id WHERE e.leaf_index = ?)`
	f.do(1, `UPDATE certificates SET data = CAST(substr(data, 1, length(data) - 1) || x'00' AS BLOB) WHERE position = 1 AND card = `+ofLeaf, certified)
	wrong(certified, "card-issued): certificate 1")
	gone := f.leaf("card-issued", 21)
	f.do(1, `DELETE FROM certificates WHERE position = 0 AND card = `+ofLeaf, gone)
	wrong(gone, "card-issued): there are 4 certificates, the leaf has 5")
	return want
}

// editPlaces removes entries and gives others places that are not theirs.
func editPlaces(a *audited, f forger) []string {
	f.do(1, `DELETE FROM entries WHERE leaf_index = 100`)
	f.do(1, `UPDATE entries SET leaf_index = 1000000 WHERE leaf_index = 120`)
	f.do(1, `UPDATE entries SET leaf_index = 120 WHERE leaf_index = 121`)
	f.do(1, `UPDATE entries SET leaf_index = 121 WHERE leaf_index = 1000000`)
	f.do(1, `DELETE FROM entries WHERE leaf_index = 270`)
	return []string{"leaf 100 is missing", "leaf 120 (", "leaf 121 (", "the leaf was changed", "leaf 270 is missing"}
}

// forked puts the database of the early export in place, and removes the saved checkpoint, so that the server signs another future for the log. Each
// export of it is good by itself; the earlier one shows that the log is not the same any more.
func forked(t *testing.T, a *audited, database []byte) {
	a.tamper(t, func(f forger) {
		size := earlySize(t, a)
		for _, table := range []string{"certificates", "cards", "drafts", "subject_keys", "attempts", "orders"} {
			f.db.Exec(`DELETE FROM ` + table) //nolint:errcheck // what matters is the log
		}
		f.db.Exec(`DELETE FROM entries WHERE leaf_index >= ?`, size) //nolint:errcheck // likewise
		f.db.Exec(`DELETE FROM checkpoints WHERE size > ?`, size)    //nolint:errcheck // likewise
		f.db.Exec(`DELETE FROM tiles WHERE level > 0`)               //nolint:errcheck // likewise
		f.db.Exec(`DELETE FROM tiles WHERE number > 0`)              //nolint:errcheck // likewise
		f.do(1, `UPDATE tiles SET hashes = substr(hashes, 1, ?)`, size*32)
	})
	if err := os.Remove(filepath.Join(a.rig.Data, "checkpoint")); err != nil {
		t.Fatal(err)
	}
	server := start(t, a.rig)
	client := dial(t, a.rig, server, "line-1")
	later := newAuditor(t, a.rig)
	eachOrder(makeOrders(t, 150), func(order *siegelv1.Order) { issue(t.Context(), client, order) })
	order := makeOrders(t, 151)[150]
	later.issueIncluded(t, client, order)
	dir := filepath.Join(t.TempDir(), "export")
	a.must(server, "audit", "export", dir, "--no-certificates")
	stop(t, server)
	out, code := a.siegel(nil, "audit", "consistency", a.full, dir, "--log-key", a.key)
	wantFound(t, out, code, "not consistent", "the log was changed in what it had already shown")
	out, code = a.siegel(nil, "audit", "consistency", a.early, dir, "--log-key", a.key)
	if code != 0 {
		t.Errorf("the log still begins with what the early export shows: exit code %d\n%s", code, out)
	}
}

// earlySize is the number of leaves of the early export.
func earlySize(t *testing.T, a *audited) int64 {
	t.Helper()
	var size int64
	lines := bytes.SplitN(exported{t, a.early}.read("checkpoint"), []byte("\n"), 3)
	if _, err := fmt.Sscan(string(lines[1]), &size); err != nil {
		t.Fatal(err)
	}
	return size
}
