package hierarchy

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// savedQualified writes a hierarchy of the real qualified issuer GEM.HBA-qCA51, which signs itself.
func savedQualified(t *testing.T) string {
	t.Helper()
	h := Hierarchy{
		Environment: profiles.Test, TSPID: "16",
		Issuers: []Issuer{{KeyID: []byte{1, 2}, Issuer: profiles.Issuer{
			Name: "qca", Kind: profiles.QESCA, KeyType: sigalg.E256, X509: read(t, "GEM.HBA-qCA51_TEST-ONLY.pem"), IssuedBy: "qca", Profiles: []string{"C.HCI.QES"},
			Qualified: &profiles.QualifiedInfo{
				PDS:            []pkix.PDSLocation{{URL: "https://qca.example/en", Language: "en"}, {URL: "https://qca.example/de", Language: "de"}},
				RetentionYears: 7, Legislation: []string{"CH"}, CAIssuersURL: "http://qca.example/qca.cer",
			},
		}}},
		Log: LogKey{Name: "example/log", KeyID: []byte{3}},
	}
	dir := filepath.Join(t.TempDir(), "hierarchy")
	if err := h.Save(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestQualifiedIssuer: an issuer that signs itself and is no root is loaded with everything that it states.
func TestQualifiedIssuer(t *testing.T) {
	h, err := Load(savedQualified(t))
	if err != nil {
		t.Fatal(err)
	}
	want := &profiles.QualifiedInfo{
		PDS:            []pkix.PDSLocation{{URL: "https://qca.example/en", Language: "en"}, {URL: "https://qca.example/de", Language: "de"}},
		RetentionYears: 7, Legislation: []string{"CH"}, CAIssuersURL: "http://qca.example/qca.cer",
	}
	if got := h.Issuers[0]; got.Kind != profiles.QESCA || got.PSS || !reflect.DeepEqual(got.Qualified, want) {
		t.Errorf("loaded %+v, want the statements %+v", got, want)
	}
}

// TestQualifiedRefusals edits what a qualified issuer states; each edit must be refused with a text that names the fault.
func TestQualifiedRefusals(t *testing.T) {
	for _, c := range []struct{ name, old, new, want string }{
		{"PSS with a key on a curve", "      qualified:", "      pss: true\n      qualified:", "RSASSA-PSS"},
		{"no English statement", "language: en", "language: fr", "must be in English"},
		{"statement without TLS", "https://qca.example/de", "http://qca.example/de", "https://"},
		{"language in capitals", "language: de", "language: DE", "two small letters"},
		{"no retention", "retention_years: 7", "retention_years: 0", "number of years"},
		{"law of no country", "- CH", "- Schweiz", "two capital letters"},
		{"unknown statement", "retention_years:", "retention_days:", "retention_days"},
		{"institutions' issuer with statements", "kind: qes-ca", "kind: smcb-ca", "qualified is for issuers of kind qes-ca"},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkEdited(t, savedQualified(t), c.old, c.new, c.want)
		})
	}
}

// TestQualifiedWithoutStatements: it could not sign a single certificate.
func TestQualifiedWithoutStatements(t *testing.T) {
	dir := savedQualified(t)
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, after, _ := strings.Cut(string(text), "      qualified:\n")
	_, rest, _ := strings.Cut(after, "log:\n")
	if err := os.WriteFile(path, []byte(before+"log:\n"+rest), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "each of them needs it") {
		t.Errorf("error is %v, want one about what is missing", err)
	}
}
