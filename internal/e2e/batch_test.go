package e2e

import (
	"bytes"
	"crypto"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/rig"
)

// The story of this file: a night's batch with the real programs. Whatever is killed, and however often, the same command ends with every
// card, once, in its folder; and the folders are those of a night on which nothing happened.

// The size of the campaign. make campaign takes a larger one.
var (
	batchCards = flag.Int("batch.cards", 150, "cards of the batch campaign")
	batchKills = flag.Int("batch.kills", 2, "how often each of server, device and client is killed in the batch campaign")
)

// batchFile writes orders as JSON Lines and gives the path.
func batchFile(t *testing.T, dir string, n int) string {
	t.Helper()
	var out bytes.Buffer
	orders := newOrders(t, false)
	for range n {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(orders.Next())
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Compact(&out, text); err != nil {
			t.Fatal(err)
		}
		out.WriteByte('\n')
	}
	path := filepath.Join(dir, "night.jsonl")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// batch is `siegel batch` on a file, with one folder of output.
func batch(r *rig.Rig, server, file, out string) *exec.Cmd {
	return exec.Command(filepath.Join(bin, "siegel"), "batch", file, "--out", out, "--server", server, "--data", r.Data, "--window", "32",
		"--patience", "1m", "--json")
}

// TestBatchCampaign kills server, device and client in turn at odd moments, brings each back, and compares what comes out with an
// undisturbed run of the same orders on a copy of the same CA. The cards are whole ones of G2.1, with their RSA certificates.
func TestBatchCampaign(t *testing.T) {
	quiet := newRig(t)
	disturbed := &rig.Rig{Bin: bin, Data: t.TempDir() + "/data"}
	copyTree(t, quiet.Data, disturbed.Data)
	file := batchFile(t, t.TempDir(), *batchCards)

	calm := t.TempDir()
	server := start(t, quiet)
	seconds := runBatch(t, batch(quiet, server.Addr, file, calm), *batchCards, 0)
	stop(t, server)
	t.Logf("undisturbed: %d cards in %.1f s, each brought to the disk", *batchCards, seconds)
	verifyFolders(t, calm)

	rough := t.TempDir()
	disturb(t, disturbed, file, rough)
	verifyFolders(t, rough)
	names := cardNames(t, rough)
	if want := cardNames(t, calm); len(names) != *batchCards || !slices.Equal(names, want) {
		t.Fatalf("there are %d folders of cards, want %d: the same as undisturbed", len(names), len(want))
	}
	for _, name := range names {
		sameCard(t, filepath.Join(calm, name), filepath.Join(rough, name))
	}
	t.Logf("%d folders are those of the undisturbed run but for serial numbers, times and signatures", len(names))
}

// verifyFolders has siegel verify every file in the folders of a batch.
func verifyFolders(t *testing.T, out string) {
	t.Helper()
	if text, err := exec.Command(filepath.Join(bin, "siegel"), "verify", out).CombinedOutput(); err != nil {
		t.Errorf("siegel verify: %v\n%s", err, text[max(0, len(text)-2000):])
	}
}

// runBatch runs a batch to its end, looks at what it says, and gives the seconds that it took.
func runBatch(t *testing.T, cmd *exec.Cmd, issued, before int) float64 {
	t.Helper()
	var out bytes.Buffer
	errOut := listen(cmd)
	cmd.Stdout = &out
	if err := cmd.Run(); err != nil {
		t.Fatalf("siegel batch: %v\n%s", err, errOut)
	}
	var result struct {
		Issued       int     `json:"issued"`
		IssuedBefore int     `json:"issued_before"`
		Unsent       int     `json:"unsent"`
		Seconds      float64 `json:"seconds"`
	}
	if err := json.Unmarshal(out.Bytes(), &result); err != nil {
		t.Fatal(err)
	}
	if result.Issued != issued || result.IssuedBefore != before || result.Unsent != 0 {
		t.Errorf("siegel batch says %s, want %d issued and %d before", out.Bytes(), issued, before)
	}
	return result.Seconds
}

// listen keeps what a program says on standard error, and shows it meanwhile to whoever runs the tests with -v.
func listen(cmd *exec.Cmd) *bytes.Buffer {
	said := new(bytes.Buffer)
	cmd.Stderr = said
	if testing.Verbose() {
		cmd.Stderr = io.MultiWriter(said, os.Stderr)
	}
	return said
}

// cardNames lists the folders of cards.
func cardNames(t *testing.T, out string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
			names = append(names, e.Name())
		}
	}
	return names
}

// sameCard compares two folders of one card: the same files, and certificates that differ in serial number, term and signature at most.
func sameCard(t *testing.T, a, b string) {
	t.Helper()
	files := treeOf(t, a)
	if other := treeOf(t, b); !slices.Equal(files, other) {
		t.Errorf("%s holds %q, undisturbed it holds %q", b, other, files)
		return
	}
	for _, name := range files {
		left, right := content(t, filepath.Join(a, name)), content(t, filepath.Join(b, name))
		if name == "card.json" || bytes.Equal(left, right) {
			continue // its times and hashes differ
		}
		if strings.HasPrefix(name, "issuers/") || masked(t, left) != masked(t, right) {
			t.Errorf("%s is not the one of the undisturbed run", filepath.Join(b, name))
		}
	}
}

// masked gives a certificate as text without what two runs do not share.
func masked(t *testing.T, data []byte) string {
	t.Helper()
	if c, err := cvc.Parse(data); err == nil {
		return fmt.Sprintf("%v %v %v %x", c.CHR, c.CAR, c.Flags, spki(t, c.PublicKey))
	}
	c, err := pkix.ParseCertificate(data)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("%v %v %x %v", c.Issuer, c.Subject, spki(t, c.PublicKey), c.Extensions)
}

func spki(t *testing.T, key crypto.PublicKey) []byte {
	t.Helper()
	der, err := pkix.MarshalPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func treeOf(t *testing.T, dir string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(dir, path)
			files = append(files, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// freePort gives a port that nobody listens at, so that a server can come back at the same address.
func freePort(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	_, port, err := net.SplitHostPort(lis.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// copyTree copies a data directory, whose files name it, to another place.
func copyTree(t *testing.T, from, to string) {
	t.Helper()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	for _, name := range treeOf(t, to) { // secrets are no longer secret in the copy
		if err := os.Chmod(filepath.Join(to, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	conf := filepath.Join(to, "token", "softhsm2.conf")
	text := bytes.ReplaceAll(content(t, conf), []byte(from), []byte(to))
	if err := os.WriteFile(conf, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
