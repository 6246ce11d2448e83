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
