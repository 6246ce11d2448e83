package ca_test

import (
	"reflect"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: the answer to an order is put together here, and asked for again it is read from the store. It must be the
// same, to the last field.

// requireKept holds the answer to an order against what the store reads for it.
func requireKept(t *testing.T, w *world, answer *ca.Card) {
	t.Helper()
	read, err := w.CardByOrder(t.Context(), answer.OrderID)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(answer, read) {
		t.Errorf("the answer is\n%+v, the store reads\n%+v", answer, read)
	}
}

func TestAnswerIsWhatTheStoreReads(t *testing.T) {
	w := newWorld(t)
	seen := map[string]bool{}
	for _, order := range []*profiles.Order{newOrder(1), rewritable(2), renewalOf(2), smallOrder(3)} {
		card, err := w.Issue(t.Context(), operator, order)
		if err != nil {
			t.Fatal(err)
		}
		requireKept(t, w, card)
		if again, err := w.Issue(t.Context(), operator, order); err != nil || !reflect.DeepEqual(again, card) {
			t.Errorf("sent again, the order gives\n%+v (%v), at first\n%+v", again, err, card)
		}
		seen["renewal"] = seen["renewal"] || card.Renewal > 0
		seen["warnings"] = seen["warnings"] || len(card.Warnings) > 0
		seen["no warnings"] = seen["no warnings"] || card.Warnings == nil
		for _, c := range card.Certs {
			seen[string(c.Format)] = true
			seen["generation 1"] = seen["generation 1"] || !c.HasTerm()
		}
	}
	for _, what := range []string{"renewal", "warnings", "no warnings", "x509", "cvc", "generation 1"} {
		if !seen[what] {
			t.Errorf("no answer has %s: the test compares too little", what)
		}
	}
}
