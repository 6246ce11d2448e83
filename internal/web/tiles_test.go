package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// testLog is a log in memory. Leaves beyond signed have their places and no checkpoint.
type testLog struct {
	entries []ca.SequencedEntry
	tiles   map[[2]int64][]byte
	signed  int64
	down    error
}

func newTestLog(t *testing.T, size, signed int64) *testLog {
	t.Helper()
	l := &testLog{tiles: map[[2]int64][]byte{}, signed: signed}
	var tree tlog.Tree
	for i := range size {
		at := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
		e, err := tlog.NewEntry("test", at, "line-1", map[string]int64{"n": i}, map[string]string{"name": "Dr. Personal"})
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := e.Leaf()
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Add(tlog.LeafHash(leaf)); err != nil {
			t.Fatal(err)
		}
		l.entries = append(l.entries, ca.SequencedEntry{LeafIndex: i, StoredEntry: ca.StoredEntry{ID: 1000 - i, Entry: e}})
	}
	for _, tile := range tree.Flush() {
		l.tiles[[2]int64{int64(tile.Level), tile.Index}] = tile.Hashes
	}
	return l
}

func (l *testLog) SignedHead(context.Context, int64) (*ca.StoredHead, error) {
	if l.down != nil {
		return nil, l.down
	}
	if l.signed == 0 {
		return nil, ca.ErrNotFound
	}
	return &ca.StoredHead{Head: tlog.Head{Size: l.signed}, Checkpoint: fmt.Appendf(nil, "checkpoint of %d\n", l.signed)}, nil
}

func (l *testLog) Sequenced(_ context.Context, first int64, limit int) ([]ca.SequencedEntry, error) {
	rest := l.entries[min(first, int64(len(l.entries))):]
	return rest[:min(limit, len(rest))], nil
}

func (l *testLog) Tiles(_ context.Context, ids []tlog.TileID) ([][]byte, error) {
	var out [][]byte
	for _, id := range ids {
		out = append(out, l.tiles[[2]int64{int64(id.Level), id.Index}][:id.Width*tlog.HashSize])
	}
	return out, nil
}

func ask(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// TestTilePaths has names that are and are not served of a log of 600 signed leaves (C2SP tlog-tiles, Merkle Tree).
func TestTilePaths(t *testing.T) {
	h := Tiles(newTestLog(t, 700, 600), slog.New(slog.DiscardHandler))
	for _, c := range []struct {
		path   string
		octets int // 0: not there
	}{
		{"/tile/0/000", 256 * 32},
		{"/tile/0/001", 256 * 32},
		{"/tile/0/002.p/88", 88 * 32},   // 600 = 2 * 256 + 88
		{"/tile/0/002.p/12", 12 * 32},   // of an earlier tree
		{"/tile/0/000.p/255", 255 * 32}, // full since
		{"/tile/1/000.p/2", 2 * 32},
		{"/tile/1/000.p/1", 32},
		{"/tile/0/002.p/89", 0}, // recorded, not signed
		{"/tile/0/002", 0},
		{"/tile/1/000.p/3", 0},
		{"/tile/1/000", 0},
		{"/tile/2/000.p/1", 0},
		{"/tile/0/003.p/1", 0},
		{"/tile/0/x000/000", 0}, // the number in another form
		{"/tile/0/0", 0},
		{"/tile/0/1", 0},
		{"/tile/00/000", 0},
		{"/tile/-1/000", 0},
		{"/tile/63/000.p/1", 0},
		{"/tile/64/000.p/1", 0},
		{"/tile/0/000.p/0", 0},
		{"/tile/0/000.p/256", 0},
		{"/tile/0/000.p/01", 0},
		{"/tile/0/000.p/", 0},
		{"/tile/0/000/", 0},
		{"/tile/8/0/000", 0}, // with the height, as package sumdb names tiles
		{"/tile/data/000", 0},
		{"/tile/0", 0},
		{"/tile/", 0},
		{"/tile", 0},
		{"//tile/0/000", 0},
		{"/tile//0/000", 0},
		{"/tile/0/x999/x999/x999/x999/x999/x999/999", 0},
		{"/tile/entries/003.p/1", 0},
		{"/tile/entries/002.p/89", 0},
		{"/tile/entries/002", 0},
		{"/tile/entries/x000/000", 0},
		{"/tile/entries/", 0},
		{"/tile/entries", 0},
	} {
		w := ask(h, c.path)
		if c.octets == 0 {
			if w.Code != http.StatusNotFound || w.Header().Get("Cache-Control") != "no-store" {
				t.Errorf("%s = %d, Cache-Control %q, want 404 that no cache keeps", c.path, w.Code, w.Header().Get("Cache-Control"))
			}
			continue
		}
		if w.Code != http.StatusOK || w.Body.Len() != c.octets || w.Header().Get("Content-Type") != "application/octet-stream" ||
			w.Header().Get("Cache-Control") != tileAge {
			t.Errorf("%s = %d, %d octets, %v, want %d octets", c.path, w.Code, w.Body.Len(), w.Header(), c.octets)
		}
	}
}

// TestBundles hold the leaves that the tiles hash, and nothing personal: neither data nor salt.
func TestBundles(t *testing.T) {
	log := newTestLog(t, 300, 290)
	h := Tiles(log, slog.New(slog.DiscardHandler))
	for path, width := range map[string]int{"/tile/entries/000": 256, "/tile/entries/001.p/34": 34, "/tile/entries/000.p/3": 3} {
		w := ask(h, path)
		body := w.Body.Bytes()
		leaves, err := tlog.ParseBundle(body, width)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		hashes := ask(h, strings.Replace(path, "entries", "0", 1)).Body.Bytes()
		for i, leaf := range leaves {
			if got := tlog.LeafHash(leaf); !bytes.Equal(got[:], hashes[32*i:32*i+32]) {
				t.Errorf("%s: leaf %d is not the one that was hashed", path, i)
			}
		}
		for _, e := range log.entries {
			if bytes.Contains(body, e.Salt) || bytes.Contains(body, []byte("Personal")) || bytes.Contains(body, []byte(hex.EncodeToString(e.Salt))) {
				t.Fatalf("%s holds personal data or salts", path)
			}
		}
		packed := ask(h, path, "Accept-Encoding", "br, gzip;q=0.5")
		z, err := gzip.NewReader(packed.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(z); err != nil || !bytes.Equal(got, body) || packed.Header().Get("Content-Encoding") != "gzip" ||
			packed.Header().Get("Vary") != "Accept-Encoding" || w.Header().Get("Vary") != "Accept-Encoding" {
			t.Errorf("%s with gzip: %v, %v", path, packed.Header(), err)
		}
	}
}

func TestTakesGzip(t *testing.T) {
	for accept, want := range map[string]bool{"": false, "gzip": true, "GZIP": true, "br": false, "identity, gzip": true, "gzip;q=0": false,
		"gzip; q=0.000": false, "gzip; q=1": true, "x-gzip": false, "gzip;q=much": false} {
		if got := takesGzip([]string{accept}); got != want {
			t.Errorf("%q: %v", accept, got)
		}
	}
}

// TestCheckpoint comes anew each time, and is not sent again to who has it.
func TestCheckpoint(t *testing.T) {
	log := newTestLog(t, 5, 4)
	h := Tiles(log, slog.New(slog.DiscardHandler))
	w := ask(h, "/checkpoint")
	if w.Code != http.StatusOK || w.Body.String() != "checkpoint of 4\n" || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" ||
		w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("%d %q %v", w.Code, w.Body, w.Header())
	}
	tag := w.Header().Get("ETag")
	if w := ask(h, "/checkpoint", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("with its ETag: %d %q", w.Code, w.Body)
	}
	log.signed = 5
	if w := ask(h, "/checkpoint", "If-None-Match", tag); w.Code != http.StatusOK || w.Body.String() != "checkpoint of 5\n" {
		t.Errorf("with the ETag of an older one: %d %q", w.Code, w.Body)
	}
	log.signed = 0
	for _, path := range []string{"/checkpoint", "/tile/0/000.p/1", "/tile/entries/000.p/1"} {
		if w := ask(h, path); w.Code != http.StatusNotFound {
			t.Errorf("%s of a log without a checkpoint = %d", path, w.Code)
		}
	}
}

// TestTilesOfABadStore: a store that fails, or holds less than its head says, makes no answer that looks like one.
func TestTilesOfABadStore(t *testing.T) {
	for name, damage := range map[string]func(*testLog){
		"short": func(l *testLog) {
			l.entries, l.tiles = l.entries[:2], map[[2]int64][]byte{{0, 0}: make([]byte, 96, 200)}
		},
		"a hole":   func(l *testLog) { l.entries = append(l.entries[:1:1], l.entries[2:]...) },
		"is away":  func(l *testLog) { l.down = errors.New("secret place is away") },
		"too long": func(l *testLog) { l.entries[1].Facts = []byte(`"` + strings.Repeat("x", tlog.MaxLeaf) + `"`) },
	} {
		log := newTestLog(t, 5, 4)
		damage(log)
		var lines strings.Builder
		h := Tiles(log, slog.New(slog.NewTextHandler(&lines, nil)))
		if w := ask(h, "/tile/entries/000.p/4"); w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") ||
			w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: a bundle is %d %q", name, w.Code, w.Body)
		}
		if lines.Len() == 0 {
			t.Errorf("%s: nothing is in the server's log", name)
		}
	}
}

// FuzzPaths: whatever the path, the answer is a resource or 404, and a tile or bundle has the one name that it was asked by.
func FuzzPaths(f *testing.F) {
	for _, path := range []string{"/tile/0/000.p/12", "/tile/entries/001.p/34", "/checkpoint", "/tile/1/000.p/1", "/tile/0/x001/234", "/tile/0/../checkpoint"} {
		f.Add(path)
	}
	log := &testLog{signed: 4, tiles: map[[2]int64][]byte{}}
	for i := range int64(4) {
		log.entries = append(log.entries, ca.SequencedEntry{LeafIndex: i, StoredEntry: ca.StoredEntry{Entry: tlog.Entry{Facts: []byte("{}")}}})
	}
	log.tiles[[2]int64{0, 0}] = make([]byte, 4*32)
	h := Tiles(log, slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, path string) {
		req := httptest.NewRequest("GET", "/", nil)
		req.URL.Path = path
		w := httptest.NewRecorder()
		h.ServeHTTP(w, req)
		known := path == "/checkpoint"
		for width := 1; width <= 4; width++ {
			known = known || path == fmt.Sprintf("/tile/0/000.p/%d", width) || path == fmt.Sprintf("/tile/entries/000.p/%d", width)
		}
		if known != (w.Code == http.StatusOK) || !known && w.Code != http.StatusNotFound {
			t.Errorf("%q = %d", path, w.Code)
		}
	})
}
