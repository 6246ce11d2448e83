package e2e

import (
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/relying"
)

// Programs of other people, and what they say about a certificate. OpenSSL knows brainpool curves; GnuTLS does not, and can only list
// what such a certificate says.

func needProgram(t *testing.T, program, debianPackage string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Fatalf("%s is not installed: install the Debian package %s, or run make test, which does", program, debianPackage)
	}
}

// ask gives what a program prints, whatever it thinks.
func ask(t *testing.T, program string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// mustAsk is ask, and fails where the program does.
func mustAsk(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := ask(t, program, args...)
	if err != nil {
		t.Errorf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// chainFiles are a certificate and those above it as PEM files. chain holds all three.
type chainFiles struct{ card, issuer, root, chain string }

func writeChain(t *testing.T, card []byte, above relying.Above) chainFiles {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, certs ...[]byte) string {
		var text []byte
		for _, raw := range certs {
			text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})...)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return file
	}
	return chainFiles{write("card.pem", card), write("issuer.pem", above.Issuer), write("root.pem", above.Root),
		write("chain.pem", card, above.Issuer, above.Root)}
}

// askOpenSSL: the certificate can be listed, and its chain holds under the strict rules of RFC 5280.
func askOpenSSL(t *testing.T, f chainFiles) {
	t.Helper()
	mustAsk(t, "openssl", "x509", "-in", f.card, "-noout", "-text")
	if out := mustAsk(t, "openssl", "verify", "-x509_strict", "-CAfile", f.root, "-untrusted", f.issuer, f.card); !strings.HasSuffix(out, ": OK\n") {
		t.Errorf("openssl verify says %q", out)
	}
}

// askGnuTLS: the certificate can be listed and, where GnuTLS knows the curve, its chain holds. The profile "low" is about key sizes: RSA
// with 2048 bits is what the cards have.
func askGnuTLS(t *testing.T, f chainFiles, verify bool) {
	t.Helper()
	if out := mustAsk(t, "certtool", "--certificate-info", "--infile", f.card); !strings.Contains(out, "Key Usage (critical)") {
		t.Errorf("certtool lists no critical key usage:\n%s", out)
	}
	if !verify {
		return
	}
	out := mustAsk(t, "certtool", "--verify", "--verify-profile", "low", "--load-ca-certificate", f.root, "--infile", f.chain)
	if !strings.Contains(out, "Chain verification output: Verified. The certificate is trusted.") {
		t.Errorf("certtool says:\n%s", out)
	}
}

// askOpenSSLAboutExtensions reads admission and statements with OpenSSL's parser, which must find the values that the relying party took.
func askOpenSSLAboutExtensions(t *testing.T, f chainFiles, raw []byte, identity relying.Identity) {
	t.Helper()
	c, err := pkix.ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	leaves := openSSLLeaves(t, f.card, "Professional Information or basis for Admission")
	want := []string{identity.Item, identity.Role}
	if identity.TelematikID != "" {
		want = append(want, identity.TelematikID)
	}
	if n := len(leaves) - len(want); n < 0 || !slices.Equal(leaves[n:], want) {
		t.Errorf("openssl reads %q in the admission, want %q at its end", leaves, want)
	}
	text := mustAsk(t, "openssl", "x509", "-in", f.card, "-noout", "-text")
	if identity.TelematikID != "" && !strings.Contains(text, "registrationNumber: "+identity.TelematikID+"\n") {
		t.Error("openssl's own listing of the admission does not hold the Telematik-ID")
	}
	if _, ok := c.Extension(pkix.OIDQCStatements); !ok {
		return
	}
	statements, _, err := pkix.Find(c.Extensions, pkix.OIDQCStatements, pkix.ParseQCStatements)
	if err != nil {
		t.Fatal(err)
	}
	have := openSSLLeaves(t, f.card, "qcStatements")
	for _, s := range statements {
		if !slices.Contains(have, s.ID.String()) {
			t.Errorf("openssl reads %q in the statements, want %s among them", have, s.ID)
		}
	}
	for _, typ := range statements.Types() {
		if !slices.Contains(have, typ.String()) {
			t.Errorf("openssl reads %q in the statements, want the type %s among them", have, typ)
		}
	}
}

// openSSLLeaves lists the values of an extension as OpenSSL's parser finds them, outermost first.
func openSSLLeaves(t *testing.T, file, name string) []string {
	t.Helper()
	lines := strings.Split(mustAsk(t, "openssl", "asn1parse", "-in", file), "\n")
	i := slices.IndexFunc(lines, func(line string) bool { return strings.HasSuffix(line, ":"+name) })
	if i < 0 || i+1 == len(lines) {
		t.Fatalf("openssl finds no extension %q", name)
	}
	offset, _, _ := strings.Cut(strings.TrimSpace(lines[i+1]), ":")
	var leaves []string
	for line := range strings.Lines(mustAsk(t, "openssl", "asn1parse", "-in", file, "-strparse", offset)) {
		if leaf := leafLine.FindStringSubmatch(strings.TrimRight(line, "\n")); leaf != nil {
			leaves = append(leaves, leaf[1])
		}
	}
	return leaves
}

// leafLine is a line such as "   70:d=6  hl=2 l=   7 prim: OBJECT            :1.2.276.0.76.4.55".
var leafLine = regexp.MustCompile(`^ *[0-9]+:d=.* prim: [A-Z0-9 ]+?:(.*)$`)
