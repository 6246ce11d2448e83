package tlog

import (
	"bytes"
	"context"
	"fmt"
)

// Tree appends leaves to a tree that is kept as tiles.
//
// A keeper stores one row for each tile, by level and index, and overwrites the rows of partial tiles. That costs 32.1 octets for each
// leaf, and one row for 255 leaves: 1.2 million rows of 8 KiB for 300 million leaves. (The other way, a row for each node of
// the tree, costs 600 million rows, each with a header and a place in an index several times the hash that it holds, and makes
// each served tile a query of 256 rows.) To append, at most seven rows are read, one for each level, and those that have
// changed are written back; at 300 million leaves it is four. This, and the memory, stay within the same bound whatever the tree
// holds: opening hashes each hash of the edge once more, at most 1,785 of them.
//
// A Tree is for one transaction: open it from the head of the last checkpoint, add the leaves, write what Flush gives together with the
// new head, and drop it. One that outlives a transaction that failed would be ahead of its keeper. It is not safe for
// concurrent use.
type Tree struct {
	frontier Frontier
	edge     [levels][]byte // the partial tile of each level, or what begins with its next hash
	grown    [levels]bool   // since the last Flush
	full     []Tile         // since the last Flush
}

// EdgeTiles names the partial tiles of a tree, lowest level first: at most seven.
func EdgeTiles(size int64) []TileID {
	var ids []TileID
	for level := 0; level < levels; level++ {
		n := size >> (tileHeight * level)
		if width := int(n % TileWidth); width > 0 {
			ids = append(ids, TileID{Level: level, Index: n / TileWidth, Width: width})
		}
	}
	return ids
}

// OpenTree reads the right edge of the tree with the given head. Where the tiles do not give the head's root the error is
// ErrDamaged: nothing may be appended or signed then, and a person must find out which of the two is wrong.
func OpenTree(ctx context.Context, head Head, tiles TileReader) (*Tree, error) {
	if err := head.check(); err != nil {
		return nil, fmt.Errorf("open the tree: %w", err)
	}
	ids := EdgeTiles(head.Size)
	data, err := readTiles(ctx, tiles, ids)
	if err != nil {
		return nil, fmt.Errorf("open the tree of %d leaves: %w", head.Size, err)
	}
	t := &Tree{frontier: Frontier{size: head.Size}}
	for i, id := range ids {
		t.edge[id.Level] = bytes.Clone(data[i])
		t.setPeaks(id.Level, data[i])
	}
	if t.Head() != head {
		return nil, fmt.Errorf("open the tree of %d leaves: %w", head.Size, ErrDamaged)
	}
	return t, nil
}

// setPeaks gives the frontier the perfect subtrees that a partial tile holds, which are as its width in binary.
func (t *Tree) setPeaks(level int, hashes []byte) {
	width := len(hashes) / HashSize
	for bit := tileHeight - 1; bit >= 0; bit-- {
		if width>>bit&1 == 1 {
			octets := HashSize << bit
			t.frontier.peaks[level*tileHeight+bit] = tileRoot(hashes[:octets])
			hashes = hashes[octets:]
		}
	}
}

// Add appends a leaf by its hash. It is an error beyond MaxSize.
func (t *Tree) Add(leaf Hash) error { return t.frontier.add(leaf, t.completed) }

// completed puts the subtrees that belong in a tile there.
func (t *Tree) completed(level int, root Hash) {
	if level%tileHeight != 0 {
		return
	}
	l := level / tileHeight
	t.edge[l] = append(t.edge[l], root[:]...)
	t.grown[l] = true
	if len(t.edge[l]) == tileOctets {
		index := t.frontier.size >> (tileHeight * (l + 1)) // the size does not count the new leaf yet
		t.full = append(t.full, Tile{TileID{Level: l, Index: index, Width: TileWidth}, t.edge[l]})
		t.edge[l], t.grown[l] = nil, false
	}
}

// Head gives the head of the tree as it is now.
func (t *Tree) Head() Head { return t.frontier.Head() }

// Flush gives the tiles that are new or have grown since the tree was opened or last flushed, each once. A keeper that has a tile of the
// same level and index replaces it. The tiles are the caller's.
func (t *Tree) Flush() []Tile {
	out := t.full
	t.full = nil
	for _, id := range EdgeTiles(t.frontier.size) {
		if t.grown[id.Level] {
			out = append(out, Tile{id, bytes.Clone(t.edge[id.Level])})
		}
	}
	t.grown = [levels]bool{}
	return out
}
