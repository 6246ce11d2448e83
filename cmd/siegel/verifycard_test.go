package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// copyCard copies the folder of the real card.
func copyCard(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), filepath.Base(realCard))
	if err := os.CopyFS(dir, os.DirFS(realCard)); err != nil {
		t.Fatal(err)
	}
	return dir
}

func move(t *testing.T, dir, from, to string) {
	t.Helper()
	if err := os.Rename(filepath.Join(dir, from), filepath.Join(dir, to)); err != nil {
		t.Fatal(err)
	}
}

func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// realDER is a certificate of another real card.
func realDER(t *testing.T, name string) []byte {
	t.Helper()
	list, err := pkix.ParseCertificates(readTestFile(t, "testdata/inspect/"+name))
	if err != nil {
		t.Fatal(err)
	}
	return list[0].Raw
}

// TestCertificatesBelongWhereTheyLie: every chain is good, and the certificates are not what their names say or not of one card.
func TestCertificatesBelongWhereTheyLie(t *testing.T) {
	const aut = "C.HCI.AUT.E256.der"
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		want   []string
	}{
		{"another profile's slot", func(t *testing.T, dir string) { move(t, dir, aut, "C.HCI.ENC.E256.der") },
			[]string{"BAD   C.HCI.ENC.E256: it is no C.HCI.ENC: its policies lack ", "1 certificate does not verify"}},
		{"another key's slot", func(t *testing.T, dir string) { move(t, dir, aut, "C.HCI.AUT.R2048.der") },
			[]string{"BAD   C.HCI.AUT.R2048: its key is E256, slot C.HCI.AUT.R2048 has R2048"}},
		{"slot of the other format", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "C.SMC.AUTR_CVC.E256.cvc")); err != nil {
				t.Fatal(err)
			}
			move(t, dir, aut, "C.SMC.AUTR_CVC.E256.cvc")
		}, []string{"BAD   C.SMC.AUTR_CVC.E256: slot C.SMC.AUTR_CVC.E256 is for a CV certificate"}},
		{"role and device exchanged", func(t *testing.T, dir string) {
			move(t, dir, "C.SMC.AUTR_CVC.E256.cvc", "x")
			move(t, dir, "C.SMC.AUTD_RPE_CVC.E256.cvc", "C.SMC.AUTR_CVC.E256.cvc")
			move(t, dir, "x", "C.SMC.AUTD_RPE_CVC.E256.cvc")
		}, []string{"BAD   C.SMC.AUTR_CVC.E256: its CHR names key 0009 of the card, the key of slot C.SMC.AUTR_CVC.E256 is 0006",
			"BAD   C.SMC.AUTD_RPE_CVC.E256: its CHR names key 0006"}},
		{"twice", func(t *testing.T, dir string) {
			put(t, dir, "C.HCI.OSIG.E256.der", readTestFile(t, filepath.Join(dir, aut)))
			put(t, dir, "C.SMC.AUTR_CVC.R2048.cvc", readTestFile(t, filepath.Join(dir, "C.SMC.AUTR_CVC.E256.cvc")))
		}, []string{"BAD   the card: C.HCI.AUT.E256 and C.HCI.OSIG.E256 are for the same key", "have the same serial number",
			"C.SMC.AUTR_CVC.E256 and C.SMC.AUTR_CVC.R2048 have the same CHR", "1 card is not whole"}},
		{"another institution's", func(t *testing.T, dir string) {
			put(t, dir, "C.HCI.ENC.E256.der", realDER(t, "hospital-pharmacy-ENC-E256.pem"))
		},
			[]string{"the serialNumber of its subject is ", "C.HCI.AUT.E256 and C.HCI.ENC.E256 have different subjects: C=DE, O=300421119 NOT-VALID",
				"C.HCI.AUT.E256 and C.HCI.ENC.E256 have different admissions (gemSpec_PKI, GS-A_4901)"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := copyCard(t)
			tt.change(t, dir)
			siegel("", "verify", "--at", realDay, dir).want(t, exitInvalid, tt.want...)
		})
	}
	t.Run("a slot that is not in the catalogue", func(t *testing.T) {
		dir := copyCard(t)
		move(t, dir, aut, "C.NEW.AUT.E256.der")
		siegel("", "verify", "--at", realDay, dir).want(t, exitOK, "note  C.NEW.AUT.E256 is a slot that this program does not know")
	})
}

// TestOneUnreadableFile is reported with its path, and the others are checked all the same.
func TestOneUnreadableFile(t *testing.T) {
	dir := copyCard(t)
	put(t, dir, "C.HCI.AUT.E256.der", []byte("hello"))
	put(t, dir, "issuers/broken.cvc", []byte{0x7F, 0x21, 0x00})
	siegel("", "verify", "--at", realDay, filepath.Dir(dir)).want(t, exitInvalid,
		"BAD   C.HCI.AUT.E256: "+filepath.Join(dir, "C.HCI.AUT.E256.der")+": neither a certificate",
		"BAD   broken: "+filepath.Join(dir, "issuers/broken.cvc")+": ",
		"good  C.SMC.AUTR_CVC.E256 ← ", "good  GEM.SMCB-CA57 ← GEM.RCA8", "2 certificates do not verify")
}

// asIssued is the real card as a server gives it, with the slots that the folder has.
func asIssued(t *testing.T) *siegelv1.Card {
	t.Helper()
	read := func(name string) []byte { return readTestFile(t, filepath.Join(realCard, name)) }
	slot := func(name string, format siegelv1.Format) *siegelv1.Certificate {
		return &siegelv1.Certificate{Slot: name, Format: format, Data: read(name + extensions[format])}
	}
	issuer := func(name string, format siegelv1.Format) *siegelv1.IssuerCertificate {
		return &siegelv1.IssuerCertificate{Name: name, Format: format, Data: read(filepath.Join(issuersDir, name+extensions[format]))}
	}
	const x509, cv = siegelv1.Format_FORMAT_X509, siegelv1.Format_FORMAT_CVC
	return &siegelv1.Card{Iccsn: filepath.Base(realCard), OrderId: "o-1", CardType: "smcb-g2.1", Sector: "psychotherapists", IssuedAt: from, EntryId: 7,
		Certificates: []*siegelv1.Certificate{slot("C.HCI.AUT.E256", x509), slot("C.SMC.AUTR_CVC.E256", cv), slot("C.SMC.AUTD_RPE_CVC.E256", cv)},
		Issuers: []*siegelv1.IssuerCertificate{issuer("GEM.SMCB-CA57", x509), issuer("GEM.RCA8", x509), issuer("DEGXX-1-3-02-23", cv),
			issuer("DEGXX-8-7-02-22", cv)}}
}

const wantManifest = `{
  "iccsn": "80276883110000152725",
  "order_id": "o-1",
  "card_type": "smcb-g2.1",
  "sector": "psychotherapists",
  "issued_at": "2026-12-01T00:00:00Z",
  "entry_id": 7,
  "slots": [
    {
      "slot": "C.HCI.AUT.E256",
      "file": "C.HCI.AUT.E256.der",
      "sha256": "ecfc79df98e695af6c439dd7660ac8ac6ac5dfbbd7b8c856e1347f744e016b29"
    },
    {
      "slot": "C.SMC.AUTR_CVC.E256",
`

// TestManifest writes a card with its card.json and then takes away, changes and adds files.
func TestManifest(t *testing.T) {
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		code   int
		want   []string
	}{
		{"as written", func(*testing.T, string) {}, exitOK, []string{"the order left these slots of smcb-g2.1 empty: C.HCI.AUT.R2048, ", "all good: 7 certificates"}},
		{"certificate missing", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "C.SMC.AUTR_CVC.E256.cvc")); err != nil {
				t.Fatal(err)
			}
		}, exitInvalid, []string{"BAD   the card: C.SMC.AUTR_CVC.E256.cvc is missing, which card.json names", "1 card is not whole"}},
		{"bundle for other tools changed", func(t *testing.T, dir string) { put(t, dir, "issuers/x509.pem", nil) }, exitInvalid,
			[]string{"issuers/x509.pem is not the file that card.json names: its SHA-256 differs"}},
		{"issuer added", func(t *testing.T, dir string) {
			put(t, dir, "issuers/another.der", readTestFile(t, filepath.Join(dir, "issuers/GEM.RCA8.der")))
		}, exitInvalid, []string{"BAD   another: card.json does not name it"}},
		{"manifest of another card", func(t *testing.T, dir string) {
			text := string(readTestFile(t, filepath.Join(dir, manifestFile)))
			put(t, dir, manifestFile, []byte(strings.Replace(text, "80276883110000152725", "80276883110000152726", 1)))
		}, exitInvalid, []string{`card.json is of card "80276883110000152726"`}},
		{"card type without these slots", func(t *testing.T, dir string) {
			text := string(readTestFile(t, filepath.Join(dir, manifestFile)))
			put(t, dir, manifestFile, []byte(strings.Replace(text, "smcb-g2.1", "gsmc-kt", 1)))
		}, exitInvalid, []string{"C.HCI.AUT.E256 is no slot of card type gsmc-kt"}},
		{"card type of a later catalogue", func(t *testing.T, dir string) {
			text := string(readTestFile(t, filepath.Join(dir, manifestFile)))
			put(t, dir, manifestFile, []byte(strings.Replace(text, "smcb-g2.1", "smcb-g3", 1)))
		}, exitOK, []string{`note  card type "smcb-g3" is not in the catalogue of this program`}},
		{"broken manifest", func(t *testing.T, dir string) { put(t, dir, manifestFile, []byte("{")) }, exitInvalid, []string{"card.json: unexpected EOF"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir, err := writeCard(t.TempDir(), asIssued(t))
			if err != nil {
				t.Fatal(err)
			}
			if text := string(readTestFile(t, filepath.Join(dir, manifestFile))); !strings.HasPrefix(text, wantManifest) {
				t.Fatalf("card.json is\n%s\nwant it to begin\n%s", text, wantManifest)
			}
			tt.change(t, dir)
			siegel("", "verify", "--at", realDay, dir).want(t, tt.code, tt.want...)
		})
	}
}

// TestAlternativeSlots: where a card has one of two slots, the other is not empty.
func TestAlternativeSlots(t *testing.T) {
	set, err := profiles.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	card := newCatalogue(set).types["smcb-g2.0"]
	for _, filled := range card.OneOf[0].Slots {
		m := &manifest{CardType: card.Name}
		for _, s := range card.Slots {
			if s.Name == filled || !slices.Contains(card.OneOf[0].Slots, s.Name) {
				m.Slots = append(m.Slots, manifestSlot{Slot: s.Name})
			}
		}
		r := &cardReport{}
		if checkSlots(r, m, card); r.Notes != nil || r.Faults != nil {
			t.Errorf("with %s: notes %q, faults %q, want none", filled, r.Notes, r.Faults)
		}
	}
	r := &cardReport{}
	if checkSlots(r, &manifest{CardType: card.Name}, card); len(r.Notes) != 1 || !strings.Contains(r.Notes[0], "C.HCI.QES.R2048, C.HCI.QSEAL.R2048") {
		t.Errorf("without any slot: notes %q, want both alternatives in them", r.Notes)
	}
}

// TestManifestIsNoPath: card.json comes with the folder, from wherever that came.
func TestManifestIsNoPath(t *testing.T) {
	for name, text := range map[string]string{
		"up":        `{"slots": [{"slot": "S", "file": "../x", "sha256": ""}]}`,
		"absolute":  `{"issuers": [{"file": "/etc/passwd", "sha256": ""}]}`,
		"unknown":   `{"colour": "red"}`,
		"two":       `{} {}`,
		"not known": `[]`,
	} {
		if m, err := parseManifest([]byte(text)); err == nil {
			t.Errorf("%s: parseManifest = %+v, want an error", name, m)
		}
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add([]byte(`{"iccsn": "1", "slots": [{"slot": "S", "file": "S.der", "sha256": "00"}], "issuers": [{"file": "issuers/CA.der", "sha256": "ff"}]}`))
	f.Add([]byte(`{"slots": [{"file": "a/../../b"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseManifest(text)
		if err != nil {
			return
		}
		for _, e := range m.entries() {
			if !filepath.IsLocal(filepath.Join("dir", e.File)) {
				t.Errorf("%q leaves the folder", e.File)
			}
		}
	})
}

// TestVerifyJSON is the shape that programs read.
func TestVerifyJSON(t *testing.T) {
	dir := copyCard(t)
	put(t, dir, "C.HCI.ENC.E256.der", []byte("hello"))
	r := siegel("", "verify", "--json", "--at", realDay, dir)
	if r.code != exitInvalid || !strings.Contains(r.err, "1 certificate does not verify") {
		t.Errorf("exit code %d, %s", r.code, r.err)
	}
	var v verification
	dec := json.NewDecoder(strings.NewReader(r.out))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil || dec.More() {
		t.Fatalf("the output is not one document: %v\n%s", err, r.out)
	}
	if v.ValidOn != realDay || v.Trust != "folder" || v.Good || len(v.Cards) != 1 || v.Cards[0].ICCSN != filepath.Base(realCard) || v.Cards[0].Folder != dir {
		t.Errorf("the document is %+v", v)
	}
	found := map[string]*finding{}
	for _, f := range v.Cards[0].Certificates {
		found[f.File] = f
	}
	if f := found["C.SMC.AUTR_CVC.E256.cvc"]; f == nil || !f.Good || !slices.Equal(f.Chain, []string{"DEGXX 1-3-02-23", "DEGXX 8-7-02-22"}) {
		t.Errorf("the role certificate is %+v", f)
	}
	if f := found["C.HCI.ENC.E256.der"]; f == nil || f.Good || len(f.Faults) != 1 || f.Name != "C.HCI.ENC.E256" {
		t.Errorf("the unreadable file is %+v", f)
	}
	if f := found["issuers/GEM.RCA8.der"]; f == nil || !f.Good {
		t.Errorf("the root is %+v", f)
	}
	named := siegel("", "verify", "--json", "--at", realDay, "--trust", realCard+"/issuers/GEM.RCA8.der", "--trust", realCard+"/issuers/DEGXX-8-7-02-22.cvc", realCard)
	named.want(t, exitOK, `"trust": "named"`, `"good": true`)
}

// TestHalfWrittenFolder stops in the middle in every way that a file system knows, and issues again.
func TestHalfWrittenFolder(t *testing.T) {
	f := (&fakeServer{issue: issueAll}).serve(t)
	order := orderFile(t, "o-1")
	for name, stop := range map[string]func(t *testing.T, folder string){
		"partial file": func(t *testing.T, dir string) { move(t, dir, "C.HCI.AUT.E256.der", "C.HCI.AUT.E256.der"+partial) },
		"empty file":   func(t *testing.T, dir string) { put(t, dir, "C.HCI.AUT.E256.der", nil) },
		"half a file":  func(t *testing.T, dir string) { put(t, dir, "C.HCI.AUT.E256.der", []byte("de")) },
		"no card.json": func(t *testing.T, dir string) { move(t, dir, manifestFile, "x") },
		"half card.json": func(t *testing.T, dir string) {
			put(t, dir, manifestFile, readTestFile(t, filepath.Join(dir, manifestFile))[:40])
		},
	} {
		t.Run(name, func(t *testing.T) {
			out := t.TempDir()
			f.siegel("issue", order, "--out", out).want(t, exitOK)
			folder := filepath.Join(out, "80276001011699900861")
			whole := string(readTestFile(t, filepath.Join(folder, manifestFile)))
			stop(t, folder)
			f.siegel("issue", order, "--out", out).want(t, exitOK)
			if got := string(readTestFile(t, filepath.Join(folder, "C.HCI.AUT.E256.der"))); got != "der" {
				t.Errorf("the certificate is %q", got)
			}
			if got := string(readTestFile(t, filepath.Join(folder, manifestFile))); got != whole {
				t.Errorf("card.json is\n%s\nwant\n%s", got, whole)
			}
			left, err := filepath.Glob(filepath.Join(folder, "*"+partial))
			if err != nil || len(left) > 0 {
				t.Errorf("left behind: %q, %v", left, err)
			}
		})
	}
}
