package profiles_test

import (
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// TestIssuersBelongToEnvironments: real issuers of the test environment, and what they would be called elsewhere.
func TestIssuersBelongToEnvironments(t *testing.T) {
	rename := func(i *profiles.Issuer, commonName, organization string) *profiles.Issuer {
		renamed, certificate := *i, *i.X509
		certificate.Subject = pkix.Name{pkix.Single(pkix.OIDCountryName, "DE"), pkix.Single(pkix.OIDOrganizationName, organization),
			pkix.Single(pkix.OIDCommonName, commonName)}
		certificate.Issuer = certificate.Subject
		renamed.X509 = &certificate
		return &renamed
	}
	reference := func(s string) cvc.Reference {
		r, err := cvc.ParseReference(s)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	issuers := testContext(t).Issuers
	rsa, sub := issuers[0], issuers[2]
	g1 := *issuers[3]
	productionG1 := *g1.G1
	productionG1.CAR, productionG1.CHR = reference("DEZGW 1-1-01-09"), reference("DEATO 1-0-01-15").CHR()
	g1.G1 = &productionG1
	for _, c := range []struct {
		name         string
		issuer       *profiles.Issuer
		inTest, inPU string // parts of the errors; "" for none
	}{
		{"GEM.SMCB-CA41 TEST-ONLY", rsa, "", "CN of its subject is marked"},
		{"the same without marks", rename(rsa, "GEM.SMCB-CA41", "gematik GmbH"), `CN of its subject does not end in " TEST-ONLY"`, ""},
		{"mark in CN alone", rename(rsa, "GEM.SMCB-CA41 TEST-ONLY", "gematik GmbH"), `O of its subject does not end in " NOT-VALID"`, "CN of its issuer is marked"},
		{"mark in O alone", rename(rsa, "GEM.SMCB-CA41", "gematik GmbH NOT-VALID"), `CN of its issuer does not end in " TEST-ONLY"`, "O of its issuer is marked"},
		{"marks in each other's place", rename(rsa, "GEM.SMCB-CA41 NOT-VALID", "gematik GmbH TEST-ONLY"), "CN of its subject does not end", "CN of its subject is marked"},
		{"mark without a blank", rename(rsa, "GEM.SMCB-CA41TEST-ONLY", "gematik GmbH NOT-VALID"), "CN of its subject does not end", "CN of its subject is marked"},
		{"mark in the middle", rename(rsa, "GEM TEST-ONLY.SMCB-CA41", "gematik GmbH"), "CN of its subject does not end", "CN of its subject is marked"},
		{"DEGXX 1-3-02-23", sub, "", "provider code DEGXX is one of the other"},
		{"production CVC-CA", changeCVC(sub, func(b *cvc.Body) {
			b.CAR, b.CHR = reference("DEZGW 8-7-02-22"), reference("DEATO 1-3-02-23").CHR()
		}), "provider code DEATO is one of the other", ""},
		{"test CVC-CA below a production root", changeCVC(sub, func(b *cvc.Body) { b.CAR = reference("DEZGW 8-7-02-22") }),
			"provider code DEZGW is one", "provider code DEGXX is one"},
		{"generation 1 of test", issuers[3], "", "provider code DEGEX is one"},
		{"generation 1 of production", &g1, "provider code DEZGW is one", ""},
	} {
		for environment, want := range map[profiles.Environment]string{profiles.Test: c.inTest, profiles.Production: c.inPU} {
			err := c.issuer.CheckEnvironment(environment)
			if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("%s in environment %s: error is %v, want %q", c.name, environment, err, want)
			}
		}
	}
}
