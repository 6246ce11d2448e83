package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

var _ ca.LogStore = (*Store)(nil)

const selectUnsequenced = `
SELECT id, kind, at, actor, facts, NULL::text, NULL::bytea, personal_sha256 FROM entries
WHERE leaf_index IS NULL AND id > $1 ORDER BY id LIMIT $2`

// Unsequenced implements ca.LogStore. See floor for the one entry that it may find only seconds after its commit.
func (s *Store) Unsequenced(ctx context.Context, limit int) ([]ca.StoredEntry, error) {
	return list(ctx, s, "list entries without a place", limit, selectUnsequenced, scanEntry, s.floor.after(time.Now()), limit)
}

const (
	// There is one row at most after a given head, and none where it is not the newest. A second one waits for the first to commit.
	insertHead = `
INSERT INTO checkpoints (size, previous, root, at) SELECT $1::bigint, $2::bigint, $3::bytea, $4::timestamptz
WHERE coalesce((SELECT max(size) FROM checkpoints), 0) = $2 ON CONFLICT DO NOTHING`

	// Those without a place, in words that do not lead the database through all that wait for one.
	numberEntries = `
UPDATE entries SET leaf_index = $1 + w.n - 1 FROM unnest($2::bigint[]) WITH ORDINALITY AS w (id, n)
WHERE entries.id = w.id AND coalesce(leaf_index, -1) = -1`

	putTile = `
INSERT INTO tiles (level, number, hashes) VALUES ($1, $2, $3)
ON CONFLICT (level, number) DO UPDATE SET hashes = excluded.hashes`
)

// Integrate implements ca.LogStore.
func (s *Store) Integrate(ctx context.Context, batch *ca.Integration) error {
	if err := s.integrate(ctx, batch); err != nil {
		return fmt.Errorf("integrate %d entries after %d: %w", len(batch.Entries), batch.From, err)
	}
	s.floor.numbered(batch.Entries)
	return nil
}

func (s *Store) integrate(ctx context.Context, batch *ca.Integration) error {
	if want := batch.From + int64(len(batch.Entries)); batch.Head.Size != want {
		return fmt.Errorf("the head is of %d leaves, want %d", batch.Head.Size, want)
	}
	if err := exact(batch.At, time.Millisecond); err != nil {
		return err
	}
	return s.inChange(ctx, func(c *change) error {
		err := c.ask(func(b *pgx.Batch) {
			b.Queue(insertHead, batch.Head.Size, batch.From, batch.Head.Root[:], batch.At).Exec(func(done pgconn.CommandTag) error {
				if done.RowsAffected() != 1 {
					return ca.ErrHeadMoved
				}
				return nil
			})
			b.Queue(numberEntries, batch.From, batch.Entries).Exec(func(done pgconn.CommandTag) error {
				if n := done.RowsAffected(); n != int64(len(batch.Entries)) {
					return fmt.Errorf("only %d of them are there and have no place yet", n)
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
		return c.commit(func(b *pgx.Batch) {
			for _, t := range batch.Tiles {
				b.Queue(putTile, t.Level, t.Index, t.Hashes)
			}
		})
	})
}

const selectHead = `SELECT size, root, at, checkpoint FROM checkpoints ORDER BY size DESC LIMIT 1`

// LatestHead implements ca.LogStore.
func (s *Store) LatestHead(ctx context.Context) (*ca.StoredHead, error) {
	head, err := scanHead(s.pool.QueryRow(ctx, selectHead))
	if err != nil {
		return nil, fmt.Errorf("read the head of the log: %w", err)
	}
	return head, nil
}

const publishHead = `
UPDATE checkpoints SET checkpoint = coalesce(checkpoint, $1) WHERE size = $2 RETURNING checkpoint`

// Publish implements ca.LogStore.
func (s *Store) Publish(ctx context.Context, size int64, checkpoint []byte) error {
	var has string
	err := orNotFound(s.pool.QueryRow(ctx, publishHead, string(checkpoint), size).Scan(&has))
	if err == nil && has != string(checkpoint) {
		err = errors.New("the head has another checkpoint")
	}
	if err != nil {
		return fmt.Errorf("publish the checkpoint of %d leaves: %w", size, err)
	}
	return nil
}

const selectInclusion = `
SELECT e.leaf_index, c.checkpoint FROM entries e, LATERAL (
    SELECT checkpoint FROM checkpoints WHERE checkpoint IS NOT NULL AND size > e.leaf_index ORDER BY size DESC LIMIT 1
) AS c WHERE e.id = $1`

// Inclusion implements ca.LogStore.
func (s *Store) Inclusion(ctx context.Context, entryID int64) (*ca.Inclusion, error) {
	var in ca.Inclusion
	var checkpoint string
	if err := s.pool.QueryRow(ctx, selectInclusion, entryID).Scan(&in.LeafIndex, &checkpoint); err != nil {
		return nil, fmt.Errorf("look for entry %d in the log: %w", entryID, orNotFound(err))
	}
	in.Checkpoint = []byte(checkpoint)
	return &in, nil
}

const selectSequenced = `
SELECT id, kind, at, actor, facts, personal, salt, CASE WHEN personal IS NULL THEN personal_sha256 END, leaf_index FROM entries
WHERE leaf_index >= $1 ORDER BY leaf_index LIMIT $2`

// Sequenced implements ca.LogStore.
func (s *Store) Sequenced(ctx context.Context, first int64, limit int) ([]ca.SequencedEntry, error) {
	return list(ctx, s, "list the log", limit, selectSequenced, scanSequenced, first, limit)
}

func scanSequenced(row pgx.CollectableRow) (e ca.SequencedEntry, err error) {
	e.StoredEntry, err = scanEntry(withMore{row, &e.LeafIndex})
	return e, err
}

// withMore scans one column behind those that are asked for.
type withMore struct {
	pgx.CollectableRow
	more any
}

func (w withMore) Scan(dest ...any) error { return w.CollectableRow.Scan(append(dest, w.more)...) }

const selectTiles = `
SELECT substring(t.hashes FOR w.octets) FROM unnest($1::integer[], $2::bigint[], $3::integer[]) WITH ORDINALITY AS w (level, number, octets, n)
JOIN tiles t ON t.level = w.level AND t.number = w.number AND octet_length(t.hashes) >= w.octets ORDER BY w.n`

// Tiles implements tlog.TileReader.
func (s *Store) Tiles(ctx context.Context, ids []tlog.TileID) ([][]byte, error) {
	levels, numbers, octets := make([]int, len(ids)), make([]int64, len(ids)), make([]int, len(ids))
	for i, id := range ids {
		levels[i], numbers[i], octets[i] = id.Level, id.Index, id.Width*tlog.HashSize
	}
	tiles, err := all(ctx, s, fmt.Sprintf("read %d tiles", len(ids)), selectTiles, pgx.RowTo[[]byte], levels, numbers, octets)
	if err == nil && len(tiles) != len(ids) {
		err = fmt.Errorf("read %d tiles: %w: it has only %d of them", len(ids), tlog.ErrDamaged, len(tiles))
	}
	return tiles, err
}
