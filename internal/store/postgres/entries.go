package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

const insertEntry = `
INSERT INTO entries (kind, at, actor, facts, personal, salt, personal_sha256)
VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id`

// withEntry begins a statement that makes a change and writes its entry in one: `entry` is the row with its id, $1 to $7 are
// entryArgs.
const withEntry = `WITH entry AS (` + insertEntry + `)`

func entryArgs(e tlog.Entry) []any {
	return []any{string(e.Kind), e.At, e.Actor, []byte(e.Facts), []byte(e.Personal), e.Salt, e.PersonalSHA256()}
}

// withEntries begins a statement that makes several changes and writes their entries in one: `entry` are the rows with their ids and their
// places n in the arrays, from 1; $1 to $7 are entryColumns. Ids are drawn in the order of the rows, which is that of the places.
const withEntries = `
WITH entered AS (
    INSERT INTO entries (kind, at, actor, facts, personal, salt, personal_sha256)
    SELECT w.kind, w.at, w.actor, w.facts, w.personal, w.salt, w.personal_sha256
    FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::json[], $5::json[], $6::bytea[], $7::bytea[])
        WITH ORDINALITY AS w (kind, at, actor, facts, personal, salt, personal_sha256, n)
    ORDER BY w.n RETURNING id
), entry AS (SELECT id, row_number() OVER (ORDER BY id) AS n FROM entered)`

// entryColumns gives the entries of a list as columns.
func entryColumns[T any](list []T, of func(T) tlog.Entry) []any {
	var kinds, actors []string
	var ats []time.Time
	var facts, personal, salts, hashes [][]byte
	for _, v := range list {
		e := of(v)
		kinds, ats, actors = append(kinds, string(e.Kind)), append(ats, e.At), append(actors, e.Actor)
		facts, personal = append(facts, e.Facts), append(personal, e.Personal)
		salts, hashes = append(salts, e.Salt), append(hashes, e.PersonalSHA256())
	}
	return []any{kinds, ats, actors, facts, personal, salts, hashes}
}

// checkEntry looks at what the database would round.
func checkEntry(e tlog.Entry) error {
	if err := exact(e.At, time.Millisecond); err != nil {
		return fmt.Errorf("record a %s entry: %w", e.Kind, err)
	}
	return nil
}

// exact refuses a time that is finer than its column.
func exact(t time.Time, unit time.Duration) error {
	if !t.Equal(t.Truncate(unit)) {
		return fmt.Errorf("time %s is finer than %s", t.Format(time.RFC3339Nano), unit)
	}
	return nil
}

// Append implements ca.Store.
func (s *Store) Append(ctx context.Context, entry tlog.Entry) (id int64, err error) {
	if err = checkEntry(entry); err == nil {
		err = s.pool.QueryRow(ctx, insertEntry, entryArgs(entry)...).Scan(&id)
	}
	if err != nil {
		return 0, fmt.Errorf("append an entry: %w", err)
	}
	return id, nil
}

const selectEntries = `
SELECT id, kind, at, actor, facts, personal, salt, CASE WHEN personal IS NULL THEN personal_sha256 END FROM entries
WHERE id > $1 ORDER BY id LIMIT $2`

// Entries implements ca.Store.
func (s *Store) Entries(ctx context.Context, after int64, limit int) ([]ca.StoredEntry, error) {
	return list(ctx, s, "list entries", limit, selectEntries, scanEntry, after, limit)
}

func scanEntry(row pgx.CollectableRow) (e ca.StoredEntry, err error) {
	err = row.Scan(&e.ID, &e.Kind, &e.At, &e.Actor, (*[]byte)(&e.Facts), (*[]byte)(&e.Personal), &e.Salt, &e.PersonalHash)
	e.At = e.At.UTC()
	return e, err
}
