package profiles

// This file is what differs for an order that renews. A card that can take them gets new CV certificates of generation 2 for the keys that
// it has, with the same CHR and other dates; there is no other way to prolong a CV certificate. All else of the order is as for a new
// card: holder, evidence, the table of rights, issuers and terms of today. Whether the card exists, and has these keys, the planner
// cannot tell: that is package ca.

const citeRenewal = "gemKPT_PKI_TIP, section 5.7.1"

// renews tells whether the order is for new CV certificates of a card that exists.
func (p *planner) renews() bool { return p.order.Renews != "" }

// mayRenew tells whether the slot can be in the order: each in one for a new card, those for CV certificates of generation 2 in a renewal.
func (p *planner) mayRenew(s *Slot) bool {
	return !p.renews() || p.set.cvc[s.Profile] != nil && p.g1Profile(s) == nil
}

func (p *planner) checkRenewal() {
	if !p.renews() {
		return
	}
	switch {
	case !orderID.MatchString(p.order.Renews):
		p.refuse("renews", "ORDER_ID", wire, "give the id of the order that made the card: 1 to 64 letters, digits, '.', '_', ':' or '-'")
	case p.order.Renews == p.order.ID:
		p.refuse("renews", "RENEWS_ITSELF", wire, "an order that renews has an id of its own")
	}
	if p.card != nil && !p.card.CVCRewritable.Value {
		p.refuse("card_type", "CARD_NOT_REWRITABLE", citeRenewal+"; gemSpec_SMC-B_ObjSys_G2.1 5.0.0",
			"cards of type %s cannot take other CV certificates; order a new card", p.card.Name)
	}
	if p.order.ValidFrom != "" {
		p.refuse("valid_from", "FIELD_FORBIDDEN", citeRenewal, "a renewal begins on the day on which it is issued; leave the field out")
	}
}

func (p *planner) refuseRenewal(path string, s *Slot) {
	p.refuse(path, "SLOT_NOT_RENEWABLE", citeRenewal,
		"only CV certificates of generation 2 are renewed with their keys; %s needs a new card", s.Name)
}
