package ceremony

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/profiles"
)

func catalogue(t testing.TB) *profiles.Set {
	t.Helper()
	set, err := profiles.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// goodFile is the text of a file that has nothing wrong with it.
func goodFile(t testing.TB) (path, text string) {
	t.Helper()
	path = filepath.Join("testdata", "good.yaml")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return path, string(b)
}

// TestRead reads a good file: defaults are filled in, the steps are in the order in which they are done.
func TestRead(t *testing.T) {
	path, _ := goodFile(t)
	f, err := Read(path, catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	smcb, cvca := &f.Issuers[0], &f.Issuers[1]
	if strings.Join(smcb.Profiles, " ") != "C.HCI.AUT C.HCI.ENC C.HCI.OSIG" || smcb.MaxYears != 8 || smcb.Signers[0].Organization != "Siegel" {
		t.Errorf("defaults of %s: %+v", smcb.Name, smcb)
	}
	if !smcb.OrdersFrom.Equal(time.Date(2027, 3, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("orders from %s", smcb.OrdersFrom)
	}
	if cvca.Reference().String() != "DESGX 1-1-02-26" || cvca.Flags().String() != "80FF3BDFE1FF0C" {
		t.Errorf("%s is %s with %s", cvca.Name, cvca.Reference(), cvca.Flags())
	}
	var got []string
	for _, s := range f.Steps() {
		got = append(got, s.ID())
	}
	want := []string{
		"open token ca", "create key SMCB-CA1", "create key SMCB-CA1-OCSP1", "create key DESGX-1-1-02-26", "create key log",
		"write request SIEGEL.SMCB-CA1", "write request DESGX-1-1-02-26",
		"take certificate SIEGEL.SMCB-CA1", "certify signer SIEGEL.SMCB-CA1-OCSP1", "take certificate DESGX-1-1-02-26", "write list of issuers (test)",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("steps are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestReadRefuses makes one mistake in the good file. Each must be named with its line.
func TestReadRefuses(t *testing.T) {
	const noOne = "\nnobody: at all\n"
	for _, c := range []struct{ name, old, new, want string }{
		{"unknown key", "title: First issuers", "titel: First issuers", `good.yaml:1: unknown key "titel"`},
		{"no title", "title: First issuers\n", "", "title: is missing"},
		{"unknown environment", "environment: test", "environment: staging", `good.yaml:2: environment: "staging"`},
		{"one digit", `tsp_id: "16"`, `tsp_id: "1"`, "good.yaml:3: tsp_id"},
		{"log without provider", `tsp_id: "16"` + "\n", "", "needs tsp_id and log"},
		{"one operator", "Bela Beispiel, role: ca-operator", "Bela Beispiel, role: witness", "good.yaml:4: participants: there are 1 ca-operators"},
		{"one person twice", "name: Bela Beispiel", "name: Ada Muster", "good.yaml:6: participants[1].name: Ada Muster appears a second time"},
		{"nobody to sign", "role: security-officer", "role: auditor", "nobody is security-officer or witness"},
		{"unknown role", "role: security-officer", "role: boss", `good.yaml:7: participants[2].role: "boss"`},
		{"no module", "?module-path=/m.so", "", "good.yaml:9: tokens[0].uri"},
		{"PIN in the URI", "module-path=/m.so", "module-path=/m.so&pin-value=1234", "says something about the PIN"},
		{"PIN in the file", "pin: prompt", `pin: "1234"`, "a PIN itself does not belong here"},
		{"another certificate", "certificate: GEM.RCA8_TEST-ONLY.pem", "certificate: DEGXX-8-7-02-22.cvc", "good.yaml:13: anchors[0].certificate"},
		{"no certificate", "certificate: GEM.RCA8_TEST-ONLY.pem", "certificate: lost.pem", "lost.pem"},
		{"another fingerprint", "    kind: cvc-root-ca\n    certificate: DEGXX-8-7-02-22.cvc\n    sha256: ", "    kind: cvc-root-ca\n    certificate: DEGXX-8-7-02-22.cvc\n    sha256: 00 # ", "good.yaml:17: anchors[1].certificate: DEGXX-8-7-02-22.cvc is the certificate of SHA-256"},
		{"no hex", `id: "0101"`, `id: "01x1"`, `good.yaml:23: "01x1" is not hex`},
		{"unknown key type", "type: E256, token: ca, id: \"0101\"", "type: E257, token: ca, id: \"0101\"", "good.yaml:23: "},
		{"root for production", "environment: test", "environment: production", "anchors[0].certificate: it does not belong into environment production"},
		{"unknown kind", "kind: smcb-ca", "kind: web-ca", `good.yaml:21: issuers[0].kind: "web-ca"`},
		{"name of another form", "name: SIEGEL.SMCB-CA1\n", "name: SIEGEL.SMCB-CA01\n", "good.yaml:20: issuers[0].name"},
		{"path as a name", "name: SIEGEL.SMCB-CA1\n", "name: ../SMCB-CA1\n", "cannot be the name of an issuer and its file"},
		{"no generation", "    generation: 1\n    key: {type: E256, token: ca, id: \"0101\"", "    key: {type: E256, token: ca, id: \"0101\"", "issuers[0].generation: is 0"},
		{"unknown token", `token: ca, id: "0101"`, `token: hsm, id: "0101"`, `there is no token "hsm"`},
		{"one id twice", `id: "0102"`, `id: "0101"`, "issuers[0].signers[0].key: token ca: id 0101 belongs to issuers[0].key already"},
		{"one label twice", "label: log", "label: SMCB-CA1", "log.key: token ca: label SMCB-CA1 belongs to issuers[0].key already"},
		{"one name twice", "name: SIEGEL.SMCB-CA1-OCSP1", "name: SIEGEL.SMCB-CA1", "is the name of issuers[0].name already"},
		{"unknown anchor", "issued_by: GEM.RCA8", "issued_by: GEM.RCA9", `there is no anchor "GEM.RCA9"`},
		{"anchor of the other format", "issued_by: GEM.RCA8", "issued_by: DEGXX-8-7-02-22", "does not certify a smcb-ca"},
		{"anchor of the other generation", "key: {type: E256, token: ca, id: \"0101\"", "key: {type: R2048, token: ca, id: \"0101\"", "does not certify a smcb-ca of RSA (GS-A_5513)"},
		{"no organization", "    organization: Siegel\n", "", "issuers[0].organization: is missing"},
		{"no responder", "    ocsp_url: http://ocsp.siegel.example/1\n", "", "issuers[0].ocsp_url: is missing"},
		{"responder with TLS", "ocsp_url: http://", "ocsp_url: https://", "begins with http://"},
		{"nine years", "    orders_from:", "    max_years: 9\n    orders_from:", "want 1 to 8 (GS-A_4351)"},
		{"orders some day", "orders_from: 2027-03-01T00:00:00Z", "orders_from: soon", "good.yaml:"},
		{"foreign profile", "    orders_from:", "    profiles: [C.SMKT.AUT]\n    orders_from:", `"C.SMKT.AUT" is no profile that a smcb-ca`},
		{"no signer", "    signers:\n      - {name: SIEGEL.SMCB-CA1-OCSP1, kind: ocsp-signer, key: {type: E256, token: ca, id: \"0102\", label: SMCB-CA1-OCSP1}}\n", "", "there is no ocsp-signer"},
		{"signer of the other generation", "type: E256, token: ca, id: \"0102\"", "type: R2048, token: ca, id: \"0102\"", "GS-A_5514"},
		{"signer of another kind", "kind: ocsp-signer", "kind: komp-ca", `"komp-ca" is not ocsp-signer`},
		{"reference of a root", "name: DESGX-1-1-02-26\n", "name: DESGX-8-1-02-26\n", "has service indicator 1"},
		{"no reference", "name: DESGX-1-1-02-26\n", "name: DESGX\n", "issuers[1].name"},
		{"provider of production", "name: DESGX-1-1-02-26\n", "name: DESGE-1-1-02-26\n", "provider code DESGE belongs to the other environment"},
		{"CVC on another curve", "type: E256, token: ca, id: \"0201\"", "type: E384, token: ca, id: \"0201\"", "have keys of type E256"},
		{"unknown sub-CA", "sub_ca: hba-smcb", "sub_ca: zoo", `the catalogue has no sub-CA "zoo"`},
		{"responder of CVC", "    sub_ca: hba-smcb", "    sub_ca: hba-smcb\n    ocsp_url: http://x.example", "issuers[1].ocsp_url: has no place in a CVC issuer"},
		{"log with an RSA key", "type: Ed25519", "type: R2048", "signed notes want Ed25519"},
		{"roots beside issuers", "log:\n", "roots:\n  - {name: SIEGEL.RCA1, kind: root-ca, organization: S, ocsp_url: http://x.example, key: {type: E256, token: ca, id: \"05\", label: r}}\nlog:\n", "a ceremony of roots creates nothing else"},
		{"destroyed in use", "log:\n", "destroy:\n  - {issuer: SIEGEL.SMCB-CA1, token: ca, label: x, backups: none}\nlog:\n", "is created in this file"},
		{"destroyed at once", "log:\n", "retire:\n  - {issuer: X, reason: old}\ndestroy:\n  - {issuer: X, token: ca, label: x, backups: none}\nlog:\n", "is retired in this file"},
		{"no word about backups", "log:\n", "destroy:\n  - {issuer: X, token: ca, label: x}\nlog:\n", "destroy[0].backups: is missing"},
		{"no reason", "log:\n", "retire:\n  - {issuer: X}\nlog:\n", "retire[0].reason: is missing"},
		{"two documents", "log:\n", "---\nlog:\n", "more than one YAML document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, text := goodFile(t)
			edited := strings.Replace(text, c.old, c.new, 1)
			if edited == text {
				t.Fatalf("the good file has no %q", c.old)
			}
			if _, err := parse(path, []byte(edited), catalogue(t)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is\n%v\nwant one with\n%s", err, c.want)
			}
		})
	}
	path, text := goodFile(t)
	if _, err := parse(path, []byte(text+noOne), catalogue(t)); err == nil {
		t.Error("an unknown key at the end was taken")
	}
}

// TestReadNothing: a file that does nothing is a mistake, and so are roots for production.
func TestReadNothing(t *testing.T) {
	const head = "title: x\nparticipants: [{name: a, role: ca-operator}, {name: b, role: ca-operator}, {name: c, role: witness}]\n" +
		"tokens: [{name: t, uri: 'pkcs11:token=t?module-path=/m', pin: 'file:pin'}]\n"
	for _, c := range []struct{ name, text, want string }{
		{"nothing", head + "environment: test\n", "creates, retires and destroys nothing"},
		{"roots of production", head + "environment: production\nroots: [{name: S.RCA1, kind: root-ca, organization: S, ocsp_url: http://x.example, key: {type: E256, token: t, id: '01', label: r}}]\n",
			"only environment test has roots of its own"},
		{"empty", "", "tokens: there is none"},
	} {
		if _, err := parse("f.yaml", []byte(c.text), catalogue(t)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.name, err, c.want)
		}
	}
}

// FuzzRead reads whatever it is given without falling over, and takes nothing that it cannot list the steps of.
func FuzzRead(f *testing.F) {
	_, text := goodFile(f)
	f.Add([]byte(text))
	f.Add([]byte("issuers: [{}]\nroots: [{}]\nanchors: [{}]\nlog: {}\nretire: [{}]\ndestroy: [{}]\n"))
	set := catalogue(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := parse(filepath.Join("testdata", "fuzz.yaml"), text, set)
		if err == nil && len(file.Steps()) < 2 {
			t.Errorf("a file of %d steps is good", len(file.Steps()))
		}
	})
}
