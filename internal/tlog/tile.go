package tlog

import (
	"context"
	"fmt"
	"strings"

	sumdb "golang.org/x/mod/sumdb/tlog"
)

// TileWidth is the number of hashes in a full tile, and of leaves in a full bundle.
const TileWidth = 1 << tileHeight

const (
	tileHeight = 8                    // levels of the tree that a tile spans
	levels     = 7                    // of tiles, in a tree of MaxSize leaves
	tileOctets = TileWidth * HashSize // of a full tile
)

// TileID names a tile, or its first hashes. The hashes of a tile at level 0 are those of leaves, at the levels above each is the root
// over a full tile of the level below (C2SP tlog-tiles, Merkle Tree). A tile that is not full is called partial.
type TileID struct {
	Level int
	Index int64 // within the level, from 0
	Width int   // number of hashes: 1 to TileWidth
}

// BundleID names an entry bundle: the leaves below a tile of level 0.
type BundleID struct {
	Index int64 // from 0
	Width int   // number of leaves: 1 to TileWidth
}

// Tile is a tile with its content.
type Tile struct {
	TileID
	Hashes []byte // Width * HashSize octets, as they are stored and served
}

// Root is the root over a full tile: the hash that stands for it in the tile above. It is an error where the tile is not full.
func (t Tile) Root() (Hash, error) {
	if len(t.Hashes) != tileOctets {
		return Hash{}, fmt.Errorf("%s has %d octets, a full tile has %d", t.Path(), len(t.Hashes), tileOctets)
	}
	return tileRoot(t.Hashes), nil
}

// TileReader reads tiles from where they are kept: a database, another server, an export.
type TileReader interface {
	// Tiles gives the octets of tiles, in the order of ids, each Width*HashSize octets long. A keeper whose tile has grown
	// since gives its first Width hashes; one who has fewer returns an error that is ErrDamaged. The octets must stay as they are after the call. One
	// call asks for at most seven tiles to open a Tree, and for at most 14 to make a proof or a Frontier.
	Tiles(ctx context.Context, ids []TileID) ([][]byte, error)
}

// Path gives the address of a tile under the log's prefix: "tile/0/x001/x234/067", with ".p/8" behind it where only the first 8
// hashes are meant (C2SP tlog-tiles, Merkle Tree).
func (t TileID) Path() string {
	return pathBegin + strings.TrimPrefix(t.sumdb().Path(), sumdbBegin)
}

// Path gives the address of a bundle under the log's prefix: "tile/entries/x001/x234/067" (C2SP tlog-tiles, Log entries).
func (b BundleID) Path() string {
	t := sumdb.Tile{H: tileHeight, L: dataLevel, N: b.Index, W: b.Width}
	return bundleBegin + strings.TrimPrefix(t.Path(), sumdbDataBegin)
}

// In tells whether a tree of the given size has the tile in that width. A server that answers for no other names keeps to C2SP
// tlog-tiles, Partial Tiles.
func (t TileID) In(size int64) bool {
	if t.Level < 0 || t.Level >= levels || size < 0 || size > MaxSize {
		return false
	}
	return within(t.Index, t.Width, size>>(tileHeight*t.Level))
}

// In tells whether a log of the given size has the bundle in that width.
func (b BundleID) In(size int64) bool { return size <= MaxSize && within(b.Index, b.Width, size) }

// within tells whether the first width items of a group of TileWidth are among n items.
func within(index int64, width int, n int64) bool {
	return index >= 0 && index <= n/TileWidth && width >= 1 && width <= TileWidth && index*TileWidth+int64(width) <= n
}

// The beginnings of paths: C2SP tlog-tiles fixes the height of a tile and names the leaves "entries", where the module that
// this package stands on writes the height and names them "data".
const (
	pathBegin      = "tile/"
	bundleBegin    = "tile/entries/"
	sumdbBegin     = "tile/8/"
	sumdbDataBegin = "tile/8/data/"
	dataLevel      = -1
	maxLevel       = 63 // C2SP tlog-tiles, Merkle Tree
)

// ParseTilePath reads what TileID.Path writes, and nothing else.
func ParseTilePath(path string) (TileID, error) {
	rest, ok := strings.CutPrefix(path, pathBegin)
	t, err := sumdb.ParseTilePath(sumdbBegin + rest)
	if !ok || err != nil || t.L < 0 || t.L > maxLevel {
		return TileID{}, fmt.Errorf("%q is no path of a tile", path)
	}
	return TileID{Level: t.L, Index: t.N, Width: t.W}, nil
}

// ParseBundlePath reads what BundleID.Path writes, and nothing else.
func ParseBundlePath(path string) (BundleID, error) {
	rest, ok := strings.CutPrefix(path, bundleBegin)
	t, err := sumdb.ParseTilePath(sumdbDataBegin + rest)
	if !ok || err != nil {
		return BundleID{}, fmt.Errorf("%q is no path of an entry bundle", path)
	}
	return BundleID{Index: t.N, Width: t.W}, nil
}

func (t TileID) sumdb() sumdb.Tile {
	return sumdb.Tile{H: tileHeight, L: t.Level, N: t.Index, W: t.Width}
}

// readTiles reads tiles and holds the reader to its contract.
func readTiles(ctx context.Context, tiles TileReader, ids []TileID) ([][]byte, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	data, err := tiles.Tiles(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("read %d tiles: %w", len(ids), err)
	}
	if len(data) != len(ids) {
		return nil, fmt.Errorf("read %d tiles: got %d", len(ids), len(data))
	}
	for i, id := range ids {
		if len(data[i]) != id.Width*HashSize {
			return nil, fmt.Errorf("read %s: got %d octets, want %d", id.Path(), len(data[i]), id.Width*HashSize)
		}
	}
	return data, nil
}

// tileRoot is the root over a power of two of hashes.
func tileRoot(hashes []byte) Hash {
	if len(hashes) == HashSize {
		return Hash(hashes)
	}
	half := len(hashes) / 2
	return sumdb.NodeHash(tileRoot(hashes[:half]), tileRoot(hashes[half:]))
}
