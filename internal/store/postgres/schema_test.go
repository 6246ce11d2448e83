package postgres_test

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/migrations"
)

var update = flag.Bool("update", false, "rewrite migrations/postgres/schema.sql")

// The parts of the snapshot, as the database itself describes them. Each query gives table, rank and text.
const describeSchema = `
SELECT text FROM (
    SELECT c.relname AS name, 0 AS rank, '' AS part, format(E'CREATE TABLE %s (\n%s\n);', c.relname, string_agg('    ' || line, E',\n' ORDER BY n)) AS text
    FROM pg_class c
    JOIN LATERAL (
        SELECT a.attnum AS n, concat_ws(' ', a.attname, format_type(a.atttypid, a.atttypmod),
            CASE WHEN a.attcollation <> 0 AND co.collname <> 'default' THEN format('COLLATE %I', co.collname) END,
            CASE WHEN a.attnotnull THEN 'NOT NULL' END,
            CASE a.attidentity WHEN 'a' THEN 'GENERATED ALWAYS AS IDENTITY' END) AS line
        FROM pg_attribute a LEFT JOIN pg_collation co ON co.oid = a.attcollation
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL
        SELECT 1000 + row_number() OVER (ORDER BY k.contype DESC, k.conname), format('CONSTRAINT %s %s', k.conname, pg_get_constraintdef(k.oid, true))
        FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f', 'c')
    ) AS lines ON true
    WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND c.relname NOT LIKE 'goose%'
    GROUP BY c.relname
    UNION ALL
    SELECT c.relname, 1, i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid, 0, true) || ';'
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relname NOT LIKE 'goose%'
        AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u'))
    UNION ALL
    SELECT c.relname, 2, g.tgname, pg_get_triggerdef(g.oid, true) || ';'
    FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid
    WHERE c.relnamespace = current_schema()::regnamespace AND NOT g.tgisinternal
    UNION ALL
    SELECT '~', 3, p.proname, format(E'CREATE FUNCTION %s() RETURNS %s LANGUAGE plpgsql AS $$%s$$;', p.proname, p.prorettype::regtype, p.prosrc)
    FROM pg_proc p WHERE p.pronamespace = current_schema()::regnamespace
) AS parts ORDER BY name, rank, part`

// TestSchema compares the schema that the migrations add up to with the snapshot that reviews read.
func TestSchema(t *testing.T) {
	rows, err := raw(t, newDatabase(t, cluster)).Query(t.Context(), describeSchema)
	must(t, err)
	parts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(t, err)
	got := "-- The schema that the migrations add up to, in PostgreSQL's own words. Written by\n" +
		"-- go test ./internal/store/postgres -run TestSchema -update\n\n" + strings.Join(parts, "\n\n") + "\n"
	snapshot := filepath.Join("..", "..", "..", "migrations", "postgres", "schema.sql")
	if *update {
		must(t, os.WriteFile(snapshot, []byte(got), 0o644))
	}
	want, err := os.ReadFile(snapshot)
	must(t, err)
	if got != string(want) {
		t.Errorf("%s is stale: run this test with -update and review the difference. The schema is now\n%s", snapshot, got)
	}
}

// TestMigrationsAreNumbered fails when two steps have one number, or a step could run backward.
func TestMigrationsAreNumbered(t *testing.T) {
	names, err := fs.Glob(migrations.Postgres(), "*.sql")
	must(t, err)
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
		text, err := fs.ReadFile(migrations.Postgres(), name)
		must(t, err)
		if strings.Contains(string(text), "+goose Down") {
			t.Errorf("%s can run backward", name)
		}
	}
}
