package hierarchy

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// savedG1 writes a hierarchy of a real root and sub-CA of generation 1, the sub-CA first.
func savedG1(t *testing.T) string {
	t.Helper()
	root, err := cvc.ParseG1Root(octets(t, "DEGXX-1-1-01-09.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := cvc.ParseG1(octets(t, "DEGEX-1-0-01-15.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	sub, err := sealed.OpenCA(root)
	if err != nil {
		t.Fatal(err)
	}
	h := Hierarchy{
		Environment: profiles.Test, TSPID: "16",
		Issuers: []Issuer{
			{KeyID: []byte{1, 2}, Issuer: profiles.Issuer{Name: "sub", Kind: profiles.CVCSubCA, KeyType: sigalg.R2048, G1: sub, IssuedBy: "root"}},
			{Issuer: profiles.Issuer{Name: "root", Kind: profiles.CVCRootCA, KeyType: sigalg.R2048, G1: root, IssuedBy: "root"}},
		},
		Log: LogKey{Name: "example/log", KeyID: []byte{3}},
	}
	dir := filepath.Join(t.TempDir(), "hierarchy")
	if err := h.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func octets(t *testing.T, name string) []byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestLoadOpensG1: the certificate of the sub-CA is opened with the root's key, wherever that stands in the list.
func TestLoadOpensG1(t *testing.T) {
	h, err := Load(savedG1(t))
	if err != nil {
		t.Fatal(err)
	}
	sub, root := h.Issuers[0], h.Issuers[1]
	if sub.G1 == nil || sub.G1.CHR.String() != "DEGEX 1-0-01-15" || sub.G1.CAR.String() != "DEGXX 1-1-01-09" || sub.sealed != nil {
		t.Errorf("sub-CA is %+v, want DEGEX 1-0-01-15 of DEGXX 1-1-01-09", sub.G1)
	}
	if root.G1 == nil || !root.G1.IsRoot() {
		t.Errorf("root is %+v", root.G1)
	}
	if have, err := sigalg.TypeOf(sub.PublicKey()); err != nil || have != sigalg.R2048 {
		t.Errorf("key of the sub-CA is %s (%v), want %s", have, err, sigalg.R2048)
	}
}

func TestLoadRefusesG1(t *testing.T) {
	for _, c := range []struct{ name, file, old, new, want string }{
		{"signature changed", "sub.cvc", "\x5F\x37\x82\x01\x00\x0F", "\x5F\x37\x82\x01\x00\x0E", "signature does not verify"},
		{"another root's key", "root.cvc", "\x81\x82\x01\x00\xB1", "\x81\x82\x01\x00\xB3", "signature does not verify"},
		{"root of another name", "root.cvc", "DEGXX\x11\x01\x09", "DEGXX\x12\x01\x09", "CAR is not the issuer's reference"},
		{"root listed as an issuing CA", FileName, "certificate: sub.cvc", "certificate: root.cvc", "not a well-formed CV certificate"},
		{"issuing CA listed as a root", FileName, "certificate: root.cvc", "certificate: sub.cvc", "not a well-formed CV certificate"},
		{"key type of generation 2", FileName, "key_type: R2048", "key_type: E256", "not a well-formed CV certificate"},
		{"longer key", FileName, "key_type: R2048", "key_type: R3072", "hold keys of type R2048, the list says R3072"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := savedG1(t)
			path := filepath.Join(dir, c.file)
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			edited := strings.Replace(string(raw), c.old, c.new, 1)
			if edited == string(raw) {
				t.Fatalf("%s has no %q", c.file, c.old)
			}
			if err := os.WriteFile(path, []byte(edited), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

// TestGenerationsDoNotMix: no CVC issuer of one generation stands below a root of the other (gemKPT_PKI_TIP, section 2.3.6).
func TestGenerationsDoNotMix(t *testing.T) {
	g1 := Issuer{Issuer: profiles.Issuer{Name: "g1", G1: &cvc.G1CA{}}}
	g2 := Issuer{Issuer: profiles.Issuer{Name: "g2", CVC: &cvc.Certificate{}}}
	sealed := Issuer{Issuer: profiles.Issuer{Name: "sealed"}, sealed: &cvc.G1Certificate{}}
	for name, err := range map[string]error{"2 below 1": g2.checkSignatureFrom(&g1), "1 below 2": sealed.checkSignatureFrom(&g2)} {
		if err == nil || !strings.Contains(err.Error(), "of another generation") {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
}
