package tlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"iter"
	"runtime"
	"testing"
)

// numbered gives n leaves of 4 KiB, about as long as that of a card with ten certificates, all different and in the same buffer, so that
// what is measured is not the making of them.
func numbered(n int64) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		buf := bytes.Repeat([]byte{'x'}, 4096)
		for i := range n {
			binary.BigEndian.PutUint64(buf, uint64(i))
			if !yield(buf, nil) {
				return
			}
		}
	}
}

// standIn gives tiles of a tree of any size, all of whose hashes are the same: so large a tree needs no store.
type standIn struct{}

func (standIn) Tiles(_ context.Context, ids []TileID) ([][]byte, error) {
	out := make([][]byte, len(ids))
	for i, id := range ids {
		out[i] = bytes.Repeat(bytes.Repeat([]byte{byte(id.Level + 1)}, HashSize), id.Width)
	}
	return out, nil
}

// headOfStandIn gives the head that the tiles of standIn give.
func headOfStandIn(b *testing.B, size int64) Head {
	b.Helper()
	t := &Tree{frontier: Frontier{size: size}}
	ids := EdgeTiles(size)
	data, err := standIn{}.Tiles(b.Context(), ids)
	if err != nil {
		b.Fatal(err)
	}
	for i, id := range ids {
		t.setPeaks(id.Level, data[i])
	}
	return t.Head()
}

// BenchmarkAppend appends in batches as the sequencer does: open the tree, add 100 leaves of 4 KiB, flush, head. What a leaf costs must not
// depend on the size of the log.
func BenchmarkAppend(b *testing.B) {
	const batch = 100
	for _, size := range []int64{0, 1_000_001, 300_000_001} {
		b.Run(fmt.Sprintf("on=%d", size), func(b *testing.B) {
			head := headOfStandIn(b, size)
			leaf := make([]byte, 4096)
			var octets, leaves int
			b.ReportAllocs()
			for b.Loop() {
				t, err := OpenTree(b.Context(), head, standIn{})
				if err != nil {
					b.Fatal(err)
				}
				for range batch {
					if err := t.Add(LeafHash(leaf)); err != nil {
						b.Fatal(err)
					}
				}
				for _, tile := range t.Flush() {
					octets += len(tile.Hashes)
				}
				t.Head()
				leaves += batch
			}
			b.ReportMetric(float64(leaves)/b.Elapsed().Seconds(), "leaves/s")
			b.ReportMetric(float64(octets)/float64(leaves), "tile-B/leaf")
		})
	}
}

// BenchmarkVerifyLeaves verifies a stream of leaves of 4 KiB, and watches the heap meanwhile.
func BenchmarkVerifyLeaves(b *testing.B) {
	for _, size := range []int64{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("leaves=%d", size), func(b *testing.B) {
			want := &Frontier{}
			for leaf := range numbered(size) {
				if err := want.Add(LeafHash(leaf)); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			var before, now runtime.MemStats
			runtime.ReadMemStats(&before)
			var peak uint64
			watched := func(yield func([]byte, error) bool) {
				var i int64
				for leaf, err := range numbered(size) {
					if i++; i%10_000 == 0 {
						runtime.ReadMemStats(&now)
						peak = max(peak, now.HeapAlloc)
					}
					if !yield(leaf, err) {
						return
					}
				}
			}
			n := 0
			for b.Loop() {
				if err := VerifyLeaves(&Frontier{}, watched, want.Head()); err != nil {
					b.Fatal(err)
				}
				n++
			}
			b.ReportMetric(float64(size)*float64(n)/b.Elapsed().Seconds(), "leaves/s")
			b.ReportMetric(float64(peak-min(peak, before.HeapAlloc))/1024, "peak-KiB")
		})
	}
}

// BenchmarkReadFacts is the check of one card-issued leaf with ten certificates: parse, write again, read the facts.
func BenchmarkReadFacts(b *testing.B) {
	e, err := ParseLeaf(goldenLeaves(b)["card-issued"])
	if err != nil {
		b.Fatal(err)
	}
	facts, err := e.ReadFacts()
	if err != nil {
		b.Fatal(err)
	}
	card := facts.(*CardFacts)
	for len(card.Certificates) < 10 {
		card.Certificates = append(card.Certificates, card.Certificates[0])
	}
	e, err = NewEntry(CardIssued, e.At, e.Actor, card, nil)
	if err != nil {
		b.Fatal(err)
	}
	leaf, err := e.Leaf()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(leaf)))
	for b.Loop() {
		e, err := ParseLeaf(leaf)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := e.ReadFacts(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkProof makes and checks a proof of inclusion in a log of a size that is nowhere full.
func BenchmarkProof(b *testing.B) {
	all := sampleLeaves(70_000)
	store, f := shelve(all), &Frontier{}
	for _, l := range all {
		if err := f.Add(LeafHash(l)); err != nil {
			b.Fatal(err)
		}
	}
	head, leaf := f.Head(), LeafHash(all[40_000])
	for b.Loop() {
		p, err := ProveInclusion(b.Context(), head, 40_000, store)
		if err != nil {
			b.Fatal(err)
		}
		if err := CheckInclusion(p, head, 40_000, leaf); err != nil {
			b.Fatal(err)
		}
	}
}
