package ca_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: a ceremony has retired issuers, and the list of issuers says so. They sign for cards no more, want no key
// session, and go on with their CRLs.

// retire makes the issuers of some names retired at a time. The hierarchy is shared by all tests: it is not changed.
func retire(at time.Time, names ...string) func(*ca.Config) {
	return func(c *ca.Config) {
		for i := range c.Issuers {
			if iss := &c.Issuers[i]; slices.Contains(names, iss.Name) {
				retired := *iss.Issuer
				retired.Retired = at
				iss.Issuer = &retired
			}
		}
	}
}

// signing names the issuers that sign cards.
func signing() (names []string) {
	for _, iss := range hierarchy() {
		if len(iss.Profiles) > 0 {
			names = append(names, iss.Name)
		}
	}
	return names
}

func TestRetiredIssuersSignNoCards(t *testing.T) {
	w := newWorld(t, retire(dayOfIssue, signing()...))
	_, err := w.Issue(t.Context(), operator, newOrder(1))
	var refused *profiles.Refusal
	if !errors.As(err, &refused) || !slices.ContainsFunc(refused.Violations, func(v profiles.Violation) bool { return v.Rule == "NO_ISSUER" }) {
		t.Errorf("an order: %v, want a refusal by NO_ISSUER", err)
	}
	if w.keys.calls != 0 {
		t.Errorf("%d signatures were made", w.keys.calls)
	}
}

// TestRetiredIssuersWantNoSession: nobody opens one for them, and the server is ready without.
func TestRetiredIssuersWantNoSession(t *testing.T) {
	alone := func(c *ca.Config) { c.OpensAlone = false }
	inUse := newWorld(t, alone)
	var missing *ca.NoSessionError
	if err := inUse.Ready(); !errors.As(err, &missing) {
		t.Fatalf("issuers in use without a session: %v, want NoSessionError", err)
	}
	w := newWorld(t, alone, retire(dayOfIssue, signing()...))
	if err := w.Ready(); err != nil {
		t.Errorf("with retired issuers only: %v, want the server ready", err)
	}
	who := ca.Actor{Person: ca.Person{Operator: "ca-operator-1", Person: "ca-operator-1"}, Roles: []ca.Role{ca.RoleCAOperator}}
	request := ca.SessionRequest{Issuers: signing()[:1], Signatures: 1, Seconds: 60}
	_, err := w.RequestSessions(t.Context(), who, ca.ApprovalID(strings.Repeat("a", 32)), request, "test")
	var refused *profiles.Refusal
	if !errors.As(err, &refused) || refused.Violations[0].Rule != "RETIRED" {
		t.Errorf("asking for a session: %v, want a refusal by RETIRED", err)
	}
}

// TestRetiredIssuersMakeCRLs: cards name them, and no other key can sign them.
func TestRetiredIssuersMakeCRLs(t *testing.T) {
	w := newWorld(t, retire(dayOfIssue, signing()...), func(c *ca.Config) { c.Standing = ca.Standing{ca.ForCRL} })
	crls, err := ca.NewCRLs(w.Authority, ca.CRLConfig{Status: w.db, Store: w.db, Interval: time.Hour, Validity: 2 * time.Hour, AfterRevocation: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	for _, iss := range hierarchy() {
		if iss.CRLURL == "" {
			continue
		}
		if made, err := crls.Generate(t.Context(), operator, iss.Name); err != nil || made.Size == 0 {
			t.Errorf("CRL of %s: %v", iss.Name, err)
		}
	}
}

// TestRetirementBegins at its time and not before.
func TestRetirementBegins(t *testing.T) {
	w := newWorld(t, retire(dayOfIssue.AddDate(0, 0, 1), signing()...))
	if _, err := w.Issue(t.Context(), operator, newOrder(1)); err != nil {
		t.Errorf("the day before: %v", err)
	}
}
