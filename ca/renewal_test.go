package ca_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/testkey"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: four years after its card, a renewal gives new CV certificates for the keys that the card has.

// rewritable is smallOrder for a card whose CV certificates can be renewed.
func rewritable(n int) *profiles.Order {
	order := smallOrder(n)
	order.CardType = "smcb-g2.1-os5"
	return order
}

// renewalOf is the order for new CV certificates of the card of rewritable(n).
func renewalOf(n int) *profiles.Order {
	order := rewritable(n)
	order.Renews = order.ID
	order.ID = fmt.Sprintf("renewal-of-%d", n)
	order.Keys = slices.DeleteFunc(order.Keys, func(k profiles.SlotKey) bool { return !strings.Contains(k.Slot, "_CVC.") })
	return order
}

func TestRenews(t *testing.T) {
	now := dayOfIssue
	w := newWorld(t, func(c *ca.Config) {
		c.Now = func() time.Time { return now }
		c.KeySession.Lifetime = 10 * 366 * 24 * time.Hour
	})
	card, err := w.Issue(t.Context(), operator, rewritable(1))
	if err != nil {
		t.Fatal(err)
	}
	now = dayOfIssue.AddDate(1, 0, 0)
	renewal, err := w.Issue(t.Context(), operator, renewalOf(1))
	if err != nil {
		t.Fatal(err)
	}
	if len(renewal.Certs) != 2 || renewal.Renews != card.OrderID || renewal.Renewal != 1 || renewal.ICCSN != card.ICCSN {
		t.Fatalf("renewal is %+v, want the two CV certificates of the card alone", renewal.CardSummary)
	}
	for _, c := range renewal.Certs {
		old := card.Certs[slices.IndexFunc(card.Certs, func(c2 ca.Certificate) bool { return c2.Slot == c.Slot })]
		checkCertificate(t, c)
		was, now := must(cvc.Parse(old.Data)), must(cvc.Parse(c.Data))
		if was.CHR != now.CHR || was.Flags != now.Flags || c.KeyHash != old.KeyHash {
			t.Errorf("%s: CHR and rights are %s and %s, were %s and %s", c.Slot, now.CHR, now.Flags, was.CHR, was.Flags)
		}
		if got, want := now.CED.String()+" "+now.CXD.String(), "2027-03-02 2032-03-01"; got != want {
			t.Errorf("%s is valid from and to %s, want %s", c.Slot, got, want)
		}
	}
	if byICCSN, err := w.Card(t.Context(), card.ICCSN); err != nil || !reflect.DeepEqual(byICCSN, card) {
		t.Errorf("by its ICCSN the card is %+v (%v), want it as it was made", byICCSN, err)
	}
	if byOrder, err := w.CardByOrder(t.Context(), renewal.OrderID); err != nil || !reflect.DeepEqual(byOrder, renewal) {
		t.Errorf("by its order the renewal is %+v (%v), want %+v", byOrder, err, renewal)
	}
	now = now.AddDate(0, 1, 0)
	calls := w.keys.calls
	if again, err := w.Issue(t.Context(), operator, renewalOf(1)); err != nil || !reflect.DeepEqual(again, renewal) || w.keys.calls != calls {
		t.Errorf("sent again it is %+v (%v) with %d signatures, want the same without any", again, err, w.keys.calls-calls)
	}
	second := renewalOf(1)
	second.ID = "second-renewal"
	if got, err := w.Issue(t.Context(), operator, second); err != nil || got.Renewal != 2 {
		t.Errorf("second renewal is %+v (%v), want number 2", got, err)
	}
	w.sweep(t)
	renewalEntries(t, w.entries(t), card.OrderID)
}

// renewalEntries wants two renewals in the log that name the order, and none else that names one.
func renewalEntries(t *testing.T, entries []ca.StoredEntry, order string) {
	t.Helper()
	named := map[tlog.Kind][]string{}
	for _, e := range entries {
		switch facts := must(e.ReadFacts()).(type) {
		case *tlog.OrderFacts:
			named[e.Kind] = append(named[e.Kind], facts.Renews)
		case *tlog.CardFacts:
			named[e.Kind] = append(named[e.Kind], facts.Renews)
		}
	}
	want := []string{"", order, order}
	if !slices.Equal(named[tlog.OrderRecorded], want) || !slices.Equal(named[tlog.CardIssued], want) {
		t.Errorf("entries renew the orders %q, want %q in both kinds", named, want)
	}
}

// TestRefusesToRenew: nothing but dates may differ from the card, and nothing is left behind by what does.
func TestRefusesToRenew(t *testing.T) {
	w := newWorld(t)
	for _, order := range []*profiles.Order{rewritable(1), rewritable(2), newOrder(3)} {
		if _, err := w.Issue(t.Context(), operator, order); err != nil {
			t.Fatal(err)
		}
	}
	earlier := renewalOf(2)
	earlier.ID = "earlier"
	if _, err := w.Issue(t.Context(), operator, earlier); err != nil {
		t.Fatal(err)
	}
	fresh := testkey.New(rand.NewChaCha8([32]byte{9}))
	for _, c := range []struct {
		name        string
		spoil       func(o *profiles.Order)
		field, rule string
	}{
		{"no such order", func(o *profiles.Order) { o.Renews = "none" }, "renews", "NO_CARD_TO_RENEW"},
		{"a renewal", func(o *profiles.Order) { *o = *renewalOf(2); o.Renews = "earlier" }, "renews", "NO_CARD_TO_RENEW"},
		{"another card type", func(o *profiles.Order) { o.Renews, o.ICCSN = "order-3", newOrder(3).ICCSN }, "card_type", "RENEWAL_DIFFERS"},
		{"another ICCSN", func(o *profiles.Order) { o.ICCSN = rewritable(2).ICCSN }, "iccsn", "RENEWAL_DIFFERS"},
		{"an ICCSN without a card", func(o *profiles.Order) { o.ICCSN = rewritable(9).ICCSN }, "iccsn", "RENEWAL_DIFFERS"},
		{"another Telematik-ID", func(o *profiles.Order) { o.Institution.TelematikID = "5-2-KH-APO-Waldesrand-02" }, "institution.telematik_id", "RENEWAL_DIFFERS"},
		{"another institution OID", func(o *profiles.Order) { o.Institution.ProfessionOID = "1.2.276.0.76.4.53" }, "institution.profession_oid", "RENEWAL_DIFFERS"},
		{"a new key", func(o *profiles.Order) { o.Keys[1].SPKI = fresh.EC() }, "keys[1].spki", "RENEWAL_DIFFERS"},
		{"the key of another card", func(o *profiles.Order) { o.Keys[0].SPKI = renewalOf(2).Keys[0].SPKI }, "keys[0].spki", "RENEWAL_DIFFERS"},
		{"keys in each other's slots", func(o *profiles.Order) {
			o.Keys[0].SPKI, o.Keys[1].SPKI = o.Keys[1].SPKI, o.Keys[0].SPKI
		}, "keys[0].spki", "RENEWAL_DIFFERS"},
		{"an order for a new card", func(o *profiles.Order) { *o = *rewritable(1); o.ID = "new" }, "iccsn", "ICCSN_TAKEN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := len(w.entries(t))
			order := renewalOf(1)
			c.spoil(order)
			_, err := w.Issue(t.Context(), operator, order)
			var refusal *profiles.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("got %v, want a refusal", err)
			}
			if v := refusal.Violations[0]; v.Field != c.field || v.Rule != c.rule || v.Citation == "" {
				t.Errorf("violation is %+v, want %s at %s with a citation", v, c.rule, c.field)
			}
			if after := len(w.entries(t)); after != before {
				t.Errorf("%d entries before, %d after", before, after)
			}
		})
	}
	if _, err := w.Issue(t.Context(), operator, renewalOf(1)); err != nil {
		t.Errorf("the good renewal: %v", err)
	}
	w.sweep(t)
}

// TestEveryCallOfRenewalFails is TestEveryCallFails for a renewal, which reads one order more.
func TestEveryCallOfRenewalFails(t *testing.T) {
	carded := func(t *testing.T) *world {
		w := newWorld(t)
		if _, err := w.Issue(t.Context(), operator, rewritable(1)); err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := carded(t)
	first.start(t)
	again := len(first.faulty.Calls()) // of a start with issuers that are known
	_, trace, err := trialAfter(t, again, carded(t), renewalOf(1))
	if err != nil || len(trace) != 5+2 {
		t.Fatalf("a run without faults makes the calls %v (%v), want Order, Order, CardStatus, Intend, 2 Sign, Complete", trace, err)
	}
	for _, e := range trace {
		for _, lost := range []bool{false, true} {
			f := fault{e, lost}
			t.Run(f.String(), func(t *testing.T) {
				t.Parallel()
				w := carded(t)
				card, _, err := trialAfter(t, again, w, renewalOf(1), f)
				if f.name == "Complete" && f.lost && err != nil {
					t.Errorf("got %v: the renewal was completed, and the store can say so", err)
				}
				w.sweep(t)
				got, err := w.Issue(context.Background(), operator, renewalOf(1))
				if err != nil || got.Renewal != 1 || card != nil && !reflect.DeepEqual(got, card) {
					t.Errorf("sent again: got %+v (%v), want renewal 1, acknowledged was %+v", got, err, card)
				}
				if list, err := w.Cards(t.Context(), 0, 10); err != nil || len(list) != 2 {
					t.Errorf("cards are %v (%v), want the card and its renewal", list, err)
				}
				w.sweep(t)
			})
		}
	}
}
