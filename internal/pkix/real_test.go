package pkix

import (
	"bytes"
	"crypto/sha256"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// realDER gives the DER of a certificate in testdata by its name without ".pem".
func realDER(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, rest := pem.Decode(text)
	if block == nil || len(bytes.TrimSpace(rest)) > 0 {
		t.Fatalf("%s is not one PEM block", name)
	}
	return block.Bytes
}

func realCertificate(t testing.TB, name string) *Certificate {
	t.Helper()
	c, err := ParseCertificate(realDER(t, name))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return c
}

// realNames lists the certificates in testdata.
func realNames(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.pem")
	if err != nil || len(files) != 16 {
		t.Fatalf("%d certificates in testdata, %v, want 16", len(files), err)
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(filepath.Base(f), ".pem")
	}
	return files
}

// again is the TBSCertificate that a parsed certificate came from.
func again(c *Certificate) *TBSCertificate {
	return &TBSCertificate{
		Serial: c.Serial, Scheme: c.Scheme, Issuer: c.RawIssuer, NotBefore: c.NotBefore, NotAfter: c.NotAfter,
		Subject: c.Subject, PublicKey: c.RawSPKI, Extensions: c.Extensions,
	}
}

// Every real certificate comes out of its parsed fields again, octet by octet.
func TestRealCertificatesEncodeAgain(t *testing.T) {
	for _, name := range realNames(t) {
		t.Run(name, func(t *testing.T) {
			raw := realDER(t, name)
			c := realCertificate(t, name)
			spki, err := MarshalPublicKey(c.PublicKey)
			if err != nil || !bytes.Equal(spki, c.RawSPKI) {
				t.Errorf("public key encodes as %x, %v, want %x", spki, err, c.RawSPKI)
			}
			issuer, err := c.Issuer.Encode()
			if err != nil || !bytes.Equal(issuer, c.RawIssuer) {
				t.Errorf("issuer encodes as %x, %v, want %x", issuer, err, c.RawIssuer)
			}
			tbs, err := again(c).Encode()
			if err != nil || !bytes.Equal(tbs, c.RawTBS) {
				t.Fatalf("signed part encodes as %x, %v, want %x", tbs, err, c.RawTBS)
			}
			whole, err := Assemble(tbs, c.Scheme, c.Signature)
			if err != nil || !bytes.Equal(whole.Raw, raw) {
				t.Fatalf("certificate assembles to %+v, %v, want %x", whole, err, raw)
			}
			if n, err := AssembledLen(tbs, c.Scheme, c.Signature); err != nil || n != len(raw) {
				t.Errorf("AssembledLen = %d, %v, want %d", n, err, len(raw))
			}
		})
	}
}

// reencode reads an extension with its own type and encodes it again; ok is false for extensions without a type here.
func reencode(e Extension) (again Extension, ok bool, err error) {
	read := map[string]func([]byte) (encoder, error){
		OIDSubjectKeyIdentifier.String():   typed(ParseSubjectKeyIdentifier),
		OIDAuthorityKeyIdentifier.String(): typed(ParseAuthorityKeyIdentifier),
		OIDKeyUsage.String():               typed(ParseKeyUsage),
		OIDExtendedKeyUsage.String():       typed(ParseExtendedKeyUsage),
		OIDBasicConstraints.String():       typed(ParseBasicConstraints),
		OIDCertificatePolicies.String():    typed(ParseCertificatePolicies),
		OIDAuthorityInfoAccess.String():    typed(ParseAuthorityInfoAccess),
		OIDCRLDistributionPoints.String():  typed(ParseCRLDistributionPoints),
		OIDSubjectAltName.String():         typed(ParseSubjectAltName),
		OIDAdmission.String():              typed(ParseAdmission),
		OIDOCSPNoCheck.String():            typed(ParseOCSPNoCheck),
		OIDQCStatements.String():           typed(ParseQCStatements),
		OIDValidityModel.String():          typed(ParseValidityModel),
	}[e.ID.String()]
	if read == nil {
		return Extension{}, false, nil
	}
	value, err := read(e.Value)
	if err != nil {
		return Extension{}, true, err
	}
	again, err = value.Extension()
	return again, true, err
}

// encoder is what the types of extensions have in common.
type encoder interface{ Extension() (Extension, error) }

func typed[T encoder](parse func([]byte) (T, error)) func([]byte) (encoder, error) {
	return func(value []byte) (encoder, error) { return parse(value) }
}

// Every extension of a real certificate has a type here, and that type gives the same octets and criticality.
func TestRealExtensionsEncodeAgain(t *testing.T) {
	seen := map[string]int{}
	for _, name := range realNames(t) {
		for _, e := range realCertificate(t, name).Extensions {
			got, ok, err := reencode(e)
			if !ok {
				t.Errorf("%s: extension %s has no type", name, e.ID)
				continue
			}
			if err != nil || !bytes.Equal(got.Value, e.Value) || got.Critical != e.Critical {
				t.Errorf("%s: %s encodes as %x critical %t, %v, want %x critical %t", name, OIDName(e.ID), got.Value, got.Critical, err, e.Value, e.Critical)
			}
			seen[OIDName(e.ID)]++
		}
	}
	if len(seen) != 12 { // all but ocsp-nocheck
		t.Errorf("extensions seen: %v, want 12 kinds", seen)
	}
}

// The signatures verify wherever the issuer is at hand, and nowhere else.
func TestRealChains(t *testing.T) {
	want := map[string]string{
		"80276001011699900861-C_SMCB_AUT_R2048_X509":  "GEM.SMCB-CA41_TEST-ONLY",
		"80276001011699900861-C_SMCB_ENC_R2048_X509":  "GEM.SMCB-CA41_TEST-ONLY",
		"80276001011699900861-C_SMCB_OSIG_R2048_X509": "GEM.SMCB-CA41_TEST-ONLY",
		"pharmacy-AUT-R2048":                          "GEM.SMCB-CA41_TEST-ONLY",
		"psychotherapist-AUT-E256":                    "GEM.SMCB-CA57_TEST-ONLY",
		"GEM.SMCB-CA57_TEST-ONLY":                     "GEM.RCA8_TEST-ONLY",
		"GEM.RCA8_TEST-ONLY":                          "GEM.RCA8_TEST-ONLY",
		"HBA-80276001011699901501-C_HP_QES_R2048":     "GEM.HBA-qCA24_TEST-ONLY",
		"HBA-80276001011699901501-C_HP_QES_E256":      "GEM.HBA-qCA51_TEST-ONLY",
		"GEM.HBA-qCA51_TEST-ONLY":                     "GEM.HBA-qCA51_TEST-ONLY",
	}
	names := realNames(t)
	for _, name := range names {
		c := realCertificate(t, name)
		for _, from := range names {
			err := c.CheckSignatureFrom(realCertificate(t, from))
			switch {
			case want[name] == from && err != nil:
				t.Errorf("%s from %s: %v", name, from, err)
			case want[name] != from && !errors.Is(err, ErrIssuer):
				t.Errorf("%s from %s: got %v, want %v", name, from, err, ErrIssuer)
			}
		}
	}
}

// One changed octet in the signed part, or one in the signature, is a bad signature.
func TestChangedCertificateDoesNotVerify(t *testing.T) {
	for name, issuer := range map[string]string{
		"psychotherapist-AUT-E256": "GEM.SMCB-CA57_TEST-ONLY",
		"pharmacy-AUT-R2048":       "GEM.SMCB-CA41_TEST-ONLY",
	} {
		from := realCertificate(t, issuer)
		raw := realDER(t, name)
		serial := bytes.Index(raw, realCertificate(t, name).Serial.Bytes())
		for _, at := range []int{serial + 2, len(raw) - 5} {
			changed := bytes.Clone(raw)
			changed[at] ^= 1
			c, err := ParseCertificate(changed)
			if err != nil {
				t.Fatalf("%s changed at %d does not parse: %v", name, at, err)
			}
			if err := c.CheckSignatureFrom(from); !errors.Is(err, sigalg.ErrSignature) {
				t.Errorf("%s changed at %d: got %v, want %v", name, at, err, sigalg.ErrSignature)
			}
		}
		if err := realCertificate(t, name).CheckSignature(realCertificate(t, "GEM.RCA8_TEST-ONLY").PublicKey); err == nil {
			t.Errorf("%s verifies with the key of a root that did not sign it", name)
		}
	}
}

// A CA may be certified twice under one name; the key identifier tells its certificates apart. One that cannot be read is an error.
func TestKeyIdentifierOfIssuer(t *testing.T) {
	c, issuer := realCertificate(t, "psychotherapist-AUT-E256"), realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY")
	replace := func(list []Extension, id asn1.ObjectIdentifier, value string) []Extension {
		list = slices.Clone(list)
		for i := range list {
			if list[i].ID.Equal(id) {
				list[i].Value = unhex(t, value)
			}
		}
		return list
	}
	for _, tt := range []struct {
		name, authority, subject string
		want                     error // nil for an error of another kind
	}{
		{"other key", "3016" + "8014" + keyIDHex, "0414" + keyIDHex[:38] + "00", ErrIssuer},
		{"malformed authority", "3000", "0414" + keyIDHex, nil},
		{"malformed subject", "3016" + "8014" + keyIDHex, "0400", nil},
	} {
		c, issuer := *c, *issuer
		c.Extensions = replace(c.Extensions, OIDAuthorityKeyIdentifier, tt.authority)
		issuer.Extensions = replace(issuer.Extensions, OIDSubjectKeyIdentifier, tt.subject)
		if err := c.CheckSignatureFrom(&issuer); err == nil || errors.Is(err, ErrIssuer) != (tt.want != nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// The worked example: what the fields of a hospital pharmacy's certificate are.
func TestRealFields(t *testing.T) {
	c := realCertificate(t, "80276001011699900861-C_SMCB_AUT_R2048_X509")
	sum := sha256.Sum256(c.Raw)
	admission, _, err := Find(c.Extensions, OIDAdmission, ParseAdmission)
	if err != nil {
		t.Fatal(err)
	}
	id, err := c.SubjectKeyID()
	if err != nil {
		t.Fatal(err)
	}
	own, err := KeyIdentifier(c.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	usage, _, err := Find(c.Extensions, OIDKeyUsage, ParseKeyUsage)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []struct{ field, got, want string }{
		{"SHA-256", hex.EncodeToString(sum[:]), "d6c5e29fbcadf243d38c2bb1c27db64730a8adee618d3bfa4de3d2cf5afc8e00"},
		{"serial", c.Serial.String(), "0328c7d228c304"},
		{"scheme", c.Scheme.String(), "sha256WithRSAEncryption"},
		{"issuer", c.Issuer.String(), "C=DE, O=gematik GmbH NOT-VALID, OU=Institution des Gesundheitswesens-CA der Telematikinfrastruktur, CN=GEM.SMCB-CA41 TEST-ONLY"},
		{"notBefore", c.NotBefore.Format("2006-01-02 15:04:05 MST"), "2022-09-29 22:00:00 UTC"},
		{"notAfter", c.NotAfter.Format("2006-01-02 15:04:05 MST"), "2027-09-29 21:59:59 UTC"},
		{"subject", c.Subject.String(), "C=DE, ST=Berlin, L=Berlin, postalCode=12345, street=Am Waldesrand 1, serialNumber=16.80276001011699900861, CN=Krankenhausapotheke Am Waldesrand TEST-ONLY"},
		{"subject key identifier", hex.EncodeToString(id), "3667bd72bff2ee6449813c12b28b473cc7504f59"},
		{"key identifier", hex.EncodeToString(own), hex.EncodeToString(id)},
		{"key usage", usage.String(), "digitalSignature, keyEncipherment"},
		{"admission authority", admission.Authority.String(), "C=DE, O=gematik"},
		{"profession item", admission.Item, "Krankenhausapotheke"},
		{"profession OID", admission.OID.String(), "1.2.276.0.76.4.55"},
		{"registration number", admission.RegistrationNumber, "5-2-KH-APO-Waldesrand-01"},
	} {
		if f.got != f.want {
			t.Errorf("%s: got %s, want %s", f.field, f.got, f.want)
		}
	}
	if _, ok := c.Extension(asn1.ObjectIdentifier{2, 5, 29, 18}); ok {
		t.Error("an extension is found that is not there")
	}
}

// A multi-valued RDN, as only the HBA has it, is read in the order of SET OF and written so from any order.
func TestRealMultiValuedRDN(t *testing.T) {
	c := realCertificate(t, "HBA-80276001011699901501-C_HP_QES_E256")
	const want = "C=DE, GN=Adelheid + SN=Ulmenwald + serialNumber=16.80276001011699901501 + CN=Arzt Adelheid Ulmenwald TEST-ONLY"
	if got := c.Subject.String(); got != want {
		t.Errorf("subject: got %s, want %s", got, want)
	}
	rdn := c.Subject[1]
	shuffled := Name{c.Subject[0], RDN{rdn[3], rdn[1], rdn[0], rdn[2]}}
	if got, err := shuffled.Encode(); err != nil || !bytes.Equal(got, c.RawSubject) {
		t.Errorf("in another order: got %x, %v, want %x", got, err, c.RawSubject)
	}
}

// A signed part alone reads as the certificate does, but has no signature to check.
func TestParseTBSCertificate(t *testing.T) {
	c := realCertificate(t, "psychotherapist-AUT-E256")
	draft, err := ParseTBSCertificate(c.RawTBS)
	if err != nil {
		t.Fatal(err)
	}
	if draft.Serial != c.Serial || draft.Subject.String() != c.Subject.String() || len(draft.Extensions) != len(c.Extensions) {
		t.Errorf("draft has serial %s, subject %s, %d extensions; the certificate %s, %s, %d",
			draft.Serial, draft.Subject, len(draft.Extensions), c.Serial, c.Subject, len(c.Extensions))
	}
	if draft.Raw != nil || draft.Signature != nil {
		t.Error("draft has the octets of a certificate or a signature")
	}
	if err := draft.CheckSignatureFrom(realCertificate(t, "GEM.SMCB-CA57_TEST-ONLY")); err == nil {
		t.Error("a draft without signature verifies")
	}
	if _, err := ParseTBSCertificate(c.Raw); err == nil {
		t.Error("a whole certificate is taken for a signed part")
	}
}

// What was parsed does not change with the octets that it came from.
func TestParseCopies(t *testing.T) {
	raw := realDER(t, "psychotherapist-AUT-E256")
	c, err := ParseCertificate(raw)
	if err != nil {
		t.Fatal(err)
	}
	want := c.Subject.String()
	clear(raw)
	tbs, err := again(c).Encode()
	if err != nil || !bytes.Equal(tbs, c.RawTBS) || c.Subject.String() != want || c.Raw[0] != 0x30 {
		t.Errorf("clearing the input changed the certificate: %v", err)
	}
}
