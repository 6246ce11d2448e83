package tlog

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"strings"
	"testing"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// TestTreeGrowsOverTransactions appends in batches of any size, each with a tree that is opened anew from what the batches before
// have stored, over the first tile of level 2, and compares what is stored with what package sumdb would publish.
func TestTreeGrowsOverTransactions(t *testing.T) {
	const size = 66_000
	leaves := sampleLeaves(size)
	random := rand.New(rand.NewPCG(1, 2))
	store, head, stored := newShelf(), (&Frontier{}).Head(), sumdbHashes(t, leaves)
	for head.Size < size {
		tree, err := OpenTree(t.Context(), head, store)
		if err != nil {
			t.Fatal(err)
		}
		batch := min(random.Int64N(900), size-head.Size)
		for _, l := range leaves[head.Size : head.Size+batch] {
			if err := tree.Add(LeafHash(l)); err != nil {
				t.Fatal(err)
			}
		}
		published := map[string]bool{}
		for _, tile := range sumdb.NewTiles(tileHeight, head.Size, head.Size+batch) {
			published[TileID{tile.L, tile.N, tile.W}.Path()] = true
		}
		tiles := tree.Flush()
		if got := names(tiles); !maps.Equal(got, published) {
			t.Fatalf("%d leaves on %d change tiles\n%v, want\n%v", batch, head.Size, got, published)
		}
		store.put(tiles)
		head = tree.Head()
		if want, err := sumdb.TreeHash(head.Size, stored); err != nil || head.Root != want {
			t.Fatalf("root at %d is %s, want %s, %v", head.Size, head.Root, want, err)
		}
	}
	for _, tile := range sumdb.NewTiles(tileHeight, 0, size) {
		want, err := sumdb.ReadTileData(tile, stored)
		if err != nil {
			t.Fatal(err)
		}
		if got := store.rows[[2]int64{int64(tile.L), tile.N}]; !bytes.Equal(got, want) {
			t.Errorf("tile %s differs", tile.Path())
		}
	}
}

func names(tiles []Tile) map[string]bool {
	m := map[string]bool{}
	for _, t := range tiles {
		m[t.Path()] = true
	}
	return m
}

// sumdbHashes gives the dense array of package sumdb for the same leaves.
func sumdbHashes(t *testing.T, leaves [][]byte) sumdb.HashReader {
	t.Helper()
	var all []Hash
	r := sumdb.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		out := make([]Hash, len(indexes))
		for i, x := range indexes {
			out[i] = all[x]
		}
		return out, nil
	})
	for i, l := range leaves {
		h, err := sumdb.StoredHashes(int64(i), l, r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, h...)
	}
	return r
}

// TestEdgeTiles has the two examples of C2SP tlog-tiles, Partial Tiles, and the ends.
func TestEdgeTiles(t *testing.T) {
	for _, c := range []struct {
		size int64
		want string
	}{
		{0, ""},
		{1, "tile/0/000.p/1"},
		{255, "tile/0/000.p/255"},
		{256, "tile/1/000.p/1"},
		{70_000, "tile/0/273.p/112 tile/1/001.p/17 tile/2/000.p/1"},
		{300_000_000, "tile/1/x004/577.p/163 tile/2/017.p/225 tile/3/000.p/17"},
		{MaxSize, "tile/0/x281/x474/x976/x710/655.p/255 tile/1/x001/x099/x511/x627/775.p/255 tile/2/x004/x294/x967/295.p/255 " +
			"tile/3/x016/x777/215.p/255 tile/4/x065/535.p/255 tile/5/255.p/255 tile/6/000.p/255"},
	} {
		var got []string
		for _, id := range EdgeTiles(c.size) {
			got = append(got, id.Path())
		}
		if s := strings.Join(got, " "); s != c.want {
			t.Errorf("size %d has partial tiles\n%s, want\n%s", c.size, s, c.want)
		}
	}
}

// TestFlushGivesTheCallersTiles: what was flushed does not change when the tree grows, and comes once.
func TestFlushGivesTheCallersTiles(t *testing.T) {
	tree := &Tree{}
	if err := tree.Add(Hash{1}); err != nil {
		t.Fatal(err)
	}
	first := tree.Flush()
	before := bytes.Clone(first[0].Hashes)
	if again := tree.Flush(); len(again) != 0 {
		t.Errorf("a second flush gives %v, want nothing", again)
	}
	first[0].Hashes[0] = 99
	if err := tree.Add(Hash{2}); err != nil {
		t.Fatal(err)
	}
	if second := tree.Flush(); !bytes.HasPrefix(second[0].Hashes, before) || len(first[0].Hashes) != HashSize {
		t.Errorf("tiles share their octets: %x, %x", first[0].Hashes, second[0].Hashes)
	}
}

// TestOpenTreeRefusesDamage changes each octet group of the edge, the size and the root.
func TestOpenTreeRefusesDamage(t *testing.T) {
	leaves := sampleLeaves(3*256 + 7)
	head := headOf(leaves)
	for _, id := range EdgeTiles(head.Size) {
		for i := range id.Width {
			store := shelve(leaves)
			store.rows[[2]int64{int64(id.Level), id.Index}][i*HashSize] ^= 1
			if _, err := OpenTree(t.Context(), head, store); !errors.Is(err, ErrDamaged) {
				t.Errorf("hash %d of %s changed: error is %v, want ErrDamaged", i, id.Path(), err)
			}
		}
	}
	store := shelve(leaves)
	for _, wrong := range []Head{{head.Size - 1, head.Root}, {head.Size, Hash{}}} {
		if _, err := OpenTree(t.Context(), wrong, store); !errors.Is(err, ErrDamaged) {
			t.Errorf("head %v: error is %v, want ErrDamaged", wrong, err)
		}
	}
	if _, err := OpenTree(t.Context(), Head{Size: MaxSize + 1}, store); err == nil {
		t.Error("a size beyond MaxSize was taken")
	}
}

// reader is a TileReader that does as it likes.
type reader func(ids []TileID) ([][]byte, error)

func (r reader) Tiles(_ context.Context, ids []TileID) ([][]byte, error) { return r(ids) }

// TestReadersAreHeldToTheirContract: a reader's own error comes through and is no damage, and what is short is an error.
func TestReadersAreHeldToTheirContract(t *testing.T) {
	leaves := sampleLeaves(300)
	head := headOf(leaves)
	down := errors.New("the database is down")
	for _, c := range []struct {
		name string
		read reader
		want string
	}{
		{"its own error", func([]TileID) ([][]byte, error) { return nil, down }, down.Error()},
		{"a tile too few", func(ids []TileID) ([][]byte, error) { return make([][]byte, len(ids)-1), nil }, "tiles: got"},
		{"a tile too short", func(ids []TileID) ([][]byte, error) { return make([][]byte, len(ids)), nil }, "got 0 octets"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, open := OpenTree(t.Context(), head, c.read)
			_, inclusion := ProveInclusion(t.Context(), head, 5, c.read)
			_, consistency := ProveConsistency(t.Context(), head, 5, c.read)
			_, frontier := FrontierAt(t.Context(), head, 5, c.read)
			for _, err := range []error{open, inclusion, consistency, frontier, CheckGrown(t.Context(), headOf(leaves[:5]), head, c.read)} {
				if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrDamaged) {
					t.Errorf("error is %v, want one with %q that is not ErrDamaged", err, c.want)
				}
			}
		})
	}
}
