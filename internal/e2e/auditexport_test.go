package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/mod/sumdb/note"

	"github.com/siegel-pki/siegel/internal/audit"
)

// tamperings are changes of an export of the whole log. After each one the manifest is forged to fit, unless it says otherwise, so that only arithmetic can
// find it.
var tamperings = []struct {
	name     string
	change   func(e exported)
	manifest func(m map[string]any) // besides files
	plain    bool                   // the manifest stays as it was
	flags    []string
	want     []string
}{
	{name: "a fact is changed", change: func(e exported) { e.replace("entries.jsonl", 40, `"sector":"`, `"sector":"x`) },
		want: []string{"entries.jsonl line 41, leaf 40", "the leaf was changed"}},
	{name: "a fact is changed and the manifest is not", change: func(e exported) { e.replace("entries.jsonl", 40, `"sector":"`, `"sector":"x`) },
		plain: true, want: []string{"entries.jsonl: the file", "leaf 40"}},
	{name: "the time of an entry is changed", change: func(e exported) { e.replace("entries.jsonl", 7, `"at":"2`, `"at":"3`) }, want: []string{"leaf 7", "was changed"}},
	{name: "the actor of an entry is changed", change: func(e exported) { e.replace("entries.jsonl", 41, `"actor":"line-1"`, `"actor":"line-2"`) }, want: []string{"leaf 41", "was changed"}},
	{name: "the kind of an entry is changed", change: func(e exported) { e.replace("entries.jsonl", 41, `"kind":"`, `"kind":"un`) },
		want: []string{"leaf 41", "was changed", "this program does not know the kind"}},
	{name: "a leaf at the edge of the tree is changed", change: func(e exported) { e.replace("entries.jsonl", 260, `"at":"2`, `"at":"3`) }, want: []string{"leaf 260", "was changed"}},
	{name: "a leaf is removed", change: func(e exported) { cut(e, "entries.jsonl", 50, 51) }, want: []string{"leaf 50 is missing"}},
	{name: "some leaves are removed", change: func(e exported) { cut(e, "entries.jsonl", 50, 60) }, want: []string{"leaves 50 to 59 are missing"}},
	{name: "the last leaf is removed", change: func(e exported) { cut(e, "entries.jsonl", -1, -1) }, want: []string{"leaf", "is missing"}},
	{name: "the entries are cut", change: func(e exported) { e.write("entries.jsonl", e.read("entries.jsonl")[:100_000]) },
		want: []string{"the line is not of the form", "are missing"}},
	{name: "the entries are cut and the manifest says so", change: func(e exported) { cut(e, "entries.jsonl", 100, -1); cutAfter(e, 99) },
		manifest: func(m map[string]any) { m["end"], m["leaves"] = 100, 100 }, flags: []string{"--whole"}, want: []string{"leaves 0 to 99", "it is not whole"}},
	{name: "the beginning is cut and the manifest says so", change: func(e exported) { cut(e, "entries.jsonl", 0, 5) },
		manifest: func(m map[string]any) { m["first"] = 5; m["leaves"] = m["leaves"].(float64) - 5 }, flags: []string{"--whole"}, want: []string{"it is not whole"}},
	{name: "a filter is forged to hide what is missing", change: func(e exported) { cut(e, "entries.jsonl", 50, 51) },
		manifest: func(m map[string]any) {
			m["filter"] = map[string]any{"kinds": []string{"card-issued", "order-recorded"}}
			m["leaves"] = m["leaves"].(float64) - 1
		},
		want: []string{"it does not fit the filter of the export"}},
	{name: "two leaves change places", change: func(e exported) {
		e.lines("entries.jsonl", func(l []string) []string { l[60], l[61] = l[61], l[60]; return l })
	}, want: []string{"leaf 60 stands behind leaf 61: it is doubled or moved"}},
	{name: "two leaves change numbers", change: func(e exported) {
		e.lines("entries.jsonl", func(l []string) []string {
			l[60], l[61] = strings.Replace(l[61], `"index":61`, `"index":60`, 1), strings.Replace(l[60], `"index":60`, `"index":61`, 1)
			return l
		})
	}, want: []string{"leaf 60", "leaf 61", "was changed"}},
	{name: "a leaf is there twice", change: func(e exported) {
		e.lines("entries.jsonl", func(l []string) []string { return slices.Insert(l, 60, l[60]) })
	}, want: []string{"leaf 60 stands behind leaf 60: it is doubled or moved"}},
	{name: "leaves are numbered anew to close a gap", change: func(e exported) {
		e.lines("entries.jsonl", func(l []string) []string {
			l = slices.Delete(l, 50, 51)
			for i := 50; i < len(l); i++ {
				l[i] = strings.Replace(l[i], fmt.Sprintf(`"index":%d`, i+1), fmt.Sprintf(`"index":%d`, i), 1)
			}
			return l
		})
	}, want: []string{"leaf 50", "the leaf was changed", "is missing"}},
	{name: "a leaf is added", change: func(e exported) {
		e.lines("entries.jsonl", func(l []string) []string {
			return append(l, strings.Replace(l[len(l)-1], fmt.Sprintf(`"index":%d`, len(l)-1), fmt.Sprintf(`"index":%d`, len(l)), 1))
		})
	}, manifest: func(m map[string]any) { m["end"], m["leaves"] = m["end"].(float64)+1, m["leaves"].(float64)+1 },
		want: []string{"the tree of the checkpoint has only", "are no range of a tree"}},
	{name: "a leaf is written in another form", change: func(e exported) { e.replace("entries.jsonl", 50, `,"actor":`, `, "actor":`) }, want: []string{"leaf 50", "not in its one form"}},
	{name: "a line is no entry", change: func(e exported) { e.replace("entries.jsonl", 50, `{"index":50`, `{"index":050`) },
		want: []string{"entries.jsonl line 51", "is not of the form", "leaf 50 is missing"}},

	{name: "another key signs the head", change: func(e exported) { resign(e, e.read("checkpoint")) }, want: []string{"the tree head is not signed by the key of the log"}},
	{name: "the head has another size", change: func(e exported) {
		lines := strings.SplitAfter(string(e.read("checkpoint")), "\n")
		lines[1] = "9" + lines[1]
		e.write("checkpoint", []byte(strings.Join(lines, "")))
	}, want: []string{"checkpoint: the tree head is not signed", "tree_size is", "do not give the root"}},
	{name: "the head has another root", change: func(e exported) {
		e.replace("checkpoint", 2, "", "A")
	}, want: []string{"checkpoint: the tree head is not signed"}},
	{name: "the log has another name", change: func(e exported) { e.replace("checkpoint", 0, "siegel", "spiegel") }, want: []string{"the tree head is not signed by the key of the log"}},
	{name: "the checkpoint is missing", change: func(e exported) { e.remove("checkpoint") }, want: []string{"checkpoint: it cannot be read"}},
	{name: "an old checkpoint is put in place", change: func(e exported) { e.write("checkpoint", sibling(e, "checkpoint")) },
		want: []string{"tree_size is", "edge.jsonl: the tiles at the edge of the tree do not give the root", "the tree of the checkpoint has only"}},
	{name: "two exports are spliced", change: func(e exported) {
		e.write("checkpoint", sibling(e, "checkpoint"))
		e.write("edge.jsonl", sibling(e, "edge.jsonl"))
	}, want: []string{"the tree of the checkpoint has only", "tiles-0.jsonl"}},

	{name: "a hash in a full tile is changed", change: func(e exported) { changeHash(e, "tiles-0.jsonl", 0, 17) },
		want: []string{"tiles-0.jsonl line 1: tile 0 of level 0 (leaves 0 to 255) was changed"}},
	{name: "a leaf and its hash in the tile are changed", change: func(e exported) {
		e.replace("entries.jsonl", 40, `"sector":"`, `"sector":"x`)
		rehash(e, 40)
	}, want: []string{"tile 0 of level 0 (leaves 0 to 255) was changed", "leaf 40"}},
	{name: "a tile is missing", change: func(e exported) { e.write("tiles-0.jsonl", nil) },
		want: []string{"tiles-0.jsonl: tile 0 of level 0 is missing (leaves 0 to 255)", "its tile is missing"}},
	{name: "a tile is there twice", change: func(e exported) {
		e.lines("tiles-0.jsonl", func(l []string) []string { return append(l, l[0]) })
	}, want: []string{"tiles-0.jsonl line 2: the tile belongs to no leaf of the export"}},
	{name: "a hash at the edge is changed", change: func(e exported) { changeHash(e, "edge.jsonl", 0, 3) },
		want: []string{"edge.jsonl: the tiles at the edge of the tree do not give the root"}},

	{name: "a certificate is changed", change: func(e exported) { changeCertificate(e, 3, 0, 200) },
		want: []string{"certificates.jsonl line 4", "(card-issued): certificate 0", "certificate_sha256 is"}},
	{name: "two certificates of a card change places", change: func(e exported) {
		changeCertificates(e, 3, func(c [][]byte) [][]byte { c[0], c[1] = c[1], c[0]; return c })
	}, want: []string{"certificate 0", "certificate 1", "certificate_sha256 is"}},
	{name: "a certificate of a card is removed", change: func(e exported) {
		changeCertificates(e, 3, func(c [][]byte) [][]byte { return c[1:] })
	}, want: []string{"certificates.jsonl line 4", "certificates, the leaf has"}},
	{name: "the certificates of a card are removed", change: func(e exported) { cut(e, "certificates.jsonl", 3, 4) }, want: []string{"the certificates of the leaf are missing"}},
	{name: "the certificates of two cards change places", change: func(e exported) {
		e.lines("certificates.jsonl", func(l []string) []string {
			x, a, _ := strings.Cut(l[3], ",")
			y, b, _ := strings.Cut(l[4], ",")
			l[3], l[4] = x+","+b, y+","+a
			return l
		})
	}, want: []string{"certificates.jsonl line 4", "certificates.jsonl line 5", "certificate_sha256 is"}},
	{name: "certificates are given to a leaf without a card", change: func(e exported) {
		e.lines("certificates.jsonl", func(l []string) []string { return slices.Insert(l, 0, `{"index":1,"certificates":["AA=="]}`+"\n") })
	}, want: []string{"leaf 1", "the leaf records no card"}},
	{name: "the file of certificates is removed", change: func(e exported) { e.remove("certificates.jsonl") }, plain: true, want: []string{"certificates.jsonl: the file is missing"}},
	{name: "the certificate of an issuer is replaced", change: func(e exported) { e.write("issuers/SIEGEL.SMCB-CA2.der", e.read("issuers/SIEGEL.SMCB-CA1.der")) },
		want: []string{"issuers/SIEGEL.SMCB-CA2.der is not the certificate that the log has for issuer SIEGEL.SMCB-CA2", "is not signed by issuer SIEGEL.SMCB-CA2"}},
	{name: "the certificate of an issuer is removed", change: func(e exported) { e.remove("issuers/SIEGEL.SMCB-CA2.der") },
		want: []string{"the export has no certificate of its issuer SIEGEL.SMCB-CA2"}},

	{name: "personal data are changed", change: func(e exported) { e.replace("personal.jsonl", 2, `"personal":{"`, `"personal":{"x`) },
		want: []string{"personal.jsonl line 3", "(order-recorded)", "personal data or salt were changed"}},
	{name: "a salt is changed", change: func(e exported) {
		e.lines("personal.jsonl", func(l []string) []string {
			i := strings.Index(l[2], `"salt":"`) + len(`"salt":"`)
			other := "A"
			if l[2][i:i+1] == other {
				other = "B"
			}
			l[2] = l[2][:i] + other + l[2][i+1:]
			return l
		})
	}, want: []string{"personal.jsonl line 3", "personal data or salt were changed"}},
	{name: "personal data are removed", change: func(e exported) { cut(e, "personal.jsonl", 2, 3) }, want: []string{"has neither them nor the mark that they are erased"}},
	{name: "personal data of two persons change places", change: func(e exported) {
		e.lines("personal.jsonl", func(l []string) []string {
			x, a, _ := strings.Cut(l[2], ",")
			y, b, _ := strings.Cut(l[3], ",")
			l[2], l[3] = x+","+b, y+","+a
			return l
		})
	}, want: []string{"personal.jsonl line 3", "personal.jsonl line 4", "personal data or salt were changed"}},

	{name: "a row of the table is changed", change: func(e exported) { e.replace("certificates.csv", 100, "C.", "D.") }, want: []string{"certificates.csv, leaf", "the table was changed"}},
	{name: "a row of the table is removed", change: func(e exported) { cut(e, "certificates.csv", 100, 101) }, want: []string{"certificates.csv, leaf", "the table was changed"}},
	{name: "a row is added to the table", change: func(e exported) {
		e.lines("certificates.csv", func(l []string) []string { return append(l, l[len(l)-1]) })
	}, want: []string{"certificates.csv: it goes on after row"}},
	{name: "the Parquet table is changed", change: func(e exported) {
		rows, err := parquet.ReadFile[audit.Row](e.path("certificates.parquet"))
		if err != nil {
			e.t.Fatal(err)
		}
		rows[100].Sector = "x"
		if err := parquet.WriteFile(e.path("certificates.parquet"), rows); err != nil {
			e.t.Fatal(err)
		}
	}, want: []string{"certificates.parquet, leaf", "row 101 is not that of the leaf"}},
	{name: "the Parquet table is destroyed", change: func(e exported) {
		octets := e.read("certificates.parquet")
		e.write("certificates.parquet", octets[:len(octets)/2])
	}, want: []string{"certificates.parquet: it cannot be read"}},

	{name: "the manifest has another number of leaves", change: func(exported) {}, manifest: func(m map[string]any) { m["leaves"] = 1 }, want: []string{"it says that there are 1 leaves"}},
	{name: "the manifest has another root", change: func(exported) {}, manifest: func(m map[string]any) { m["root"] = "x" }, want: []string{"root is x, the checkpoint says"}},
	{name: "the manifest is of another log", change: func(exported) {}, manifest: func(m map[string]any) { m["log"] = "x" }, want: []string{"log is x, the checkpoint says"}},
	{name: "the manifest has an unknown field", change: func(exported) {}, manifest: func(m map[string]any) { m["x"] = 1 }, want: []string{"manifest.json: it cannot be read"}},
	{name: "the manifest is removed", change: func(e exported) { e.remove("manifest.json") }, plain: true, want: []string{"manifest.json: the file is missing"}},
	{name: "a file is added", change: func(e exported) { e.write("more.jsonl", []byte("x")) }, want: []string{"more.jsonl: the file is not named in the manifest"}},
}

func tamperedExports(t *testing.T, a *audited) {
	out, code := a.verify(a.full, "--whole")
	if code != 0 || !strings.Contains(out, "nothing is wrong") {
		t.Fatalf("the untouched export: exit code %d\n%s", code, out)
	}
	for _, c := range tamperings {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			e := copied(t, a.full)
			if err := os.CopyFS(filepath.Join(filepath.Dir(e.dir), "sibling"), os.DirFS(a.early)); err != nil {
				t.Fatal(err)
			}
			c.change(e)
			if !c.plain {
				e.forgeManifest(c.manifest)
			}
			out, code := a.verify(e.dir, c.flags...)
			wantFound(t, out, code, c.want...)
		})
	}
	t.Logf("%d ways to tamper with an export", len(tamperings))
}

// consistencyOfExports compares heads, and verifies with a key that is not the log's.
func consistencyOfExports(t *testing.T, a *audited) {
	consistent := func(old, new string, flags ...string) (string, int) {
		return a.siegel(nil, append([]string{"audit", "consistency", old, new, "--log-key", a.key}, flags...)...)
	}
	if out, code := consistent(a.early, a.full); code != 0 || !strings.Contains(out, "consistent") {
		t.Errorf("early to full: exit code %d\n%s", code, out)
	}
	if out, code := consistent(filepath.Join(a.early, "checkpoint"), a.full); code != 0 {
		t.Errorf("the early checkpoint to full: exit code %d\n%s", code, out)
	}
	t.Run("the log went backwards", func(t *testing.T) {
		out, code := consistent(a.full, a.early)
		wantFound(t, out, code, "the log went backwards")
	})
	t.Run("a checkpoint that another key signed", func(t *testing.T) {
		e := copied(t, a.full)
		resign(e, e.read("checkpoint"))
		out, code := consistent(a.early, e.dir)
		wantFound(t, out, code, "is not signed by the key of the log")
	})
	t.Run("a tile is changed", func(t *testing.T) {
		e := copied(t, a.full)
		changeHash(e, "tiles-0.jsonl", 0, 5)
		out, code := consistent(a.early, e.dir)
		wantFound(t, out, code, "not consistent", "the stored tree does not give its root")
	})
	t.Run("another log key", func(t *testing.T) {
		other := filepath.Join(t.TempDir(), "other.vkey")
		_, text, err := note.GenerateKey(nil, "siegel.example/log")
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(other, []byte(text+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		out, code := a.siegel(nil, "audit", "verify", a.full, "--log-key", other)
		wantFound(t, out, code, "the tree head is not signed by the key of the log")
	})
	t.Run("without tiles a proof is asked for", func(t *testing.T) {
		server := start(t, a.rig)
		defer stop(t, server)
		checkpoint := filepath.Join(a.full, "checkpoint")
		if out, code := consistent(a.early, checkpoint); code != 2 || !strings.Contains(out, "--online") {
			t.Errorf("two checkpoints alone: exit code %d\n%s", code, out)
		}
		if out := a.must(server, "audit", "consistency", a.early, checkpoint, "--log-key", a.key, "--online"); !strings.Contains(out, "shown by a proof of the server") {
			t.Error(out)
		}
	})
}

// cut removes lines from to to-1 of a file; -1 stands for the last line.
func cut(e exported, name string, from, to int) {
	e.lines(name, func(l []string) []string {
		switch {
		case from == -1:
			return l[:len(l)-1]
		case to == -1:
			return l[:from]
		}
		return slices.Delete(l, from, to)
	})
}

// cutAfter removes what belongs to leaves behind one.
func cutAfter(e exported, last int64) {
	for _, name := range []string{"certificates.jsonl", "personal.jsonl"} {
		e.lines(name, func(l []string) []string {
			return slices.DeleteFunc(l, func(line string) bool {
				var at struct{ Index int64 }
				if err := json.Unmarshal([]byte(line), &at); err != nil {
					e.t.Fatal(err)
				}
				return at.Index > last
			})
		})
	}
	e.remove("certificates.csv")
	e.remove("certificates.parquet")
}

// sibling reads a file of the early export.
func sibling(e exported, name string) []byte {
	return exported{e.t, filepath.Join(filepath.Dir(e.dir), "sibling")}.read(name)
}

// resign signs a checkpoint's text with a key of the forger's, in the name of the log.
func resign(e exported, signed []byte) {
	e.t.Helper()
	text, _, _ := bytes.Cut(signed, []byte("\n\n"))
	name, _, _ := bytes.Cut(text, []byte("\n"))
	secret, _, err := note.GenerateKey(nil, string(name))
	if err != nil {
		e.t.Fatal(err)
	}
	signer, err := note.NewSigner(secret)
	if err != nil {
		e.t.Fatal(err)
	}
	forged, err := note.Sign(&note.Note{Text: string(text) + "\n"}, signer)
	if err != nil {
		e.t.Fatal(err)
	}
	e.write("checkpoint", forged)
}

// changeTile changes the hashes of a line of tiles.
func changeTile(e exported, name string, line int, change func(hashes []byte)) {
	e.t.Helper()
	e.lines(name, func(l []string) []string {
		var tile struct {
			Level  int    `json:"level"`
			Index  int64  `json:"index"`
			Hashes []byte `json:"hashes"`
		}
		if err := json.Unmarshal([]byte(l[line]), &tile); err != nil {
			e.t.Fatal(err)
		}
		change(tile.Hashes)
		text, err := json.Marshal(tile)
		if err != nil {
			e.t.Fatal(err)
		}
		l[line] = string(text) + "\n"
		return l
	})
}

func changeHash(e exported, name string, line, n int) {
	changeTile(e, name, line, func(hashes []byte) { hashes[32*n] ^= 1 })
}

// rehash puts the hash of a changed leaf into its tile.
func rehash(e exported, leaf int) {
	var octets []byte
	e.lines("entries.jsonl", func(l []string) []string {
		_, rest, _ := strings.Cut(strings.TrimSuffix(l[leaf], "}\n"), `"leaf":`)
		octets = []byte(rest)
		return l
	})
	hash := leafHash(octets)
	changeTile(e, "tiles-0.jsonl", 0, func(hashes []byte) { copy(hashes[32*leaf:], hash[:]) })
}

// changeCertificates changes the certificates in a line.
func changeCertificates(e exported, line int, change func([][]byte) [][]byte) {
	e.t.Helper()
	e.lines("certificates.jsonl", func(l []string) []string {
		var card struct {
			Index        int64    `json:"index"`
			Certificates [][]byte `json:"certificates"`
		}
		if err := json.Unmarshal([]byte(l[line]), &card); err != nil {
			e.t.Fatal(err)
		}
		card.Certificates = change(card.Certificates)
		text, err := json.Marshal(card)
		if err != nil {
			e.t.Fatal(err)
		}
		l[line] = string(text) + "\n"
		return l
	})
}

func changeCertificate(e exported, line, n, octet int) {
	changeCertificates(e, line, func(c [][]byte) [][]byte { c[n][octet] ^= 1; return c })
}
