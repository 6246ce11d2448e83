package main

import (
	"bytes"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/rpc"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// perform runs the program in a folder of the test and gives the folder.
func perform(t *testing.T, flags ...string) string {
	t.Helper()
	data := filepath.Join(t.TempDir(), "data")
	if code := run(append([]string{"test-hierarchy", "--data", data}, flags...)); code != 0 {
		t.Fatalf("exit code %d, want 0", code)
	}
	return data
}

// TestTestHierarchy performs a whole ceremony on a SoftHSM token and looks at everything that it left.
func TestTestHierarchy(t *testing.T) {
	data := perform(t)
	h, err := hierarchy.Load(filepath.Join(data, "hierarchy"))
	if err != nil {
		t.Fatal(err)
	}
	t.Run("issuers", func(t *testing.T) { checkIssuers(t, h) })
	t.Run("openssl verifies the X.509 chains", func(t *testing.T) { checkWithOpenSSL(t, filepath.Join(data, "hierarchy")) })
	t.Run("certificates look like the real ones", func(t *testing.T) { checkAgainstReality(t, h) })
	t.Run("issuer of qualified certificates", func(t *testing.T) { checkQualifiedCA(t, h) })
	t.Run("OCSP signers", func(t *testing.T) { checkSigners(t, h) })
	t.Run("operators", func(t *testing.T) { checkOperators(t, data) })
	t.Run("record", func(t *testing.T) { checkRecord(t, data) })
	t.Run("never overwrites", func(t *testing.T) { checkRefusal(t, data) })
}

func checkIssuers(t *testing.T, h *hierarchy.Hierarchy) {
	var got []string
	for _, iss := range h.Issuers {
		line := string(iss.Kind) + " " + iss.KeyType.String()
		if len(iss.KeyID) > 0 {
			line += " signs " + strings.Join(iss.Profiles, ",")
		}
		got = append(got, line)
	}
	want := []string{
		"root-ca R2048",
		"smcb-ca R2048 signs C.HCI.AUT,C.HCI.ENC,C.HCI.OSIG", "ocsp-signer R2048 signs ",
		"komp-ca R2048 signs C.AK.AUT,C.NK.VPN,C.SAK.AUT,C.SMKT.AUT", "ocsp-signer R2048 signs ",
		"root-ca E256",
		"smcb-ca E256 signs C.HCI.AUT,C.HCI.ENC,C.HCI.OSIG", "ocsp-signer E256 signs ",
		"komp-ca E256 signs C.AK.AUT,C.NK.VPN,C.SAK.AUT,C.SMKT.AUT", "ocsp-signer E256 signs ",
		"qes-ca R2048 signs C.HCI.QES,C.HCI.QSEAL", "ocsp-signer R2048 signs ",
		"cvc-root-ca E256", "cvc-ca E256 signs C.SMC.AUTD_RPE_CVC,C.SMC.AUTR_CVC",
		"cvc-device-ca E256 signs C.SAK.AUTD_CVC,C.SMC.AUTD_RPS_CVC,C.SMC.AUT_CVC", "cvc-ca E256 signs C.SMC.AUTD_RPE_CVC,C.SMC.AUTR_CVC",
		"cvc-root-ca R2048", "cvc-ca R2048 signs C.SMC.AUTR_CVC.R2048",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("issuers are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if h.Environment != profiles.Test || len(h.Log.KeyID) == 0 || h.Log.Name == "" {
		t.Errorf("environment %q, log key %+v", h.Environment, h.Log)
	}
}

// checkWithOpenSSL verifies every chain: anchor, certificates between, certificate. OpenSSL's strict mode wants no authorityKeyIdentifier of
// a root either, so that GS-A_4732 does not hurt.
func checkWithOpenSSL(t *testing.T, dir string) {
	for _, chain := range [][]string{
		{"SIEGEL.RCA1", "SIEGEL.SMCB-CA1", "SIEGEL.SMCB-CA1-OCSP1"}, {"SIEGEL.RCA1", "SIEGEL.KOMP-CA1", "SIEGEL.KOMP-CA1-OCSP1"},
		{"SIEGEL.RCA2", "SIEGEL.SMCB-CA2", "SIEGEL.SMCB-CA2-OCSP1"}, {"SIEGEL.RCA2", "SIEGEL.KOMP-CA2", "SIEGEL.KOMP-CA2-OCSP1"},
		{"SIEGEL.SMCB-qCA1", "SIEGEL.SMCB-qCA1", "SIEGEL.SMCB-qCA1-OCSP1"},
	} {
		file := func(i int) string { return filepath.Join(dir, chain[i]+".pem") }
		out, err := exec.Command("openssl", "verify", "-x509_strict", "-CAfile", file(0), "-untrusted", file(1), file(1), file(2)).CombinedOutput()
		if err != nil {
			t.Errorf("openssl verify %v: %v\n%s", chain, err, out)
		}
	}
}

// checkAgainstReality compares root and issuing CAs with the real test root GEM.RCA8 and the real GEM.SMCB-CA57, extension by extension.
// Key identifiers and addresses differ, as do subject, serial number and validity.
func checkAgainstReality(t *testing.T, h *hierarchy.Hierarchy) {
	for _, c := range []struct{ real, ours string }{
		{"GEM.RCA8_TEST-ONLY.pem", "SIEGEL.RCA2"},
		{"GEM.SMCB-CA57_TEST-ONLY.pem", "SIEGEL.SMCB-CA2"},
		{"GEM.SMCB-CA57_TEST-ONLY.pem", "SIEGEL.KOMP-CA2"}, // of another purpose, but the table is the same
	} {
		want, got := readReal(t, c.real), issuer(t, h, c.ours).X509
		if len(got.Extensions) != len(want.Extensions) {
			t.Errorf("%s has %d extensions, %s has %d", c.ours, len(got.Extensions), c.real, len(want.Extensions))
		}
		for _, w := range want.Extensions {
			g, ok := find(got.Extensions, w)
			own := w.ID.Equal(pkix.OIDSubjectKeyIdentifier) || w.ID.Equal(pkix.OIDAuthorityKeyIdentifier) || w.ID.Equal(pkix.OIDAuthorityInfoAccess)
			if !ok || g.Critical != w.Critical || (!own && !bytes.Equal(g.Value, w.Value)) {
				t.Errorf("%s: extension %s is %x (critical %v), in %s it is %x (critical %v)", c.ours, pkix.OIDName(w.ID), g.Value, g.Critical, c.real, w.Value, w.Critical)
			}
		}
		if got.Scheme != want.Scheme {
			t.Errorf("%s is signed with %s, %s with %s", c.ours, got.Scheme, c.real, want.Scheme)
		}
		for i, rdn := range want.Subject {
			if i >= len(got.Subject) || !got.Subject[i][0].Type.Equal(rdn[0].Type) {
				t.Errorf("%s: subject %s has other attributes than %s", c.ours, got.Subject, want.Subject)
				break
			}
		}
	}
}

// issuer finds an issuer by its name.
func issuer(t *testing.T, h *hierarchy.Hierarchy, name string) *hierarchy.Issuer {
	t.Helper()
	for i := range h.Issuers {
		if h.Issuers[i].Name == name {
			return &h.Issuers[i]
		}
	}
	t.Fatalf("there is no issuer %s", name)
	return nil
}

// checkQualifiedCA compares the issuer of qualified certificates with the real GEM.HBA-qCA51, which signs itself too. The table wants an
// authorityKeyIdentifier, which the real one lacks; ours says who it is in the words of the European Union and of the card's own policy,
// and is told of by no responder.
func checkQualifiedCA(t *testing.T, h *hierarchy.Hierarchy) {
	want, got := readReal(t, "GEM.HBA-qCA51_TEST-ONLY.pem"), issuer(t, h, "SIEGEL.SMCB-qCA1").X509
	for _, w := range want.Extensions {
		g, ok := find(got.Extensions, w)
		switch {
		case w.ID.Equal(pkix.OIDAuthorityInfoAccess) && ok:
			t.Errorf("a CA that signs itself names the responder %x", g.Value)
		case w.ID.Equal(pkix.OIDSubjectKeyIdentifier), w.ID.Equal(pkix.OIDAuthorityInfoAccess), w.ID.Equal(pkix.OIDCertificatePolicies),
			w.ID.Equal(pkix.OIDKeyUsage): // ours may sign CRLs, as the table allows
			continue
		}
		if !ok || g.Critical != w.Critical || !bytes.Equal(g.Value, w.Value) {
			t.Errorf("extension %s is %x (critical %v), in reality %x (critical %v)", pkix.OIDName(w.ID), g.Value, g.Critical, w.Value, w.Critical)
		}
	}
	policies, _, err := pkix.Find(got.Extensions, pkix.OIDCertificatePolicies, pkix.ParseCertificatePolicies)
	if err != nil || len(policies) != 3 || policies[1].ID.String() != "0.4.0.194112.1.2" || policies[2].ID.String() != "0.4.0.194112.1.3" {
		t.Errorf("policies are %v (%v), want the card's and those of signatures and seals", policies, err)
	}
	if err := got.CheckSignatureFrom(got); err != nil {
		t.Error(err)
	}
}

// TestQualifiedPSS performs a ceremony whose issuer of qualified certificates signs with RSASSA-PSS: itself, and its OCSP signer.
func TestQualifiedPSS(t *testing.T) {
	data := perform(t, "--qes-pss", "--qes-retention", "30")
	dir := filepath.Join(data, "hierarchy")
	h, err := hierarchy.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, iss := range h.Issuers {
		if iss.X509 == nil {
			continue
		}
		want := iss.IssuedBy == "SIEGEL.SMCB-qCA1"
		if got := iss.X509.Scheme == sigalg.RSAPSSSHA256; got != want {
			t.Errorf("%s is signed with %s", iss.Name, iss.X509.Scheme)
		}
	}
	if iss := issuer(t, h, "SIEGEL.SMCB-qCA1"); !iss.PSS || iss.Qualified.RetentionYears != 30 {
		t.Errorf("PSS %t, records kept %d years, want RSASSA-PSS and 30", iss.PSS, iss.Qualified.RetentionYears)
	}
	checkWithOpenSSL(t, dir)
}

// checkSigners looks at what an OCSP signer must have and what it must not: nobody can ask for its own status.
func checkSigners(t *testing.T, h *hierarchy.Hierarchy) {
	signers := 0
	for _, iss := range h.Issuers {
		if iss.Kind != profiles.OCSPSigner {
			continue
		}
		signers++
		usage, _, err := pkix.Find(iss.X509.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
		if err != nil || usage != pkix.NonRepudiation {
			t.Errorf("%s: key usage %s (%v), want nonRepudiation (Tab_PKI_253)", iss.Name, usage, err)
		}
		purposes, _, err := pkix.Find(iss.X509.Extensions, pkix.OIDExtendedKeyUsage, pkix.ParseExtendedKeyUsage)
		if err != nil || len(purposes) != 1 || !purposes[0].Equal(pkix.OIDOCSPSigning) {
			t.Errorf("%s: purposes %v (%v), want OCSPSigning", iss.Name, purposes, err)
		}
		if _, ok := iss.X509.Extension(pkix.OIDOCSPNoCheck); !ok {
			t.Errorf("%s has no ocsp-nocheck", iss.Name)
		}
		if _, ok := iss.X509.Extension(pkix.OIDAuthorityInfoAccess); ok {
			t.Errorf("%s names a responder", iss.Name)
		}
		if above := issuer(t, h, iss.IssuedBy); len(above.Profiles) == 0 || above.KeyType != iss.KeyType {
			t.Errorf("%s is issued by %s, want the issuer that it answers for, of its key generation (A_23142, GS-A_5514)", iss.Name, above.Name)
		}
	}
	if signers != 5 {
		t.Errorf("%d OCSP signers, want one for each issuer of X.509 certificates of cards: 5", signers)
	}
}

func find(list []pkix.Extension, like pkix.Extension) (pkix.Extension, bool) {
	for _, e := range list {
		if e.ID.Equal(like.ID) {
			return e, true
		}
	}
	return pkix.Extension{}, false
}

func readReal(t *testing.T, name string) *pkix.Certificate {
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

func checkOperators(t *testing.T, data string) {
	operators, err := rpc.LoadOperators(filepath.Join(data, "operators.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if operators.Len() != len(testOperators) {
		t.Errorf("%d operators, want %d", operators.Len(), len(testOperators))
	}
	for _, o := range testOperators {
		info, err := os.Stat(filepath.Join(data, "tls", o.name+".key"))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("TLS key of %s: %v, want a file that only its owner reads", o.name, err)
		}
	}
}

var keyRow = regexp.MustCompile(`(?m)^\| \S+ \| (R2048|E256|Ed25519) \| [0-9a-f]{32} \| sensitive, always sensitive, never extractable, made in the token, sign \| [0-9a-f]{64} \|$`)

func checkRecord(t *testing.T, data string) {
	record, err := os.ReadFile(filepath.Join(data, "ceremony-record.md"))
	if err != nil {
		t.Fatal(err)
	}
	if n := len(keyRow.FindAll(record, -1)); n != 19 {
		t.Errorf("the record has %d keys that cannot leave the token and only sign, want 19:\n%s", n, record)
	}
}

// checkRefusal performs a second ceremony in the same folder, which must change nothing.
func checkRefusal(t *testing.T, data string) {
	before := snapshot(t, data)
	if code := run([]string{"test-hierarchy", "--data", data}); code != exitExists {
		t.Errorf("exit code %d, want %d", code, exitExists)
	}
	if after := snapshot(t, data); after != before {
		t.Errorf("the refused ceremony changed the folder:\n%s\nbefore:\n%s", after, before)
	}
}

// snapshot lists all files with size and time of change.
func snapshot(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			b.WriteString(path + " " + info.Mode().String() + " " + info.ModTime().String() + "\n")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestCommandLine holds the exit codes that --help names.
func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		want int
	}{
		{[]string{"version"}, 0},
		{[]string{"no-such-command"}, exitUsage},
		{[]string{"test-hierarchy", "--pin-file", "no-such-file"}, exitUsage},
		{[]string{"check", "ceremony_test.go"}, exitFailed},
		{[]string{"run", "ceremony_test.go", "--dir", t.TempDir()}, exitFailed},
		{[]string{"run", "ceremony_test.go"}, exitUsage},
		{[]string{"test-hierarchy", "--data", filepath.Join(t.TempDir(), "x"), "--tsp-id", "abc"}, exitFailed},
		{[]string{"test-hierarchy", "--data", filepath.Join(t.TempDir(), "x"), "--host", `bad host/"x`}, exitFailed},
		{[]string{"test-hierarchy", "--data", filepath.Join(t.TempDir(), "x"), "--record", filepath.Join(t.TempDir(), "no", "such", "folder")}, exitFailed},
		{[]string{"test-hierarchy", "--data", filepath.Join(t.TempDir(), "x"), "--record", "ceremony_test.go"}, exitExists},
		{[]string{"test-hierarchy", "--data", filepath.Join(t.TempDir(), "x"), "--token", "pkcs11:token=none?module-path=/no/such/module.so"}, exitFailed},
	} {
		if got := run(c.args); got != c.want {
			t.Errorf("%v: exit code %d, want %d", c.args, got, c.want)
		}
	}
}
