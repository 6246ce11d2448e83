package profiles_test

import (
	"reflect"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// qualifiedSlots are the two qualified certificates, with what sets them apart.
var qualifiedSlots = []struct {
	slot, subject, policy, typ string
	seal                       bool
}{
	{qesSlot, "C=DE, O=Muster GmbH NOT-VALID, serialNumber=16.80276001011699990104, SN=Beispiel, GN=Ida, CN=Ida Beispiel TEST-ONLY",
		"0.4.0.194112.1.2", "0.4.0.1862.1.6.1", false},
	{sealSlot, "C=DE, O=Muster GmbH NOT-VALID, organizationIdentifier=VATDE-999999999, serialNumber=16.80276001011699990104, CN=Löwen-Apotheke TEST-ONLY",
		"0.4.0.194112.1.3", "0.4.0.1862.1.6.2", true},
}

func qualifiedOrder(t *testing.T, seal bool) *profiles.Order {
	t.Helper()
	if seal {
		return sealOrder(t, "pharmacy")
	}
	return sectorOrder(t, "pharmacy", "smcb-g2.0")
}

// TestQualifiedContent reads what a qualified certificate says: whose it is, under which policy, for what and by which model.
func TestQualifiedContent(t *testing.T) {
	for _, c := range qualifiedSlots {
		t.Run(c.slot, func(t *testing.T) {
			slot := slotOf(t, mustPlan(t, qualifiedOrder(t, c.seal), testContext(t)), c.slot)
			cert := readBack(t, slot.X509)
			if got := cert.Subject.String(); got != c.subject {
				t.Errorf("subject is %s, want %s", got, c.subject)
			}
			policies, _, err := pkix.Find(cert.Extensions, pkix.OIDCertificatePolicies, pkix.ParseCertificatePolicies)
			if err != nil || len(policies) != 2 || policies[0].ID.String() != "1.2.276.0.76.4.163" || policies[1].ID.String() != c.policy {
				t.Errorf("policies are %v (%v), want the card's and %s", policies, err, c.policy)
			}
			usage, _, err := pkix.Find(cert.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
			if err != nil || usage != pkix.NonRepudiation {
				t.Errorf("key usage is %s (%v), want nonRepudiation alone", usage, err)
			}
			model, _, err := pkix.Find(cert.Extensions, pkix.OIDValidityModel, pkix.ParseValidityModel)
			if want := pkix.ValidityModel(pkix.OIDValidityModelChain); err != nil || !reflect.DeepEqual(model, want) {
				t.Errorf("validity model is %v (%v), want %v", model, err, want)
			}
			access, _, err := pkix.Find(cert.Extensions, pkix.OIDAuthorityInfoAccess, pkix.ParseAuthorityInfoAccess)
			if err != nil || len(access) != 2 || !access[0].Method.Equal(pkix.OIDAccessOCSP) || !access[1].Method.Equal(pkix.OIDAccessCAIssuers) {
				t.Errorf("locations are %v (%v), want the responder and the issuer's certificate", access, err)
			}
			checkStatements(t, cert, c.typ, slot.Issuer.Qualified)
		})
	}
}

func checkStatements(t *testing.T, cert *pkix.Certificate, typ string, provider *profiles.QualifiedInfo) {
	t.Helper()
	q, _, err := pkix.Find(cert.Extensions, pkix.OIDQCStatements, pkix.ParseQCStatements)
	if err != nil {
		t.Fatal(err)
	}
	if types := q.Types(); len(types) != 1 || types[0].String() != typ {
		t.Errorf("QcType is %v, want %s", types, typ)
	}
	if !q.Compliant() || !q.OnDevice() || q.RetentionYears() != provider.RetentionYears || !reflect.DeepEqual(q.PDS(), provider.PDS) {
		t.Errorf("statements are %v, want QcCompliance, QcSSCD and what the provider says: %+v", q, provider)
	}
	if q.Legislation() != nil || len(q) != 5 {
		t.Errorf("%d statements, legislation %v, want 5 without any", len(q), q.Legislation())
	}
}

// TestQualifiedLikeTheRealOne compares C.HCI.QES with the real C.HP.QES from which it is built: every extension of the real one is there, and
// those that do not depend on holder and issuer say the same or more.
func TestQualifiedLikeTheRealOne(t *testing.T) {
	want := realCertificate(t, "HBA-C_HP_QES_R2048.pem")
	got := byID(readBack(t, slotOf(t, mustPlan(t, qualifiedOrder(t, false), testContext(t)), qesSlot).X509).Extensions)
	for id, w := range byID(want.Extensions) {
		g, there := got[id]
		if !there || g.Critical != w.Critical {
			t.Errorf("extension %s is there: %t, critical: %t, want critical: %t", pkix.OIDName(w.ID), there, g.Critical, w.Critical)
		}
		delete(got, id)
	}
	for id, g := range got {
		t.Errorf("extension %s (%s) is not in the real certificate", id, pkix.OIDName(g.ID))
	}
	for _, id := range []string{pkix.OIDKeyUsage.String(), pkix.OIDBasicConstraints.String(), pkix.OIDValidityModel.String()} {
		g := byID(readBack(t, slotOf(t, mustPlan(t, qualifiedOrder(t, false), testContext(t)), qesSlot).X509).Extensions)[id]
		if w := byID(want.Extensions)[id]; !reflect.DeepEqual(g, w) {
			t.Errorf("extension %s is %x, want %x", id, g.Value, w.Value)
		}
	}
}

// TestQualifiedIssuers shows what the issuer decides: the scheme, and what is stated about its provider.
func TestQualifiedIssuers(t *testing.T) {
	const qca = 4 // place of the qualified issuer in the fixture
	t.Run("RSASSA-PSS", func(t *testing.T) {
		ctx := testContext(t)
		ctx.Issuers[qca].PSS = true
		plan := mustPlan(t, qualifiedOrder(t, false), ctx)
		if got := slotOf(t, plan, qesSlot).X509.Scheme; got != sigalg.RSAPSSSHA256 {
			t.Errorf("scheme is %s, want RSASSA-PSS", got)
		}
		if got := slotOf(t, plan, "C.HCI.OSIG.R2048").X509.Scheme; got != sigalg.RSAPKCS1SHA256 {
			t.Errorf("scheme of another issuer is %s, want sha256WithRSAEncryption", got)
		}
	})
	t.Run("another law", func(t *testing.T) {
		ctx := testContext(t)
		ctx.Issuers[qca].Qualified.Legislation = []string{"CH"}
		cert := readBack(t, slotOf(t, mustPlan(t, qualifiedOrder(t, false), ctx), qesSlot).X509)
		q, _, err := pkix.Find(cert.Extensions, pkix.OIDQCStatements, pkix.ParseQCStatements)
		if err != nil || !reflect.DeepEqual(q.Legislation(), []string{"CH"}) {
			t.Errorf("legislation is %v (%v), want CH", q.Legislation(), err)
		}
	})
	for _, c := range []struct {
		name   string
		change func(*profiles.Issuer)
		rule   string
	}{
		{"no statements", func(i *profiles.Issuer) { i.Qualified = nil }, "NO_QUALIFIED_INFO"},
		{"no disclosure statement", func(i *profiles.Issuer) { i.Qualified.PDS = nil }, "NO_QUALIFIED_INFO"},
		{"no retention", func(i *profiles.Issuer) { i.Qualified.RetentionYears = 0 }, "NO_QUALIFIED_INFO"},
		{"no responder", func(i *profiles.Issuer) { i.OCSPURL = "" }, "NO_OCSP_URL"},
		{"issuer of institutions", func(i *profiles.Issuer) { i.Kind = profiles.SMCBCA }, "NO_ISSUER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			c.change(ctx.Issuers[qca])
			if v := refusal(t, qualifiedOrder(t, false), ctx)[0]; v.Rule != c.rule || !v.Configuration {
				t.Errorf("violation is %+v, want %s, to the operator", v, c.rule)
			}
		})
	}
}

// TestSchemeOfIssuer: RSASSA-PSS is for qualified issuers with an RSA key.
func TestSchemeOfIssuer(t *testing.T) {
	for _, c := range []struct {
		kind profiles.IssuerKind
		key  sigalg.KeyType
		pss  bool
		want sigalg.Scheme
	}{
		{profiles.SMCBCA, sigalg.R2048, false, sigalg.RSAPKCS1SHA256},
		{profiles.SMCBCA, sigalg.R2048, true, 0},
		{profiles.QESCA, sigalg.R2048, false, sigalg.RSAPKCS1SHA256},
		{profiles.QESCA, sigalg.R2048, true, sigalg.RSAPSSSHA256},
		{profiles.QESCA, sigalg.R3072, true, sigalg.RSAPSSSHA256},
		{profiles.QESCA, sigalg.E256, true, 0},
		{profiles.QESCA, sigalg.E256, false, sigalg.ECDSASHA256},
	} {
		got, err := (&profiles.Issuer{Kind: c.kind, KeyType: c.key, PSS: c.pss}).X509Scheme()
		if got != c.want || (err != nil) != (c.want == 0) {
			t.Errorf("%s %s, PSS %t: %s, %v, want %s", c.kind, c.key, c.pss, got, err, c.want)
		}
	}
}
