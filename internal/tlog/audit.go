package tlog

import (
	"errors"
	"fmt"
	"iter"
)

// ErrLeaves says that leaves are not those that a head stands for: one was changed, removed, added or moved.
var ErrLeaves = errors.New("the leaves are not those of the head")

// VerifyLeaves tells whether leaves, one after the other, lead from a tree to the head want: from the empty tree, a new Frontier,
// where all leaves are there, or from an earlier one. It reads no further than it must, in constant memory. Where they do not, the
// error is ErrLeaves, and says whether their number or their content differs; an error of the sequence ends it and is given. The
// frontier is at the last leaf read afterwards.
func VerifyLeaves(from *Frontier, leaves iter.Seq2[[]byte, error], want Head) error {
	if err := want.check(); err != nil {
		return fmt.Errorf("verify leaves: %w", err)
	}
	if from.Size() > want.Size {
		return fmt.Errorf("verify leaves from %d to %d: %w", from.Size(), want.Size, ErrBackwards)
	}
	for leaf, err := range leaves {
		if err != nil {
			return fmt.Errorf("verify leaf %d: %w", from.Size(), err)
		}
		if from.Size() == want.Size {
			return fmt.Errorf("verify leaves: there are more than %d: %w", want.Size, ErrLeaves)
		}
		if err := from.Add(LeafHash(leaf)); err != nil {
			return fmt.Errorf("verify leaf %d: %w", from.Size(), err)
		}
	}
	if from.Size() < want.Size {
		return fmt.Errorf("verify leaves: they end after %d of %d: %w", from.Size(), want.Size, ErrLeaves)
	}
	if from.Head() != want {
		return fmt.Errorf("verify %d leaves: their root is %s, want %s: %w", want.Size, from.Head().Root, want.Root, ErrLeaves)
	}
	return nil
}
