package sqlite_test

import (
	"database/sql"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/migrations"
)

var update = flag.Bool("update", false, "rewrite migrations/sqlite/schema.sql")

// TestSchema compares the schema that the migrations add up to with the snapshot that reviews read.
func TestSchema(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	closeStore(t, open(t, path))
	rows, err := raw(t, path).Query(`SELECT sql FROM sqlite_schema
		WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' AND name NOT LIKE 'goose_%' ORDER BY tbl_name, type = 'table' DESC, type, name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got strings.Builder
	got.WriteString("-- The schema that the migrations add up to. Written by go test ./internal/store/sqlite -run TestSchema -update\n")
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		got.WriteString("\n" + text + ";\n")
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	snapshot := filepath.Join("..", "..", "..", "migrations", "sqlite", "schema.sql")
	if *update {
		if err := os.WriteFile(snapshot, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(snapshot)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s is stale: run this test with -update and review the difference. The schema is now\n%s", snapshot, got.String())
	}
}

// TestMigrationsAreNumbered fails when two steps have one number, or a step could run backward.
func TestMigrationsAreNumbered(t *testing.T) {
	names, err := fs.Glob(migrations.SQLite(), "*.sql")
	if err != nil {
		t.Fatal(err)
	}
	last := 0
	for _, name := range names {
		m := regexp.MustCompile(`^(\d{5})_[a-z_0-9]+\.sql$`).FindStringSubmatch(name)
		if m == nil {
			t.Fatalf("%s has no number", name)
		}
		number, err := strconv.Atoi(m[1])
		if err != nil || number <= last {
			t.Errorf("%s comes after step %d", name, last)
		}
		last = number
		text, err := fs.ReadFile(migrations.SQLite(), name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "+goose Down") {
			t.Errorf("%s can run backward", name)
		}
	}
}

// raw opens a database behind the store's back.
func raw(t *testing.T, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// checkFile has SQLite check a file that no store has open.
func checkFile(t *testing.T, path string) {
	t.Helper()
	db := raw(t, path)
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity_check = %q, %v, want ok", verdict, err)
	}
	var broken int
	if err := db.QueryRow("SELECT count(*) FROM pragma_foreign_key_check").Scan(&broken); err != nil || broken != 0 {
		t.Errorf("foreign_key_check finds %d rows, %v, want 0", broken, err)
	}
}
