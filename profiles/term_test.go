package profiles_test

import (
	"errors"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/profiles"
)

// TestPlannerHasItsOwnLimit plans with profiles of ten years that no loader would have let pass, below issuers that live as long: the
// planner alone refuses a day more than five years, and gives no more where the order leaves the end open.
func TestPlannerHasItsOwnLimit(t *testing.T) {
	set, err := profiles.WithMaxYears(10)
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	for n, i := range ctx.Issuers {
		switch {
		case i.X509 != nil:
			i.X509.NotBefore, i.X509.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(15, 0, 0)
		case i.CVC != nil:
			issuer, certificate := *i, *i.CVC
			certificate.CXD.Year = now.Year() + 15
			issuer.CVC = &certificate
			ctx.Issuers[n] = &issuer
		}
	}
	order := sampleOrder(t, "hospital-pharmacy")

	order.ValidFrom, order.ValidUntil = "2024-11-05", "2029-11-05"
	_, err = set.Plan(order, ctx)
	var refusal *profiles.Refusal
	if !errors.As(err, &refusal) || len(refusal.Violations) != 1 || refusal.Violations[0].Rule != "TERM_EXCEEDS_FIVE_YEARS" {
		t.Errorf("five years and a day: got %v, want one violation TERM_EXCEEDS_FIVE_YEARS", err)
	}

	order.ValidUntil = ""
	plan, err := set.Plan(order, ctx)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2029, time.November, 4, 23, 59, 59, 0, time.UTC); !plan.Term.Last.Equal(want) {
		t.Errorf("the term ends %s, want %s", plan.Term.Last, want)
	}
}
