package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// placer holds leaves against the tree: see the package comment. Leaves come in ascending order. It has one tile of each level in memory.
type placer struct {
	report *Report
	size   int64
	edge   map[int]tlog.Tile // by level
	trust  bool              // the edge gives the root of the head
	full   [levels]*cursor
	placed int64
	beyond bool // a leaf behind the end of the tree was reported
}

// cursor walks through the full tiles of a level.
type cursor struct {
	in      *lines
	tile    tlog.Tile // last read; Width is 0 where there is none yet, or none any more
	good    bool      // it is the one that the tile above has
	missing int64     // index of the tile last reported as missing, from 1
}

// newPlacer reads the edge and opens the tiles.
func newPlacer(ctx context.Context, folder fs.FS, head tlog.Head, r *Report) (*placer, error) {
	p := &placer{report: r, size: head.Size, edge: map[int]tlog.Tile{}}
	in, err := openLines(folder, EdgeFile)
	if err != nil {
		return nil, err
	}
	defer in.close()
	for line, more := in.next(); more; line, more = in.next() {
		t, err := readTile(line)
		if err != nil {
			r.at(EdgeFile, in.number, "the line cannot be read: %v", err)
			continue
		}
		p.edge[t.Level] = t
	}
	if err := in.err(); err != nil {
		r.at(EdgeFile, 0, "the file cannot be read: %v", err)
	}
	if _, err := tlog.OpenTree(ctx, head, p); err != nil {
		r.at(EdgeFile, 0, "the tiles at the edge of the tree do not give the root that the checkpoint signs: %v", err)
	} else {
		p.trust = true
	}
	for level := range p.full {
		if in, err = openLines(folder, tilesFile(level)); err != nil {
			return nil, err
		}
		p.full[level] = &cursor{in: in}
	}
	return p, nil
}

func readTile(line []byte) (tlog.Tile, error) {
	var l tileLine
	if err := parseLine(line, &l); err != nil {
		return tlog.Tile{}, err
	}
	return l.tile()
}

// Tiles implements tlog.TileReader over the edge.
func (p *placer) Tiles(_ context.Context, ids []tlog.TileID) ([][]byte, error) {
	list := make([][]byte, len(ids))
	for i, id := range ids {
		t, ok := p.edge[id.Level]
		if !ok || t.TileID != id {
			return nil, fmt.Errorf("%s is missing or of another width", id.Path())
		}
		list[i] = t.Hashes
	}
	return list, nil
}

// place holds a leaf's hash against the tree, and says what is wrong, or "".
func (p *placer) place(index int64, hash tlog.Hash) string {
	if index >= p.size {
		if p.beyond {
			return ""
		}
		p.beyond = true
		return fmt.Sprintf("the tree of the checkpoint has only %d leaves: this one, and all behind it, are not in it", p.size)
	}
	want, good, err := p.node(0, index)
	switch {
	case err != nil:
		return fmt.Sprintf("it has no place in the tree: %v", err)
	case want != hash && good:
		return fmt.Sprintf("the leaf was changed: its hash is %s, the log has %s at this place", hash, want)
	case want != hash:
		return "its hash is not the one in its tile, and the tile is not that of the tree: one of them was changed"
	case !good:
		return "its tile is not that of the tree"
	}
	p.placed++
	return ""
}

var errNoTile = errors.New("its tile is missing")

// node gives the hash of a leaf, or at higher levels the root of a full tile of the level below, and whether the tile that it is in is that of the
// tree.
func (p *placer) node(level int, index int64) (hash tlog.Hash, good bool, err error) {
	if level >= levels {
		return hash, false, errNoTile
	}
	number, at := index/tlog.TileWidth, int(index%tlog.TileWidth)
	if t, ok := p.edge[level]; ok && t.Index == number {
		if at >= t.Width {
			return hash, false, errNoTile
		}
		return tlog.Hash(t.Hashes[at*tlog.HashSize : (at+1)*tlog.HashSize]), p.trust, nil
	}
	c := p.full[level]
	p.seek(level, number)
	if c.tile.Width == 0 || c.tile.Index != number {
		return hash, false, errNoTile
	}
	return tlog.Hash(c.tile.Hashes[at*tlog.HashSize : (at+1)*tlog.HashSize]), c.good, nil
}

// seek moves the cursor of a level to a tile, where it is there, and holds that against the tile above.
func (p *placer) seek(level int, number int64) {
	c := p.full[level]
	for c.tile.Width == 0 || c.tile.Index < number {
		line, more := c.in.next()
		if !more {
			c.tile = tlog.Tile{}
			break
		}
		t, err := readTile(line)
		if err != nil || t.Level != level || t.Width != tlog.TileWidth {
			p.report.at(c.in.name, c.in.number, "the line is no full tile of level %d", level)
			continue
		}
		if t.Index < number {
			p.report.at(c.in.name, c.in.number, "tile %d belongs to no leaf of the export, or stands in the wrong place", t.Index)
			continue
		}
		t.Hashes = slices.Clone(t.Hashes)
		c.tile, c.good = t, p.isOfTree(t, c.in)
	}
	if (c.tile.Width == 0 || c.tile.Index != number) && c.missing != number+1 {
		c.missing = number + 1
		p.report.at(c.in.name, 0, "tile %d of level %d is missing (%s)", number, level, below(level, number))
	}
}

// isOfTree tells whether the tile above has the root of a tile.
func (p *placer) isOfTree(t tlog.Tile, in *lines) bool {
	root, err := t.Root()
	if err != nil {
		p.report.at(in.name, in.number, "%v", err)
		return false
	}
	want, good, err := p.node(t.Level+1, t.Index)
	switch {
	case err != nil:
		p.report.at(in.name, in.number, "tile %d of level %d (%s) has no place in the tree: the tile above it is missing", t.Index, t.Level, below(t.Level, t.Index))
		return false
	case root != want:
		p.report.at(in.name, in.number, "tile %d of level %d (%s) was changed: its root is %s, the tile above it has %s", t.Index, t.Level,
			below(t.Level, t.Index), root, want)
		return false
	}
	return good
}

// below names the leaves below a full tile.
func below(level int, number int64) string {
	leaves := int64(tlog.TileWidth) << (8 * level)
	return fmt.Sprintf("leaves %d to %d", number*leaves, (number+1)*leaves-1)
}

// end reports tiles that nothing needed.
func (p *placer) end() error {
	var errs []error
	for _, c := range p.full {
		for _, more := c.in.next(); more; _, more = c.in.next() {
			p.report.at(c.in.name, c.in.number, "the tile belongs to no leaf of the export")
		}
		if err := c.in.err(); err != nil {
			p.report.at(c.in.name, 0, "the file cannot be read: %v", err)
		}
		errs = append(errs, c.in.close())
	}
	return errors.Join(errs...)
}
