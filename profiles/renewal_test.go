package profiles_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/profiles"
)

// renewalOrder is the order for new CV certificates of a card for a sector.
func renewalOrder(t *testing.T, sector string) *profiles.Order {
	t.Helper()
	o := sectorOrder(t, sector, "smcb-g2.1-os5")
	o.Renews = o.ID
	o.ID += "-renewal-1"
	o.Keys = slices.DeleteFunc(o.Keys, func(k profiles.SlotKey) bool { return !strings.Contains(k.Slot, "_CVC.E256") })
	return o
}

// TestPlansRenewal: a renewal gives the CV certificates that an order for a new card would give, and nothing else.
func TestPlansRenewal(t *testing.T) {
	for _, sector := range []string{"dkg", "pharmacy", "kzbv"} {
		card := mustPlan(t, sectorOrder(t, sector, "smcb-g2.1-os5"), testContext(t))
		plan := mustPlan(t, renewalOrder(t, sector), testContext(t))
		if want := []string{"C.SMC.AUTR_CVC.E256", "C.SMC.AUTD_RPE_CVC.E256"}; len(plan.Slots) != 2 || plan.Slots[0].Slot != want[0] || plan.Slots[1].Slot != want[1] {
			t.Fatalf("%s: the plan has %d slots, want %v", sector, len(plan.Slots), want)
		}
		for _, s := range plan.Slots {
			i := slices.IndexFunc(card.Slots, func(c profiles.PlannedSlot) bool { return c.Slot == s.Slot })
			got, err := s.CVC.Encode()
			if err != nil {
				t.Fatal(err)
			}
			want, err := card.Slots[i].CVC.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s of %s is %x in the renewal, want %x as in the card", s.Slot, sector, got, want)
			}
		}
		if warns(plan, "leaves out key generation") {
			t.Errorf("%s: the plan warns of certificates that no renewal has: %q", sector, plan.Warnings)
		}
	}
}

func TestRefusesRenewal(t *testing.T) {
	add := func(slot string) func(*profiles.Order) {
		return func(o *profiles.Order) {
			o.Keys = append(o.Keys, profiles.SlotKey{Slot: slot, SPKI: slotKeyOf(t, slot)})
		}
	}
	for _, c := range []struct {
		name        string
		spoil       func(o *profiles.Order)
		field, rule string
	}{
		{"of an id that no order can have", func(o *profiles.Order) { o.Renews = "a b" }, "renews", "ORDER_ID"},
		{"of itself", func(o *profiles.Order) { o.Renews = o.ID }, "renews", "RENEWS_ITSELF"},
		{"of a card of object system 4", func(o *profiles.Order) { o.CardType = "smcb-g2.1" }, "card_type", "CARD_NOT_REWRITABLE"},
		{"of a card of generation 2.0", func(o *profiles.Order) { o.CardType = "smcb-g2.0" }, "card_type", "CARD_NOT_REWRITABLE"},
		{"with an X.509 certificate", add("C.HCI.AUT.E256"), "keys[2].slot", "SLOT_NOT_RENEWABLE"},
		{"with an RSA certificate", add("C.HCI.ENC.R2048"), "keys[2].slot", "SLOT_NOT_RENEWABLE"},
		{"with a slot that the card has not", add("C.SMC.AUTR_CVC.R2048"), "keys[2].slot", "SLOT_NOT_ON_CARD"},
		{"without the role certificate", func(o *profiles.Order) { o.Keys = o.Keys[1:] }, "keys", "SLOT_MISSING"},
		{"without the device certificate", func(o *profiles.Order) { o.Keys = o.Keys[:1] }, "keys", "SLOT_MISSING"},
		{"with a first day", func(o *profiles.Order) { o.ValidFrom = "2024-11-05" }, "valid_from", "FIELD_FORBIDDEN"},
		{"for more than five years", func(o *profiles.Order) { o.ValidUntil = "2029-11-05" }, "valid_until", "TERM_EXCEEDS_FIVE_YEARS"},
		{"without evidence", func(o *profiles.Order) { o.Evidence = profiles.Evidence{} }, "evidence", "EVIDENCE_MISSING"},
		{"for one key in two slots", func(o *profiles.Order) { o.Keys[1].SPKI = o.Keys[0].SPKI }, "keys[1].spki", "KEY_TWICE"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := renewalOrder(t, "dkg")
			c.spoil(o)
			violations := refusal(t, o, testContext(t))
			if len(violations) != 1 || violations[0].Field != c.field || violations[0].Rule != c.rule || violations[0].Citation == "" {
				t.Errorf("violations are %+v, want %s at %s with a citation", violations, c.rule, c.field)
			}
		})
	}
}
