package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

const insertEntry = `
INSERT INTO entries (kind, at, actor, facts, personal, salt, personal_sha256)
VALUES (?, ?, ?, ?, ?, ?, ?)`

// record writes an entry and gives its id.
func record(s *session, e tlog.Entry) (int64, error) {
	at, err := millis(e.At)
	if err != nil {
		return 0, fmt.Errorf("record a %s entry: %w", e.Kind, err)
	}
	id, err := s.insert(insertEntry, string(e.Kind), at, e.Actor, text(e.Facts), text(e.Personal), e.Salt, e.PersonalSHA256())
	if err != nil {
		return 0, fmt.Errorf("record a %s entry: %w", e.Kind, err)
	}
	return id, nil
}

// Append implements ca.Store.
func (s *Store) Append(ctx context.Context, entry tlog.Entry) (int64, error) {
	var id int64
	err := s.writer.do(ctx, func(w *session) (err error) {
		id, err = record(w, entry)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("append an entry: %w", err)
	}
	return id, nil
}

const selectEntries = `
SELECT id, kind, at, actor, facts, personal, salt, personal_sha256 FROM entries
WHERE id > ? ORDER BY id LIMIT ?`

// Entries implements ca.Store. The writer commits ids in ascending order, so that a reader who has seen an id will see no
// smaller one come after it.
func (s *Store) Entries(ctx context.Context, after int64, limit int) ([]ca.StoredEntry, error) {
	return list(ctx, "list entries", limit, s.reads.entries, scanEntry, after, limit)
}

func scanEntry(row scanner) (e ca.StoredEntry, err error) {
	var at int64
	var personal sql.Null[[]byte]
	err = row.Scan(&e.ID, &e.Kind, &at, &e.Actor, (*[]byte)(&e.Facts), &personal, &e.Salt, &e.PersonalHash)
	e.At = fromMillis(at)
	if personal.Valid {
		e.Personal, e.PersonalHash = personal.V, nil // the hash is for erased ones
	}
	return e, err
}

// text gives JSON for a TEXT column: NULL for nil.
func text(j json.RawMessage) any {
	if j == nil {
		return nil
	}
	return string(j)
}

// millis gives a time for the database. What is finer than a millisecond would not come back, and is an error.
func millis(t time.Time) (int64, error) {
	if !t.Equal(t.Truncate(time.Millisecond)) {
		return 0, fmt.Errorf("time %s is finer than a millisecond", t.Format(time.RFC3339Nano))
	}
	return t.UnixMilli(), nil
}

func fromMillis(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
