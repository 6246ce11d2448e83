package profiles_test

import (
	"errors"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: five years, never more (GS-A_4352), is checked in five places that know nothing of each other. Here are the first two,
// each by itself: the loader with files that say more, the planner with a catalogue that no loader has seen. The other three are in
// ca/fiveyears_test.go: lint, the door to the key, the database.
//
// A test here fails when its place is taken out, and only then:
//
//	loader    checkYears, in x509profile.go, without its comparison
//	planner   termYears, in term.go, that begins with 6 in place of maxTermYears

// TestFiveYearsLoader gives every profile of a card certificate six years in turn. The files are all that is looked at.
func TestFiveYearsLoader(t *testing.T) {
	tried := 0
	for name := range catalogue(t) {
		if dir := path.Dir(name); dir != "x509" && dir != "cvc" {
			continue
		}
		tried++
		files := catalogue(t)
		change(t, files, name, "max_years: {value: 5", "max_years: {value: 6")
		problems := load(t, files)
		if len(problems) != 1 || problems[0].File != name || problems[0].Rule != "TERM_EXCEEDS_FIVE_YEARS" {
			t.Errorf("%s with six years: problems are\n%v\nwant TERM_EXCEEDS_FIVE_YEARS", name, problems)
		}
	}
	if want := len(builtin(t).X509Profiles()) + len(builtin(t).CVCProfiles()); tried != want {
		t.Errorf("%d profiles were tried, want %d", tried, want)
	}
}

// TestFiveYearsPlanner plans with a catalogue whose every profile allows sixty years.
func TestFiveYearsPlanner(t *testing.T) {
	set, err := profiles.WithMaxYears(60)
	if err != nil {
		t.Fatal(err)
	}
	for _, card := range []string{"smcb-g2.1", "smcb-g2.1-os5"} {
		for _, c := range []struct {
			name, from, until string
			ok                bool
		}{
			{"five years", "2024-11-05", "2029-11-04", true},
			{"five years and a day", "2024-11-05", "2029-11-05", false},
			{"six years", "2024-11-05", "2030-11-04", false},
			{"five years since the first day, and not since today", "2024-10-10", "2029-10-09", true},
			{"longer, but less than five years from today", "2024-10-10", "2029-11-04", false},
		} {
			o, ctx := sectorOrder(t, "dkg", card), longIssuers(t)
			o.ValidFrom, o.ValidUntil = c.from, c.until
			_, err := set.Plan(o, ctx)
			var refusal *profiles.Refusal
			isRefused := errors.As(err, &refusal) && len(refusal.Violations) == 1 && refusal.Violations[0].Rule == "TERM_EXCEEDS_FIVE_YEARS"
			if c.ok && err != nil || !c.ok && !isRefused {
				t.Errorf("%s, %s: %v", card, c.name, err)
			}
			if !c.ok && isRefused && !strings.Contains(refusal.Violations[0].Message, "at the latest") {
				t.Errorf("%s, %s: %q does not name the limit", card, c.name, refusal.Violations[0].Message)
			}
		}
		o := sectorOrder(t, "dkg", card)
		plan, err := set.Plan(o, longIssuers(t))
		if want := time.Date(2029, 11, 4, 23, 59, 59, 0, time.UTC); err != nil || !plan.Term.Last.Equal(want) {
			t.Errorf("%s without a last day: %v until %s, want %s", card, err, plan.Term.Last, want)
		}
	}
}

// longIssuers is testContext with issuers that began a year ago and do not end before six years are over.
func longIssuers(t *testing.T) *profiles.Context {
	t.Helper()
	ctx := testContext(t)
	for _, i := range ctx.Issuers {
		if i.X509 != nil {
			i.X509.NotBefore, i.X509.NotAfter = now.AddDate(-1, 0, 0), now.AddDate(8, 0, 0)
		}
		if i.CVC != nil {
			i.CVC.CXD.Year = 2040
		}
	}
	return ctx
}

// TestTermsNest: every certificate of a card has the term of the card, to the second and to the day, which lies within the terms of all its
// issuers, and no CV certificate begins in the future.
func TestTermsNest(t *testing.T) {
	o := sectorOrder(t, "dkg", "smcb-g2.1")
	o.ValidFrom, o.ValidUntil = "2024-11-01", "2027-02-28"
	plan := mustPlan(t, o, testContext(t))
	first, last := time.Date(2024, 11, 1, 0, 0, 0, 0, time.UTC), time.Date(2027, 2, 28, 23, 59, 59, 0, time.UTC)
	for _, s := range plan.Slots {
		switch {
		case s.X509 != nil && !(s.X509.NotBefore.Equal(first) && s.X509.NotAfter.Equal(last)):
			t.Errorf("%s is valid from %s to %s", s.Slot, s.X509.NotBefore, s.X509.NotAfter)
		case s.CVC != nil && (s.CVC.CED.String() != "2024-11-01" || s.CVC.CXD.String() != "2027-02-28"):
			t.Errorf("%s is valid from %s to %s", s.Slot, s.CVC.CED, s.CVC.CXD)
		}
	}
	if !plan.Term.First.Equal(first) || !plan.Term.Last.Equal(last) {
		t.Errorf("the card's term is %+v", plan.Term)
	}
	for _, c := range []struct {
		name, from, until string
		change            func(issuers []*profiles.Issuer) // [0] signs RSA, [1] ECC, [2] CV certificates of generation 2
		rules             []string
	}{
		{"X.509 issuer ends in the middle of the last day", "", "2027-02-28", func(i []*profiles.Issuer) { i[1].X509.NotAfter = last.Add(-time.Second) }, []string{"TERM_EXCEEDS_ISSUER"}},
		{"X.509 issuer ends with the last day", "", "2027-02-28", func(i []*profiles.Issuer) { i[0].X509.NotAfter = last }, nil},
		{"X.509 issuer begins in the middle of the first day", "2024-11-01", "2027-02-28", func(i []*profiles.Issuer) { i[0].X509.NotBefore = first.Add(time.Second) }, []string{"TERM_BEFORE_ISSUER"}},
		{"sub-CA's CXD is the last day", "", "2027-02-28", func(i []*profiles.Issuer) { i[2].CVC.CXD.Year, i[2].CVC.CXD.Month, i[2].CVC.CXD.Day = 2027, 2, 28 }, nil},
		{"sub-CA's CXD is the day before", "", "2027-02-28", func(i []*profiles.Issuer) { i[2].CVC.CXD.Year, i[2].CVC.CXD.Month, i[2].CVC.CXD.Day = 2027, 2, 27 }, []string{"TERM_EXCEEDS_ISSUER"}},
		{"sub-CA's CED is the day after the first", "2024-11-01", "2027-02-28", func(i []*profiles.Issuer) { i[2].CVC.CED.Year, i[2].CVC.CED.Month, i[2].CVC.CED.Day = 2024, 11, 2 }, []string{"TERM_BEFORE_ISSUER"}},
		{"CED tomorrow", "2024-11-06", "2027-02-28", func([]*profiles.Issuer) {}, []string{"VALID_FROM_IN_FUTURE"}},
		{"CED today", "2024-11-05", "2027-02-28", func([]*profiles.Issuer) {}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			c.change(ctx.Issuers)
			o.ValidFrom, o.ValidUntil = c.from, c.until
			_, err := builtin(t).Plan(o, ctx)
			var rules []string
			var refusal *profiles.Refusal
			if errors.As(err, &refusal) {
				for _, v := range refusal.Violations {
					rules = append(rules, v.Rule)
				}
			} else if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(rules, c.rules) {
				t.Errorf("rules are %v, want %v", rules, c.rules)
			}
		})
	}
}
