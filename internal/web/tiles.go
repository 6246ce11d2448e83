package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Log is what is read of the log of issuances. All methods are those of the store.
type Log interface {
	tlog.TileReader
	SignedHead(ctx context.Context, size int64) (*ca.StoredHead, error)
	Sequenced(ctx context.Context, first int64, limit int) ([]ca.SequencedEntry, error)
}

// Tiles gives the handler of the address for monitors of the log, as C2SP tlog-tiles has it; its prefix is the root:
//
//	/checkpoint                  the newest signed head
//	/tile/<L>/<N>[.p/<W>]        a tile of hashes, for example /tile/0/x001/234.p/8
//	/tile/entries/<N>[.p/<W>]    the leaves below a tile of level 0
//
// Everything is answered from the tree of the newest checkpoint: what is recorded and not yet signed is not there. Partial tiles of any
// width are there, of every tree that ever was.
//
// Bundles hold leaves, the octets that were hashed. A leaf has no personal data but their salted hash, and the salt stays in the
// database, so that nobody can find out the data by guessing them. It does have what the facts say in clear: ICCSN, order id, certificate
// hashes, names of operators.
func Tiles(log Log, faults *slog.Logger) http.Handler {
	t := &tiles{log, faults}
	var rs routes
	rs.read("/checkpoint", t.checkpoint)
	rs.read("/tile/entries/", t.bundle)
	rs.read("/tile/", t.tile)
	return rs
}

type tiles struct {
	log    Log
	faults *slog.Logger
}

// Caching: a checkpoint is asked for anew each time, with its ETag; what is below a head never changes.
const (
	checkpointAge = "no-cache"
	tileAge       = "public, max-age=31536000, immutable"
)

func (t *tiles) checkpoint(w http.ResponseWriter, r *http.Request) {
	head, err := t.log.SignedHead(r.Context(), 0)
	if errors.Is(err, ca.ErrNotFound) {
		fail(w, http.StatusNotFound)
		return
	}
	if err != nil {
		failed(w, r, t.faults, "read the checkpoint", err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", checkpointAge)
	h.Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256(head.Checkpoint)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(head.Checkpoint))
}

func (t *tiles) tile(w http.ResponseWriter, r *http.Request) {
	id, err := tlog.ParseTilePath("tile/" + r.URL.Path)
	if !t.has(w, r, id, err) {
		return
	}
	octets, err := t.log.Tiles(r.Context(), []tlog.TileID{id})
	if err == nil && (len(octets) != 1 || len(octets[0]) != id.Width*tlog.HashSize) {
		err = fmt.Errorf("the store has %d tiles in place of one of %d hashes", len(octets), id.Width)
	}
	if err != nil {
		failed(w, r, t.faults, "read a tile", err)
		return
	}
	send(w, octets[0])
}

func (t *tiles) bundle(w http.ResponseWriter, r *http.Request) {
	id, err := tlog.ParseBundlePath("tile/entries/" + r.URL.Path)
	if !t.has(w, r, id, err) {
		return
	}
	octets, err := t.leaves(r.Context(), id)
	if err != nil {
		failed(w, r, t.faults, "read an entry bundle", err)
		return
	}
	sendCompressed(w, r, octets)
}

// has tells whether the tree of the newest checkpoint has a tile or bundle; where it does not, the answer is given. notPath is the error
// of its path.
func (t *tiles) has(w http.ResponseWriter, r *http.Request, what interface{ In(size int64) bool }, notPath error) bool {
	if notPath != nil {
		fail(w, http.StatusNotFound)
		return false
	}
	head, err := t.log.SignedHead(r.Context(), 0)
	switch {
	case err != nil && !errors.Is(err, ca.ErrNotFound):
		failed(w, r, t.faults, "read the checkpoint", err)
		return false
	case err != nil || !what.In(head.Size):
		fail(w, http.StatusNotFound)
		return false
	}
	return true
}

// leaves reads a bundle.
func (t *tiles) leaves(ctx context.Context, id tlog.BundleID) ([]byte, error) {
	first := id.Index * tlog.TileWidth
	entries, err := t.log.Sequenced(ctx, first, id.Width)
	if err != nil {
		return nil, err
	}
	if len(entries) != id.Width {
		return nil, fmt.Errorf("the store has %d leaves from %d on, want %d", len(entries), first, id.Width)
	}
	var bundle []byte
	for i, e := range entries {
		if e.LeafIndex != first+int64(i) {
			return nil, fmt.Errorf("the store has leaf %d in place of %d", e.LeafIndex, first+int64(i))
		}
		leaf, err := e.Leaf()
		if err == nil {
			bundle, err = tlog.AppendToBundle(bundle, leaf)
		}
		if err != nil {
			return nil, fmt.Errorf("leaf %d: %w", e.LeafIndex, err)
		}
	}
	return bundle, nil
}

// send answers with octets that never change.
func send(w http.ResponseWriter, octets []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Cache-Control", tileAge)
	h.Set("Content-Length", strconv.Itoa(len(octets)))
	_, _ = w.Write(octets) // an error says that the reader is gone
}

// sendCompressed does so with gzip for a reader who takes it: leaves shrink to a third. (Hashes do not.)
func sendCompressed(w http.ResponseWriter, r *http.Request, octets []byte) {
	w.Header().Set("Vary", "Accept-Encoding")
	if !takesGzip(r.Header.Values("Accept-Encoding")) {
		send(w, octets)
		return
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write(octets) // a buffer takes everything
	_ = z.Close()
	w.Header().Set("Content-Encoding", "gzip")
	send(w, packed.Bytes())
}

// takesGzip reads Accept-Encoding (RFC 9110, Section 12.5.3) as far as it matters here: gzip is named, and not with weight 0.
func takesGzip(values []string) bool {
	for _, item := range strings.Split(strings.Join(values, ","), ",") {
		coding, weight, _ := strings.Cut(strings.ReplaceAll(item, " ", ""), ";")
		if strings.EqualFold(coding, "gzip") {
			q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(weight), "q="), 64)
			return weight == "" || err == nil && q > 0
		}
	}
	return false
}
