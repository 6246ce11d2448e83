package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// TestConfirm: only the file that was reviewed is performed.
func TestConfirm(t *testing.T) {
	w := newWorld(t)
	path, _ := w.newFile()
	f, _, err := readFile(path)
	if err != nil {
		t.Fatal(err)
	}
	sum := w.sum(path)
	for _, c := range []struct {
		name, flag, typed, how string
	}{
		{"flag", sum, "", "--confirm"},
		{"flag in capitals", strings.ToUpper(sum), "", "--confirm"},
		{"whole sum typed", "", sum + "\n", "typing"},
		{"beginning typed, in groups", "", sum[:4] + " " + sum[4:8] + " " + sum[8:16] + "\n", "typing"},
		{"flag with the beginning only", sum[:16], "", ""},
		{"sum of another file", strings.Repeat("0", 64), "", ""},
		{"beginning too short", "", sum[:15] + "\n", ""},
		{"beginning wrong", "", sum[1:17] + "\n", ""},
		{"only yes", "", "yes\n", ""},
		{"nothing", "", "", ""},
	} {
		how, err := confirm(f, c.flag, strings.NewReader(c.typed), &bytes.Buffer{})
		if how != c.how || errors.Is(err, errNotConfirmed) == (c.how != "") {
			t.Errorf("%s: confirmed by %q, %v, want %q", c.name, how, err, c.how)
		}
	}
}

// TestConfirmDestruction: a key that is destroyed is named a second time, and no other.
func TestConfirmDestruction(t *testing.T) {
	f := &ceremony.File{Destroy: []ceremony.Destruction{{Label: "a"}, {Label: "b"}}}
	for _, c := range []struct {
		labels []string
		good   bool
	}{{nil, false}, {[]string{"a"}, false}, {[]string{"a", "b"}, true}, {[]string{"b", "a"}, true}, {[]string{"a", "b", "c"}, false}, {[]string{"a", "a"}, false}} {
		if err := confirmDestruction(f, c.labels); errors.Is(err, errNotConfirmed) == c.good {
			t.Errorf("%v: %v, want it good: %t", c.labels, err, c.good)
		}
	}
}

// TestForeignThingsAreNotTouched puts something in the way of a ceremony that it did not make. It stops, with the exit code for that, and what
// was there stays as it was.
func TestForeignThingsAreNotTouched(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name string
		put  func(path, issuer string) (inTheWay string)
	}{
		{"key", func(path, _ string) string {
			w.regenerate(path, w.issuerSpec(path))
			return ""
		}},
		{"key of that label", func(path, _ string) string {
			spec := w.issuerSpec(path)
			spec.ID = append(spec.ID, 0xff)
			w.regenerate(path, spec)
			return ""
		}},
		{"key of that CKA_ID", func(path, _ string) string {
			spec := w.issuerSpec(path)
			spec.Label = "somebody else's " + spec.Label
			w.regenerate(path, spec)
			return ""
		}},
		{"request", func(_, issuer string) string { return w.path(issuer, "requests", issuer+".csr") }},
	} {
		t.Run(c.name, func(t *testing.T) {
			path, issuer := w.newFile()
			file := c.put(path, issuer)
			if file != "" {
				if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
					t.Fatal(err)
				}
				w.restore(file, []byte("mine"))
			} else {
				w.run(exitExists, "run", path, "--dir", w.path(issuer), "--dry-run") // it is foreseen
			}
			w.run(exitExists, "run", path, "--dir", w.path(issuer), "--confirm", w.sum(path))
			if file == "" {
				if k := w.count(path, w.issuerSpec(path)); k != nil && !errors.Is(k, keygen.ErrExists) {
					t.Errorf("the key that was there: %v", k)
				}
				return
			}
			if text, err := os.ReadFile(file); err != nil || string(text) != "mine" {
				t.Errorf("the file that was there is %q (%v)", text, err)
			}
		})
	}
}

// count looks for a key.
func (w *world) count(path string, spec keygen.Spec) error {
	w.t.Helper()
	f, err := ceremony.Read(path, w.catalogue)
	if err != nil {
		w.t.Fatal(err)
	}
	open, err := openTokens(w.t.Context(), f, false, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	_, err = open.Existing(w.t.Context(), "t", spec)
	if err := open.close(); err != nil {
		w.t.Error(err)
	}
	return err
}

// TestFolderBelongsToOneFile: a file that was changed after the first run does not go on with the old one's ceremony.
func TestFolderBelongsToOneFile(t *testing.T) {
	w := newWorld(t)
	path, issuer := w.newFile()
	w.run(exitWaits, "run", path, "--dir", w.path(issuer), "--confirm", w.sum(path))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	w.restore(path, append(text, "# a remark\n"...))
	w.run(exitFailed, "run", path, "--dir", w.path(issuer), "--confirm", w.sum(path))
	w.run(exitFailed, "run", path, "--dir", w.path(issuer), "--dry-run")
}

// TestSecondListIsRefused: the first list of issuers is begun once.
func TestSecondListIsRefused(t *testing.T) {
	w := newWorld(t)
	first, issuer := w.newFile()
	w.perform(first, issuer)
	w.sign(issuer)
	w.perform(first, issuer)
	second, other := w.newFile()
	list := w.path(issuer, "hierarchy")
	w.run(exitExists, "run", second, "--dir", w.path(other), "--hierarchy", list, "--dry-run")
	w.run(exitWaits, "run", second, "--dir", w.path(other), "--hierarchy", list, "--confirm", w.sum(second))
	w.sign(other)
	w.run(exitExists, "run", second, "--dir", w.path(other), "--hierarchy", list, "--confirm", w.sum(second))
	if n := len(w.load(issuer).Issuers); n != 3 {
		t.Errorf("the list has %d issuers and roots now, want the 3 of before", n)
	}
}

// TestWrongCertificateIsNotTaken: the ceremony stops, says why in the record, and goes on with the right one.
func TestWrongCertificateIsNotTaken(t *testing.T) {
	w := newWorld(t)
	path, issuer := w.newFile()
	w.perform(path, issuer)
	w.sign(issuer)
	good := w.path(issuer, "returned", issuer+".pem")
	right, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	root, err := os.ReadFile(w.path("roots", "certificates", "SIEGEL.RCA1.pem"))
	if err != nil {
		t.Fatal(err)
	}
	w.restore(good, root)
	w.run(exitFailed, "run", path, "--dir", w.path(issuer), "--confirm", w.sum(path))
	if _, err := os.Stat(w.path(issuer, "certificates", issuer+".pem")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the wrong certificate was kept: %v", err)
	}
	w.restore(good, right)
	w.run(0, "run", path, "--dir", w.path(issuer), "--confirm", w.sum(path))
}

// TestLostThingsAreNoticed: what the journal says was made must be there when the ceremony is run again.
func TestLostThingsAreNoticed(t *testing.T) {
	w := newWorld(t)
	path, issuer := w.newFile()
	w.perform(path, issuer)
	w.sign(issuer)
	w.perform(path, issuer)
	again := func(code int) {
		t.Helper()
		w.run(code, "run", path, "--dir", w.path(issuer), "--confirm", w.sum(path))
	}
	again(0)
	for _, name := range []string{
		"requests/" + issuer + ".csr", "certificates/" + issuer + ".pem", "certificates/" + issuer + "-OCSP1.pem", "hierarchy/" + hierarchy.FileName,
	} {
		if err := os.Rename(w.path(issuer, name), w.path("away")); err != nil {
			t.Fatal(err)
		}
		again(exitFailed)
		if err := os.Rename(w.path("away"), w.path(issuer, name)); err != nil {
			t.Fatal(err)
		}
		again(0)
	}
	p, _, closeAll := w.performerOf(path, issuer)
	spec := w.issuerSpec(path)
	if err := p.vault.Destroy(t.Context(), "t", spec.ID, spec.Label); err != nil {
		t.Error(err)
	}
	closeAll()
	again(exitFailed)
	w.regenerate(path, spec) // another key under the same name
	again(exitFailed)
}

// TestGeneration1 creates a CVC issuer of generation 1 below a root of its own.
func TestGeneration1(t *testing.T) {
	w := newWorld(t)
	roots := w.write("g1.yaml", w.head("CVC root of generation 1")+
		"roots: [{name: DESGX-1-1-01-26, kind: cvc-root-ca, key: {type: R2048, token: t, id: f3, label: G1 root}}]\n")
	w.run(0, "run", roots, "--dir", w.path("g1"), "--confirm", w.sum(roots))
	anchor := w.path("g1", "certificates", "DESGX-1-1-01-26.cvc")
	path := w.write("g1ca.yaml", w.head("CVC-CA of generation 1")+"tsp_id: '16'\nlog: {name: siegel.example/log, key: {type: Ed25519, token: t, id: f5, label: log}}\n"+
		"anchors: [{name: DESGX-1-1-01-26, kind: cvc-root-ca, certificate: "+anchor+", sha256: "+w.sum(anchor)+"}]\n"+
		"issuers: [{name: DESGX-1-0-01-26, kind: cvc-ca, generation: 1, issued_by: DESGX-1-1-01-26, key: {type: R2048, token: t, id: f4, label: G1 CA}}]\n")
	w.run(exitWaits, "run", path, "--dir", w.path("g1ca"), "--confirm", w.sum(path))
	sign := []string{"sign-request", roots, w.path("g1ca", "requests", "DESGX-1-0-01-26.csr"), "--dir", w.path("g1"), "--root", "DESGX-1-1-01-26",
		"--kind", "cvc-ca", "--out", w.path("g1ca", "returned"), "--confirm", w.sum(roots), "--name"}
	w.run(exitFailed, append(sign, "DESGX-1-2-01-26")...) // a name that the request does not have
	w.run(0, append(sign, "DESGX-1-0-01-26")...)
	w.run(0, append(sign, "DESGX-1-0-01-26")...)
	w.run(0, "run", path, "--dir", w.path("g1ca"), "--confirm", w.sum(path))
	iss := w.load("g1ca").Find("DESGX-1-0-01-26")
	if iss == nil || iss.G1 == nil || iss.KeyType != sigalg.R2048 || strings.Join(iss.Profiles, " ") != "C.SMC.AUTR_CVC.R2048" {
		t.Errorf("the issuer is %+v", iss)
	}
}

// TestSignRequestRefuses what a root must not sign.
func TestSignRequestRefuses(t *testing.T) {
	w := newWorld(t)
	path, issuer := w.newFile()
	w.perform(path, issuer)
	cvcPath, cvcIssuer := w.newCVCFile()
	w.perform(cvcPath, cvcIssuer)
	request, cvcRequest := w.path(issuer, "requests", issuer+".csr"), w.path(cvcIssuer, "requests", cvcIssuer+".csr")
	broken := w.path("broken.csr")
	w.restore(broken, []byte("-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"))
	for _, c := range []struct {
		name string
		args []string
	}{
		{"unknown root", []string{request, "--root", "SIEGEL.RCA9", "--name", issuer, "--kind", "smcb-ca"}},
		{"another name", []string{request, "--root", "SIEGEL.RCA1", "--name", "SIEGEL.SMCB-CA99", "--kind", "smcb-ca"}},
		{"another kind", []string{request, "--root", "SIEGEL.RCA1", "--name", issuer, "--kind", "komp-ca"}},
		{"X.509 by the CVC root", []string{request, "--root", "DESGX-8-1-02-26", "--name", issuer, "--kind", "smcb-ca"}},
		{"CVC by the X.509 root", []string{cvcRequest, "--root", "SIEGEL.RCA1", "--name", cvcIssuer, "--kind", "cvc-ca", "--sub-ca", "hba-smcb"}},
		{"no row of sub-CAs", []string{cvcRequest, "--root", "DESGX-8-1-02-26", "--name", cvcIssuer, "--kind", "cvc-ca"}},
		{"no request", []string{path, "--root", "SIEGEL.RCA1", "--name", issuer, "--kind", "smcb-ca"}},
		{"broken request", []string{broken, "--root", "SIEGEL.RCA1", "--name", issuer, "--kind", "smcb-ca"}},
	} {
		w.run(exitFailed, append(append([]string{"sign-request", w.roots}, c.args...), "--dir", w.path("roots"), "--out", w.path("out"), "--confirm", w.sum(w.roots))...)
		if files, err := os.ReadDir(w.path("out")); err == nil && len(files) > 0 {
			t.Errorf("%s: %s was handed out", c.name, files[0].Name())
		}
	}
	w.run(0, "sign-request", w.roots, cvcRequest, "--dir", w.path("roots"), "--root", "DESGX-8-1-02-26", "--name", cvcIssuer, "--kind", "cvc-ca",
		"--sub-ca", "hba-smcb", "--out", w.path("out"), "--confirm", w.sum(w.roots))
	raw, err := os.ReadFile(w.path("out", cvcIssuer+".cvc"))
	if err != nil {
		t.Fatal(err)
	}
	if c, err := cvc.Parse(raw); err != nil || c.Role() != cvc.RoleSubCA {
		t.Errorf("handed out %v, %v", c, err)
	}
}
