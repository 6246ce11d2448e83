package ca_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: someone thinks of another end of RSA, and asks what it would mean. Three cards are in the field, two with RSA and
// one of them short-lived; one order with RSA waits, abandoned, and one without.

// policyText gives the policy of the catalogue with the end of RSA for nonQES certificates on another day.
func policyText(t *testing.T, lastDay string) []byte {
	t.Helper()
	text, err := os.ReadFile("../profiles/algorithms.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const end = "value: 2025-12-31, source: \"gemSpec_Krypt"
	if n := strings.Count(string(text), end); n != 2 {
		t.Fatalf("the policy ends RSA in %d rows, want 2: key and signature", n)
	}
	return []byte(strings.ReplaceAll(string(text), end, strings.Replace(end, "2025-12-31", lastDay, 1)))
}

func TestReviewPolicy(t *testing.T) {
	w := newWorld(t)
	issue := func(order *profiles.Order) {
		t.Helper()
		if _, err := w.Issue(t.Context(), operator, order); err != nil {
			t.Fatal(err)
		}
	}
	wait := func(order *profiles.Order) {
		t.Helper()
		w.keys.meddle = func(int) (before, after error) { return errors.New("the token is away"), nil }
		if _, err := w.Issue(t.Context(), operator, order); err == nil {
			t.Fatal("the order was fulfilled without a token")
		}
		w.keys.meddle = nil
	}
	short := newOrder(2)
	short.ValidUntil = "2027-06-30"
	issue(newOrder(1))
	issue(short)
	issue(smallOrder(3))
	wait(newOrder(4))
	wait(smallOrder(5))

	const rsaKeys, rsaSignatures = "RSA-2048 keys in nonQES X.509 certificates", "sha256WithRSAEncryption by RSA-2048 on nonQES X.509 certificates"
	for _, c := range []struct {
		name, lastDay, at string
		refused           string // waiting orders and their slots
		rsa               int64  // outlive the last day of RSA
		now, then         int64  // outlive any last day
	}{
		// Now 2 cards × (3 of RSA + 1 of generation 1) outlive their last days.
		{"no change", "2025-12-31", "2026-03-02", "order-4 (refused now) C.HCI.AUT.R2048 C.HCI.ENC.R2048 C.HCI.OSIG.R2048 C.SMC.AUTR_CVC.R2048", 6, 8, 8},
		{"the end of RSA comes later", "2027-06-29", "2027-06-29", "order-4 (refused now) C.SMC.AUTR_CVC.R2048", 6, 8, 8},
		{"so late that one card ends before", "2027-06-30", "2027-07-01",
			"order-4 (refused now) C.HCI.AUT.R2048 C.HCI.ENC.R2048 C.HCI.OSIG.R2048 C.SMC.AUTR_CVC.R2048", 3, 8, 5},
		{"after the end of every card", "2031-12-31", "2026-03-02", "order-4 (refused now) C.SMC.AUTR_CVC.R2048", 0, 8, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			at := must(time.Parse(time.DateOnly, c.at))
			review, err := w.ReviewPolicy(t.Context(), policyText(t, c.lastDay), at)
			if err != nil {
				t.Fatal(err)
			}
			var refused []string
			for _, o := range review.Waiting {
				text := o.OrderID
				if o.RefusedNow {
					text += " (refused now)"
				}
				for _, s := range o.Slots {
					text += " " + s.Slot
				}
				refused = append(refused, text)
			}
			if got := strings.Join(refused, "; "); got != c.refused || review.WaitingOrders != 2 || review.WaitingRefused != 1 {
				t.Errorf("of %d waiting orders %d are refused: %s; want of 2 one: %s", review.WaitingOrders, review.WaitingRefused, got, c.refused)
			}
			for _, a := range review.Algorithms {
				if a.Name == rsaKeys || a.Name == rsaSignatures {
					if a.Outlive != c.rsa || a.LastDayNow.String() != "2025-12-31" || a.LastDay.Value.String() != c.lastDay || a.New {
						t.Errorf("%s: now %s, then %s, outlived by %d; want %d", a.Name, a.LastDayNow, a.LastDay.Value, a.Outlive, c.rsa)
					}
				}
			}
			if review.OutliveNow != c.now || review.OutliveThen != c.then || review.NotJudged != 0 {
				t.Errorf("certificates outlive their algorithm: now %d, then %d, not judged %d; want %d, %d, 0",
					review.OutliveNow, review.OutliveThen, review.NotJudged, c.now, c.then)
			}
			if review.Environment != profiles.Test || review.Catalogue != catalogue().Hash() {
				t.Errorf("the review is of environment %s and catalogue %x", review.Environment, review.Catalogue)
			}
		})
	}
	w.sweep(t)
}

// TestReviewKnowsExceptions: what is granted here is not refused, by either policy.
func TestReviewKnowsExceptions(t *testing.T) {
	w := newWorld(t, func(c *ca.Config) { c.LegacyExceptions = []string{"legacy-cvc-g1", "legacy-rsa-2048-noqes"} })
	w.keys.meddle = func(int) (before, after error) { return errors.New("the token is away"), nil }
	if _, err := w.Issue(t.Context(), operator, newOrder(1)); err == nil {
		t.Fatal("the order was fulfilled without a token")
	}
	review, err := w.ReviewPolicy(t.Context(), policyText(t, "2026-01-31"), date(2026, 3, 2))
	if err != nil || review.WaitingOrders != 1 || review.WaitingRefused != 0 || len(review.Exceptions) != 2 {
		t.Errorf("review is %+v (%v), want no refusal of the one waiting order", review, err)
	}
}

// TestReviewPolicyFails with the policy's problems, and where the store does.
func TestReviewPolicyFails(t *testing.T) {
	w := newWorld(t)
	var problems profiles.Problems
	if _, err := w.ReviewPolicy(t.Context(), []byte("colour: red\n"), dayOfIssue); !errors.As(err, &problems) {
		t.Errorf("a bad policy: %v, want profiles.Problems", err)
	}
	for _, verb := range []storetest.Verb{storetest.WaitingOrders, storetest.CountOutliving} {
		w := newWorld(t)
		w.start(t, func(c *ca.Config) { c.Store = storetest.Faulty(w.db, storetest.Fault{Verb: verb, Call: 1}) })
		var unavailable *ca.UnavailableError
		if _, err := w.ReviewPolicy(t.Context(), policyText(t, "2026-01-31"), dayOfIssue); !errors.Is(err, storetest.ErrFault) || !errors.As(err, &unavailable) {
			t.Errorf("without %s: %v, want *ca.UnavailableError of %v", verb, err, storetest.ErrFault)
		}
	}
}
