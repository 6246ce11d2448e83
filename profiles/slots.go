package profiles

import (
	"fmt"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// findSlot gives the slot that a row names and its place on the card; nil, after a refusal, if the card has none, and nil
// without one if the card type is unknown.
func (p *planner) findSlot(path, name string) (slot *Slot, place int) {
	if p.card == nil {
		return nil, 0
	}
	path += ".slot"
	for i := range p.card.Slots {
		if p.card.Slots[i].Name == name {
			return &p.card.Slots[i], i
		}
	}
	for _, a := range p.card.NotBuilt {
		if a.Name == name {
			p.refuse(path, "SLOT_NOT_BUILT", a.Source,
				"%s is part of %s but not built yet: %s; leave it out", a.Name, p.card.Name, a.Reason)
			return nil, 0
		}
	}
	for _, a := range p.card.NotOnCard {
		if a.Name == name {
			p.refuse(path, "SLOT_NOT_ON_CARD", a.Source, "%s has no slot %s: %s", p.card.Name, a.Name, a.Reason)
			return nil, 0
		}
	}
	p.refuse(path, "SLOT_UNKNOWN", wire, "%s has the slots %s", p.card.Name, p.slotNames())
	return nil, 0
}

func (p *planner) slotNames() string {
	list := make([]*Slot, len(p.card.Slots))
	for i := range p.card.Slots {
		list[i] = &p.card.Slots[i]
	}
	return names(list, func(s *Slot) string { return s.Name })
}

// checkMissing refuses an order without a key for every slot. Where the card type allows it, the slots of a whole key generation may stay
// empty, all of them or none; the CV certificates of generation 2 never. A slot for what the institution cannot have stays empty.
func (p *planner) checkMissing(named map[string]bool) {
	if p.card == nil {
		return
	}
	leftOut := map[sigalg.Generation]bool{}
	for _, g := range p.card.MayLeaveOut.Value {
		leftOut[g] = true
	}
	for _, slot := range p.card.Slots {
		if named[slot.Name] && p.mayMiss(slot) {
			leftOut[slot.Key.Generation()] = false
		}
	}
	warned := map[sigalg.Generation]bool{}
	for _, slot := range p.card.Slots {
		g := slot.Key.Generation()
		switch {
		case named[slot.Name], p.card.alternative(slot.Name) != nil, !p.mayRenew(&slot):
		case p.mayMiss(slot) && leftOut[g]:
			if !warned[g] {
				p.warn("the order leaves out key generation %s: the card carries no certificates of it", g)
			}
			warned[g] = true
		case p.mayStayEmpty(&slot):
		default:
			p.refuse("keys", "SLOT_MISSING", slot.Octets.Source, "there is no key for slot %s of %s", slot.Name, p.card.Name)
		}
	}
}

// alternative gives the group of slots that a slot belongs to; nil if it is in place of no other.
func (t *CardType) alternative(slot string) *Alternative {
	for i := range t.OneOf {
		if slices.Contains(t.OneOf[i].Slots, slot) {
			return &t.OneOf[i]
		}
	}
	return nil
}

// checkAlternatives refuses an order that names none of the slots that are in place of each other, or several.
func (p *planner) checkAlternatives() {
	if p.card == nil || p.renews() {
		return
	}
	for _, a := range p.card.OneOf {
		first := ""
		for i, row := range p.order.Keys {
			switch {
			case !slices.Contains(a.Slots, row.Slot):
			case first == "":
				first = row.Slot
			case row.Slot != first: // twice the same is refused by itself
				p.refuse(fmt.Sprintf("keys[%d].slot", i), "SLOT_ALTERNATIVE", a.Source,
					"a card of type %s has either %s or %s", p.card.Name, first, row.Slot)
			}
		}
		if first == "" {
			p.refuse("keys", "SLOT_MISSING", a.Source, "there is no key for any of %s, and a card of type %s has one of them",
				strings.Join(a.Slots, ", "), p.card.Name)
		}
	}
}

// mayMiss tells whether the slot goes with its key generation: an X.509 certificate, or a CV certificate of generation 1. Without the CV
// certificates of generation 2 there is no card (GS-A_4974).
func (p *planner) mayMiss(s Slot) bool { return p.set.x509[s.Profile] != nil || p.g1Profile(&s) != nil }
