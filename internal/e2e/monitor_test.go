package e2e

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: somebody else reads the log over HTTP, with nothing but the log's public key, first with golang.org/x/mod
// alone, then with the client and the fsck of transparency-dev/tessera. None of it shares code with the server's log.

// monitor reads a log as C2SP tlog-tiles serves it. It is a tlog.TileReader, whose errors end the test.
type monitor struct {
	t        *testing.T
	url      string
	verifier note.Verifier
}

func (m *monitor) get(path string) []byte {
	m.t.Helper()
	return httpGet(m.t, m.url+path)
}

func httpGet(t *testing.T, url string) []byte {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %s, %v", url, resp.Status, err)
	}
	return body
}

// checkpoint reads and verifies the newest signed head.
func (m *monitor) checkpoint() (tlog.Tree, []byte) {
	m.t.Helper()
	signed := m.get("/checkpoint")
	n, err := note.Open(signed, note.VerifierList(m.verifier))
	if err != nil {
		m.t.Fatalf("open %q: %v", signed, err)
	}
	// C2SP tlog-checkpoint is the form of package tlog with the log's name in place of "go.sum database tree".
	text, ok := strings.CutPrefix(n.Text, m.verifier.Name()+"\n")
	if !ok {
		m.t.Fatalf("the checkpoint %q is of another log", n.Text)
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + text))
	if err != nil {
		m.t.Fatal(err)
	}
	return tree, signed
}

// sizeOf reads the number of leaves from the text of a checkpoint, -1 where there is none.
func sizeOf(text string) int64 {
	lines := strings.Split(text, "\n")
	if len(lines) < 2 {
		return -1
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return -1
	}
	return size
}

// Height implements tlog.TileReader.
func (m *monitor) Height() int { return 8 }

// ReadTiles implements tlog.TileReader. C2SP tlog-tiles leaves out the height.
func (m *monitor) ReadTiles(want []tlog.Tile) ([][]byte, error) {
	tiles := make([][]byte, len(want))
	for i, tile := range want {
		tiles[i] = m.get("/tile/" + strings.TrimPrefix(tile.Path(), "tile/8/"))
	}
	return tiles, nil
}

// SaveTiles implements tlog.TileReader.
func (m *monitor) SaveTiles([]tlog.Tile, [][]byte) {}

// leaves reads all entries of a tree, as the last partial bundle and the full ones before it hold them.
func (m *monitor) leaves(size int64) [][]byte {
	m.t.Helper()
	var leaves [][]byte
	for first := int64(0); first < size; first += 256 {
		width := int(min(256, size-first))
		tile := tlog.Tile{H: 8, L: -1, N: first / 256, W: width}
		bundle := m.get("/tile/entries/" + strings.TrimPrefix(tile.Path(), "tile/8/data/"))
		for range width {
			if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
				m.t.Fatalf("%s is cut off", tile.Path())
			}
			end := 2 + int(binary.BigEndian.Uint16(bundle))
			leaves, bundle = append(leaves, bundle[2:end]), bundle[end:]
		}
		if len(bundle) > 0 {
			m.t.Fatalf("%s has %d octets too many", tile.Path(), len(bundle))
		}
	}
	return leaves
}

// treeHash derives the head anew.
func treeHash(t *testing.T, leaves [][]byte) tlog.Hash {
	t.Helper()
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, x := range indexes {
			hashes[i] = stored[x]
		}
		return hashes, nil
	})
	for i, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(i), leaf, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	hash, err := tlog.TreeHash(int64(len(leaves)), read)
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

// prove derives both proofs from tiles alone: the leaf is in, and the log has grown out of the earlier tree.
func (m *monitor) prove(earlier, tree tlog.Tree, index int64, leaf []byte) {
	m.t.Helper()
	hashes := tlog.TileHashReader(tree, m)
	inclusion, err := tlog.ProveRecord(tree.N, index, hashes)
	if err == nil {
		err = tlog.CheckRecord(inclusion, tree.N, tree.Hash, index, tlog.RecordHash(leaf))
	}
	if err != nil {
		m.t.Errorf("leaf %d in %d: %v", index, tree.N, err)
	}
	consistency, err := tlog.ProveTree(tree.N, earlier.N, hashes)
	if err == nil {
		err = tlog.CheckTree(consistency, tree.N, tree.Hash, earlier.N, earlier.Hash)
	}
	if err != nil {
		m.t.Errorf("%d leaves in %d: %v", earlier.N, tree.N, err)
	}
}

// monitored are the cards of TestMonitor: enough for a full tile and a second level.
const monitored = 140

func TestMonitor(t *testing.T) {
	r := newRig(t)
	a, orders := newAuditor(t, r), makeOrders(t, monitored+1)
	server := start(t, r)
	defer stop(t, server)
	client := dial(t, r, server, "line-1")
	m := &monitor{t, "http://" + server.Tiles, a.verifier}
	a.issueIncluded(t, client, orders[0])
	earlier, earlierText := m.checkpoint()
	eachOrder(orders[1:monitored], func(order *siegelv1.Order) {
		if _, err := issue(t.Context(), client, order); err != nil {
			t.Error(err)
		}
	})
	last := orders[monitored]
	index := a.issueIncluded(t, client, last)

	tree, _ := m.checkpoint()
	leaves := m.leaves(tree.N)
	if got := treeHash(t, leaves); got != tree.Hash {
		t.Errorf("the entries give %s, the checkpoint says %s", got, tree.Hash)
	}
	m.prove(earlier, tree, index, leaves[index])
	checkLeaf(t, leaves[index], last)
	requireNothingPersonal(t, leaves, last)
	t.Logf("%d leaves, %d of them in the first checkpoint", tree.N, earlier.N)

	tessera(t, r, m.url, index, earlierText)
	checkFigures(t, server)
	checkPublic(t, r, server)
}

// checkLeaf looks whether the leaf is what the line was told.
func checkLeaf(t *testing.T, leaf []byte, order *siegelv1.Order) {
	t.Helper()
	var entry struct {
		Kind  string
		Facts struct{ ICCSN, Order_ID string }
	}
	if err := json.Unmarshal(leaf, &entry); err != nil {
		t.Fatal(err)
	}
	if entry.Kind != "card-issued" || entry.Facts.ICCSN != order.GetIccsn() || entry.Facts.Order_ID != order.GetOrderId() {
		t.Errorf("the leaf of the card says %s", leaf)
	}
}

// requireNothingPersonal looks for what an order says about people and institutions.
func requireNothingPersonal(t *testing.T, leaves [][]byte, order *siegelv1.Order) {
	t.Helper()
	for _, secret := range []string{order.GetInstitution().GetName(), order.GetInstitution().GetTelematikId(), order.GetInstitution().GetAddress().GetStreet()} {
		if secret == "" {
			t.Fatal("the sample order lacks what is looked for")
		}
		for i, leaf := range leaves {
			if bytes.Contains(leaf, []byte(secret)) {
				t.Errorf("leaf %d says %q: %s", i, secret, leaf)
			}
		}
	}
}

// tessera lets other people's code read the log.
func tessera(t *testing.T, r *rig.Rig, url string, index int64, earlier []byte) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(file, earlier, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute) // it is built first
	defer cancel()
	cmd := exec.CommandContext(ctx, "go", "run", ".", url, filepath.Join(r.Data, "hierarchy", "log.vkey"), fmt.Sprint(index), file)
	cmd.Dir = filepath.Join(rig.Root(), "test", "tessera")
	out, err := cmd.CombinedOutput()
	for _, want := range []string{"fsck: every tile", "consistency: ", "inclusion: "} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("tessera: %v, said\n%s\nwant %q", err, out, want)
		}
	}
	t.Logf("transparency-dev/tessera says:\n%s", out)
}

// checkFigures looks at what Prometheus would read.
func checkFigures(t *testing.T, server *rig.Server) {
	t.Helper()
	figures := string(httpGet(t, "http://"+server.Metrics+"/metrics"))
	for _, want := range []string{
		fmt.Sprintf(`siegel_calls_total{code="OK",method="/siegel.v1.IssuanceService/IssueCard"} %d`, monitored+1),
		fmt.Sprintf(`siegel_cards_total{card_type="smcb-g2.1",sector="dkg"} %d`, monitored+1),
		"siegel_database_up 1", "siegel_log_unsequenced_entries 0", "siegel_token_up{", "siegel_token_signatures_total{",
		`siegel_http_requests_total{address="tiles",route="/tile/entries/",status="200"}`, "go_goroutines ", "process_open_fds ",
	} {
		if !strings.Contains(figures, want) {
			t.Errorf("the figures lack %s", want)
		}
	}
	for _, never := range []string{"rig-0000", "80276001"} {
		if strings.Contains(figures, never) {
			t.Errorf("the figures say %s", never)
		}
	}
}

// checkPublic looks at what relying parties see: every certificate of the hierarchy, and that the server is ready.
func checkPublic(t *testing.T, r *rig.Rig, server *rig.Server) {
	t.Helper()
	if got := string(httpGet(t, "http://"+server.HTTP+"/readyz")); got != "ready\n" {
		t.Errorf("/readyz says %q", got)
	}
	files, err := filepath.Glob(filepath.Join(r.Data, "hierarchy", "*.cvc"))
	if err != nil || len(files) == 0 {
		t.Fatalf("CV certificates of the hierarchy: %v, %v", files, err)
	}
	for _, file := range files {
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := httpGet(t, "http://"+server.HTTP+"/issuers/"+filepath.Base(file)); !bytes.Equal(got, want) {
			t.Errorf("%s is served otherwise", filepath.Base(file))
		}
	}
}
