package profiles_test

import (
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// issuerRequest is a good request for an OCSP signer below the qualified issuer of the fixture.
func issuerRequest(t *testing.T) *profiles.IssuerRequest {
	t.Helper()
	serial, err := pkix.NewSerial([]byte{1})
	if err != nil {
		t.Fatal(err)
	}
	key, err := pkix.ParsePublicKey(testKey(t, "rsa-good"))
	if err != nil {
		t.Fatal(err)
	}
	return &profiles.IssuerRequest{
		Environment: profiles.Test, CommonName: "SIEGEL.SMCB-qCA1-OCSP1", Organization: "Siegel", PublicKey: key, Serial: serial,
		Issuer: qualifiedCA(t), NotBefore: now,
	}
}

func issuerProfile(t *testing.T, kind profiles.IssuerKind) *profiles.IssuerProfile {
	t.Helper()
	p, ok := builtin(t).IssuerProfile(kind)
	if !ok {
		t.Fatalf("there is no profile for %s", kind)
	}
	return p
}

// TestIssuerContent drafts a signer: its term, its name with the marks, and each extension of the table in its order.
func TestIssuerContent(t *testing.T) {
	r := issuerRequest(t)
	tbs, err := issuerProfile(t, profiles.OCSPSigner).Content(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tbs.Subject.String(), "C=DE, O=Siegel NOT-VALID, CN=SIEGEL.SMCB-qCA1-OCSP1 TEST-ONLY"; got != want {
		t.Errorf("subject is %s, want %s", got, want)
	}
	if want := now.AddDate(5, 0, 0).Add(-time.Second); !tbs.NotAfter.Equal(want) {
		t.Errorf("it ends %s, want %s", tbs.NotAfter, want)
	}
	var names []string
	for _, e := range tbs.Extensions {
		names = append(names, pkix.OIDName(e.ID))
	}
	const want = "subjectKeyIdentifier keyUsage basicConstraints certificatePolicies authorityKeyIdentifier extKeyUsage id-pkix-ocsp-nocheck"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("extensions are %s, want %s", got, want)
	}
	r.Environment = profiles.Production
	if tbs, err = issuerProfile(t, profiles.OCSPSigner).Content(r); err != nil || strings.Contains(tbs.Subject.String(), "NOT-VALID") {
		t.Errorf("in production: subject %s, %v, want no mark", tbs.Subject, err)
	}
}

// TestIssuerEndsWithTheOneAbove: a signer that begins late in its issuer's life is not longer valid than that.
func TestIssuerEndsWithTheOneAbove(t *testing.T) {
	r := issuerRequest(t)
	r.NotBefore = r.Issuer.X509.NotAfter.AddDate(-1, 0, 0)
	tbs, err := issuerProfile(t, profiles.OCSPSigner).Content(r)
	if err != nil || !tbs.NotAfter.Equal(r.Issuer.X509.NotAfter) {
		t.Errorf("it ends %v (%v), want with its issuer", tbs, err)
	}
}

// TestIssuerRefusals changes one thing in a good request.
func TestIssuerRefusals(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   profiles.IssuerKind
		change func(*testing.T, *profiles.IssuerRequest)
		want   string
	}{
		{"signs itself", profiles.OCSPSigner, func(_ *testing.T, r *profiles.IssuerRequest) { r.Issuer = nil }, "does not sign it"},
		{"issuing CA below an issuing CA", profiles.SMCBCA, func(_ *testing.T, r *profiles.IssuerRequest) { r.CommonName = "SIEGEL.SMCB-CA1" }, "does not sign it"},
		{"issuer without an X.509 certificate", profiles.OCSPSigner, func(_ *testing.T, r *profiles.IssuerRequest) { r.Issuer.X509 = nil }, "no X.509 certificate"},
		{"name of another form", profiles.QESCA, func(_ *testing.T, r *profiles.IssuerRequest) { r.Issuer = nil }, "has not the form"},
		{"number with a leading zero", profiles.QESCA, func(_ *testing.T, r *profiles.IssuerRequest) { r.Issuer, r.CommonName = nil, "SIEGEL.SMCB-qCA01" }, "has not the form"},
		{"no room for the mark", profiles.OCSPSigner, func(_ *testing.T, r *profiles.IssuerRequest) { r.CommonName = strings.Repeat("a", 55) }, "has not the form"},
		{"no organization", profiles.OCSPSigner, func(_ *testing.T, r *profiles.IssuerRequest) { r.Organization = "" }, "no organization"},
		{"key of the other generation", profiles.OCSPSigner, func(t *testing.T, r *profiles.IssuerRequest) {
			key, err := pkix.ParsePublicKey(testKey(t, "ec-good"))
			if err != nil {
				t.Fatal(err)
			}
			r.PublicKey = key
		}, "GS-A_5513"},
		{"no key", profiles.OCSPSigner, func(_ *testing.T, r *profiles.IssuerRequest) { r.PublicKey = nil }, ""},
		{"PSS where it has no place", profiles.RootCA, func(_ *testing.T, r *profiles.IssuerRequest) {
			r.Issuer, r.PSS, r.CommonName, r.OCSPURL = nil, true, "SIEGEL.RCA1", "http://ocsp.example"
		}, "only qualified issuers"},
		{"issuer has ended", profiles.OCSPSigner, func(_ *testing.T, r *profiles.IssuerRequest) { r.NotBefore = r.Issuer.X509.NotAfter }, "end before it begins"},
		{"root without a responder", profiles.RootCA, func(_ *testing.T, r *profiles.IssuerRequest) { r.Issuer, r.CommonName = nil, "SIEGEL.RCA1" }, "authorityInfoAccess must be there"},
		{"organization that is too long", profiles.QESCA, func(_ *testing.T, r *profiles.IssuerRequest) {
			r.Issuer, r.CommonName, r.Organization = nil, "SIEGEL.SMCB-qCA1", strings.Repeat("a", 55)
		}, "characters"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := issuerRequest(t)
			c.change(t, r)
			if tbs, err := issuerProfile(t, c.kind).Content(r); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("content is %v, %v, want an error with %q", tbs, err, c.want)
			}
		})
	}
}

// TestSelfSignedQualifiedIssuer: it names its own key as the issuer's, unlike a root, and signs with the scheme that was asked for.
func TestSelfSignedQualifiedIssuer(t *testing.T) {
	r := issuerRequest(t)
	r.Issuer, r.CommonName, r.OrganizationIdentifier, r.PSS = nil, "SIEGEL.SMCB-qCA1", "VATDE-999999999", true
	tbs, err := issuerProfile(t, profiles.QESCA).Content(r)
	if err != nil {
		t.Fatal(err)
	}
	const subject = "C=DE, O=Siegel NOT-VALID, organizationIdentifier=VATDE-999999999, OU=Qualifizierter VDA der Telematikinfrastruktur, CN=SIEGEL.SMCB-qCA1 TEST-ONLY"
	if got := tbs.Subject.String(); got != subject || tbs.Scheme != sigalg.RSAPSSSHA256 {
		t.Errorf("subject is %s, scheme %s, want %s and RSASSA-PSS", got, tbs.Scheme, subject)
	}
	c := readBack(t, tbs)
	own, err := c.SubjectKeyID()
	if err != nil {
		t.Fatal(err)
	}
	if id, _, err := pkix.Find(c.Extensions, pkix.OIDAuthorityKeyIdentifier, pkix.ParseAuthorityKeyIdentifier); err != nil || string(id) != string(own) {
		t.Errorf("authority key identifier is %x (%v), want %x", id, err, own)
	}
}
