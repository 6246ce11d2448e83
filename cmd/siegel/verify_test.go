package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
)

const (
	realCards = "testdata/card"
	realCard  = realCards + "/80276883110000152725"
	realDay   = "2025-06-01"
)

const wantVerified = `note: trusting the roots in the folder itself; --trust FILE names roots from elsewhere
card 80276883110000152725
  good  C.HCI.AUT.E256 ← GEM.SMCB-CA57 ← GEM.RCA8
  good  GEM.RCA8
  good  GEM.SMCB-CA57 ← GEM.RCA8
  good  C.SMC.AUTD_RPE_CVC.E256 ← DEGXX 1-3-02-23 ← DEGXX 8-7-02-22
  good  C.SMC.AUTR_CVC.E256 ← DEGXX 1-3-02-23 ← DEGXX 8-7-02-22
  good  DEGXX-1-3-02-23 ← DEGXX 8-7-02-22
  good  DEGXX-8-7-02-22
  note  without a card.json it cannot be told whether a certificate is missing
checked: signatures, names and key identifiers, what each issuer may sign, terms inside the issuer's, valid on 2025-06-01;
         that each certificate belongs into its slot, and all of them to one card
all good: 7 certificates of 1 card
`

// TestVerifyRealCard verifies real chains, named by the card's folder and by the one above it.
func TestVerifyRealCard(t *testing.T) {
	for _, dir := range []string{realCard, realCards} {
		if r := siegel("", "verify", "--at", realDay, dir); r.code != exitOK || r.out != wantVerified {
			t.Errorf("verify %s = %d\n%s%s\nwant\n%s", dir, r.code, r.out, r.err, wantVerified)
		}
	}
	r := siegel("", "verify", "--at", realDay, "--trust", realCard+"/issuers/GEM.RCA8.der", "--trust", realCard+"/issuers/DEGXX-8-7-02-22.cvc", realCard)
	r.want(t, exitOK, "all good: 7 certificates")
	if strings.Contains(r.out, "note:") {
		t.Errorf("roots were named, yet: %s", r.out)
	}
}

// TestVerifyG1 verifies a real chain of generation 1, from the root's key in the folder and from one that is named. It has no dates, so
// that the day does not count.
func TestVerifyG1(t *testing.T) {
	const card, root = "testdata/g1/80276883110000205690", "/issuers/DEGXX-1-1-01-09.cvc"
	want := []string{
		"good  C.HPC.AUTR_CVC.R2048 (no dates) ← DEGEX 1-0-01-15 ← DEGXX 1-1-01-09", "good  DEGEX-1-0-01-15 (no dates) ← DEGXX 1-1-01-09",
		"all good: 2 certificates of 1 card",
	}
	siegel("", "verify", card).want(t, exitOK, want...)
	siegel("", "verify", "--at", "2099-01-01", "--trust", card+root, card).want(t, exitOK, want...)
	siegel("", "verify", "--trust", realCard+"/issuers/DEGXX-8-7-02-22.cvc", card).want(t, exitInvalid,
		"BAD   C.HPC.AUTR_CVC.R2048 (no dates): issuer is not known: DEGXX 1-1-01-09, which certified DEGEX 1-0-01-15")

	dir := filepath.Join(t.TempDir(), filepath.Base(card))
	if err := os.CopyFS(dir, os.DirFS(card)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "C.HPC.AUTR_CVC.R2048.cvc")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[100] ^= 1
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	siegel("", "verify", dir).want(t, exitInvalid, "BAD   C.HPC.AUTR_CVC.R2048 (no dates): signature does not verify", "good  DEGEX-1-0-01-15")
}

// TestVerifyFindsFaults changes one thing in the folder of a real card at a time.
func TestVerifyFindsFaults(t *testing.T) {
	flip := func(name string, fromEnd int) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			path := filepath.Join(dir, name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			data[len(data)-fromEnd] ^= 1
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name   string
		change func(t *testing.T, dir string)
		args   []string
		want   []string
	}{
		{"X.509 signature", flip("C.HCI.AUT.E256.der", 1), nil, []string{"BAD   C.HCI.AUT.E256: ", "signature does not verify"}},
		{"CVC signature", flip("C.SMC.AUTR_CVC.E256.cvc", 1), nil, []string{"BAD   C.SMC.AUTR_CVC.E256: ", "signature does not verify"}},
		{"CVC right", flip("C.SMC.AUTR_CVC.E256.cvc", 86), nil, []string{"BAD   C.SMC.AUTR_CVC.E256: "}},
		{"X.509 sub-CA missing", remove("issuers/GEM.SMCB-CA57.der"), nil, []string{"BAD   C.HCI.AUT.E256: issuer C=DE", "is not in the folder"}},
		{"X.509 root missing", remove("issuers/GEM.RCA8.der"), nil, []string{"BAD   C.HCI.AUT.E256: issuer", "BAD   GEM.SMCB-CA57: issuer"}},
		{"CVC sub-CA missing", remove("issuers/DEGXX-1-3-02-23.cvc"), nil, []string{"BAD   C.SMC.AUTR_CVC.E256: issuer is not known"}},
		{"CVC root missing", remove("issuers/DEGXX-8-7-02-22.cvc"), nil, []string{"BAD   C.SMC.AUTR_CVC.E256: issuer is not known", "BAD   DEGXX-1-3-02-23: "}},
		{"too early", nil, []string{"--at", "2023-10-26"}, []string{"BAD   C.HCI.AUT.E256: ", "is valid from 2024-11-18", "BAD   C.SMC.AUTR_CVC.E256: ", "is valid from 2023-10-27 to 2028-10-26"}},
		{"too late", nil, []string{"--at", "2028-10-27"}, []string{"good  C.HCI.AUT.E256", "BAD   C.SMC.AUTR_CVC.E256: "}},
		{"trusting another X.509 root", nil, []string{"--trust", "testdata/inspect/GEM.SMCB-CA57.pem"}, []string{"BAD   C.HCI.AUT.E256: root C=DE", "is not trusted"}},
		{"trusting only CVC roots", nil, []string{"--trust", realCard + "/issuers/DEGXX-8-7-02-22.cvc"}, []string{"BAD   C.HCI.AUT.E256: ", "good  C.SMC.AUTR_CVC.E256"}},
		{"not a certificate", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "C.X.der"), []byte("hello"), 0o600); err != nil {
				t.Fatal(err)
			}
		}, nil, []string{"C.X: ", "neither a certificate"}},
		{"another card's certificate of generation 1", func(t *testing.T, dir string) {
			data, err := os.ReadFile("testdata/inspect/HBA-AUTR-R2048.cvc")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "C.SMC.AUTR_CVC.R2048.cvc"), data, 0o600); err != nil {
				t.Fatal(err)
			}
		}, nil, []string{"BAD   C.SMC.AUTR_CVC.R2048 (no dates): CHR names card"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), filepath.Base(realCard))
			if err := os.CopyFS(dir, os.DirFS(realCard)); err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(t, dir)
			}
			args := append([]string{"verify", dir, "--at", realDay}, tt.args...)
			siegel("", args...).want(t, exitInvalid, tt.want...)
		})
	}
}

// TestVerifyAnotherCardsCVC renames the folder: the CV certificates are then those of another card.
func TestVerifyAnotherCardsCVC(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "80276883110000152726")
	if err := os.CopyFS(dir, os.DirFS(realCard)); err != nil {
		t.Fatal(err)
	}
	siegel("", "verify", "--at", realDay, dir).want(t, exitInvalid, `CHR names card "80276883110000152725", the folder is of card "80276883110000152726"`, "2 certificates do not verify")
}

func TestVerifyUsage(t *testing.T) {
	siegel("", "verify", t.TempDir()).want(t, exitUsage, "no card in")
	siegel("", "verify", realCard, "--at", "tomorrow").want(t, exitUsage, "is not a day")
	siegel("", "verify", filepath.Join(t.TempDir(), "none")).want(t, exitUsage, "see siegel --help")
}

// x509Chain makes chains with crypto/x509 on P-256, whose certificates can be wrong in ways that real ones are not.
type x509Chain struct {
	t    *testing.T
	keys map[string]*ecdsa.PrivateKey
	all  map[string]*x509.Certificate
}

// add makes a certificate below another, or a root where above is its own name. A name keeps its key.
func (c *x509Chain) add(name, above string, isCA bool, change func(*x509.Certificate)) *x509Chain {
	c.t.Helper()
	key, ok := c.keys[name]
	if !ok {
		var err error
		if key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
			c.t.Fatal(err)
		}
		c.keys[name] = key
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(int64(len(c.all) + 1)), Subject: stdpkix.Name{CommonName: name},
		NotBefore: day0, NotAfter: day0.AddDate(5, 0, 0), BasicConstraintsValid: true, IsCA: isCA, KeyUsage: x509.KeyUsageDigitalSignature}
	if isCA {
		template.KeyUsage = x509.KeyUsageCertSign
	}
	if change != nil {
		change(template)
	}
	parent, ok := c.all[above]
	if !ok {
		parent = template
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), c.keys[above])
	if err != nil {
		c.t.Fatal(err)
	}
	if c.all[name], err = x509.ParseCertificate(der); err != nil {
		c.t.Fatal(err)
	}
	return c
}

func (c *x509Chain) parsed(name string) *pkix.Certificate {
	c.t.Helper()
	p, err := pkix.ParseCertificate(c.all[name].Raw)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

var day0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func TestX509ChainRules(t *testing.T) {
	tests := []struct {
		name  string
		build func(*x509Chain)
		want  string // part of the error; empty: good
	}{
		{"good", func(c *x509Chain) {
			c.add("root", "root", true, nil).add("sub", "root", true, nil).add("leaf", "sub", false, nil)
		}, ""},
		{"issuer is no CA", func(c *x509Chain) {
			c.add("root", "root", true, nil).add("sub", "root", false, func(x *x509.Certificate) { x.KeyUsage = x509.KeyUsageCertSign }).add("leaf", "sub", false, nil)
		}, "issuer sub: is no CA"},
		{"issuer lacks keyCertSign", func(c *x509Chain) {
			c.add("root", "root", true, nil).add("sub", "root", true, func(x *x509.Certificate) { x.KeyUsage = x509.KeyUsageCRLSign }).add("leaf", "sub", false, nil)
		}, "issuer sub: keyUsage lacks keyCertSign"},
		{"path too long", func(c *x509Chain) {
			c.add("root", "root", true, func(x *x509.Certificate) { x.MaxPathLenZero = true }).add("sub", "root", true, nil).add("leaf", "sub", false, nil)
		}, "issuer root: allows 0 CAs below, there are 1"},
		{"outlives its issuer", func(c *x509Chain) {
			c.add("root", "root", true, nil).add("leaf", "root", false, func(x *x509.Certificate) { x.NotAfter = x.NotAfter.Add(time.Second) })
		}, "term is not inside that of issuer root"},
		{"begins before its issuer", func(c *x509Chain) {
			c.add("root", "root", true, nil).add("leaf", "root", false, func(x *x509.Certificate) { x.NotBefore = x.NotBefore.Add(-time.Second) })
		}, "term is not inside that of issuer root"},
		{"two CAs certify each other", func(c *x509Chain) {
			c.add("a", "a", true, nil).add("b", "a", true, nil).add("a", "b", true, nil).add("leaf", "b", false, nil)
		}, "more than 8 certificates up to a root"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := &x509Chain{t, map[string]*ecdsa.PrivateKey{}, map[string]*x509.Certificate{}}
			tt.build(c)
			var issuers []named[*pkix.Certificate]
			for name := range c.all {
				if name != "leaf" {
					issuers = append(issuers, named[*pkix.Certificate]{name, name, c.parsed(name)})
				}
			}
			chain, err := newX509Verifier(issuers, issuers, day0.AddDate(1, 0, 0)).verify(c.parsed("leaf"))
			switch {
			case tt.want == "":
				if err != nil || !slices.Equal(chain, []string{"sub", "root"}) {
					t.Errorf("verify = %q, %v, want sub and root", chain, err)
				}
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("verify = %v, want an error with %q", err, tt.want)
			}
		})
	}
}
