package tlog

import (
	"errors"
	"slices"
	"testing"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// provable are the sizes at which every proof is made: all small ones, and those around full tiles.
func provable() []int {
	sizes := []int{254, 255, 256, 257, 300, 511, 512, 513}
	for n := range 70 {
		sizes = append(sizes, n)
	}
	return sizes
}

// TestInclusionProofs makes the proof of every leaf, compares it with RFC 6962 and with package sumdb, and checks it.
func TestInclusionProofs(t *testing.T) {
	all := sampleLeaves(513)
	store, stored := shelve(all), sumdbHashes(t, all)
	for _, size := range provable() {
		head := headOf(all[:size])
		for m := range size {
			want := path(m, all[:size])
			got, err := ProveInclusion(t.Context(), head, int64(m), store)
			if err != nil || !slices.Equal(got, want) {
				t.Fatalf("proof of %d in %d is %v, %v, want %v", m, size, got, err, want)
			}
			if other, err := sumdb.ProveRecord(int64(size), int64(m), stored); err != nil || !slices.Equal(Proof(other), got) {
				t.Fatalf("proof of %d in %d is %v, package sumdb has %v, %v", m, size, got, other, err)
			}
			if err := CheckInclusion(got, head, int64(m), LeafHash(all[m])); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestConsistencyProofs makes the proof from every size, compares it as above, checks it, and does without it what it does.
func TestConsistencyProofs(t *testing.T) {
	all := sampleLeaves(513)
	store, stored := shelve(all), sumdbHashes(t, all)
	for _, size := range provable() {
		head := headOf(all[:size])
		for m := range size + 1 {
			got, err := ProveConsistency(t.Context(), head, int64(m), store)
			if err != nil {
				t.Fatal(err)
			}
			if m > 0 { // neither RFC 6962 nor package sumdb has proofs from nothing
				want := proof(m, all[:size])
				other, err := sumdb.ProveTree(int64(size), int64(m), stored)
				if err != nil || !slices.Equal(got, want) || !slices.Equal(Proof(other), got) {
					t.Fatalf("proof of %d in %d is %v, want %v, package sumdb has %v, %v", m, size, got, want, other, err)
				}
			}
			earlier := headOf(all[:m])
			if err := CheckConsistency(got, earlier, head); err != nil {
				t.Fatal(err)
			}
			if err := CheckGrown(t.Context(), earlier, head, store); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestFrontierAt goes back to every size and grows again from there.
func TestFrontierAt(t *testing.T) {
	all := sampleLeaves(530)
	store, head := shelve(all), headOf(all)
	for size := range len(all) + 1 {
		f, err := FrontierAt(t.Context(), head, int64(size), store)
		if err != nil {
			t.Fatal(err)
		}
		if want := headOf(all[:size]); f.Head() != want {
			t.Fatalf("head at %d is %v, want %v", size, f.Head(), want)
		}
		for _, l := range all[size:] {
			if err := f.Add(LeafHash(l)); err != nil {
				t.Fatal(err)
			}
		}
		if f.Head() != head {
			t.Fatalf("grown again from %d the head is %v, want %v", size, f.Head(), head)
		}
	}
}

// TestAProofAsksForFewTiles holds the numbers that TileReader states.
func TestAProofAsksForFewTiles(t *testing.T) {
	all := sampleLeaves(66_000)
	store := shelve(all)
	f := &Frontier{}
	for _, l := range all {
		_ = f.Add(LeafHash(l))
	}
	for _, index := range []int64{0, 255, 256, 40_000, 65_535, 65_536, 65_999} {
		if _, err := ProveInclusion(t.Context(), f.Head(), index, store); err != nil {
			t.Fatal(err)
		}
		if _, err := ProveConsistency(t.Context(), f.Head(), index, store); err != nil {
			t.Fatal(err)
		}
	}
	if store.asked > 6 {
		t.Errorf("one proof asked for %d tiles, want at most two for each of 3 levels", store.asked)
	}
}

// TestWrongProofsAreRefused changes one thing at a time of what was proven.
func TestWrongProofsAreRefused(t *testing.T) {
	all := sampleLeaves(40)
	store := shelve(all)
	for size := 2; size <= len(all); size++ {
		head := headOf(all[:size])
		for m := range size {
			p, err := ProveInclusion(t.Context(), head, int64(m), store)
			if err != nil {
				t.Fatal(err)
			}
			leaf, n := LeafHash(all[m]), int64(m)
			for i, wrong := range changed(p) {
				if err := CheckInclusion(wrong, head, n, leaf); !errors.Is(err, ErrProof) {
					t.Fatalf("%d in %d, change %d of the proof: error is %v, want ErrProof", m, size, i, err)
				}
			}
			for name, err := range map[string]error{
				"other leaf":        CheckInclusion(p, head, n, flip(leaf)),
				"other root":        CheckInclusion(p, Head{head.Size, flip(head.Root)}, n, leaf),
				"next index":        CheckInclusion(p, head, n+1, leaf),
				"index before":      CheckInclusion(p, head, n-1, leaf),
				"index at the end":  CheckInclusion(p, head, head.Size, leaf),
				"size beyond bound": CheckInclusion(p, Head{MaxSize + 1, head.Root}, n, leaf),
				"greatest size":     CheckInclusion(p, Head{1<<63 - 1, head.Root}, n, leaf),
				"negative size":     CheckInclusion(p, Head{-1, head.Root}, n, leaf),
				"no tree":           CheckInclusion(p, Head{0, head.Root}, n, leaf),
			} {
				if !errors.Is(err, ErrProof) {
					t.Fatalf("%d in %d, %s: error is %v, want ErrProof", m, size, name, err)
				}
			}
		}
	}
}

// TestWrongConsistencyIsRefused changes one thing at a time.
func TestWrongConsistencyIsRefused(t *testing.T) {
	all := sampleLeaves(40)
	store := shelve(all)
	for size := 2; size <= len(all); size++ {
		later := headOf(all[:size])
		for m := 1; m < size; m++ {
			earlier := headOf(all[:m])
			p, err := ProveConsistency(t.Context(), later, int64(m), store)
			if err != nil {
				t.Fatal(err)
			}
			for i, wrong := range changed(p) {
				if err := CheckConsistency(wrong, earlier, later); !errors.Is(err, ErrProof) {
					t.Fatalf("%d in %d, change %d of the proof: error is %v, want ErrProof", m, size, i, err)
				}
			}
			for _, c := range []struct {
				name           string
				earlier, later Head
				want           error
			}{
				{"other earlier root", Head{earlier.Size, flip(earlier.Root)}, later, ErrProof},
				{"other later root", earlier, Head{later.Size, flip(later.Root)}, ErrProof},
				{"exchanged", later, earlier, ErrBackwards},
				{"earlier beyond bound", Head{MaxSize + 1, earlier.Root}, later, ErrProof},
				{"later beyond bound", earlier, Head{1<<63 - 1, later.Root}, ErrProof},
				{"earlier empty with a root", Head{0, earlier.Root}, later, ErrProof},
				{"earlier really empty", headOf(nil), later, ErrProof},
				{"one size, two roots", Head{later.Size, earlier.Root}, later, ErrForked},
			} {
				if err := CheckConsistency(p, c.earlier, c.later); !errors.Is(err, c.want) {
					t.Fatalf("%d in %d, %s: error is %v, want %v", m, size, c.name, err, c.want)
				}
			}
		}
	}
}

// TestWrongSizes: sizes and indexes that a tree does not have are errors before a tile is read.
func TestWrongSizes(t *testing.T) {
	none := reader(func([]TileID) ([][]byte, error) { panic("a tile was read") })
	head := headOf(sampleLeaves(5))
	for _, n := range []int64{-1, 6, 1 << 62} {
		_, inclusion := ProveInclusion(t.Context(), head, n, none)
		_, consistency := ProveConsistency(t.Context(), head, n, none)
		_, frontier := FrontierAt(t.Context(), head, n, none)
		if inclusion == nil || consistency == nil || frontier == nil {
			t.Errorf("%d in a tree of 5: errors are %v, %v, %v, want all", n, inclusion, consistency, frontier)
		}
	}
	huge := Head{Size: 1<<63 - 1}
	_, inclusion := ProveInclusion(t.Context(), huge, 1, none)
	_, consistency := ProveConsistency(t.Context(), huge, 1, none)
	_, frontier := FrontierAt(t.Context(), huge, 1<<62, none)
	if inclusion == nil || consistency == nil || frontier == nil {
		t.Errorf("a tree of 2^63-1: errors are %v, %v, %v, want all", inclusion, consistency, frontier)
	}
}

// TestProofsComeFromCheckedTiles: a changed hash in any tile that a proof needs is found before the proof leaves.
func TestProofsComeFromCheckedTiles(t *testing.T) {
	all := sampleLeaves(600)
	head := headOf(all)
	for _, id := range []TileID{{0, 0, 256}, {0, 1, 256}, {0, 2, 88}, {1, 0, 2}} {
		store := shelve(all)
		store.rows[[2]int64{int64(id.Level), id.Index}][0] ^= 1
		index := id.Index*TileWidth + 1
		if id.Level == 1 {
			index = 0
		}
		_, inclusion := ProveInclusion(t.Context(), head, index, store)
		_, consistency := ProveConsistency(t.Context(), head, index+2, store)
		_, frontier := FrontierAt(t.Context(), head, index+2, store)
		for _, err := range []error{inclusion, consistency, frontier, CheckGrown(t.Context(), headOf(all[:index+2]), head, store)} {
			if !errors.Is(err, ErrDamaged) {
				t.Errorf("%s changed: error is %v, want ErrDamaged", id.Path(), err)
			}
		}
	}
}

// TestCheckGrown names what a server must not sign after.
func TestCheckGrown(t *testing.T) {
	all := sampleLeaves(600)
	head, store := headOf(all), shelve(all)
	for _, c := range []struct {
		name    string
		earlier Head
		want    error
	}{
		{"an older backup was restored", headOf(sampleLeaves(601)), ErrBackwards},
		{"another history of the same length", Head{600, Hash{1}}, ErrForked},
		{"another history", Head{300, Hash{1}}, ErrForked},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := CheckGrown(t.Context(), c.earlier, head, store); !errors.Is(err, c.want) {
				t.Errorf("error is %v, want %v", err, c.want)
			}
		})
	}
	if err := CheckGrown(t.Context(), Head{Size: -1}, head, store); err == nil {
		t.Error("a head of -1 leaves was taken")
	}
}

// changed gives a proof with each hash changed, each left out, and one more at either end.
func changed(p Proof) []Proof {
	out := []Proof{slices.Insert(slices.Clone(p), 0, Hash{}), append(slices.Clone(p), Hash{})}
	for i := range p {
		other := slices.Clone(p)
		other[i] = flip(other[i])
		out = append(out, other, slices.Delete(slices.Clone(p), i, i+1))
	}
	return out
}

func flip(h Hash) Hash {
	h[17] ^= 4
	return h
}
