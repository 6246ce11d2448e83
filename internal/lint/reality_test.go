package lint

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: certificates that are on real test cards pass every rule. What lint refuses, nobody has issued.

func TestRealX509CertificatesPass(t *testing.T) {
	files, err := filepath.Glob("testdata/real/80276001011699900861-*.pem")
	if err != nil || len(files) != 6 {
		t.Fatalf("found %d certificates of the card, want 6 (%v)", len(files), err)
	}
	for _, file := range append(files, "testdata/real/psychotherapist-AUT-E256.pem", "testdata/real/pharmacy-AUT-R2048.pem") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			c := readX509(t, file)
			for _, f := range X509(c.RawTBS, X509Context{Slot: slotOf(file), Issuer: issuerOf(t, c), Test: true}) {
				t.Error(f)
			}
		})
	}
}

func TestRealCVCertificatesPass(t *testing.T) {
	issuer := readCVCFile(t, "testdata/real/subca-DEGXX-1-3-02-23.cvc")
	for slot, file := range map[string]string{
		"C.SMC.AUTR_CVC.E256":     "testdata/real/smcb-152725-autr.cvc",
		"C.SMC.AUTD_RPE_CVC.E256": "testdata/real/smcb-152725-autd.cvc",
	} {
		t.Run(slot, func(t *testing.T) {
			c := readCVCFile(t, file)
			for _, f := range CVC(c.RawBody, CVCContext{Slot: slot, Issuer: issuer, ICCSN: "80276883110000152725", Now: c.CED.Time()}) {
				t.Error(f)
			}
		})
	}
}

// slotOf gives the slot that a file's name tells.
func slotOf(file string) string {
	name := filepath.Base(file)
	purpose, key := "AUT", "E256"
	for _, p := range []string{"ENC", "OSIG"} {
		if strings.Contains(name, p) {
			purpose = p
		}
	}
	if strings.Contains(name, "R2048") {
		key = "R2048"
	}
	return "C.HCI." + purpose + "." + key
}

// issuerOf gives the certificate of a real issuer. That of GEM.SMCB-CA51 is not at hand: the one of GEM.SMCB-CA57 stands in for it,
// with the name, key identifier and term that the card's certificates need.
func issuerOf(t testing.TB, c *pkix.Certificate) *pkix.Certificate {
	t.Helper()
	for _, name := range []string{"SMCB-CA41", "SMCB-CA57", "RCA8", "HBA-qCA24"} {
		if ca := readX509(t, "testdata/real/GEM."+name+"_TEST-ONLY.pem"); string(ca.RawSubject) == string(c.RawIssuer) {
			return ca
		}
	}
	id, ok, err := pkix.Find(c.Extensions, pkix.OIDAuthorityKeyIdentifier, pkix.ParseAuthorityKeyIdentifier)
	if !ok || err != nil {
		t.Fatalf("authority key identifier: found %t, error %v", ok, err)
	}
	extension, err := pkix.SubjectKeyIdentifier(id).Extension()
	if err != nil {
		t.Fatal(err)
	}
	other := readX509(t, "testdata/real/GEM.SMCB-CA57_TEST-ONLY.pem")
	return &pkix.Certificate{
		RawTBS: other.RawTBS, RawSubject: c.RawIssuer, NotBefore: c.NotBefore.Add(-time.Hour), NotAfter: c.NotAfter.Add(time.Hour),
		PublicKey: other.PublicKey, Extensions: []pkix.Extension{extension},
	}
}

func readX509(t testing.TB, file string) *pkix.Certificate {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no PEM", file)
	}
	c, err := pkix.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}

func readCVCFile(t testing.TB, file string) *cvc.Certificate {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c, err := cvc.Parse(raw)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return c
}
