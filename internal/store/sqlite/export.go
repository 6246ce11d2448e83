package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

var _ ca.ExportStore = (*Store)(nil)

const selectSignedHead = `
SELECT size, root, at, checkpoint FROM checkpoints WHERE checkpoint IS NOT NULL AND (?1 = 0 OR size = ?1) ORDER BY size DESC LIMIT 1`

// SignedHead implements ca.ExportStore.
func (s *Store) SignedHead(ctx context.Context, size int64) (*ca.StoredHead, error) {
	head, err := scanHead(s.reads.signedHead.QueryRowContext(ctx, size))
	if err != nil {
		return nil, fmt.Errorf("read a signed head of the log: %w", err)
	}
	return head, nil
}

const selectLeaves = `
SELECT leaf_index, id, kind, at, actor, facts, personal_sha256, personal, salt FROM entries
WHERE leaf_index >= ? ORDER BY leaf_index LIMIT ?`

// Leaves implements ca.ExportStore.
func (s *Store) Leaves(ctx context.Context, first int64, limit int) ([]ca.StoredLeaf, error) {
	return list(ctx, "list leaves", limit, s.reads.leaves, scanLeaf, first, limit)
}

func scanLeaf(row scanner) (l ca.StoredLeaf, err error) {
	var at int64
	err = row.Scan(&l.LeafIndex, &l.ID, &l.Kind, &at, &l.Actor, (*[]byte)(&l.Facts), &l.PersonalHash, (*[]byte)(&l.Personal), &l.Salt)
	l.At = fromMillis(at)
	return l, err
}

const selectLeavesAbout = `
SELECT leaf_index FROM entries WHERE json_extract(facts, '$.iccsn') = ? AND leaf_index IS NOT NULL ORDER BY leaf_index`

// LeavesAbout implements ca.ExportStore.
func (s *Store) LeavesAbout(ctx context.Context, iccsn string) ([]int64, error) {
	found, err := all(ctx, s.reads.leavesAbout, func(row scanner) (n int64, err error) { return n, row.Scan(&n) }, iccsn)
	if err != nil {
		return nil, fmt.Errorf("list the leaves about a chip: %w", err)
	}
	return found, nil
}

const selectLeavesBetween = `
SELECT coalesce(min(leaf_index), 0), coalesce(max(leaf_index) + 1, 0) FROM entries WHERE at >= ? AND at < ?`

// LeavesBetween implements ca.ExportStore.
func (s *Store) LeavesBetween(ctx context.Context, from, until time.Time) (first, end int64, err error) {
	if err := s.reads.leavesBetween.QueryRowContext(ctx, upMillis(from), upMillis(until)).Scan(&first, &end); err != nil {
		return 0, 0, fmt.Errorf("find the leaves of a time: %w", err)
	}
	return first, end, nil
}

// upMillis gives the first millisecond that is not before t: entries have no finer times.
func upMillis(t time.Time) int64 { return t.Add(time.Millisecond - 1).UnixMilli() }

const selectLeafCertificates = `
SELECT e.leaf_index, t.data FROM entries e JOIN attempts a ON a.end_entry_id = e.id JOIN cards c ON c.attempt = a.number
JOIN certificates t ON t.card = c.number
WHERE e.leaf_index >= ? AND e.leaf_index < ? ORDER BY e.leaf_index, t.position`

// LeafCertificates implements ca.ExportStore.
func (s *Store) LeafCertificates(ctx context.Context, first, end int64) ([]ca.LeafCertificate, error) {
	found, err := all(ctx, s.reads.leafCertificates, func(row scanner) (c ca.LeafCertificate, err error) {
		return c, row.Scan(&c.LeafIndex, &c.Data)
	}, first, end)
	if err != nil {
		return nil, fmt.Errorf("list the certificates of leaves: %w", err)
	}
	return found, nil
}

// scanHead reads a head, or gives ca.ErrNotFound.
func scanHead(row scanner) (*ca.StoredHead, error) {
	var head ca.StoredHead
	var root []byte
	var at int64
	err := row.Scan(&head.Size, &root, &at, &head.Checkpoint)
	if errors.Is(err, sql.ErrNoRows) {
		err = ca.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	head.Root, head.At = tlog.Hash(root), fromMillis(at) // the table keeps roots of 32 octets only
	return &head, nil
}
