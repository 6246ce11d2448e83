package tlog

import (
	"context"
	"errors"
	"fmt"
	"math/bits"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// The errors that say that something is not as it was signed or stored. Each is for a person to look into; trying again does
// not help.
var (
	// ErrDamaged says that stored tiles do not give the root that belongs to them.
	ErrDamaged = errors.New("the stored tree does not give its root")
	// ErrProof says that a proof does not prove what it was given for.
	ErrProof = errors.New("the proof fails")
	// ErrBackwards says that a head that came later has fewer leaves: something was removed, or an old backup restored.
	ErrBackwards = errors.New("the log went backwards")
	// ErrForked says that two heads cannot both be of one log that only ever grows.
	ErrForked = errors.New("the log was changed in what it had already shown")
)

// Proof is a list of hashes: an audit path or a consistency proof (RFC 6962, Sections 2.1.1 and 2.1.2), in the order of
// these sections. At most 57 hashes.
type Proof []Hash

// ProveInclusion gives the proof that the leaf with the given index, from 0, is in the tree with the given head. The tiles that it is
// made from are checked against the head; ErrDamaged says that they are of another tree.
func ProveInclusion(ctx context.Context, head Head, index int64, tiles TileReader) (Proof, error) {
	if index < 0 || index >= head.Size {
		return nil, fmt.Errorf("prove inclusion: leaf %d is not in a tree of %d leaves", index, head.Size)
	}
	var p sumdb.RecordProof
	err := readHashes(ctx, head, tiles, func(r sumdb.HashReader) (err error) {
		p, err = sumdb.ProveRecord(head.Size, index, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove inclusion of leaf %d: %w", index, err)
	}
	return Proof(p), nil
}

// ProveConsistency gives the proof that the tree with the given head begins with the leaves of the tree of the smaller size old.
// Tiles are checked as for ProveInclusion.
func ProveConsistency(ctx context.Context, head Head, old int64, tiles TileReader) (Proof, error) {
	if old < 0 || old > head.Size {
		return nil, fmt.Errorf("prove consistency: a tree of %d leaves does not begin one of %d", old, head.Size)
	}
	if old == 0 {
		return Proof{}, nil // everything begins with nothing, and that needs no hash
	}
	var p sumdb.TreeProof
	err := readHashes(ctx, head, tiles, func(r sumdb.HashReader) (err error) {
		p, err = sumdb.ProveTree(head.Size, old, r)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove consistency with %d leaves: %w", old, err)
	}
	return Proof(p), nil
}

// CheckInclusion tells whether p proves that the leaf with the given index and hash is in the tree with the given head. Where it does
// not, the error is ErrProof.
func CheckInclusion(p Proof, head Head, index int64, leaf Hash) error {
	if err := head.check(); err != nil {
		return fmt.Errorf("check inclusion of leaf %d: %w: %w", index, ErrProof, err)
	}
	if err := sumdb.CheckRecord(sumdb.RecordProof(p), head.Size, head.Root, index, leaf); err != nil {
		return fmt.Errorf("check inclusion of leaf %d in %d: %w", index, head.Size, ErrProof)
	}
	return nil
}

// CheckConsistency tells whether p proves that the later head's tree begins with the leaves of the earlier one's. The errors: ErrBackwards,
// ErrForked where the sizes are equal and the roots are not, which no proof can heal, and ErrProof.
func CheckConsistency(p Proof, earlier, later Head) error {
	if err := errors.Join(earlier.check(), later.check()); err != nil {
		return fmt.Errorf("check consistency: %w: %w", ErrProof, err)
	}
	if later.Size < earlier.Size {
		return fmt.Errorf("from %d leaves to %d: %w", earlier.Size, later.Size, ErrBackwards)
	}
	if later.Size == earlier.Size && later.Root != earlier.Root {
		return fmt.Errorf("two roots of %d leaves: %w", later.Size, ErrForked)
	}
	if earlier.Size == 0 && len(p) == 0 {
		return nil
	}
	if earlier.Size == 0 || sumdb.CheckTree(sumdb.TreeProof(p), later.Size, later.Root, earlier.Size, earlier.Root) != nil {
		return fmt.Errorf("check consistency of %d leaves with %d: %w", earlier.Size, later.Size, ErrProof)
	}
	return nil
}

// FrontierAt gives the frontier that the tree with the given head had when it had size leaves. Tiles are checked as for
// ProveInclusion.
func FrontierAt(ctx context.Context, head Head, size int64, tiles TileReader) (*Frontier, error) {
	if err := head.check(); err != nil {
		return nil, fmt.Errorf("go back to %d leaves: %w", size, err)
	}
	if size < 0 || size > head.Size {
		return nil, fmt.Errorf("go back to %d leaves of a tree of %d", size, head.Size)
	}
	f := &Frontier{size: size}
	if size == 0 {
		return f, nil
	}
	indexes := make([]int64, 0, bits.OnesCount64(uint64(size)))
	for left := uint64(size); left != 0; left &= left - 1 {
		bit := bits.TrailingZeros64(left)
		indexes = append(indexes, sumdb.StoredHashIndex(bit, size>>bit-1))
	}
	err := readHashes(ctx, head, tiles, func(r sumdb.HashReader) error {
		hashes, err := r.ReadHashes(indexes)
		for left := uint64(size); err == nil && left != 0; left &= left - 1 {
			f.peaks[bits.TrailingZeros64(left)], hashes = hashes[0], hashes[1:]
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("go back to %d leaves: %w", size, err)
	}
	return f, nil
}

// CheckGrown tells whether the tree with the given head has grown out of an earlier one, with its tiles at hand and no proof. The
// errors: ErrBackwards, ErrForked, and ErrDamaged. A server that finds any of them must not sign.
func CheckGrown(ctx context.Context, earlier, head Head, tiles TileReader) error {
	if err := earlier.check(); err != nil {
		return fmt.Errorf("check an earlier head: %w", err)
	}
	if head.Size < earlier.Size {
		return fmt.Errorf("from %d leaves to %d: %w", earlier.Size, head.Size, ErrBackwards)
	}
	was, err := FrontierAt(ctx, head, earlier.Size, tiles)
	if err != nil {
		return err
	}
	if was.Head() != earlier {
		return fmt.Errorf("at %d leaves: %w", earlier.Size, ErrForked)
	}
	return nil
}

// readHashes lets read have nodes of a tree, all of which are checked against its head.
func readHashes(ctx context.Context, head Head, tiles TileReader, read func(sumdb.HashReader) error) error {
	if err := head.check(); err != nil {
		return err
	}
	src := &source{ctx: ctx, tiles: tiles}
	err := read(sumdb.TileHashReader(sumdb.Tree{N: head.Size, Hash: head.Root}, src))
	if src.err != nil {
		return src.err
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}

// source makes a TileReader of ours one of package sumdb.
type source struct {
	ctx   context.Context // of the one call that the source is for
	tiles TileReader
	err   error // of the reader; every other error is about what it read
}

// Height implements sumdb.TileReader.
func (s *source) Height() int { return tileHeight }

// ReadTiles implements sumdb.TileReader.
func (s *source) ReadTiles(want []sumdb.Tile) ([][]byte, error) {
	ids := make([]TileID, len(want))
	for i, t := range want {
		ids[i] = TileID{Level: t.L, Index: t.N, Width: t.W}
	}
	data, err := readTiles(s.ctx, s.tiles, ids)
	s.err = err
	return data, err
}

// SaveTiles implements sumdb.TileReader. Nothing is kept.
func (s *source) SaveTiles([]sumdb.Tile, [][]byte) {}

var _ sumdb.TileReader = (*source)(nil)
