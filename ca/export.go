package ca

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// ExportQuery says which leaves are wanted, against which head, and with what beside them.
type ExportQuery struct {
	Size         int64 // of the head; 0 for the newest
	First, End   int64 // leaves First to End-1; End is 0 for all of the head
	Filter       tlog.Filter
	Personal     bool // with personal data, as far as they are not erased
	Certificates bool // with the certificates of cards
}

// Export is an export under way, made by LogReader.Export: its head, and then its parts.
type Export struct {
	Head       *StoredHead
	First, End int64       // of the query, with End set
	Edge       []tlog.Tile // the partial tiles of the head, those of tlog.EdgeTiles
	Issuers    []KnownIssuer

	query ExportQuery
	store ExportStore
	sent  map[int]int64 // index of the tile last sent, by level
}

// ExportPart is the next piece of an export. Tiles come before the leaves that they are for, those of higher levels first.
type ExportPart struct {
	Tiles  []tlog.Tile // full ones on the way from the leaves to the edge, each once in an export
	Leaves []ExportLeaf
	Next   int64 // every leaf below it that is wanted has been given
}

// ExportLeaf is a leaf with what belongs to it.
type ExportLeaf struct {
	Index          int64
	Leaf           []byte
	Personal, Salt []byte   // nil unless they were wanted and are there
	Erased         bool     // personal data were wanted, and are not there any more
	Certificates   [][]byte // nil unless they were wanted and the leaf records a card
}

// Export begins an export. It takes constant memory, whatever the size of the log. Without a filter, the time for each leaf is the same; a filter
// by time is narrowed to where such entries stand, one by ICCSN reads only what is said of these chips, and any other reads all leaves of the range.
//
// Leaves that the database does not have, or tiles, are missing from the export: it is for who verifies it to notice. ErrNotFound says that
// there is no signed head of the size.
func (r *LogReader) Export(ctx context.Context, q ExportQuery) (*Export, error) {
	x := &Export{query: q, store: r.store, sent: map[int]int64{}, First: q.First, End: q.End}
	var err error
	if x.Head, err = r.store.SignedHead(ctx, q.Size); err != nil {
		return nil, logFailure("find the head to export", err)
	}
	if x.End == 0 || x.End > x.Head.Size {
		x.End = x.Head.Size
	}
	for _, id := range tlog.EdgeTiles(x.Head.Size) {
		tile, err := x.tile(ctx, id)
		if err != nil {
			return nil, logFailure("read the edge of the tree", err)
		}
		x.Edge = append(x.Edge, tile...)
	}
	if x.Issuers, err = r.store.Issuers(ctx); err != nil {
		return nil, logFailure("read the issuers", err)
	}
	return x, nil
}

// partOctets is about how much a part holds.
const partOctets = 256 << 10

// Parts gives the parts, one after the other, the last with Next at the end of the range. It may be used once. An error ends it; what was given
// before it is good, and another export can go on from the last Next.
func (x *Export) Parts(ctx context.Context) iter.Seq2[*ExportPart, error] {
	return func(yield func(*ExportPart, error) bool) {
		part, octets := &ExportPart{}, 0
		stopped := errors.New("enough")
		flush := func(next int64) error {
			part.Next = next
			if !yield(part, nil) {
				return stopped
			}
			part, octets = &ExportPart{}, 0
			return nil
		}
		err := x.scan(ctx, func(page []StoredLeaf, next int64) error {
			leaves, err := x.leaves(ctx, page)
			if err != nil {
				return err
			}
			for i, l := range leaves {
				tiles, err := x.tilesFor(ctx, l.Index)
				if err != nil {
					return err
				}
				part.Tiles = append(part.Tiles, tiles...)
				part.Leaves = append(part.Leaves, l)
				if octets += l.size() + len(tiles)*tlog.TileWidth*tlog.HashSize; octets >= partOctets && i < len(leaves)-1 {
					if err := flush(l.Index + 1); err != nil {
						return err
					}
				}
			}
			return flush(next)
		})
		if err != nil && !errors.Is(err, stopped) {
			yield(nil, logFailure("export the log", err))
		}
	}
}

func (l *ExportLeaf) size() int {
	n := len(l.Leaf) + len(l.Personal)
	for _, c := range l.Certificates {
		n += len(c)
	}
	return n
}

// scan shows the leaves that the filter lets pass, page by page, with the leaf after each page. A page lies below one tile of level 0 and may be
// empty; the last one is, and says that the range is at its end.
func (x *Export) scan(ctx context.Context, show func(page []StoredLeaf, next int64) error) error {
	f := &x.query.Filter
	if len(f.ICCSNs) > 0 {
		return x.scanChips(ctx, show)
	}
	first, end := x.First, x.End
	if !f.From.IsZero() || !f.Until.IsZero() {
		from, until := f.From, f.Until
		if until.IsZero() {
			until = farFuture
		}
		if from.IsZero() {
			from = farPast
		}
		a, b, err := x.store.LeavesBetween(ctx, from, until)
		if err != nil {
			return err
		}
		first, end = max(first, a), min(end, b)
	}
	for first < end {
		next := min(end, first-first%tlog.TileWidth+tlog.TileWidth)
		page, err := x.store.Leaves(ctx, first, int(next-first))
		if err == nil {
			page, err = x.pass(page, next)
		}
		if err != nil {
			return err
		}
		if err := show(page, next); err != nil {
			return err
		}
		first = next
	}
	return show(nil, x.End)
}

// pass keeps the leaves below next that the filter lets pass.
func (x *Export) pass(page []StoredLeaf, next int64) ([]StoredLeaf, error) {
	kept := page[:0]
	for _, l := range page {
		if l.LeafIndex >= next {
			break // the database lacks leaves of this page
		}
		fits, err := x.query.Filter.Fits(l.Entry)
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", l.LeafIndex, err)
		}
		if fits {
			kept = append(kept, l)
		}
	}
	return kept, nil
}

// scanChips is scan for a filter by ICCSN. Its pages have one leaf each.
func (x *Export) scanChips(ctx context.Context, show func(page []StoredLeaf, next int64) error) error {
	places, err := x.placesOfChips(ctx)
	if err != nil {
		return err
	}
	for _, index := range places {
		page, err := x.store.Leaves(ctx, index, 1)
		if err == nil {
			page, err = x.pass(page, index+1)
		}
		if err != nil {
			return err
		}
		if err := show(page, index+1); err != nil {
			return err
		}
	}
	return show(nil, x.End)
}

// leaves makes of a page what goes into a part.
func (x *Export) leaves(ctx context.Context, page []StoredLeaf) ([]ExportLeaf, error) {
	certificates, err := x.certificates(ctx, page)
	if err != nil {
		return nil, err
	}
	list := make([]ExportLeaf, 0, len(page))
	for i := range page {
		l := &page[i]
		out := ExportLeaf{Index: l.LeafIndex, Certificates: certificates[l.LeafIndex]}
		if out.Leaf, err = l.Leaf(); err != nil {
			return nil, fmt.Errorf("leaf %d: %w", l.LeafIndex, err)
		}
		if x.query.Personal && l.PersonalHash != nil {
			out.Personal, out.Salt, out.Erased = l.Personal, l.Salt, l.Personal == nil
		}
		list = append(list, out)
	}
	return list, nil
}

// certificates gives the certificates of the cards of a page, by leaf.
func (x *Export) certificates(ctx context.Context, page []StoredLeaf) (map[int64][][]byte, error) {
	if !x.query.Certificates || len(page) == 0 {
		return nil, nil
	}
	list, err := x.store.LeafCertificates(ctx, page[0].LeafIndex, page[len(page)-1].LeafIndex+1)
	if err != nil {
		return nil, err
	}
	byLeaf := make(map[int64][][]byte, len(page))
	for _, c := range list {
		byLeaf[c.LeafIndex] = append(byLeaf[c.LeafIndex], c.Data)
	}
	return byLeaf, nil
}

// tilesFor gives the full tiles from a leaf up to the edge that were not sent yet, those of higher levels first.
func (x *Export) tilesFor(ctx context.Context, leaf int64) ([]tlog.Tile, error) {
	var ids []tlog.TileID
	for level, index := 0, leaf; ; level++ {
		index /= tlog.TileWidth
		id := tlog.TileID{Level: level, Index: index, Width: tlog.TileWidth}
		if sent, ever := x.sent[level]; !id.In(x.Head.Size) || ever && sent == index {
			break
		}
		x.sent[level] = index
		ids = append(ids, id)
	}
	var tiles []tlog.Tile
	for i := len(ids) - 1; i >= 0; i-- {
		tile, err := x.tile(ctx, ids[i])
		if err != nil {
			return nil, err
		}
		tiles = append(tiles, tile...)
	}
	return tiles, nil
}

// tile reads one tile, or none where the database does not have it.
func (x *Export) tile(ctx context.Context, id tlog.TileID) ([]tlog.Tile, error) {
	data, err := x.store.Tiles(ctx, []tlog.TileID{id})
	if errors.Is(err, tlog.ErrDamaged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return []tlog.Tile{{TileID: id, Hashes: data[0]}}, nil
}

// farPast and farFuture stand for times without a bound, within what databases count.
var (
	farPast   = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	farFuture = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
)

// placesOfChips lists where the entries about the chips of the filter stand, ascending and within the range.
func (x *Export) placesOfChips(ctx context.Context) ([]int64, error) {
	var places []int64
	for _, iccsn := range x.query.Filter.ICCSNs {
		about, err := x.store.LeavesAbout(ctx, iccsn)
		if err != nil {
			return nil, err
		}
		places = append(places, about...)
	}
	slices.Sort(places)
	places = slices.Compact(places)
	return slices.DeleteFunc(places, func(i int64) bool { return i < x.First || i >= x.End }), nil
}
