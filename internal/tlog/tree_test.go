package tlog

import (
	"errors"
	"strings"
	"testing"
)

// TestFrontierAgreesWithRFC6962 compares the root at every size, and resumes the tree there from its peaks.
func TestFrontierAgreesWithRFC6962(t *testing.T) {
	leaves := sampleLeaves(600)
	f := &Frontier{}
	for n := 0; ; n++ {
		want := headOf(leaves[:n])
		if got := f.Head(); got != want {
			t.Fatalf("head of %d leaves is %v, want %v", n, got, want)
		}
		resumed, err := NewFrontier(want, f.Peaks())
		if err != nil || *resumed != (Frontier{int64(n), keep(f)}) {
			t.Fatalf("resumed at %d: %v, %v", n, resumed, err)
		}
		if n == len(leaves) {
			return
		}
		if err := f.Add(LeafHash(leaves[n])); err != nil {
			t.Fatal(err)
		}
	}
}

// keep gives the peaks that count: those of bits that are not set are left over from earlier sizes.
func keep(f *Frontier) (peaks [tileHeight * levels]Hash) {
	for bit := range peaks {
		if f.size>>bit&1 == 1 {
			peaks[bit] = f.peaks[bit]
		}
	}
	return peaks
}

// TestNewFrontierRefuses peaks that are not those of the head.
func TestNewFrontierRefuses(t *testing.T) {
	f := &Frontier{}
	for _, l := range sampleLeaves(13) { // 8+4+1
		if err := f.Add(LeafHash(l)); err != nil {
			t.Fatal(err)
		}
	}
	head, peaks := f.Head(), f.Peaks()
	for i := range peaks {
		changed := f.Peaks()
		changed[i][31] ^= 1
		if _, err := NewFrontier(head, changed); !errors.Is(err, ErrDamaged) {
			t.Errorf("peak %d changed: error is %v, want ErrDamaged", i, err)
		}
	}
	for _, c := range []struct {
		name  string
		head  Head
		peaks []Hash
		want  string
	}{
		{"one too few", head, peaks[1:], "2 peaks, want 3"},
		{"one too many", head, append(f.Peaks(), Hash{}), "4 peaks, want 3"},
		{"negative size", Head{-1, head.Root}, peaks, "not between"},
		{"beyond the greatest size", Head{MaxSize + 1, head.Root}, peaks, "not between"},
		{"empty with a root", Head{0, head.Root}, nil, "root of another"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := NewFrontier(c.head, c.peaks); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestTreeEndsAtMaxSize: the last leaf enters, the next is an error and changes nothing.
func TestTreeEndsAtMaxSize(t *testing.T) {
	f := &Frontier{size: MaxSize - 1}
	if err := f.Add(Hash{1}); err != nil {
		t.Fatal(err)
	}
	before := f.Head()
	if err := f.Add(Hash{2}); err == nil {
		t.Error("a leaf beyond MaxSize was taken")
	}
	if got := f.Head(); got != before || got.Size != MaxSize {
		t.Errorf("head is %v, want %v", got, before)
	}
}
