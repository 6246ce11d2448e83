package tlog

import (
	"encoding/binary"
	"fmt"
)

// MaxLeaf is the greatest length of a leaf in octets: what the length in an entry bundle can say. An entry whose leaf is longer
// cannot enter the log, and NewEntry refuses it before anything is recorded.
const MaxLeaf = 1<<16 - 1

// AppendToBundle appends a leaf to an entry bundle: its length in two octets, most significant first, then its octets (C2SP
// tlog-tiles, Log entries). It is an error beyond MaxLeaf.
func AppendToBundle(bundle, leaf []byte) ([]byte, error) {
	if len(leaf) > MaxLeaf {
		return nil, fmt.Errorf("append to a bundle: a leaf of %d octets, at most %d fit", len(leaf), MaxLeaf)
	}
	return append(binary.BigEndian.AppendUint16(bundle, uint16(len(leaf))), leaf...), nil
}

// ParseBundle gives the leaves of an entry bundle, which must be exactly width. They share the octets of the bundle.
func ParseBundle(bundle []byte, width int) ([][]byte, error) {
	if width < 1 || width > TileWidth {
		return nil, fmt.Errorf("read a bundle of %d leaves, want 1 to %d", width, TileWidth)
	}
	leaves := make([][]byte, 0, width)
	for range width {
		if len(bundle) < 2 {
			return nil, fmt.Errorf("read a bundle: it ends before leaf %d of %d", len(leaves), width)
		}
		n := int(binary.BigEndian.Uint16(bundle))
		bundle = bundle[2:]
		if len(bundle) < n {
			return nil, fmt.Errorf("read a bundle: leaf %d is to be %d octets long and has %d", len(leaves), n, len(bundle))
		}
		leaves = append(leaves, bundle[:n:n])
		bundle = bundle[n:]
	}
	if len(bundle) > 0 {
		return nil, fmt.Errorf("read a bundle: %d octets after leaf %d, the last", len(bundle), width-1)
	}
	return leaves, nil
}
