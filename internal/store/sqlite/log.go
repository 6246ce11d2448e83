package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

var _ ca.LogStore = (*Store)(nil)

// Lead implements ca.LogStore. No other server has the file open.
func (s *Store) Lead(ctx context.Context, work func(context.Context) error) error { return work(ctx) }

const selectUnsequenced = `
SELECT id, kind, at, actor, facts, NULL, NULL, personal_sha256 FROM entries
WHERE leaf_index IS NULL ORDER BY id LIMIT ?`

// Unsequenced implements ca.LogStore.
func (s *Store) Unsequenced(ctx context.Context, limit int) ([]ca.StoredEntry, error) {
	return list(ctx, "list entries without a place", limit, s.reads.unsequenced, scanEntry, limit)
}

const (
	// No row where the given head is not the newest.
	insertHead = `
INSERT INTO checkpoints (size, previous, root, at) SELECT ?1, ?2, ?3, ?4
WHERE coalesce((SELECT max(size) FROM checkpoints), 0) = ?2`

	// Entries whose ids follow each other without a gap get places that do.
	numberEntries = `UPDATE entries SET leaf_index = id + ?1 WHERE id BETWEEN ?2 AND ?3 AND leaf_index IS NULL`

	growTile = `UPDATE tiles SET hashes = ?3 WHERE level = ?1 AND number = ?2`

	insertTile = `INSERT INTO tiles (level, number, hashes) VALUES (?1, ?2, ?3)`
)

// Integrate implements ca.LogStore.
func (s *Store) Integrate(ctx context.Context, batch *ca.Integration) error {
	err := s.writer.do(ctx, func(w *session) error { return integrate(w, batch) })
	if err != nil {
		return fmt.Errorf("integrate %d entries after %d: %w", len(batch.Entries), batch.From, err)
	}
	return nil
}

func integrate(s *session, batch *ca.Integration) error {
	if want := batch.From + int64(len(batch.Entries)); batch.Head.Size != want {
		return fmt.Errorf("the head is of %d leaves, want %d", batch.Head.Size, want)
	}
	at, err := millis(batch.At)
	if err != nil {
		return err
	}
	next, err := s.changes(insertHead, batch.Head.Size, batch.From, batch.Head.Root[:], at)
	if err != nil {
		return fmt.Errorf("record the head: %w", err)
	}
	if !next {
		return ca.ErrHeadMoved
	}
	if err := number(s, batch); err != nil {
		return err
	}
	for _, t := range batch.Tiles {
		grown, err := s.changes(growTile, t.Level, t.Index, t.Hashes)
		if err == nil && !grown {
			_, err = s.exec(insertTile, t.Level, t.Index, t.Hashes)
		}
		if err != nil {
			return fmt.Errorf("store %s: %w", t.Path(), err)
		}
	}
	return nil
}

// number gives the entries of a batch their places. Ids mostly follow each other, so that a batch takes a statement or two.
func number(s *session, batch *ca.Integration) error {
	place := batch.From
	for rest := batch.Entries; len(rest) > 0; {
		n := run(rest)
		first, last := rest[0], rest[n-1]
		r, err := s.exec(numberEntries, place-first, first, last)
		if err != nil {
			return fmt.Errorf("number entries %d to %d: %w", first, last, err)
		}
		switch numbered, err := r.RowsAffected(); {
		case err != nil:
			return fmt.Errorf("number entries %d to %d: %w", first, last, err)
		case numbered != int64(n):
			return fmt.Errorf("%d of the entries %d to %d have a place already, or are none", int64(n)-numbered, first, last)
		}
		rest, place = rest[n:], place+int64(n)
	}
	return nil
}

// run is the number of ids at the beginning of a list that follow each other without a gap.
func run(ids []int64) int {
	n := 1
	for n < len(ids) && ids[n] == ids[n-1]+1 {
		n++
	}
	return n
}

const selectHead = `SELECT size, root, at, checkpoint FROM checkpoints ORDER BY size DESC LIMIT 1`

// LatestHead implements ca.LogStore.
func (s *Store) LatestHead(ctx context.Context) (*ca.StoredHead, error) {
	head, err := scanHead(s.reads.head.QueryRowContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read the head of the log: %w", err)
	}
	return head, nil
}

const publishHead = `
UPDATE checkpoints SET checkpoint = coalesce(checkpoint, ?) WHERE size = ? RETURNING checkpoint`

// Publish implements ca.LogStore.
func (s *Store) Publish(ctx context.Context, size int64, checkpoint []byte) error {
	err := s.writer.do(ctx, func(w *session) error {
		var has string
		err := w.row(publishHead, []any{string(checkpoint), size}, &has)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return ca.ErrNotFound
		case err == nil && has != string(checkpoint):
			return errors.New("the head has another checkpoint")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("publish the checkpoint of %d leaves: %w", size, err)
	}
	return nil
}

const selectInclusion = `
SELECT e.leaf_index, c.checkpoint FROM entries e JOIN checkpoints c ON c.size > e.leaf_index AND c.checkpoint IS NOT NULL
WHERE e.id = ? ORDER BY c.size DESC LIMIT 1`

// Inclusion implements ca.LogStore.
func (s *Store) Inclusion(ctx context.Context, entryID int64) (*ca.Inclusion, error) {
	var in ca.Inclusion
	err := s.reads.inclusion.QueryRowContext(ctx, entryID).Scan(&in.LeafIndex, &in.Checkpoint)
	if errors.Is(err, sql.ErrNoRows) {
		err = ca.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("look for entry %d in the log: %w", entryID, err)
	}
	return &in, nil
}

const selectSequenced = `
SELECT id, kind, at, actor, facts, personal, salt, personal_sha256, leaf_index FROM entries
WHERE leaf_index >= ? ORDER BY leaf_index LIMIT ?`

// Sequenced implements ca.LogStore.
func (s *Store) Sequenced(ctx context.Context, first int64, limit int) ([]ca.SequencedEntry, error) {
	return list(ctx, "list the log", limit, s.reads.sequenced, scanSequenced, first, limit)
}

func scanSequenced(row scanner) (e ca.SequencedEntry, err error) {
	e.StoredEntry, err = scanEntry(withMore{row, &e.LeafIndex})
	return e, err
}

// withMore scans one column behind those that are asked for.
type withMore struct {
	scanner
	more any
}

func (w withMore) Scan(dest ...any) error { return w.scanner.Scan(append(dest, w.more)...) }

const selectTile = `SELECT hashes FROM tiles WHERE level = ? AND number = ?`

// Tiles implements tlog.TileReader.
func (s *Store) Tiles(ctx context.Context, ids []tlog.TileID) ([][]byte, error) {
	tiles := make([][]byte, len(ids))
	for i, id := range ids {
		err := s.reads.tile.QueryRowContext(ctx, id.Level, id.Index).Scan(&tiles[i])
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("read %s: %w", id.Path(), err)
		}
		octets := id.Width * tlog.HashSize
		if len(tiles[i]) < octets {
			return nil, fmt.Errorf("read %s: %w: it has only %d octets of it", id.Path(), tlog.ErrDamaged, len(tiles[i]))
		}
		tiles[i] = tiles[i][:octets]
	}
	return tiles, nil
}
