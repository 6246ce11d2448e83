package profiles_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// TestSectorsInProduction plans the order of every sector in environment production, where the sectors' schemes are strict: good orders
// are good there, too, and carry no mark.
func TestSectorsInProduction(t *testing.T) {
	for _, s := range builtin(t).Sectors() {
		t.Run(s.Name, func(t *testing.T) {
			ctx := testContext(t)
			ctx.Environment = profiles.Production
			plan := mustPlan(t, sectorOrder(t, s.Name, defaultCard(s.Name)), ctx)
			if subject := plan.Slots[0].X509.Subject.String(); strings.Contains(subject, "TEST-ONLY") || strings.Contains(subject, "NOT-VALID") {
				t.Errorf("subject is %s, want no marks", subject)
			}
		})
	}
}

// TestRoles holds the rights of the role certificate against Tab_PKI_254-02 and Tab_PKI_918-02, typed in again: they follow from the
// sector and the institution that stands in the X.509 certificates of the same card.
func TestRoles(t *testing.T) {
	const (
		chat0, chat2A, chat2ZA, chat3 = "00000000000000", "005D29DAA0BB00", "005D20DAA08300", "005C20DAA08300"
		chat4, chat5P, chat5W, chat8  = "004D29DAA08200", "00002102800200", "00002002800200", "00400002A00000"
	)
	for _, c := range []struct{ sector, flags, arcs, telematikID string }{
		{"kzbv", chat2ZA, "51", "2-2.30.1.16.1"},
		{"kbv", chat2A, "50", "1-20991234567"},
		{"kbv", chat4, "52", "1-20991234567"},
		{"dkg", chat2A, "53 55 257", "5-2-1"},
		{"gkv-sv", chat8, "59 273", "8-99012345"},
		{"ktr-adv", chat0, "190", "7-99012345"},
		{"pharmacy", chat3, "54", "9-2.54.1"},
		{"further-lei", chat5P, "245", "10-67.ARC.1"},
		{"further-lei", chat5W, "57 246 247 253 278 279 280 281", "10-67.ARC.1"},
		{"further-lei", chat5W, "248 249 250 251 252", "11-2.1"},
		{"further-lei", chat2A, "254", "9-2.ARC.1"},
		{"further-medical", chat2A, "50 254 255 256", "9-2.ARC.1"},
		{"further-medical", chat2ZA, "51", "9-2.ARC.1"},
		{"further-medical", chat4, "52", "9-2.ARC.1"},
		{"diga", chat0, "282", "9-2.ARC.1"},
		{"pkv", chat0, "59 273", "9-2.ARC.1"},
	} {
		for _, arc := range strings.Fields(c.arcs) {
			plan := institutionPlan(t, c.sector, "smcb-g2.1-os5", arc, c.telematikID)
			if got := slotOf(t, plan, "C.SMC.AUTR_CVC.E256").CVC.Flags.String(); got != c.flags {
				t.Errorf("%s, institution %s: flags are %s, want %s", c.sector, arc, got, c.flags)
			}
			if got := slotOf(t, plan, "C.SMC.AUTD_RPE_CVC.E256").CVC.Flags.String(); got != "00000000000004" {
				t.Errorf("%s, institution %s: flags of the device are %s", c.sector, arc, got)
			}
		}
	}
}

// TestOrganisations plans a card for every institution that is an organisation: device certificate, no role certificate (GS-A_4621-02).
func TestOrganisations(t *testing.T) {
	arcs := strings.Fields("58 187 210 223 224 225 226 227 228 229 230 231 242 243 244 262 263 264 265 266 267 268 269 270 271 284 285 286 295")
	for _, arc := range arcs {
		plan := institutionPlan(t, "org", "smcb-org-g2.1", arc, "9-2.ARC.1")
		for _, s := range plan.Slots {
			if strings.Contains(s.Slot, "AUTR") {
				t.Errorf("institution %s has a role certificate in slot %s", arc, s.Slot)
			}
		}
		if got := slotOf(t, plan, "C.SMC.AUTD_RPE_CVC.E256").CVC.Flags.String(); got != "00000000000004" {
			t.Errorf("institution %s: flags of the device are %s", arc, got)
		}
	}
	for _, s := range builtin(t).Sectors() {
		if s.Name == "org" && len(s.Institutions.Value) != len(arcs) {
			t.Errorf("sector org has %d institutions, want %d", len(s.Institutions.Value), len(arcs))
		}
	}
}

// institutionPlan plans the order of a sector for another of its institutions, and sees to it that the Telematik-ID is of the right form.
func institutionPlan(t *testing.T, sector, card, arc, telematikID string) *profiles.Plan {
	t.Helper()
	o := sectorOrder(t, sector, card)
	old := o.Institution.TelematikID
	o.Institution.ProfessionOID = "1.2.276.0.76.4." + arc
	o.Institution.TelematikID = strings.Replace(telematikID, "ARC", arc, 1)
	if o.Institution.Organization == old {
		o.Institution.Organization = o.Institution.TelematikID
	}
	plan := mustPlan(t, o, testContext(t))
	if slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, "TELEMATIK_ID") }) {
		t.Errorf("%s, institution %s: warnings are %q", sector, arc, plan.Warnings)
	}
	return plan
}

// TestSectorExtensions holds distribution point and qualifier, which the order has no say in, against the sectors' tables.
func TestSectorExtensions(t *testing.T) {
	points := map[string]bool{"kzbv": true, "kbv": true} // cardinality 1; 0, and 0-1 without a CRL, leave it out
	for _, s := range builtin(t).Sectors() {
		tbs := mustPlan(t, sectorOrder(t, s.Name, defaultCard(s.Name)), testContext(t)).Slots[0].X509
		_, has, err := pkix.Find(tbs.Extensions, pkix.OIDCRLDistributionPoints, pkix.ParseCRLDistributionPoints)
		if err != nil || has != points[s.Name] {
			t.Errorf("%s: distribution point is there: %t, want %t (%v)", s.Name, has, points[s.Name], err)
		}
		policies, _, err := pkix.Find(tbs.Extensions, pkix.OIDCertificatePolicies, pkix.ParseCertificatePolicies)
		if err != nil || len(policies) != 2 || policies[0].CPS != "" {
			t.Errorf("%s: policies are %v, want two without qualifier (%v)", s.Name, policies, err)
		}
	}
}

// TestAdmissions: the texts of gemSpec_OID, octet for octet, whatever the order's institution is called.
func TestAdmissions(t *testing.T) {
	for _, c := range []struct {
		sector string
		want   pkix.Admission
	}{
		{"org", pkix.Admission{Authority: body("Bundesärztekammer"), Item: "Betriebsstätte einer Ärztekammer", RegistrationNumber: "9-2.230.0001"}},
		{"diga", pkix.Admission{Authority: body("gematik"), Item: "DiGA-Hersteller und -Anbieter", RegistrationNumber: "9-2.282.0001"}},
		{"gkv-sv", pkix.Admission{Authority: body("GKV-Spitzenverband"), Item: "Betriebsstätte Kostenträger", RegistrationNumber: "8-99012345"}},
		{"ktr-adv", pkix.Admission{Item: "AdV-Umgebung bei Kostenträger", RegistrationNumber: "7-99012345"}},
	} {
		o := sectorOrder(t, c.sector, defaultCard(c.sector))
		for _, s := range mustPlan(t, o, testContext(t)).Slots {
			if s.X509 == nil {
				continue
			}
			got, _, err := pkix.Find(s.X509.Extensions, pkix.OIDAdmission, pkix.ParseAdmission)
			if err != nil || got.OID.String() != o.Institution.ProfessionOID {
				t.Fatalf("%s: admission is %v, %v", c.sector, got, err)
			}
			if got.OID = nil; !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s, %s: admission is %v, want %v", c.sector, s.Slot, got, c.want)
			}
		}
	}
}

func body(name string) pkix.Name {
	return pkix.Name{pkix.Single(pkix.OIDCountryName, "DE"), pkix.Single(pkix.OIDOrganizationName, name)}
}

// TestSecondRoleOfKTRAdV: the card has no place for it, and the plan says which certificate that is.
func TestSecondRoleOfKTRAdV(t *testing.T) {
	plan := mustPlan(t, sectorOrder(t, "ktr-adv", "smcb-g2.1-os5"), testContext(t))
	if !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, "does not carry C.KTRADV.AUTR_CVC.E256") }) {
		t.Errorf("warnings are %q, want one about C.KTRADV.AUTR_CVC.E256", plan.Warnings)
	}
}

// TestLegacyInstitution: test cards may say that they are of an institution of old cards.
func TestLegacyInstitution(t *testing.T) {
	o := sectorOrder(t, "gkv-sv", "smcb-g2.1-os5")
	o.Institution.ProfessionOID = "1.2.276.0.76.4.273"
	plan := mustPlan(t, o, testContext(t))
	if !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, "PROFESSION_LEGACY") }) {
		t.Errorf("warnings are %q, want PROFESSION_LEGACY", plan.Warnings)
	}
}

// TestOptionalFields plans the order of each sector with every optional field and with none of them: what may be there may also be
// missing. The lists are typed in again from the tables of gemSpec_PKI, Annex A.
func TestOptionalFields(t *testing.T) {
	const person, address = "title GN SN", "street postalCode L"
	for sector, optional := range map[string]string{
		"kzbv":            "email long",
		"kbv":             person + " " + address + " ST email long",
		"dkg":             "O email long",
		"gkv-sv":          "long",
		"ktr-adv":         "O " + address + " email long",
		"pharmacy":        person + " authority email long",
		"org":             "O email long hba",
		"further-lei":     "O " + address + " ST long",
		"further-medical": "O " + address + " ST email long",
		"diga":            address + " ST long",
		"pkv":             "long",
	} {
		t.Run(sector, func(t *testing.T) {
			all, none := sectorOrder(t, sector, defaultCard(sector)), sectorOrder(t, sector, defaultCard(sector))
			for _, name := range strings.Fields(optional) {
				*optionalField(all, name), *optionalField(none, name) = optionalValues[name], ""
			}
			mustPlan(t, all, testContext(t))
			mustPlan(t, none, testContext(t))
		})
	}
}

var optionalValues = map[string]string{
	"title": "Prof. Dr.", "GN": "Eva Maria", "SN": "Muster", "street": "Weg 1", "postalCode": "10115", "L": "Berlin", "ST": "Berlin", "O": "260000001",
	"authority": "gematik GmbH", "email": "info@praxis.example", "long": "Ein langer Name", "hba": "1-10104242424242",
}

func optionalField(o *profiles.Order, name string) *string {
	i := &o.Institution
	return map[string]*string{
		"title": &i.Responsible.Title, "GN": &i.Responsible.GivenName, "SN": &i.Responsible.Surname, "street": &i.Address.Street,
		"postalCode": &i.Address.PostalCode, "L": &i.Address.Locality, "ST": &i.Address.State, "O": &i.Organization,
		"authority": &i.AdmissionAuthority, "email": &i.Email, "long": &i.LongName, "hba": &o.Evidence.HBATelematikID,
	}[name]
}

// TestEveryInstitutionHasASector, apart from those that the tables of gemSpec_PKI 2.14.1 do not name.
func TestEveryInstitutionHasASector(t *testing.T) {
	var without []string
	for _, i := range builtin(t).Institutions() {
		if !slices.ContainsFunc(builtin(t).Sectors(), func(s *profiles.Sector) bool { return slices.Contains(s.Institutions.Value, i.OID) }) {
			without = append(without, i.Reference)
		}
	}
	slices.Sort(without)
	const want = "oid_bs-friseur oid_bs-himi oid_bs-opto-audio oid_bs-orthopaed-hw oid_bs-soziother oid_bundeswehrapotheke oid_ncpeh oid_ombudsstelle"
	if got := strings.Join(without, " "); got != want {
		t.Errorf("institutions without a sector are %s, want %s", got, want)
	}
}
