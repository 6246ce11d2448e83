package tlog

import (
	"testing"
)

// TestPaths has the example of C2SP tlog-tiles, Merkle Tree, and every way in which a path can be almost right.
func TestPaths(t *testing.T) {
	for _, c := range []struct {
		path   string
		tile   TileID
		bundle BundleID
	}{
		{"tile/0/x001/x234/067", TileID{0, 1234067, 256}, BundleID{}},
		{"tile/3/x001/x234/067.p/8", TileID{3, 1234067, 8}, BundleID{}},
		{"tile/63/000.p/255", TileID{63, 0, 255}, BundleID{}},
		{"tile/8/000", TileID{8, 0, 256}, BundleID{}},
		{"tile/entries/x001/x234/067", TileID{}, BundleID{1234067, 256}},
		{"tile/entries/000.p/1", TileID{}, BundleID{0, 1}},
		{path: ""}, {path: "tile"}, {path: "tile/"}, {path: "tile/0"}, {path: "tile/0/"}, {path: "/tile/0/000"},
		{path: "tile/64/000"}, {path: "tile/-1/000"}, {path: "tile/00/000"}, {path: "tile/+1/000"}, {path: "tile/data/000"},
		{path: "tile/8/0/000"}, {path: "tile/8/data/000"}, {path: "tile/8/entries/000"}, {path: "tile/entries"}, {path: "tile/entries/0/000"},
		{path: "tile/0/0"}, {path: "tile/0/0000"}, {path: "tile/0/x000/000"}, {path: "tile/0/001/000"}, {path: "tile/0/x001"}, {path: "tile/0/-01"},
		{path: "tile/0/000.p/0"}, {path: "tile/0/000.p/256"}, {path: "tile/0/000.p/08"}, {path: "tile/0/000.p/"}, {path: "tile/0/000.p"},
		{path: "tile/0/000.p/1/"}, {path: "tile/0/000/"}, {path: "tile/0/000.p/-1"}, {path: "tile/0//000"},
		{path: "tile/0/x018/x446/x744/x073/x709/x551/616"}, // 2^64, which is 0 in 64 bits
		{path: "tile/0/x009/x223/x372/x036/x854/x775/808"}, // 2^63
	} {
		t.Run(c.path, func(t *testing.T) {
			tile, errTile := ParseTilePath(c.path)
			if tile != c.tile || (errTile == nil) != (c.tile != TileID{}) {
				t.Errorf("tile is %v, %v, want %v", tile, errTile, c.tile)
			}
			bundle, errBundle := ParseBundlePath(c.path)
			if bundle != c.bundle || (errBundle == nil) != (c.bundle != BundleID{}) {
				t.Errorf("bundle is %v, %v, want %v", bundle, errBundle, c.bundle)
			}
			if errTile == nil && tile.Path() != c.path {
				t.Errorf("path is %q", tile.Path())
			}
			if errBundle == nil && bundle.Path() != c.path {
				t.Errorf("path is %q", bundle.Path())
			}
		})
	}
}

// TestIn compares what a log of 70,000 leaves has with the count in C2SP tlog-tiles, Partial Tiles.
func TestIn(t *testing.T) {
	const size = 70_000
	for _, c := range []struct {
		tile TileID
		want bool
	}{
		{TileID{0, 272, 256}, true}, {TileID{0, 273, 112}, true}, {TileID{0, 273, 111}, true}, {TileID{0, 273, 113}, false},
		{TileID{0, 273, 256}, false}, {TileID{0, 274, 1}, false}, {TileID{1, 0, 256}, true}, {TileID{1, 1, 17}, true},
		{TileID{1, 1, 18}, false}, {TileID{2, 0, 1}, true}, {TileID{2, 0, 2}, false}, {TileID{3, 0, 1}, false},
		{TileID{0, 0, 0}, false}, {TileID{0, 0, 257}, false}, {TileID{0, -1, 1}, false}, {TileID{-1, 0, 1}, false},
		{TileID{63, 0, 1}, false}, {TileID{0, 1 << 62, 1}, false}, {TileID{0, 1 << 55, 256}, false},
	} {
		if got := c.tile.In(size); got != c.want {
			t.Errorf("%+v is in a tree of %d: %t, want %t", c.tile, size, got, c.want)
		}
		if c.tile.Level == 0 {
			if got := (BundleID{c.tile.Index, c.tile.Width}).In(size); got != c.want {
				t.Errorf("bundle %+v is in a log of %d: %t, want %t", c.tile, size, got, c.want)
			}
		}
	}
	for _, size := range []int64{0, -1, MaxSize + 1} {
		if (TileID{0, 0, 1}).In(size) || (BundleID{0, 1}).In(size) {
			t.Errorf("a log of %d leaves has a tile or bundle", size)
		}
	}
}

// FuzzPaths: a path that is taken is the path that is written.
func FuzzPaths(f *testing.F) {
	for _, seed := range []string{"tile/0/x001/x234/067", "tile/3/000.p/8", "tile/entries/x001/000.p/255", "tile/8/data/000"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		tile, errTile := ParseTilePath(path)
		if errTile == nil && tile.Path() != path {
			t.Errorf("%q is tile %+v, whose path is %q", path, tile, tile.Path())
		}
		bundle, errBundle := ParseBundlePath(path)
		if errBundle == nil && bundle.Path() != path {
			t.Errorf("%q is bundle %+v, whose path is %q", path, bundle, bundle.Path())
		}
		if errTile == nil && errBundle == nil {
			t.Errorf("%q is both a tile and a bundle", path)
		}
	})
}
