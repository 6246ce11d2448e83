package profiles_test

import (
	"bytes"
	"reflect"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// realCards are the real certificates whose content Siegel must plan, from the sample orders that were made of them.
var realCards = []struct{ order, slot, file string }{
	{"hospital-pharmacy", "C.HCI.AUT.R2048", "80276001011699900861-C_SMCB_AUT_R2048_X509.pem"},
	{"hospital-pharmacy", "C.HCI.ENC.R2048", "80276001011699900861-C_SMCB_ENC_R2048_X509.pem"},
	{"hospital-pharmacy", "C.HCI.OSIG.R2048", "80276001011699900861-C_SMCB_OSIG_R2048_X509.pem"},
	{"hospital-pharmacy", "C.HCI.AUT.E256", "80276001011699900861-C_SMCB_AUT_E256_X509.pem"},
	{"hospital-pharmacy", "C.HCI.ENC.E256", "80276001011699900861-C_SMCB_ENC_E256_X509.pem"},
	{"hospital-pharmacy", "C.HCI.OSIG.E256", "80276001011699900861-C_SMCB_OSIG_E256_X509.pem"},
	{"psychotherapist", "C.HCI.AUT.E256", "psychotherapist-AUT-E256.pem"},
	{"pharmacy", "C.HCI.AUT.R2048", "pharmacy-AUT-R2048.pem"},
}

// mayDiffer are the extensions whose value belongs to the issuer and not to the card: which key signs, and where its status is told.
// Besides them only issuer, serial number, validity and signature differ. No other difference to reality is known.
var mayDiffer = map[string]bool{
	pkix.OIDAuthorityKeyIdentifier.String(): true,
	pkix.OIDAuthorityInfoAccess.String():    true,
}

// TestPlansRealCertificates compares plans with real certificates, field by field. The order of extensions is not compared: it is not
// regulated, and the tool that made the real ones shuffles it.
func TestPlansRealCertificates(t *testing.T) {
	for _, c := range realCards {
		t.Run(c.order+"/"+c.slot, func(t *testing.T) {
			want := realCertificate(t, c.file)
			got := parsedPlan(t, c.order, c.slot)
			if got.Version != want.Version {
				t.Errorf("version is %d, want %d", got.Version, want.Version)
			}
			if got.Scheme != want.Scheme {
				t.Errorf("signature algorithm is %s, want %s", got.Scheme, want.Scheme)
			}
			if !bytes.Equal(got.RawSubject, want.RawSubject) {
				t.Errorf("subject is %s, want %s (types and order count)", got.Subject, want.Subject)
			}
			if !bytes.Equal(got.RawSPKI, want.RawSPKI) {
				t.Errorf("public key is %x, want %x", got.RawSPKI, want.RawSPKI)
			}
			compareExtensions(t, byID(got.Extensions), byID(want.Extensions))
		})
	}
}

// TestPlansRealIssuer plans below the very issuer of a real certificate: then the values that belong to the issuer agree, too.
func TestPlansRealIssuer(t *testing.T) {
	for _, c := range realCards[:3] {
		want, got := realCertificate(t, c.file), parsedPlan(t, c.order, c.slot)
		if !bytes.Equal(got.RawIssuer, want.RawIssuer) {
			t.Errorf("%s: issuer is %s, want %s", c.slot, got.Issuer, want.Issuer)
		}
		if g, w := byID(got.Extensions), byID(want.Extensions); !reflect.DeepEqual(g, w) {
			t.Errorf("%s: extensions are %v, want %v", c.slot, g, w)
		}
	}
}

// parsedPlan encodes the content of a planned slot and reads it back.
func parsedPlan(t *testing.T, order, slot string) *pkix.Certificate {
	t.Helper()
	tbs := *slotOf(t, mustPlan(t, sampleOrder(t, order), testContext(t)), slot).X509
	var err error
	if tbs.Serial, err = pkix.NewSerial([]byte{1}); err != nil {
		t.Fatal(err)
	}
	draft, err := tbs.Encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := pkix.ParseTBSCertificate(draft)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func byID(list []pkix.Extension) map[string]pkix.Extension {
	m := map[string]pkix.Extension{}
	for _, e := range list {
		m[e.ID.String()] = e
	}
	return m
}

func compareExtensions(t *testing.T, got, want map[string]pkix.Extension) {
	t.Helper()
	for id, w := range want {
		g, there := got[id]
		switch {
		case !there:
			t.Errorf("extension %s (%s) is missing", id, pkix.OIDName(w.ID))
		case g.Critical != w.Critical:
			t.Errorf("extension %s: critical is %t, want %t", id, g.Critical, w.Critical)
		case !mayDiffer[id] && !bytes.Equal(g.Value, w.Value):
			t.Errorf("extension %s: value is %x, want %x", id, g.Value, w.Value)
		}
	}
	for id, g := range got {
		if _, there := want[id]; !there {
			t.Errorf("extension %s (%s) is not in the real certificate", id, pkix.OIDName(g.ID))
		}
	}
}
