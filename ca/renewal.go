package ca

import (
	"context"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/lint"
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
	old, err := state.Card.x509()
	if err != nil {
		return fmt.Errorf("read the card of order %s: %w", order.Renews, err)
	}
	if err := compareRenewal(order, in, state.Card, old); err != nil {
		return err
	}
	if err := a.checkNotRevoked(ctx, state.Card.ICCSN); err != nil {
		return err
	}
	return a.judgeRenewal(in, old)
}

// checkNotRevoked refuses to renew for a card that is revoked: that it gets no new ones is all that takes CV certificates out of use.
func (a *Authority) checkNotRevoked(ctx context.Context, iccsn string) error {
	status, err := a.store.CardStatus(ctx, iccsn)
	if err != nil {
		return readFailure("read the status of the card", err)
	}
	if status.State == Revoked {
		return refusal("renews", "CARD_REVOKED", "gemKPT_PKI_TIP, section 5.6", "the card is revoked; no new CV certificates are made for it")
	}
	return nil
}

// judgeRenewal has lint judge the new CV certificates together with the X.509 certificates that the card has.
func (a *Authority) judgeRenewal(in *Intent, old []oldX509) error {
	var drafts []lint.CardDraft
	for _, o := range old {
		drafts = append(drafts, lint.CardDraft{Slot: o.slot, Body: o.cert.RawTBS})
	}
	for i := range in.Drafts {
		drafts = append(drafts, lint.CardDraft{Slot: in.Drafts[i].Slot, Body: in.Drafts[i].Body})
	}
	refusal := &profiles.Refusal{}
	for _, f := range lint.Card(drafts...) { // none of its rules gives a warning
		a.config.Log.Error("lint stopped a renewal that the comparison had passed", "rule", f.Rule)
		refusal.Violations = append(refusal.Violations, profiles.Violation{Field: "keys", Rule: f.Rule, Citation: f.Citation, Message: "the card: " + f.Message})
	}
	if len(refusal.Violations) > 0 {
		return refusal
	}
	return nil
}

// compareRenewal says in what an order differs from the card that it renews.
func compareRenewal(order *profiles.Order, in *Intent, card *Card, old []oldX509) error {
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
	holder, err := holderOf(old)
	if err != nil {
		return fmt.Errorf("read whom the card of order %s is for: %w", card.OrderID, err)
	}
	same(order.Institution.TelematikID == holder.RegistrationNumber, "institution.telematik_id", "the Telematik-ID")
	same(order.Institution.ProfessionOID == holder.OID.String(), "institution.profession_oid", "the institution OID")
	for i := range in.Drafts {
		d := &in.Drafts[i]
		was := card.inSlot(d.Slot)
		same(was != nil && was.KeyHash == d.KeyHash, keyField(order, d.Slot), "the public key of "+d.Slot)
		if len(refusal.Violations) == 0 && was.CHR != d.CHR {
			return fmt.Errorf("the CHR of %s was %s and would be %s", d.Slot, was.CHR, d.CHR) // the card type was changed
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

// oldX509 is an X.509 certificate that a card has.
type oldX509 struct {
	slot string
	cert *pkix.Certificate
}

// x509 reads the X.509 certificates of a card.
func (c *Card) x509() (list []oldX509, err error) {
	for i := range c.Certs {
		if c.Certs[i].Format != X509 {
			continue
		}
		cert, err := pkix.ParseCertificate(c.Certs[i].Data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.Certs[i].Slot, err)
		}
		list = append(list, oldX509{c.Certs[i].Slot, cert})
	}
	return list, nil
}

// holderOf reads whom a card is for from its X.509 certificates, which all say the same.
func holderOf(old []oldX509) (pkix.Admission, error) {
	for _, o := range old {
		if admission, has, err := pkix.Find(o.cert.Extensions, pkix.OIDAdmission, pkix.ParseAdmission); err != nil || has {
			return admission, err
		}
	}
	return pkix.Admission{}, errors.New("no certificate says it")
}
