package ca_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: five years, never more (GS-A_4352; promise 5), is checked in five places that know nothing of each other. The first two,
// loader and planner, are in profiles/fiveyears_test.go. Here are lint, the door to the key and the database, each called by itself with
// drafts that none of the others has seen, made for six years in octets and record; and each lets drafts for five years pass, so that nothing but
// the term is what it refuses. (PostgreSQL has the same tests: storetest, story "five years".)
//
// A test here fails when its place is taken out, and only then:
//
//	lint      checkFiveYears and checkCVCFiveYears that return ""
//	door      maySign without the comparison with maxYears
//	database  the tables without the constraint five_years

// termDrafts are the drafts of a card of one slot for each way in which a term is written down: in X.509, in a CV certificate of generation 2, and
// beside one of generation 1, which has none. They end on the last day given.
func termDrafts(t *testing.T, w *world, last string) (plan *ca.Plan, drafts []ca.Draft) {
	t.Helper()
	plan, err := w.Plan(t.Context(), newOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range plan.Drafts {
		retime(&d, "310301", last) // the planner gave five years
		drafts = append(drafts, d)
	}
	return plan, drafts
}

const fiveYears, sixYears = "310301", "320301"

// TestFiveYearsLint judges drafts that come from nowhere.
func TestFiveYearsLint(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		last   string
		refuse bool
	}{{fiveYears, false}, {sixYears, true}} {
		plan, drafts := termDrafts(t, w, c.last)
		for i, d := range drafts {
			issuer := plan.Slots[i].Issuer
			var findings []lint.Finding
			rule := "VALIDITY_FIVE_YEARS"
			switch {
			case d.Format == ca.X509:
				findings = lint.X509(d.Body, lint.X509Context{Slot: d.Slot, Issuer: issuer.X509, Test: true})
			case d.HasTerm():
				rule = "CVC_FIVE_YEARS"
				findings = lint.CVC(d.Body, lint.CVCContext{Slot: d.Slot, Issuer: issuer.CVC, ICCSN: plan.Order.ICCSN, Now: dayOfIssue})
			default:
				continue // generation 1: there is nothing in the octets that could be judged
			}
			if got, want := errorsIn(findings), map[bool]string{true: rule}[c.refuse]; got != want {
				t.Errorf("%s until %s: errors are %q, want %q", d.Slot, c.last, got, want)
			}
		}
	}
}

// TestFiveYearsDoor knocks with drafts that are on record with six years, as if a database had taken them.
func TestFiveYearsDoor(t *testing.T) {
	w, _, _ := doorWorld(t)
	_, good := termDrafts(t, w, fiveYears)
	_, long := termDrafts(t, w, sixYears)
	for i := range good {
		if _, err := w.Sign(t.Context(), ca.NewRecorded(&good[i])); err != nil {
			t.Errorf("%s for five years: %v", good[i].Slot, err)
		}
	}
	signatures := w.keys.calls
	for i := range long {
		if _, err := w.Sign(t.Context(), ca.NewRecorded(&long[i])); err == nil || !strings.Contains(err.Error(), "longer than five years") {
			t.Errorf("%s for six years: %v, want an error that says that this is too long", long[i].Slot, err)
		}
	}
	if w.keys.calls != signatures {
		t.Errorf("keys were used %d times for drafts of six years", w.keys.calls-signatures)
	}
}

// TestFiveYearsDatabase hands an intent to the store itself, with one draft for six years among good ones.
func TestFiveYearsDatabase(t *testing.T) {
	w := newWorld(t)
	plan, good := termDrafts(t, w, fiveYears)
	_, long := termDrafts(t, w, sixYears)
	order := must(json.Marshal(plan.Order))
	for i := range good {
		if good[i].Format == ca.X509 { // a plan's are stand-ins, all the same
			good[i].Serial = must(ca.DrawSerial(dayOfIssue))
			long[i].Serial = good[i].Serial
		}
	}
	intend := func(drafts []ca.Draft) error {
		in := &ca.Intent{
			Attempt: ca.AttemptID(strings.Repeat("ab", 16)), OrderID: plan.Order.ID, OrderHash: [32]byte{1}, OrderJSON: order,
			ICCSN: plan.Order.ICCSN, CardType: plan.CardType, Sector: plan.Order.Sector, At: dayOfIssue, Drafts: drafts,
		}
		return w.db.Intend(t.Context(), in, must(tlog.NewEntry(tlog.OrderRecorded, dayOfIssue, operator, map[string]string{}, nil)))
	}
	for i := range good {
		drafts := append([]ca.Draft(nil), good...)
		drafts[i] = long[i]
		if err := intend(drafts); err == nil || !strings.Contains(err.Error(), "five_years") {
			t.Errorf("%s for six years: %v, want an error of the constraint five_years", good[i].Slot, err)
		}
	}
	if err := intend(good); err != nil {
		t.Errorf("the same drafts for five years: %v", err)
	}
}

// TestLintNestsTerms: a certificate ends with its issuer at the latest, to the second in X.509 and to the day in CV certificates, whatever a planner
// says. (The planner's side is in profiles/fiveyears_test.go, the door's in TestDoorRefuses.)
func TestLintNestsTerms(t *testing.T) {
	w := newWorld(t)
	plan, drafts := termDrafts(t, w, fiveYears)
	for i, d := range drafts {
		issuer := plan.Slots[i].Issuer
		for _, c := range []struct {
			later int // the certificate ends so many seconds, or days, after its issuer
			want  string
		}{{0, ""}, {1, "WITHIN_ISSUER"}} {
			var findings []lint.Finding
			switch {
			case d.Format == ca.X509:
				ends := *issuer.X509
				ends.NotAfter = d.NotAfter.Add(-time.Duration(c.later) * time.Second)
				findings = lint.X509(d.Body, lint.X509Context{Slot: d.Slot, Issuer: &ends, Test: true})
			case d.HasTerm():
				ends := *issuer.CVC
				ends.CXD = must(cvc.NewDate(d.NotAfter.AddDate(0, 0, -c.later)))
				findings = lint.CVC(d.Body, lint.CVCContext{Slot: d.Slot, Issuer: &ends, ICCSN: plan.Order.ICCSN, Now: dayOfIssue})
			default:
				continue // generation 1 has no dates on either side
			}
			if got := errorsIn(findings); c.want == "" && got != "" || !strings.HasSuffix(got, c.want) {
				t.Errorf("%s that ends %d later than its issuer: errors are %q, want %q", d.Slot, c.later, got, c.want)
			}
		}
	}
}

// errorsIn names the rules of level error.
func errorsIn(findings []lint.Finding) string {
	var rules []string
	for _, f := range findings {
		if f.Level == lint.Error {
			rules = append(rules, f.Rule)
		}
	}
	return strings.Join(rules, " ")
}
