package e2e

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: an auditor exports the log with the real programs, verifies it without the server, and finds what is tampered with. What is
// done to exports is in auditexport_test.go, what is done to databases in auditdatabase_test.go.

func TestAudit(t *testing.T) {
	a := newAudited(t)
	t.Run("exports", func(t *testing.T) { tamperedExports(t, a) })
	t.Run("consistency", func(t *testing.T) { consistencyOfExports(t, a) })
	t.Run("databases", func(t *testing.T) { tamperedDatabases(t, a) })
}

// audited is a log of more than one full tile, with two exports of it: one from early on and one of the end.
type audited struct {
	t           *testing.T
	rig         *rig.Rig
	early, full string // folders
	key         string // file
	leaves      int64
}

// auditCards is how many cards the log tells of: enough for a full tile.
const auditCards = 122

func newAudited(t *testing.T) *audited {
	t.Helper()
	a := &audited{t: t, rig: newRig(t), early: filepath.Join(t.TempDir(), "early"), full: filepath.Join(t.TempDir(), "full")}
	a.key = filepath.Join(a.rig.Data, "hierarchy", "log.vkey")
	orders := makeOrders(t, auditCards)
	server := start(t, a.rig)
	client := dial(t, a.rig, server, "line-1")
	log := newAuditor(t, a.rig)
	for _, order := range orders[:3] {
		log.issueIncluded(t, client, order)
	}
	a.must(server, "audit", "export", a.early)
	eachOrder(orders[3:auditCards-1], func(order *siegelv1.Order) {
		if _, err := issue(t.Context(), client, order); err != nil {
			t.Error(err)
		}
	})
	a.leaves = log.issueIncluded(t, client, orders[auditCards-1]) + 1
	a.must(server, "audit", "export", a.full, "--personal", "--csv", "--parquet", "--end", fmt.Sprint(a.leaves))
	stop(t, server)
	return a
}

// siegel runs the client and gives its output and exit code. A nil server is none.
func (a *audited) siegel(server *rig.Server, args ...string) (out string, code int) {
	a.t.Helper()
	if server != nil {
		args = append([]string{"--server", server.Addr, "--data", a.rig.Data}, args...)
	}
	octets, err := exec.CommandContext(a.t.Context(), filepath.Join(a.rig.Bin, "siegel"), args...).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok {
		return string(octets), exit.ExitCode()
	}
	if err != nil {
		a.t.Fatal(err)
	}
	return string(octets), 0
}

// must runs the client, which must succeed.
func (a *audited) must(server *rig.Server, args ...string) string {
	a.t.Helper()
	out, code := a.siegel(server, args...)
	if code != 0 {
		a.t.Fatalf("siegel %s: exit code %d\n%s", strings.Join(args, " "), code, out)
	}
	return out
}

// verify verifies an export without a server.
func (a *audited) verify(dir string, flags ...string) (out string, code int) {
	a.t.Helper()
	return a.siegel(nil, append([]string{"audit", "verify", dir, "--log-key", a.key}, flags...)...)
}

// wantFound fails unless the output names all parts, and the exit code says that something is wrong.
func wantFound(t *testing.T, out string, code int, parts ...string) {
	t.Helper()
	if code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	for _, p := range parts {
		if !strings.Contains(out, p) {
			t.Errorf("%q is not named", p)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// copied gives a copy of an export that may be changed.
func copied(t *testing.T, dir string) exported {
	t.Helper()
	to := filepath.Join(t.TempDir(), "export")
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return exported{t, to}
}

// exported is a folder of an export in the hands of a forger.
type exported struct {
	t   *testing.T
	dir string
}

func (e exported) path(name string) string { return filepath.Join(e.dir, filepath.FromSlash(name)) }

func (e exported) read(name string) []byte {
	e.t.Helper()
	octets, err := os.ReadFile(e.path(name))
	if err != nil {
		e.t.Fatal(err)
	}
	return octets
}

func (e exported) write(name string, octets []byte) {
	e.t.Helper()
	if err := os.WriteFile(e.path(name), octets, 0o644); err != nil {
		e.t.Fatal(err)
	}
}

func (e exported) remove(name string) {
	e.t.Helper()
	if err := os.Remove(e.path(name)); err != nil {
		e.t.Fatal(err)
	}
}

// lines changes the lines of a file, which keep their ends.
func (e exported) lines(name string, change func(lines []string) []string) {
	e.t.Helper()
	lines := strings.SplitAfter(string(e.read(name)), "\n")
	e.write(name, []byte(strings.Join(change(lines[:len(lines)-1]), "")))
}

// replace changes one line, by its number from 0: the first old in it becomes new.
func (e exported) replace(name string, line int, old, new string) {
	e.t.Helper()
	e.lines(name, func(lines []string) []string {
		changed := strings.Replace(lines[line], old, new, 1)
		if changed == lines[line] {
			e.t.Fatalf("line %d of %s has no %q: %.200s", line, name, old, lines[line])
		}
		lines[line] = changed
		return lines
	})
}

// forgeManifest makes a manifest that fits the files, and changes more of it.
func (e exported) forgeManifest(change func(m map[string]any)) {
	e.t.Helper()
	var m map[string]any
	if err := json.Unmarshal(e.read("manifest.json"), &m); err != nil {
		e.t.Fatal(err)
	}
	var files []any
	for _, f := range m["files"].([]any) {
		f := f.(map[string]any)
		octets, err := os.ReadFile(e.path(f["name"].(string)))
		if err != nil {
			continue // removed
		}
		sum := sha256.Sum256(octets)
		f["size"], f["sha256"] = len(octets), hex.EncodeToString(sum[:])
		files = append(files, f)
	}
	m["files"] = files
	if change != nil {
		change(m)
	}
	text, err := json.Marshal(m)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write("manifest.json", text)
}

// leafHash is SHA-256(0x00 || leaf) (RFC 6962, Section 2.1).
func leafHash(leaf []byte) [32]byte { return sha256.Sum256(append([]byte{0}, leaf...)) }

// exportAndVerify has an auditor look at the whole log of a server, whatever its database.
func exportAndVerify(t *testing.T, r *rig.Rig, server *rig.Server) {
	t.Helper()
	a := &audited{t: t, rig: r, key: filepath.Join(r.Data, "hierarchy", "log.vkey")}
	dir := filepath.Join(t.TempDir(), "export")
	a.must(server, "audit", "export", dir, "--personal", "--parquet")
	if out, code := a.verify(dir, "--whole"); code != 0 {
		t.Errorf("the log does not verify: exit code %d\n%s", code, out)
	}
	a.must(server, "audit", "statistics", "--by", "kind")
}
