package tlog

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/bits"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash in the tree: of a leaf, of an inner node or of the root. 32 octets.
type Hash = sumdb.Hash

// HashSize is the length of a Hash in octets.
const HashSize = sumdb.HashSize

// MaxSize is the greatest number of leaves of a tree: what seven levels of tiles hold. At a million leaves a second it is
// reached after 2,283 years. A number beyond it is always an error, and never an overflow.
const MaxSize = 1<<(tileHeight*levels) - 1

// Head says which tree is meant: how many leaves it has and what its root is. It is what a checkpoint signs.
type Head struct {
	Size int64
	Root Hash
}

// check refuses sizes that the arithmetic is not made for.
func (h Head) check() error {
	if h.Size < 0 || h.Size > MaxSize {
		return fmt.Errorf("tree size %d is not between 0 and %d", h.Size, int64(MaxSize))
	}
	if h.Size == 0 && h.Root != emptyRoot {
		return errors.New("an empty tree with the root of another")
	}
	return nil
}

// emptyRoot is the root of the tree without leaves: the hash of nothing (RFC 6962, Section 2.1).
var emptyRoot = Hash(sha256.Sum256(nil))

// LeafHash is the hash of a leaf: SHA-256(0x00 || leaf) (RFC 6962, Section 2.1).
func LeafHash(leaf []byte) Hash { return sumdb.RecordHash(leaf) }

// Frontier is a tree reduced to what its growth needs: the roots of the largest perfect subtrees that its leaves fill, from
// left to right. These are one for each bit set in the size, so that it is of constant size (1,800 octets), and so is the
// memory of everybody who computes a root over a stream of leaves.
//
//	size 7 = 4+2+1        ∘          peaks: a, b, c
//	                   ┌──┴──┐
//	                   a     ∘       root = H(a, H(b, c))
//	                 ┌─┴─┐  ┌┴┐
//	                 ∘   ∘  b c
//	                ┌┴┐ ┌┴┐┌┴┐│
//	                0 1 2 3 4 5 6
//
// The zero value is the empty tree. A Frontier is not safe for concurrent use; a copy is independent of it.
type Frontier struct {
	size  int64
	peaks [tileHeight * levels]Hash // of the subtree with 1<<i leaves, where bit i of size is set
}

// NewFrontier gives the frontier of a tree from its peaks, those of Peaks. It is an error where they do not give the head's root,
// so that peaks from anywhere are as good as the head is.
func NewFrontier(head Head, peaks []Hash) (*Frontier, error) {
	if err := head.check(); err != nil {
		return nil, fmt.Errorf("resume a tree: %w", err)
	}
	if want := bits.OnesCount64(uint64(head.Size)); len(peaks) != want {
		return nil, fmt.Errorf("resume a tree of %d leaves: %d peaks, want %d", head.Size, len(peaks), want)
	}
	f := &Frontier{size: head.Size}
	for bit := len(f.peaks) - 1; bit >= 0; bit-- {
		if head.Size>>bit&1 == 1 {
			f.peaks[bit], peaks = peaks[0], peaks[1:]
		}
	}
	if f.Head() != head {
		return nil, fmt.Errorf("resume a tree of %d leaves: %w: the peaks are of another tree", head.Size, ErrDamaged)
	}
	return f, nil
}

// Add appends a leaf by its hash. It is an error beyond MaxSize.
func (f *Frontier) Add(leaf Hash) error { return f.add(leaf, nil) }

// add appends a leaf and shows each subtree that the leaf completes, smallest first, by the number of its leaves as a power of two.
func (f *Frontier) add(leaf Hash, completed func(level int, root Hash)) error {
	if f.size >= MaxSize {
		return fmt.Errorf("a tree of %d leaves is full", f.size)
	}
	level := 0
	for {
		if completed != nil {
			completed(level, leaf)
		}
		if f.size>>level&1 == 0 {
			break
		}
		leaf = sumdb.NodeHash(f.peaks[level], leaf)
		level++
	}
	f.peaks[level] = leaf
	f.size++
	return nil
}

// Size is the number of leaves.
func (f *Frontier) Size() int64 { return f.size }

// Head gives the head of the tree as it is now, in at most 55 hashes.
func (f *Frontier) Head() Head {
	if f.size == 0 {
		return Head{Root: emptyRoot}
	}
	left := uint64(f.size)
	root := f.peaks[bits.TrailingZeros64(left)]
	for left &= left - 1; left != 0; left &= left - 1 {
		root = sumdb.NodeHash(f.peaks[bits.TrailingZeros64(left)], root)
	}
	return Head{Size: f.size, Root: root}
}

// Peaks gives the roots of the perfect subtrees, largest first, for NewFrontier.
func (f *Frontier) Peaks() []Hash {
	peaks := make([]Hash, 0, bits.OnesCount64(uint64(f.size)))
	for bit := len(f.peaks) - 1; bit >= 0; bit-- {
		if f.size>>bit&1 == 1 {
			peaks = append(peaks, f.peaks[bit])
		}
	}
	return peaks
}
