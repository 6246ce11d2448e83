package ca_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The story of this file: what the log says of algorithms past their day.

// TestLogKnowsGrantsAndEndedAlgorithms issues a card with RSA after its end, with one of two exceptions granted.
func TestLogKnowsGrantsAndEndedAlgorithms(t *testing.T) {
	const granted, tolerated = "legacy-rsa-2048-noqes", "legacy-cvc-g1"
	w := newWorld(t, func(c *ca.Config) { c.LegacyExceptions = []string{granted} })
	if _, err := w.Issue(t.Context(), operator, newOrder(1)); err != nil {
		t.Fatal(err)
	}
	ecc, err := w.Issue(t.Context(), operator, smallOrder(2))
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(ecc.Warnings, func(w string) bool { return strings.Contains(w, "legacy-") }) {
		t.Errorf("a card without RSA has the warnings %q", ecc.Warnings)
	}
	var cards [][]tlog.EndedFacts
	for _, e := range w.entries(t) {
		facts, err := e.ReadFacts()
		if err != nil {
			t.Fatal(err)
		}
		switch f := facts.(type) {
		case *tlog.ServerFacts:
			if !slices.Equal(f.LegacyExceptions, []string{granted}) {
				t.Errorf("the start grants %v, want %s", f.LegacyExceptions, granted)
			}
		case *tlog.CardFacts:
			cards = append(cards, f.Ended)
		}
	}
	want := [][]tlog.EndedFacts{{
		{Exception: granted, LastDay: "2025-12-31", Granted: true, Slots: []string{"C.HCI.AUT.R2048", "C.HCI.ENC.R2048", "C.HCI.OSIG.R2048"}},
		{Exception: tolerated, LastDay: "2018-12-31", Granted: false, Slots: []string{"C.SMC.AUTR_CVC.R2048"}},
	}, nil}
	if !reflect.DeepEqual(cards, want) {
		t.Errorf("the cards' entries say %+v, want %+v", cards, want)
	}
}
