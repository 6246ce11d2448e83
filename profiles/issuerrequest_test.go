package profiles_test

import (
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// TestIssuerRequestForm: a request has the name that the certificate will have, and asks for what does not depend on the one above.
func TestIssuerRequestForm(t *testing.T) {
	r := issuerRequest(t)
	r.CommonName, r.Issuer = "SIEGEL.SMCB-CA7", nil
	info, err := issuerProfile(t, profiles.SMCBCA).Request(r)
	if err != nil {
		t.Fatal(err)
	}
	const subject = "C=DE, O=Siegel NOT-VALID, OU=Institution des Gesundheitswesens-CA der Telematikinfrastruktur, CN=SIEGEL.SMCB-CA7 TEST-ONLY"
	if got := info.Subject.String(); got != subject {
		t.Errorf("subject is %s, want %s", got, subject)
	}
	var names []string
	for _, e := range info.Extensions {
		names = append(names, pkix.OIDName(e.ID))
	}
	if got, want := strings.Join(names, " "), "subjectKeyIdentifier keyUsage basicConstraints certificatePolicies"; got != want {
		t.Errorf("extensions are %s, want %s", got, want)
	}
	if _, err := info.Encode(); err != nil {
		t.Error(err)
	}
}

func TestIssuerRequestRefusals(t *testing.T) {
	r := issuerRequest(t)
	r.CommonName = "SIEGEL.SMCB-CA01"
	if _, err := issuerProfile(t, profiles.SMCBCA).Request(r); err == nil || !strings.Contains(err.Error(), "has not the form") {
		t.Errorf("a number with a leading zero: %v, want a refusal", err)
	}
	r.CommonName, r.PublicKey = "SIEGEL.SMCB-CA1", nil
	if _, err := issuerProfile(t, profiles.SMCBCA).Request(r); err == nil {
		t.Error("a request without a key was made")
	}
}
