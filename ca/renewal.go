package ca

import (
	"context"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// A card key may be certified again with other dates under the same CHR; there is no other way to prolong a CV certificate, and none to
// revoke one (gemKPT_PKI_TIP, section 5.7.1). The order for it names the order that made the card, never another renewal: that order owns
// ICCSN, keys and CHRs, so that one look finds all that a renewal must share. It names an order and not the ICCSN, which it says
// besides: two names that must agree find a mistake in either. The card itself stays as it was made.

const citeRenewal = "gemKPT_PKI_TIP, section 5.7.1"

// checkRenewal holds an order that renews against the card that it names. The rules that need no card are the planner's.
func (a *Authority) checkRenewal(ctx context.Context, order *profiles.Order, in *Intent) error {
	if order.Renews == "" {
		return nil
	}
	state, err := a.store.Order(ctx, order.Renews)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return storeFailure("read the order that made the card", err)
	}
	if err != nil || state.Card == nil || state.Card.Renews != "" {
		return &profiles.Refusal{Violations: []profiles.Violation{{
			Field: "renews", Rule: "NO_CARD_TO_RENEW", Citation: "siegel.v1.Order",
			Message: "no card was made by that order; a renewal names the order that made the card, not an earlier renewal",
		}}}
	}
	return compareRenewal(order, in, state.Card)
}

// compareRenewal says in what an order differs from the card that it renews.
func compareRenewal(order *profiles.Order, in *Intent, card *Card) error {
	refusal := &profiles.Refusal{}
	same := func(is bool, field, what string) {
		if !is {
			refusal.Violations = append(refusal.Violations, profiles.Violation{
				Field: field, Rule: "RENEWAL_DIFFERS", Citation: citeRenewal, Message: what + " must be that of the card that is renewed",
			})
		}
	}
	same(in.CardType == card.CardType, "card_type", "the card type")
	same(in.ICCSN == card.ICCSN, "iccsn", "the ICCSN")
	same(in.Sector == card.Sector, "sector", "the sector")
	holder, err := card.holder()
	if err != nil {
		return fmt.Errorf("read whom the card of order %s is for: %w", card.OrderID, err)
	}
	same(order.Institution.TelematikID == holder.RegistrationNumber, "institution.telematik_id", "the Telematik-ID")
	same(order.Institution.ProfessionOID == holder.OID.String(), "institution.profession_oid", "the institution OID")
	for i := range in.Drafts {
		d := &in.Drafts[i]
		old := card.inSlot(d.Slot)
		same(old != nil && old.KeyHash == d.KeyHash, keyField(order, d.Slot), "the public key of "+d.Slot)
		if len(refusal.Violations) == 0 && old.CHR != d.CHR {
			return fmt.Errorf("the CHR of %s was %s and would be %s", d.Slot, old.CHR, d.CHR) // the card type was changed
		}
	}
	if len(refusal.Violations) > 0 {
		return refusal
	}
	return nil
}

// inSlot gives the certificate in a slot; nil if the card has none there.
func (c *Card) inSlot(slot string) *Certificate {
	for i := range c.Certs {
		if c.Certs[i].Slot == slot {
			return &c.Certs[i]
		}
	}
	return nil
}

// holder reads whom a card is for from its X.509 certificates, which all say the same.
func (c *Card) holder() (pkix.Admission, error) {
	for i := range c.Certs {
		if c.Certs[i].Format != X509 {
			continue
		}
		cert, err := pkix.ParseCertificate(c.Certs[i].Data)
		if err != nil {
			return pkix.Admission{}, err
		}
		if admission, has, err := pkix.Find(cert.Extensions, pkix.OIDAdmission, pkix.ParseAdmission); err != nil || has {
			return admission, err
		}
	}
	return pkix.Admission{}, errors.New("no certificate says it")
}
