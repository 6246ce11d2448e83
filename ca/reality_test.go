package ca_test

import (
	"bytes"
	"encoding/asn1"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: orders made from real test cards, with the very public keys of the real certificates, become
// certificates again, and each is held against the real one field by field. The issuer's part must differ: issuer, serial
// number, validity, authorityKeyIdentifier, the URL in authorityInfoAccess, signature. The order of extensions is not regulated,
// and the real ones stand in no order. Everything else is the same octets, or is in the list of differences.

// difference is a place where ours is not what the real certificate has.
type difference struct {
	certificate string
	extension   asn1.ObjectIdentifier
	reason      string
	citation    string
}

var differences = []difference{{
	certificate: "psychotherapist-AUT-E256.pem",
	extension:   pkix.OIDCRLDistributionPoints,
	reason:      "the distribution point is one of the issuing provider; the real certificate names that of gematik's test CA",
	citation:    "gemSpec_PKI, Annex A, 10.2 (CDP of the TSP)",
}}

func TestAgainstReality(t *testing.T) {
	const card = "80276001011699900861-C_SMCB_"
	found := map[string]bool{}
	for _, c := range []struct{ real, order, slot string }{
		{card + "AUT_R2048_X509.pem", "hospital-pharmacy.json", "C.HCI.AUT.R2048"},
		{card + "ENC_R2048_X509.pem", "hospital-pharmacy.json", "C.HCI.ENC.R2048"},
		{card + "OSIG_R2048_X509.pem", "hospital-pharmacy.json", "C.HCI.OSIG.R2048"},
		{card + "AUT_E256_X509.pem", "hospital-pharmacy.json", "C.HCI.AUT.E256"},
		{card + "ENC_E256_X509.pem", "hospital-pharmacy.json", "C.HCI.ENC.E256"},
		{card + "OSIG_E256_X509.pem", "hospital-pharmacy.json", "C.HCI.OSIG.E256"},
		{"psychotherapist-AUT-E256.pem", "psychotherapist.json", "C.HCI.AUT.E256"},
		{"pharmacy-AUT-R2048.pem", "pharmacy.json", "C.HCI.AUT.R2048"},
	} {
		t.Run(c.real, func(t *testing.T) {
			w := newWorld(t)
			issued, err := w.Issue(t.Context(), operator, readOrder(t, c.order))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, found, c.real, certificateIn(t, issued, c.slot), realCertificate(t, c.real))
		})
	}
	for _, d := range differences {
		if key := d.certificate + d.extension.String(); !found[key] {
			t.Errorf("%s: %s is in the list of differences and does not differ", d.certificate, pkix.OIDName(d.extension))
		}
	}
}

// compare holds ours against the real one, and notes which differences of the list were met.
func compare(t *testing.T, found map[string]bool, name string, ours, real *pkix.Certificate) {
	t.Helper()
	if ours.Version != real.Version {
		t.Errorf("version %d, real %d", ours.Version, real.Version)
	}
	if ours.Scheme != real.Scheme {
		t.Errorf("signature algorithm %s, real %s", ours.Scheme, real.Scheme)
	}
	if !bytes.Equal(ours.RawSubject, real.RawSubject) { // types of strings, order and values at once
		t.Errorf("subject\nours %x\nreal %x", ours.RawSubject, real.RawSubject)
	}
	if !bytes.Equal(ours.RawSPKI, real.RawSPKI) {
		t.Errorf("subjectPublicKeyInfo\nours %x\nreal %x", ours.RawSPKI, real.RawSPKI)
	}
	for _, e := range real.Extensions {
		mine, ok := ours.Extension(e.ID)
		if !ok {
			t.Errorf("extension %s is missing", pkix.OIDName(e.ID))
			continue
		}
		if mine.Critical != e.Critical {
			t.Errorf("extension %s: critical %t, real %t", pkix.OIDName(e.ID), mine.Critical, e.Critical)
		}
		if same(t, mine, e) {
			continue
		}
		if !listed(name, e.ID) {
			t.Errorf("extension %s\nours %x\nreal %x", pkix.OIDName(e.ID), mine.Value, e.Value)
		}
		found[name+e.ID.String()] = true
	}
	for _, e := range ours.Extensions {
		if _, ok := real.Extension(e.ID); !ok {
			t.Errorf("extension %s is ours alone", pkix.OIDName(e.ID))
		}
	}
}

// same compares an extension's value, but for what is the issuer's: the key identifier and the URL of its responder.
func same(t *testing.T, ours, real pkix.Extension) bool {
	t.Helper()
	switch {
	case ours.ID.Equal(pkix.OIDAuthorityKeyIdentifier):
		a, err := pkix.ParseAuthorityKeyIdentifier(ours.Value)
		b, errReal := pkix.ParseAuthorityKeyIdentifier(real.Value)
		return err == nil && errReal == nil && len(a) == len(b)
	case ours.ID.Equal(pkix.OIDAuthorityInfoAccess):
		a, err := pkix.ParseAuthorityInfoAccess(ours.Value)
		b, errReal := pkix.ParseAuthorityInfoAccess(real.Value)
		return err == nil && errReal == nil && len(a) == 1 && len(b) == 1 && a[0].Method.Equal(b[0].Method)
	}
	return bytes.Equal(ours.Value, real.Value)
}

func listed(certificate string, extension asn1.ObjectIdentifier) bool {
	for _, d := range differences {
		if d.certificate == certificate && d.extension.Equal(extension) {
			return true
		}
	}
	return false
}

// readOrder reads a sample order. Its field names are those of profiles.Order.
func readOrder(t *testing.T, name string) *profiles.Order {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "testdata", "orders", name))
	if err != nil {
		t.Fatal(err)
	}
	order := new(profiles.Order)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(order); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return order
}

func certificateIn(t *testing.T, card *ca.Card, slot string) *pkix.Certificate {
	t.Helper()
	for _, c := range card.Certs {
		if c.Slot == slot {
			checkCertificate(t, c)
			return must(pkix.ParseCertificate(c.Data))
		}
	}
	t.Fatalf("the card has no certificate in slot %s", slot)
	return nil
}

func realCertificate(t *testing.T, name string) *pkix.Certificate {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "real", name))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	if block == nil {
		t.Fatalf("%s holds no PEM", name)
	}
	c, err := pkix.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}
