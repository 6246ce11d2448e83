package tlog

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
)

// stream gives leaves one after the other.
func stream(leaves [][]byte) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		for _, l := range leaves {
			if !yield(l, nil) {
				return
			}
		}
	}
}

// TestVerifyLeaves from nothing and from every earlier head, at sizes around powers of two.
func TestVerifyLeaves(t *testing.T) {
	all := sampleLeaves(70)
	for size := range len(all) + 1 {
		head := headOf(all[:size])
		from := &Frontier{}
		for begin := 0; ; begin++ {
			resumed := *from
			if err := VerifyLeaves(&resumed, stream(all[begin:size]), head); err != nil || resumed.Head() != head {
				t.Fatalf("%d to %d: %v", begin, size, err)
			}
			if begin == size {
				break
			}
			if err := from.Add(LeafHash(all[begin])); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestTamperedLeavesAreRefused makes every single change to a log of every size up to 40: a leaf changed, left out, doubled, put in,
// exchanged with its neighbour; the root, the size, and the order of all.
func TestTamperedLeavesAreRefused(t *testing.T) {
	for size := 1; size <= 40; size++ {
		leaves := sampleLeaves(size)
		head := headOf(leaves)
		refused := func(what string, leaves [][]byte, head Head) {
			t.Helper()
			if err := VerifyLeaves(&Frontier{}, stream(leaves), head); !errors.Is(err, ErrLeaves) {
				t.Fatalf("size %d, %s: error is %v, want ErrLeaves", size, what, err)
			}
		}
		for i := range leaves {
			changed := slices.Clone(leaves)
			changed[i] = []byte("another")
			refused("changed", changed, head)
			longer := slices.Clone(leaves)
			longer[i] = append(slices.Clone(leaves[i]), 0)
			refused("longer by an octet", longer, head)
			refused("left out", slices.Delete(slices.Clone(leaves), i, i+1), head)
			refused("doubled", slices.Insert(slices.Clone(leaves), i, leaves[i]), head)
			refused("put in", slices.Insert(slices.Clone(leaves), i, []byte("another")), head)
			if i > 0 {
				swapped := slices.Clone(leaves)
				swapped[i-1], swapped[i] = swapped[i], swapped[i-1]
				refused("exchanged", swapped, head)
			}
		}
		refused("the root changed", leaves, Head{head.Size, flip(head.Root)})
		refused("a leaf more promised", leaves, Head{head.Size + 1, head.Root})
		if size > 1 {
			refused("a leaf less promised", leaves, Head{head.Size - 1, head.Root})
		}
		// The two hashes of a node as one leaf: RFC 6962 tells leaves and nodes apart by their first octet.
		if size == 2 {
			a, b := LeafHash(leaves[0]), LeafHash(leaves[1])
			refused("a node as a leaf", [][]byte{slices.Concat([]byte{1}, a[:], b[:])}, Head{1, head.Root})
		}
	}
}

// TestVerifyLeavesStops: at an error of the sequence, which comes through, and at the first leaf too many.
func TestVerifyLeavesStops(t *testing.T) {
	cut := errors.New("the file ends within a line")
	broken := func(yield func([]byte, error) bool) { _ = yield([]byte("leaf 0"), nil) && yield(nil, cut) }
	if err := VerifyLeaves(&Frontier{}, broken, headOf(sampleLeaves(2))); !errors.Is(err, cut) || !strings.Contains(err.Error(), "leaf 1") {
		t.Errorf("error is %v, want the one of the sequence at leaf 1", err)
	}
	endless := func(yield func([]byte, error) bool) {
		for yield([]byte("again"), nil) {
		}
	}
	if err := VerifyLeaves(&Frontier{}, endless, headOf(sampleLeaves(2))); !errors.Is(err, ErrLeaves) {
		t.Errorf("error is %v, want ErrLeaves", err)
	}
	if err := VerifyLeaves(&Frontier{size: 3}, endless, headOf(sampleLeaves(2))); !errors.Is(err, ErrBackwards) {
		t.Errorf("error is %v, want ErrBackwards", err)
	}
	if err := VerifyLeaves(&Frontier{}, endless, Head{Size: MaxSize + 1}); err == nil {
		t.Error("a head beyond MaxSize was taken")
	}
}

// TestPeriodIsVerified does what an auditor does who has an earlier checkpoint and a later one, and the leaves between some moments
// in between: peaks from the export lead over its leaves to a head that a proof connects with what was signed.
func TestPeriodIsVerified(t *testing.T) {
	all := sampleLeaves(700)
	store, signed := shelve(all), headOf(all)
	const begin, end = 300, 555
	at, err := FrontierAt(t.Context(), signed, begin, store)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := ProveConsistency(t.Context(), signed, end, store)
	if err != nil {
		t.Fatal(err)
	}
	verify := func(peaks []Hash, leaves [][]byte) error {
		f, err := NewFrontier(at.Head(), peaks)
		if err != nil {
			return err
		}
		for _, l := range leaves {
			if err := f.Add(LeafHash(l)); err != nil {
				return err
			}
		}
		return CheckConsistency(proof, f.Head(), signed)
	}
	if err := verify(at.Peaks(), all[begin:end]); err != nil {
		t.Error(err)
	}
	for i := begin; i < end; i += 51 {
		spoilt := slices.Clone(all[begin:end])
		spoilt[i-begin] = []byte("another")
		if err := verify(at.Peaks(), spoilt); !errors.Is(err, ErrProof) {
			t.Errorf("leaf %d changed: error is %v, want ErrProof", i, err)
		}
	}
}
