package hierarchy

import (
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// saved writes a hierarchy of the real test root GEM.RCA8 and the issuing CA below it.
func saved(t *testing.T) string {
	t.Helper()
	h := Hierarchy{
		Environment: profiles.Test, TSPID: "16",
		Issuers: []Issuer{
			{Issuer: profiles.Issuer{Name: "root", Kind: profiles.RootCA, KeyType: sigalg.E256, X509: read(t, "GEM.RCA8_TEST-ONLY.pem"), IssuedBy: "root"}},
			{KeyID: []byte{1, 2}, Issuer: profiles.Issuer{Name: "sub", Kind: profiles.SMCBCA, KeyType: sigalg.E256, X509: read(t, "GEM.SMCB-CA57_TEST-ONLY.pem"),
				IssuedBy: "root", OCSPURL: "http://ocsp.example/sub", Profiles: []string{"C.HCI.AUT"}}},
		},
		Log: LogKey{Name: "example/log", KeyID: []byte{3}},
	}
	dir := filepath.Join(t.TempDir(), "hierarchy")
	if err := h.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func read(t *testing.T, name string) *pkix.Certificate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	cert, err := pkix.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// TestSaveAndLoad: what was saved is loaded, and is not overwritten.
func TestSaveAndLoad(t *testing.T) {
	dir := saved(t)
	h, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	sub := h.Issuers[1]
	if sub.Name != "sub" || string(sub.KeyID) != "\x01\x02" || sub.OCSPURL != "http://ocsp.example/sub" || len(sub.Profiles) != 1 || h.TSPID != "16" || h.Log.Name != "example/log" {
		t.Errorf("loaded %+v", h)
	}
	if err := h.Save(dir); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saving over it: %v, want fs.ErrExist", err)
	}
}

// TestLoadRefuses edits the list of issuers; each edit must be refused with a text that names the fault.
func TestLoadRefuses(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "tsp_id:", "tsp:", "line 3: field tsp not found"},
		{"unknown environment", "environment: test", "environment: staging", "staging"},
		{"no log key", `key: "03"`, `key: ""`, "log: key"},
		{"unknown kind", "kind: smcb-ca", "kind: web-ca", `kind "web-ca"`},
		{"unknown key type", "key_type: E256", "key_type: E521", `"E521"`},
		{"another key type", "key_type: E256", "key_type: E384", "holds a key of type E256, the list says E384"},
		{"key that is not hex", `key: "0102"`, "key: sub-key", "not a CKA_ID in hex"},
		{"certificate missing", "certificate: sub.pem", "certificate: lost.pem", "lost.pem"},
		{"issuer missing", "name: sub\n      kind: smcb-ca\n      key_type: E256\n      certificate: sub.pem\n      issued_by: root",
			"name: sub\n      kind: smcb-ca\n      key_type: E256\n      certificate: sub.pem\n      issued_by: nobody", `"nobody" is not in the list`},
		{"issuing CA issued by itself", "certificate: sub.pem\n      issued_by: root", "certificate: sub.pem\n      issued_by: sub", "only a root is issued by itself"},
		{"two of one name", "name: sub", "name: root", `two issuers are named "root"`},
		{"another certificate in the file", "certificate: root.pem", "certificate: sub.pem", `issuer "root"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkEdited(t, saved(t), c.old, c.new, c.want)
		})
	}
}

// checkEdited replaces a text in the list of a directory and wants it refused for a reason.
func checkEdited(t *testing.T, dir, old, text, want string) {
	t.Helper()
	path := filepath.Join(dir, FileName)
	list, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(list), old, text, 1)
	if edited == string(list) {
		t.Fatalf("the list has no %q:\n%s", old, list)
	}
	if err := os.WriteFile(path, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error is %v, want one with %q", err, want)
	}
}

// TestTermsLieWithinEachOther: a second before or after the issuer above is too much.
func TestTermsLieWithinEachOther(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(sub, root *pkix.Certificate)
		wrong bool
	}{
		{"the same term", func(sub, root *pkix.Certificate) { sub.NotBefore, sub.NotAfter = root.NotBefore, root.NotAfter }, false},
		{"begins before", func(sub, root *pkix.Certificate) { sub.NotBefore = root.NotBefore.Add(-time.Second) }, true},
		{"ends after", func(sub, root *pkix.Certificate) { sub.NotAfter = root.NotAfter.Add(time.Second) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := Load(saved(t))
			if err != nil {
				t.Fatal(err)
			}
			c.do(h.Issuers[1].X509, h.Issuers[0].X509) // what the signatures cover stays as it was
			err = h.checkChains()
			if wrong := err != nil && strings.Contains(err.Error(), `is not within that of "root"`); wrong != c.wrong || !wrong && err != nil {
				t.Errorf("got %v, want a refusal: %t", err, c.wrong)
			}
		})
	}
}
