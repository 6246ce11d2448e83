package profiles_test

import (
	"bytes"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// TestPlansRealConnector orders the card of a real connector again and compares the certificate of its application part field by field. Only the
// serial number and the signature are its issuer's own. The order of extensions is not regulated.
func TestPlansRealConnector(t *testing.T) {
	want := realCertificate(t, "konnektor-AK-AUT-E256.pem")
	issuer, ctx := kompOfRealConnector(t, want), testContext(t)
	ctx.Now, ctx.Issuers = want.NotBefore.Add(12*time.Hour), append(ctx.Issuers, issuer)
	o := deviceOrder(t, "gsmc-k")
	o.ICCSN, o.Device = "80276883110000000001", &profiles.Device{Manufacturer: "gematik", Country: "DE"}
	slotKey(o, "C.AK.AUT.E256").SPKI = want.RawSPKI
	o.Keys = slices.DeleteFunc(o.Keys, func(k profiles.SlotKey) bool { return strings.HasSuffix(k.Slot, ".R2048") })

	got := readBack(t, slotOf(t, mustPlan(t, o, ctx), "C.AK.AUT.E256").X509)
	for _, f := range []struct {
		field     string
		got, want any
	}{
		{"version", got.Version, want.Version},
		{"signature algorithm", got.Scheme, want.Scheme},
		{"issuer", got.RawIssuer, want.RawIssuer},
		{"not before", got.NotBefore, want.NotBefore},
		{"not after", got.NotAfter, want.NotAfter},
		{"subject", got.RawSubject, want.RawSubject},
		{"public key", got.RawSPKI, want.RawSPKI},
		{"extensions", byID(got.Extensions), byID(want.Extensions)},
	} {
		if !reflect.DeepEqual(f.got, f.want) {
			t.Errorf("%s is %v, want %v", f.field, f.got, f.want)
		}
	}
}

// kompOfRealConnector is the issuer GEM.KOMP-CA57 as far as a certificate from it tells: name and key identifier. The rest is made.
func kompOfRealConnector(t *testing.T, from *pkix.Certificate) *profiles.Issuer {
	t.Helper()
	id, _, err := pkix.Find(from.Extensions, pkix.OIDAuthorityKeyIdentifier, pkix.ParseAuthorityKeyIdentifier)
	if err != nil {
		t.Fatal(err)
	}
	ski, err := pkix.SubjectKeyIdentifier(id).Extension()
	if err != nil {
		t.Fatal(err)
	}
	issuer := kompCA(t, "SIEGEL.KOMP-CA2", sigalg.E256)
	issuer.Name, issuer.OCSPURL = "GEM.KOMP-CA57", "http://ehca.gematik.de/ecc-ocsp"
	issuer.X509.RawSubject, issuer.X509.Extensions = from.RawIssuer, []pkix.Extension{ski}
	return issuer
}

// readBack encodes the content of a certificate and reads it.
func readBack(t *testing.T, tbs *pkix.TBSCertificate) *pkix.Certificate {
	t.Helper()
	copied := *tbs
	var err error
	if copied.Serial, err = pkix.NewSerial([]byte{1}); err != nil {
		t.Fatal(err)
	}
	draft, err := copied.Encode()
	if err != nil {
		t.Fatal(err)
	}
	c, err := pkix.ParseTBSCertificate(draft)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPlansRealDeviceCVCertificates orders a real gSMC-K and a real gSMC-KT again, below the sub-CA that signed theirs: what Siegel would sign
// is what was signed then, octet for octet.
func TestPlansRealDeviceCVCertificates(t *testing.T) {
	for _, c := range []struct{ card, iccsn, slot, file string }{
		{"gsmc-k", "80276883110000015234", "C.SAK.AUTD_CVC.E256", "C_SAK_AUTD_CVC_E256"},
		{"gsmc-kt", "80276883110000152293", "C.SMC.AUTD_RPS_CVC.E256", "C_SMC_AUTD_RPS_CVC_E256"},
	} {
		want := realCVC(t, c.iccsn+"-"+c.file+".cvc")
		ctx, o := testContext(t), deviceOrder(t, c.card)
		ctx.Now = want.CED.Time().Add(12 * time.Hour)
		for _, i := range ctx.Issuers {
			if i.Kind == profiles.KOMPCA { // younger than the cards
				i.X509.NotBefore = want.CED.Time()
			}
		}
		o.ICCSN, o.ValidUntil, o.Evidence.Approval.Time = c.iccsn, want.CXD.String(), "2020-01-01T00:00:00Z"
		spki, err := pkix.MarshalPublicKey(want.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		slotKey(o, c.slot).SPKI = spki
		got, err := slotOf(t, mustPlan(t, o, ctx), c.slot).CVC.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.RawBody) {
			t.Errorf("%s: body is\n%x\nwant\n%x", c.slot, got, want.RawBody)
		}
	}
}

// TestAdministrationOfConnector: a connector's card says who it is to its administration, and grants itself nothing.
func TestAdministrationOfConnector(t *testing.T) {
	body := slotOf(t, mustPlan(t, deviceOrder(t, "gsmc-k"), testContext(t)), "C.SMC.AUT_CVC.E256").CVC
	if want := (cvc.Flags{}); body.Flags != want || !strings.HasPrefix(body.CHR.String(), "0005 ") {
		t.Errorf("flags %s and CHR %s, want no flag and key identifier 0005", body.Flags, body.CHR)
	}
}

// TestDeviceNames shows the rules of names: in test the mark on O alone, in production none, the name cut and whole beside it.
func TestDeviceNames(t *testing.T) {
	const long = "Gesellschaft für die Herstellung besonders langer Namen von Konnektoren mbH" // 75 characters
	for _, c := range []struct {
		name, manufacturer, slot string
		environment              profiles.Environment
		subject                  string
		altNames                 pkix.SubjectAltName
	}{
		{"connector in test", "Muster GmbH", "C.NK.VPN.E256", profiles.Test,
			"C=DE, O=Muster GmbH TEST-ONLY - NOT-VALID, CN=80276001011699990112-20241105", nil},
		{"connector in production", "Muster GmbH", "C.NK.VPN.E256", profiles.Production, "C=DE, O=Muster GmbH, CN=80276001011699990112-20241105", nil},
		{"host name", "Muster GmbH", "C.AK.AUT.E256", profiles.Production, "C=DE, O=Muster GmbH, CN=80276001011699990112-20241105",
			pkix.SubjectAltName{{Form: pkix.DNSName, Value: "konnektor.konlan"}}},
		{"cut in production", long, "C.SAK.AUT.E256", profiles.Production,
			"C=DE, O=Gesellschaft für die Herstellung besonders langer Namen von Konn, CN=80276001011699990112-20241105",
			pkix.SubjectAltName{{Form: pkix.OtherName, Type: pkix.OIDOrganizationName, Value: long}}},
		{"cut for the mark, beside a host name", long, "C.AK.AUT.E256", profiles.Test,
			"C=DE, O=Gesellschaft für die Herstellung besonders TEST-ONLY - NOT-VALID, CN=80276001011699990112-20241105",
			pkix.SubjectAltName{{Form: pkix.DNSName, Value: "konnektor.konlan"}, {Form: pkix.OtherName, Type: pkix.OIDOrganizationName, Value: long}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, ctx := deviceOrder(t, "gsmc-k"), testContext(t)
			o.Device = &profiles.Device{Manufacturer: c.manufacturer, Country: "DE"}
			ctx.Environment = c.environment
			tbs := slotOf(t, mustPlan(t, o, ctx), c.slot).X509
			if got := tbs.Subject.String(); got != c.subject {
				t.Errorf("subject is %s, want %s", got, c.subject)
			}
			names, _, err := pkix.Find(tbs.Extensions, pkix.OIDSubjectAltName, pkix.ParseSubjectAltName)
			if err != nil || !reflect.DeepEqual(names, c.altNames) {
				t.Errorf("alternative names are %v (%v), want %v", names, err, c.altNames)
			}
		})
	}
}

// TestNoStatusOfCardTerminal: its certificates name no responder, so that an issuer without one can sign them, and no other.
func TestNoStatusOfCardTerminal(t *testing.T) {
	ctx := testContext(t)
	for _, i := range ctx.Issuers {
		i.OCSPURL = ""
	}
	for _, s := range mustPlan(t, deviceOrder(t, "gsmc-kt"), ctx).Slots {
		if s.X509 == nil {
			continue
		}
		if _, named, _ := pkix.Find(s.X509.Extensions, pkix.OIDAuthorityInfoAccess, pkix.ParseAuthorityInfoAccess); named {
			t.Errorf("%s names a responder (GS-A_4335)", s.Slot)
		}
	}
	for _, v := range refusal(t, deviceOrder(t, "gsmc-k"), ctx) {
		if v.Rule != "NO_OCSP_URL" || v.Field != "card_type" || !v.Configuration {
			t.Errorf("violation is %+v, want NO_OCSP_URL at card_type, to the operator", v)
		}
	}
}
