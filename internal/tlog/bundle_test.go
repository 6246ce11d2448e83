package tlog

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"
)

// TestBundleOctets has the octets as C2SP tlog-tiles, Log entries, describes them.
func TestBundleOctets(t *testing.T) {
	var bundle []byte
	for _, leaf := range [][]byte{[]byte("ab"), {}, bytes.Repeat([]byte{7}, 258)} {
		var err error
		if bundle, err = AppendToBundle(bundle, leaf); err != nil {
			t.Fatal(err)
		}
	}
	want := "00026162" + "0000" + "0102" + strings.Repeat("07", 258)
	if got := hex.EncodeToString(bundle); got != want {
		t.Errorf("bundle is %s, want %s", got, want)
	}
	leaves, err := ParseBundle(bundle, 3)
	if err != nil || string(leaves[0]) != "ab" || len(leaves[1]) != 0 || len(leaves[2]) != 258 {
		t.Errorf("leaves are %q, %v", leaves, err)
	}
	// Appending to a leaf must not write over its neighbour.
	_ = append(leaves[0], 'x', 'x', 'x')
	if got := hex.EncodeToString(bundle); got != want {
		t.Errorf("bundle is %s afterwards, want %s", got, want)
	}
}

// TestBundleRefuses every bundle that is not whole.
func TestBundleRefuses(t *testing.T) {
	for _, c := range []struct {
		name, bundle string
		width        int
		want         string
	}{
		{"one leaf too few", "000161", 2, "ends before leaf 1 of 2"},
		{"one leaf too many", "000161000162", 1, "3 octets after leaf 0"},
		{"half a length", "00016100", 2, "ends before leaf 1"},
		{"a leaf that is cut off", "000261", 1, "is to be 2 octets long and has 1"},
		{"no leaf", "", 0, "want 1 to 256"},
		{"more leaves than a bundle has", "", 257, "want 1 to 256"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := hex.DecodeString(c.bundle)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ParseBundle(raw, c.width); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
	if _, err := AppendToBundle(nil, make([]byte, MaxLeaf)); err != nil {
		t.Errorf("a leaf of the greatest length: %v", err)
	}
	if _, err := AppendToBundle(nil, make([]byte, MaxLeaf+1)); err == nil {
		t.Error("a leaf that no length can say was taken")
	}
}

// FuzzParseBundle: leaves that are taken are those that are written.
func FuzzParseBundle(f *testing.F) {
	f.Add([]byte("\x00\x02ab\x00\x00"), 2)
	f.Add([]byte("\x00\x02a"), 1)
	f.Fuzz(func(t *testing.T, bundle []byte, width int) {
		leaves, err := ParseBundle(bundle, width)
		if err != nil {
			return
		}
		var again []byte
		for _, l := range leaves {
			if again, err = AppendToBundle(again, l); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(again, bundle) || len(leaves) != width {
			t.Errorf("%x, %d leaves, is written %x", bundle, width, again)
		}
	})
}
