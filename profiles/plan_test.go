package profiles_test

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// TestPlanListing compares the plans of the sample orders with listings that a person can review. -update writes them anew.
func TestPlanListing(t *testing.T) {
	for _, name := range []string{"hospital-pharmacy", "psychotherapist", "pharmacy", "dental-practice", "connector", "card-terminal"} {
		t.Run(name, func(t *testing.T) {
			got := listing(t, mustPlan(t, sampleOrder(t, name), testContext(t)))
			file := filepath.Join("testdata", "plans", name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if want := string(readFile(t, file)); got != want {
				t.Errorf("plan is\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// listing writes a plan for people.
func listing(t *testing.T, plan *profiles.Plan) string {
	var b strings.Builder
	fmt.Fprintf(&b, "card type %s, %s to %s\n", plan.CardType, plan.Term.First.Format(time.RFC3339), plan.Term.Last.Format(time.RFC3339))
	for _, s := range plan.Slots {
		fmt.Fprintf(&b, "\n%s  profile %s, issuer %s, at most %d octets\n", s.Slot, s.Profile, s.Issuer.Name, s.MaxOctets)
		if s.G1 != nil {
			fmt.Fprintf(&b, "  CAR %s\n  CHR %s\n  CHA %s %s\n", s.G1.CAR, s.G1.CHR, s.G1.CHA, s.G1.CHA.Holder())
			continue
		}
		if s.CVC != nil {
			fmt.Fprintf(&b, "  CAR %s\n  CHR %s\n  flags %s %s\n  CED %s\n  CXD %s\n", s.CVC.CAR, s.CVC.CHR, s.CVC.FlagOID, s.CVC.Flags, s.CVC.CED, s.CVC.CXD)
			continue
		}
		fmt.Fprintf(&b, "  %s\n  subject %s\n", s.X509.Scheme, s.X509.Subject)
		for _, e := range s.X509.Extensions {
			critical := ""
			if e.Critical {
				critical = " critical"
			}
			fmt.Fprintf(&b, "  %s%s %x\n", pkix.OIDName(e.ID), critical, e.Value)
		}
	}
	for _, w := range plan.Warnings {
		fmt.Fprintf(&b, "\nwarning: %s\n", w)
	}
	return b.String()
}

// TestPlanIsPure plans twice from shuffled keys: the plan is the same, in the order of the card type.
func TestPlanIsPure(t *testing.T) {
	ctx := testContext(t)
	first := mustPlan(t, sampleOrder(t, "hospital-pharmacy"), ctx)
	o := sampleOrder(t, "hospital-pharmacy")
	slices.Reverse(o.Keys)
	second := mustPlan(t, o, ctx)
	if !reflect.DeepEqual(first.Slots, second.Slots) {
		t.Error("the order of the keys changes the plan")
	}
}

// TestKeyFromRequest takes a key out of a PKCS#10 request, whose subject does not count.
func TestKeyFromRequest(t *testing.T) {
	o := sampleOrder(t, "hospital-pharmacy")
	*slotKey(o, "C.HCI.AUT.R2048") = profiles.SlotKey{Slot: "C.HCI.AUT.R2048", PKCS10: testKey(t, "request-rsa")}
	*slotKey(o, "C.HCI.AUT.E256") = profiles.SlotKey{Slot: "C.HCI.AUT.E256", PKCS10: testKey(t, "request-ec")}
	plan := mustPlan(t, o, testContext(t))
	for slot, request := range map[string]string{"C.HCI.AUT.R2048": "request-rsa", "C.HCI.AUT.E256": "request-ec"} {
		r, err := pkix.ParseRequest(testKey(t, request))
		if err != nil {
			t.Fatal(err)
		}
		if got := slotOf(t, plan, slot).X509.PublicKey; !slices.Equal(got, r.RawSPKI) {
			t.Errorf("%s: key is %x, want that of the request", slot, got)
		}
	}
}

// TestLeavesOutRSA shows a G2.1 card of one key generation: allowed, and said in a warning.
func TestLeavesOutRSA(t *testing.T) {
	o := sampleOrder(t, "hospital-pharmacy")
	dropSlots(o, ".R2048")
	plan := mustPlan(t, o, testContext(t))
	if len(plan.Slots) != 5 {
		t.Errorf("the plan has %d slots, want 3 of X.509 and 2 of CVC", len(plan.Slots))
	}
	if !slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, "leaves out key generation RSA") }) {
		t.Errorf("warnings are %q, want one about RSA", plan.Warnings)
	}
}

// TestSaysWhatTheCardLacks: a connector's card is issued without the certificates that are not built, and the plan says so.
func TestSaysWhatTheCardLacks(t *testing.T) {
	warnings := strings.Join(mustPlan(t, sampleOrder(t, "connector"), testContext(t)).Warnings, "\n")
	for _, want := range []string{
		"C.SAK.AUTD_CVC.E384 is part of gsmc-k but not built yet", "C.SMC.AUT_CVC.E384 is part of gsmc-k but not built yet",
	} {
		if !strings.Contains(warnings, want) {
			t.Errorf("warnings are %q, want %q", warnings, want)
		}
	}
}

// TestProductionHasNoMarks plans in environment production: no marks, no tolerance.
func TestProductionHasNoMarks(t *testing.T) {
	ctx := testContext(t)
	ctx.Environment, ctx.Exceptions = profiles.Production, []string{"legacy-rsa-2048-qes", "legacy-rsa-pkcs1-qes", "legacy-cvc-g1"}
	plan := mustPlan(t, sampleOrder(t, "pharmacy"), ctx)
	want := "C=DE, ST=Nordrhein-Westfalen, L=Bielefeld, postalCode=33602, street=Backpulver_Strasse_777, O=3-2-APO-ASCHOFFSCHE-1, CN=Aschoffsche Apotheke"
	if got := plan.Slots[0].X509.Subject.String(); got != want {
		t.Errorf("subject is %s, want %s", got, want)
	}
}

// TestAltNames shows the long name and the e-mail address in subjectAltName.
func TestAltNames(t *testing.T) {
	o := sampleOrder(t, "pharmacy")
	o.Institution.LongName, o.Institution.Email = "Aschoffsche Apotheke am alten Markt in Bielefeld, Inhaber Test e. K.", "info@example.com"
	tbs := slotOf(t, mustPlan(t, o, testContext(t)), "C.HCI.ENC.R2048").X509
	names, ok, err := pkix.Find(tbs.Extensions, pkix.OIDSubjectAltName, pkix.ParseSubjectAltName)
	want := pkix.SubjectAltName{
		{Form: pkix.OtherName, Type: pkix.OIDCommonName, Value: o.Institution.LongName},
		{Form: pkix.RFC822Name, Value: o.Institution.Email},
	}
	if err != nil || !ok || !reflect.DeepEqual(names, want) {
		t.Errorf("alternative names are %v, %t, %v, want %v", names, ok, err, want)
	}
}

// TestTerms shows whole terms: the longest where nothing is said, and exactly what is said.
func TestTerms(t *testing.T) {
	for _, c := range []struct{ name, now, from, until, first, last string }{
		{"open", "2024-11-05T23:59:59Z", "", "", "2024-11-05T00:00:00Z", "2029-11-04T23:59:59Z"},
		{"exactly five years", "2024-11-05T00:00:00Z", "2024-11-05", "2029-11-04", "2024-11-05T00:00:00Z", "2029-11-04T23:59:59Z"},
		{"one day", "2024-11-05T12:00:00Z", "", "2024-11-05", "2024-11-05T00:00:00Z", "2024-11-05T23:59:59Z"},
		{"31 days ago", "2024-11-05T12:00:00Z", "2024-10-05", "", "2024-10-05T00:00:00Z", "2029-10-04T23:59:59Z"},
		{"UTC decides", "2024-11-05T00:30:00+01:00", "", "", "2024-11-04T00:00:00Z", "2029-11-03T23:59:59Z"},
		{"29 February", "2024-02-29T12:00:00Z", "", "", "2024-02-29T00:00:00Z", "2029-02-28T23:59:59Z"},
		{"1 March before a leap day", "2023-09-01T12:00:00Z", "", "2028-02-29", "2023-09-01T00:00:00Z", "2028-02-29T23:59:59Z"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			ctx.Now, _ = time.Parse(time.RFC3339, c.now)
			for _, i := range ctx.Issuers[:2] { // only the term counts here
				i.X509.NotBefore, i.X509.NotAfter = ctx.Now.AddDate(-1, 0, 0), ctx.Now.AddDate(6, 0, 0)
			}
			o := sampleOrder(t, "hospital-pharmacy")
			o.ValidFrom, o.ValidUntil = c.from, c.until
			o.Evidence.Approval.Time, o.Evidence.Identification.Time = "2022-01-01T00:00:00Z", "2022-01-01T00:00:00Z"
			plan := mustPlan(t, o, ctx)
			first, last := plan.Term.First.Format(time.RFC3339), plan.Term.Last.Format(time.RFC3339)
			if first != c.first || last != c.last {
				t.Errorf("term is %s to %s, want %s to %s", first, last, c.first, c.last)
			}
			for _, s := range plan.Slots {
				if s.X509 != nil && (s.X509.NotBefore != plan.Term.First || s.X509.NotAfter != plan.Term.Last) {
					t.Errorf("%s: validity is not the term of the card", s.Slot)
				}
				if s.CVC != nil && (s.CVC.CED.String() != c.first[:10] || s.CVC.CXD.String() != c.last[:10]) {
					t.Errorf("%s: CED %s and CXD %s are not the days of the card", s.Slot, s.CVC.CED, s.CVC.CXD)
				}
			}
		})
	}
}

// TestIdentificationBeforeItWasMandatory: orders before 2023-04-01 need none.
func TestIdentificationBeforeItWasMandatory(t *testing.T) {
	o, ctx := sampleOrder(t, "pharmacy"), testContext(t)
	o.Evidence.Identification = profiles.Identification{}
	o.Evidence.Approval.Time = "2023-03-01T00:00:00Z"
	ctx.Issuers[2] = changeCVCFrom(ctx.Issuers[2], 2022)
	ctx.Issuers[4].X509.NotBefore = ctx.Issuers[2].CVC.CED.Time() // of the qualified issuer
	ctx.Now = time.Date(2023, time.March, 31, 23, 59, 59, 0, time.UTC)
	mustPlan(t, o, ctx)
	ctx.Now = ctx.Now.Add(time.Second)
	if v := refusal(t, o, ctx); v[0].Field != "evidence.identification" {
		t.Errorf("violations on 2023-04-01 are %+v, want one at evidence.identification", v)
	}
}

// changeCVCFrom copies an issuer whose term begins with a year.
func changeCVCFrom(i *profiles.Issuer, year int) *profiles.Issuer {
	return changeCVC(i, func(b *cvc.Body) { b.CED.Year = year })
}
