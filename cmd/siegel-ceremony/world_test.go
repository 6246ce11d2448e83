package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/profiles"
)

// world is a token with two test roots, an X.509 and a CVC one, and room for ceremonies.
type world struct {
	t         *testing.T
	dir       string
	catalogue *profiles.Set
	token     *softhsm.Token
	roots     string // ceremony file of the roots
	serial    int    // counts issuers, so that each ceremony has keys and names of its own
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir()}
	var err error
	if w.catalogue, err = profiles.Builtin(); err != nil {
		t.Fatal(err)
	}
	if w.token, err = softhsm.New(filepath.Join(w.dir, "token"), "ceremony test"); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SOFTHSM2_CONF", "") // back to what it was, after the test
	if err := w.token.Use(); err != nil {
		t.Fatal(err)
	}
	w.roots = w.write("roots.yaml", w.head("Roots")+`roots:
  - name: SIEGEL.RCA1
    kind: root-ca
    organization: Siegel
    key: {type: E256, token: t, id: "f1", label: root}
    ocsp_url: http://ocsp.siegel.example/root
  - name: DESGX-8-1-02-26
    kind: cvc-root-ca
    key: {type: E256, token: t, id: "f2", label: CVC root}
`)
	w.run(0, "run", w.roots, "--dir", w.path("roots"), "--confirm", w.sum(w.roots))
	return w
}

func (w *world) path(parts ...string) string {
	return filepath.Join(append([]string{w.dir}, parts...)...)
}

// head is what every ceremony file begins with.
func (w *world) head(title string) string {
	return fmt.Sprintf(`title: %s
environment: test
participants:
  - {name: Ada Muster, role: ca-operator}
  - {name: Bela Beispiel, role: ca-operator}
  - {name: Cleo Zeugin, role: witness}
tokens:
  - {name: t, uri: "pkcs11:token=ceremony%%20test?module-path=%s", pin: "file:token/pin"}
`, title, w.token.Module)
}

func (w *world) write(name, text string) string {
	w.t.Helper()
	path := w.path(name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// sum is the SHA-256 of a file, or of the certificate in a PEM file.
func (w *world) sum(path string) string {
	w.t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if block, _ := pem.Decode(text); block != nil {
		text = block.Bytes
	}
	hash := sha256.Sum256(text)
	return hex.EncodeToString(hash[:])
}

// run runs the program and wants an exit code.
func (w *world) run(code int, args ...string) {
	w.t.Helper()
	if got := run(args); got != code {
		w.t.Fatalf("siegel-ceremony %v: exit code %d, want %d", args, got, code)
	}
}

// anchors names the roots in a ceremony file.
func (w *world) anchors() string {
	x509, cvc := w.path("roots", "certificates", "SIEGEL.RCA1.pem"), w.path("roots", "certificates", "DESGX-8-1-02-26.cvc")
	return fmt.Sprintf(`anchors:
  - {name: SIEGEL.RCA1, kind: root-ca, certificate: %q, sha256: %s}
  - {name: DESGX-8-1-02-26, kind: cvc-root-ca, certificate: %q, sha256: %s}
`, x509, w.sum(x509), cvc, w.sum(cvc))
}

// newFile writes a ceremony file that creates an issuer, its signer and a log, all of their own.
func (w *world) newFile() (path, issuer string) {
	w.t.Helper()
	w.serial++
	issuer = fmt.Sprintf("SIEGEL.SMCB-CA%d", w.serial)
	text := fmt.Sprintf(`tsp_id: "16"
issuers:
  - name: %[1]s
    kind: smcb-ca
    generation: 1
    key: {type: E256, token: t, id: "01%04[2]x", label: %[1]s}
    issued_by: SIEGEL.RCA1
    organization: Siegel
    ocsp_url: http://ocsp.siegel.example/%[1]s
    signers:
      - {name: %[1]s-OCSP1, kind: ocsp-signer, key: {type: E256, token: t, id: "02%04[2]x", label: %[1]s-OCSP1}}
log:
  name: siegel.example/log
  key: {type: Ed25519, token: t, id: "03%04[2]x", label: log of %[1]s}
`, issuer, w.serial)
	return w.write(issuer+".yaml", w.head("First issuers")+w.anchors()+text), issuer
}

// newCVCFile writes a ceremony file that creates a CVC issuer.
func (w *world) newCVCFile() (path, issuer string) {
	w.t.Helper()
	w.serial++
	issuer = fmt.Sprintf("DESGX-1-%d-02-26", w.serial)
	text := fmt.Sprintf("issuers:\n  - {name: %[1]s, kind: cvc-ca, generation: 1, issued_by: DESGX-8-1-02-26, sub_ca: hba-smcb, key: {type: E256, token: t, id: \"04%04[2]x\", label: %[1]s}}\n",
		issuer, w.serial)
	return w.write(issuer+".yaml", w.head("CVC issuer")+w.anchors()+text), issuer
}

// sign lets the X.509 root sign the request of an issuer.
func (w *world) sign(issuer string) {
	w.t.Helper()
	c := &signRequestCmd{Dir: w.path("roots"), Name: issuer, Kind: "smcb-ca", Out: w.path(issuer, "returned")}
	text, err := os.ReadFile(w.path(issuer, "requests", issuer+".csr"))
	if err != nil {
		w.t.Fatal(err)
	}
	request, err := c.checkRequest(text)
	if err != nil {
		w.t.Fatal(err)
	}
	p, f, closeAll := w.performerOf(w.roots, "roots")
	defer closeAll()
	if err := c.sign(w.t.Context(), p, f.Root("SIEGEL.RCA1"), request); err != nil {
		w.t.Fatal(err)
	}
}

// performerOf opens a ceremony as run does. The caller closes it.
func (w *world) performerOf(path, folder string) (p *performer, file *ceremony.File, close func()) {
	w.t.Helper()
	f, err := ceremony.Read(path, w.catalogue)
	if err != nil {
		w.t.Fatal(err)
	}
	dir := w.path(folder)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		w.t.Fatal(err)
	}
	j, err := ceremony.OpenJournal(dir, f.SHA256())
	if err != nil {
		w.t.Fatal(err)
	}
	if len(j.Entries()) == 0 {
		sum := f.SHA256()
		if err := j.Append("run", ceremony.Done, ceremony.Facts{Run: &ceremony.RunFacts{File: sum[:]}}, time.Now()); err != nil {
			w.t.Fatal(err)
		}
	}
	open, err := openTokens(w.t.Context(), f, true, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	p = &performer{file: f, catalogue: w.catalogue, dir: dir, hierarchy: w.path(folder, "hierarchy"), journal: j, vault: open, now: time.Now, progress: io.Discard}
	return p, f, func() {
		if err := open.close(); err != nil {
			w.t.Error(err)
		}
		if err := j.Close(); err != nil {
			w.t.Error(err)
		}
	}
}
