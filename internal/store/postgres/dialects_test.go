package postgres_test

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/internal/store/sqlite"
)

// The story of this file: the two dialects say the same. Types differ, as each database is used in its own way; tables, columns, what
// may be missing, what is unique, what refers to what, and what the triggers refuse do not. Indexes that only make reads fast are each
// database's own.

// apart are the parts that one dialect has and the other does not, with the reason.
var apart = []struct{ postgres, sqlite, why string }{
	{"attempts: column server NOT NULL", "", "one server at a time has an SQLite file, so that attempts need not say whose they are"},
	{"key_sessions: column servers NOT NULL", "", "the same for key sessions"},
	{"drafts: trigger drafts_name_known_issuers", "drafts: issuer refers to issuers", "foreign keys lock the few issuers"},
}

// onlySQLite tells the parts that PostgreSQL has no use for.
func onlySQLite(part string) bool {
	// INSERT OR REPLACE and UPDATE OR REPLACE, which PostgreSQL does not have.
	return strings.HasSuffix(part, "_are_never_replaced") || strings.Contains(part, "_replace_none_by_")
}

func TestDialectsAgree(t *testing.T) {
	postgres, sqlite := postgresParts(t), sqliteParts(t)
	for _, p := range apart {
		if p.postgres != "" && !postgres[p.postgres] || p.sqlite != "" && !sqlite[p.sqlite] {
			t.Errorf("the dialects do not differ any more in %q and %q (%s)", p.postgres, p.sqlite, p.why)
		}
		delete(postgres, p.postgres)
		delete(sqlite, p.sqlite)
	}
	maps.DeleteFunc(sqlite, func(part string, _ bool) bool { return onlySQLite(part) })
	for _, part := range slices.Sorted(maps.Keys(postgres)) {
		if !sqlite[part] {
			t.Errorf("only PostgreSQL has  %s", part)
		}
	}
	for _, part := range slices.Sorted(maps.Keys(sqlite)) {
		if !postgres[part] {
			t.Errorf("only SQLite has      %s", part)
		}
	}
	if len(postgres) < 80 {
		t.Errorf("there are only %d parts: the test has lost its eyes", len(postgres))
	}
	t.Logf("%d parts are the same", len(postgres))
}

// Each query gives one text for each part.
var postgresQueries = []string{
	`SELECT format('%s: column %s%s', c.relname, a.attname, CASE WHEN a.attnotnull THEN ' NOT NULL' END)
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped`,

	`SELECT format('%s: unique (%s)%s', c.relname,
		(SELECT string_agg(a.attname, ', ' ORDER BY k.n) FROM unnest(i.indkey) WITH ORDINALITY k (attnum, n)
			JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum),
		' WHERE ' || pg_get_expr(i.indpred, i.indrelid))
	FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE i.indisunique AND c.relnamespace = current_schema()::regnamespace`,

	`SELECT format('%s: %s refers to %s', c.relname, a.attname, k.confrelid::regclass)
	FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (k.conkey)
	WHERE k.contype = 'f' AND c.relnamespace = current_schema()::regnamespace`,

	`SELECT format('%s: trigger %s', c.relname, g.tgname)
	FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid WHERE NOT g.tgisinternal AND c.relnamespace = current_schema()::regnamespace`,
}

func postgresParts(t *testing.T) map[string]bool {
	t.Helper()
	db, parts := raw(t, newDatabase(t, cluster)), map[string]bool{}
	for _, query := range postgresQueries {
		rows, err := db.Query(t.Context(), query)
		must(t, err)
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		must(t, err)
		collect(parts, found)
	}
	return parts
}

var sqliteQueries = []string{
	`SELECT format('%s: column %s%s', m.name, c.name, iif(c."notnull" OR c.pk, ' NOT NULL', ''))
	FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`,

	`SELECT format('%s: unique (%s)%s', m.name,
		(SELECT group_concat(name, ', ') FROM (SELECT name FROM pragma_index_info(l.name) ORDER BY seqno)),
		coalesce((SELECT substr(s.sql, instr(s.sql, ' WHERE ')) FROM sqlite_schema s WHERE s.name = l.name AND l.partial), ''))
	FROM sqlite_schema m, pragma_index_list(m.name) l WHERE m.type = 'table' AND l."unique"`,

	// An INTEGER PRIMARY KEY has no index of its own.
	`SELECT format('%s: unique (%s)', m.name, group_concat(c.name, ', '))
	FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table' AND c.pk GROUP BY m.name`,

	`SELECT format('%s: %s refers to %s', m.name, f."from", f."table")
	FROM sqlite_schema m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table'`,

	`SELECT format('%s: trigger %s', tbl_name, name) FROM sqlite_schema WHERE type = 'trigger'`,
}

func sqliteParts(t *testing.T) map[string]bool {
	t.Helper()
	path := filepath.Join(t.TempDir(), "siegel.db")
	s, err := sqlite.Open(t.Context(), path)
	must(t, err)
	must(t, s.Close())
	db, err := sql.Open("sqlite", path)
	must(t, err)
	defer db.Close()
	parts := map[string]bool{}
	for _, query := range sqliteQueries {
		found, err := textsOf(t.Context(), db, query)
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		collect(parts, found)
	}
	return parts
}

func textsOf(ctx context.Context, db *sql.DB, query string) (found []string, err error) {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		found = append(found, text)
	}
	return found, rows.Err()
}

// collect adds parts, but for those of the two programs' own tables, in one spelling of their conditions.
func collect(parts map[string]bool, found []string) {
	for _, text := range found {
		if strings.HasPrefix(text, "goose_") || strings.HasPrefix(text, "sqlite_") {
			continue
		}
		if head, condition, ok := strings.Cut(text, " WHERE "); ok {
			text = fmt.Sprintf("%s WHERE %s", head, strings.NewReplacer("(", "", ")", "", "::text", "").Replace(condition))
		}
		parts[text] = true
	}
}
