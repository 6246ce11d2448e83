package relying

import (
	"encoding/asn1"
	"slices"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: a real certificate with one thing changed is refused, each time by the step that is there for it.

func TestRefuses(t *testing.T) {
	issuer := readPEM(t, "GEM.SMCB-CA57_TEST-ONLY")
	need, _ := NeedOf("C.HCI.AUT.E256")
	at := date(2026, 1, 1)
	for _, c := range []struct {
		name   string
		change func(t *testing.T, d *pkix.TBSCertificate)
		want   Code
	}{
		{"a critical extension that nobody knows", add(pkix.Extension{ID: asn1.ObjectIdentifier{1, 2, 3}, Critical: true, Value: []byte{5, 0}}), ReadError},
		{"no keyUsage", remove(pkix.OIDKeyUsage), WrongKeyUsage},
		{"keyUsage of encryption", put(pkix.KeyAgreement), WrongKeyUsage},
		{"no extKeyUsage", remove(pkix.OIDExtendedKeyUsage), WrongPurpose},
		{"extKeyUsage of a server", put(pkix.ExtendedKeyUsage{pkix.OIDServerAuth}), WrongPurpose},
		{"a CA", put(pkix.BasicConstraints{CA: true}), WrongKeyUsage},
		{"no policies", remove(pkix.OIDCertificatePolicies), TypeMissing},
		{"no type", put(pkix.CertificatePolicies{{ID: oid(163)}}), TypeMismatch},
		{"type of OSIG", put(pkix.CertificatePolicies{{ID: oid(163)}, {ID: oid(78)}}), TypeMismatch},
		{"two types", put(pkix.CertificatePolicies{{ID: oid(77)}, {ID: oid(78)}}), TypeMismatch},
		{"no admission", remove(pkix.OIDAdmission), RoleMismatch},
		{"no Telematik-ID", put(pkix.Admission{Item: "Krankenhaus", OID: oid(53)}), RoleMismatch},
		{"no authorityKeyIdentifier", remove(pkix.OIDAuthorityKeyIdentifier), OtherIssuer},
		{"another issuer's key", put(pkix.AuthorityKeyIdentifier(make([]byte, 20))), OtherIssuer},
		{"another issuer's name", func(_ *testing.T, d *pkix.TBSCertificate) { d.Issuer = pkix.RawName{0x30, 0x00} }, OtherIssuer},
		{"outlives its issuer", func(_ *testing.T, d *pkix.TBSCertificate) { d.NotAfter = date(2033, 1, 1) }, NotValidTime},
		{"began before its issuer", func(_ *testing.T, d *pkix.TBSCertificate) { d.NotBefore = date(2020, 1, 1) }, NotValidTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			d := draftOf(t, "psychotherapist-AUT-E256")
			octets, err := d.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := CheckDraft(octets, issuer, need, at); err != nil {
				t.Fatalf("unchanged: %v", err)
			}
			c.change(t, d)
			if octets, err = d.Encode(); err != nil {
				t.Fatal(err)
			}
			_, err = CheckDraft(octets, issuer, need, at)
			wantRefusal(t, err, c.want)
		})
	}
}

// TestNeeds: names that are no slot of an X.509 certificate have no need, and every need asks for something.
func TestNeeds(t *testing.T) {
	for _, name := range []string{"", "C.SMC.AUTR_CVC.E256", "C.HCI", "E256"} {
		if need, ok := NeedOf(name); ok {
			t.Errorf("%q has the need %+v", name, need)
		}
	}
	for name, need := range needs {
		if need.Usage["RSA"] == 0 || need.Usage["ECC"] == 0 || need.Type == "" && need.Qualified == "" {
			t.Errorf("%s asks for too little: %+v", name, need)
		}
		if need.Type != "" && !slices.Contains(typeOIDs, need.Type) {
			t.Errorf("type %s of %s is not known", need.Type, name)
		}
	}
}

func draftOf(t *testing.T, name string) *pkix.TBSCertificate {
	t.Helper()
	c, err := pkix.ParseCertificate(readPEM(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return &pkix.TBSCertificate{Serial: c.Serial, Scheme: c.Scheme, Issuer: c.RawIssuer, NotBefore: c.NotBefore.Truncate(time.Second),
		NotAfter: c.NotAfter, Subject: c.Subject, PublicKey: c.RawSPKI, Extensions: slices.Clone(c.Extensions)}
}

func add(e pkix.Extension) func(*testing.T, *pkix.TBSCertificate) {
	return func(_ *testing.T, d *pkix.TBSCertificate) { d.Extensions = append(d.Extensions, e) }
}

func remove(id asn1.ObjectIdentifier) func(*testing.T, *pkix.TBSCertificate) {
	return func(_ *testing.T, d *pkix.TBSCertificate) {
		d.Extensions = slices.DeleteFunc(d.Extensions, func(e pkix.Extension) bool { return e.ID.Equal(id) })
	}
}

// put takes the place of the extension of the same kind.
func put(value interface {
	Extension() (pkix.Extension, error)
}) func(*testing.T, *pkix.TBSCertificate) {
	return func(t *testing.T, d *pkix.TBSCertificate) {
		e, err := value.Extension()
		if err != nil {
			t.Fatal(err)
		}
		remove(e.ID)(t, d)
		add(e)(t, d)
	}
}

func oid(last int) asn1.ObjectIdentifier { return asn1.ObjectIdentifier{1, 2, 276, 0, 76, 4, last} }
