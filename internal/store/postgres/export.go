package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

var _ ca.ExportStore = (*Store)(nil)

const selectSignedHead = `
SELECT size, root, at, checkpoint FROM checkpoints WHERE checkpoint IS NOT NULL AND ($1::bigint = 0 OR size = $1) ORDER BY size DESC LIMIT 1`

// SignedHead implements ca.ExportStore.
func (s *Store) SignedHead(ctx context.Context, size int64) (*ca.StoredHead, error) {
	head, err := scanHead(s.pool.QueryRow(ctx, selectSignedHead, size))
	if err != nil {
		return nil, fmt.Errorf("read a signed head of the log: %w", err)
	}
	return head, nil
}

// scanHead reads a head, or gives ca.ErrNotFound.
func scanHead(row pgx.Row) (*ca.StoredHead, error) {
	var head ca.StoredHead
	var root []byte
	var checkpoint *string
	if err := row.Scan(&head.Size, &root, &head.At, &checkpoint); err != nil {
		return nil, orNotFound(err)
	}
	head.Root, head.At = tlog.Hash(root), head.At.UTC() // the table keeps roots of 32 octets only
	if checkpoint != nil {
		head.Checkpoint = []byte(*checkpoint)
	}
	return &head, nil
}

const selectLeaves = `
SELECT leaf_index, id, kind, at, actor, facts, personal_sha256, personal, salt FROM entries
WHERE leaf_index >= $1 ORDER BY leaf_index LIMIT $2`

// Leaves implements ca.ExportStore.
func (s *Store) Leaves(ctx context.Context, first int64, limit int) ([]ca.StoredLeaf, error) {
	return list(ctx, s, "list leaves", limit, selectLeaves, scanLeaf, first, limit)
}

func scanLeaf(row pgx.CollectableRow) (l ca.StoredLeaf, err error) {
	err = row.Scan(&l.LeafIndex, &l.ID, &l.Kind, &l.At, &l.Actor, (*[]byte)(&l.Facts), &l.PersonalHash, (*[]byte)(&l.Personal), &l.Salt)
	l.At = l.At.UTC()
	return l, err
}

const selectLeavesAbout = `
SELECT leaf_index FROM entries WHERE substring(facts::text FROM '"iccsn":"([0-9]{20})"') = $1 AND leaf_index IS NOT NULL ORDER BY leaf_index`

// LeavesAbout implements ca.ExportStore.
func (s *Store) LeavesAbout(ctx context.Context, iccsn string) ([]int64, error) {
	return all(ctx, s, "list the leaves about a chip", selectLeavesAbout, pgx.RowTo[int64], iccsn)
}

const selectLeavesBetween = `
SELECT coalesce(min(leaf_index), 0), coalesce(max(leaf_index) + 1, 0) FROM entries WHERE at >= $1 AND at < $2`

// LeavesBetween implements ca.ExportStore.
func (s *Store) LeavesBetween(ctx context.Context, from, until time.Time) (first, end int64, err error) {
	if err := s.pool.QueryRow(ctx, selectLeavesBetween, up(from), up(until)).Scan(&first, &end); err != nil {
		return 0, 0, fmt.Errorf("find the leaves of a time: %w", err)
	}
	return first, end, nil
}

// up gives the first millisecond that is not before t: entries have no finer times.
func up(t time.Time) time.Time { return t.Add(time.Millisecond - 1).Truncate(time.Millisecond) }

const selectLeafCertificates = `
SELECT e.leaf_index, t.data FROM entries e JOIN attempts a ON a.end_entry_id = e.id JOIN cards c ON c.attempt = a.number
JOIN certificates t ON t.card = c.number
WHERE e.leaf_index >= $1 AND e.leaf_index < $2 ORDER BY e.leaf_index, t.position`

// LeafCertificates implements ca.ExportStore.
func (s *Store) LeafCertificates(ctx context.Context, first, end int64) ([]ca.LeafCertificate, error) {
	return all(ctx, s, "list the certificates of leaves", selectLeafCertificates, pgx.RowToStructByPos[ca.LeafCertificate], first, end)
}
