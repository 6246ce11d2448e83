package tlog

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// A second tree, written from RFC 6962 as it stands there: slow, recursive, and sharing nothing with the package.

// mth is the Merkle Tree Hash (RFC 6962, Section 2.1).
func mth(d [][]byte) Hash {
	switch len(d) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, d[0]...))
	}
	k := split(len(d))
	left, right := mth(d[:k]), mth(d[k:])
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// split is the largest power of two smaller than n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

// path is PATH(m, D[n]), the audit path (RFC 6962, Section 2.1.1).
func path(m int, d [][]byte) Proof {
	if len(d) == 1 {
		return Proof{}
	}
	k := split(len(d))
	if m < k {
		return append(path(m, d[:k]), mth(d[k:]))
	}
	return append(path(m-k, d[k:]), mth(d[:k]))
}

// proof is PROOF(m, D[n]), the consistency proof (RFC 6962, Section 2.1.2).
func proof(m int, d [][]byte) Proof { return subproof(m, d, true) }

func subproof(m int, d [][]byte, whole bool) Proof {
	if m == len(d) {
		if whole {
			return Proof{}
		}
		return Proof{mth(d)}
	}
	k := split(len(d))
	if m <= k {
		return append(subproof(m, d[:k], whole), mth(d[k:]))
	}
	return append(subproof(m-k, d[k:], false), mth(d[:k]))
}

// sampleLeaves gives n leaves, no two alike.
func sampleLeaves(n int) [][]byte {
	leaves := make([][]byte, n)
	for i := range leaves {
		leaves[i] = fmt.Appendf(nil, "leaf %d", i)
	}
	return leaves
}

func headOf(leaves [][]byte) Head { return Head{Size: int64(len(leaves)), Root: mth(leaves)} }

// shelf keeps tiles as a store does: one row for each level and index.
type shelf struct {
	rows  map[[2]int64][]byte
	asked int // tiles in the largest call
}

func newShelf() *shelf { return &shelf{rows: map[[2]int64][]byte{}} }

func (s *shelf) put(tiles []Tile) {
	for _, t := range tiles {
		s.rows[[2]int64{int64(t.Level), t.Index}] = t.Hashes
	}
}

func (s *shelf) Tiles(_ context.Context, ids []TileID) ([][]byte, error) {
	s.asked = max(s.asked, len(ids))
	var out [][]byte
	for _, id := range ids {
		row := s.rows[[2]int64{int64(id.Level), id.Index}]
		if len(row) < id.Width*HashSize {
			return nil, errors.New("no such tile: " + id.Path())
		}
		out = append(out, row[:id.Width*HashSize])
	}
	return out, nil
}

// shelve gives the tiles of a tree with the given leaves.
func shelve(leaves [][]byte) *shelf {
	s, t := newShelf(), &Tree{}
	for _, l := range leaves {
		if err := t.Add(LeafHash(l)); err != nil {
			panic(err)
		}
	}
	s.put(t.Flush())
	return s
}
