package ca

import (
	"context"
	"crypto/sha256"
	"fmt"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// Plan is an order's plan with its drafts.
type Plan struct {
	*profiles.Plan         // Warnings are those of the planner and of lint
	Drafts         []Draft // one for each slot of the plan, in the same order
}

// Plan says exactly which certificates an order would give. It records nothing, uses no key and looks at no other order; the
// X.509 serial numbers in the drafts are stand-ins of the final length. A *profiles.Refusal says what is wrong with the order.
func (a *Authority) Plan(ctx context.Context, order *profiles.Order) (*Plan, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return a.plan(order, standInSerial)
}

// plan is the pure part of the road: order to drafts that lint has passed.
func (a *Authority) plan(order *profiles.Order, serial func() (pkix.Serial, error)) (*Plan, error) {
	planned, err := a.profiles.Plan(order, a.context())
	if err != nil {
		return nil, err
	}
	p := &Plan{Plan: planned}
	for i := range planned.Slots {
		d, err := newDraft(&planned.Slots[i], planned.Term, serial)
		if err != nil {
			return nil, fmt.Errorf("draft the certificate for slot %s: %w", planned.Slots[i].Slot, err)
		}
		p.Drafts = append(p.Drafts, d)
	}
	return p, a.lint(p)
}

// context is what the planner must know besides the order.
func (a *Authority) context() *profiles.Context {
	return &profiles.Context{
		Environment: a.config.Environment, Now: a.now(), TSPID: a.config.TSPID, Issuers: a.rules.Load().issuers, Exceptions: a.rules.Load().exceptions,
	}
}

// newDraft fixes the octets of one certificate.
func newDraft(slot *profiles.PlannedSlot, term profiles.Term, serial func() (pkix.Serial, error)) (Draft, error) {
	d := Draft{Slot: slot.Slot, Profile: slot.Profile, Issuer: slot.Issuer.Name}
	spki, err := pkix.MarshalPublicKey(slot.PublicKey)
	if err != nil {
		return Draft{}, err
	}
	d.KeyHash = sha256.Sum256(spki)
	if d.KeyIdentity, err = pkix.KeyIdentity(slot.PublicKey); err != nil {
		return Draft{}, err
	}
	switch {
	case slot.X509 != nil:
		return d, d.fillX509(slot.X509, serial)
	case slot.G1 != nil:
		return d, d.fillG1(slot.G1, term)
	}
	return d, d.fillCVC(slot)
}

func (d *Draft) fillX509(tbs *pkix.TBSCertificate, serial func() (pkix.Serial, error)) (err error) {
	if tbs.Serial, err = serial(); err != nil {
		return err
	}
	d.Format, d.Scheme, d.Serial, d.NotBefore, d.NotAfter = X509, tbs.Scheme, tbs.Serial, tbs.NotBefore, tbs.NotAfter
	d.Body, err = tbs.Encode()
	return err
}

func (d *Draft) fillCVC(slot *profiles.PlannedSlot) (err error) {
	body := slot.CVC
	d.Format, d.CHR = CVC, chrText(body.CHR)
	d.NotBefore, d.NotAfter = body.CED.Time(), endOfDay(body.CXD.Time())
	if d.Scheme, err = cvc.SignatureScheme(slot.Issuer.CVC.PublicKey); err != nil {
		return err
	}
	d.Body, err = body.Encode()
	return err
}

func chrText(chr cvc.CHR) string { return fmt.Sprintf("%X", chr.Bytes()) }

// lint judges every draft, and then all of them together. A finding of level error stops the order: as a refusal, since the sender may be
// able to change what leads to it (a name too long for the card's file), and in the server's log, since the planner should have said it
// first.
func (a *Authority) lint(p *Plan) error {
	var refusal profiles.Refusal
	for i := range p.Drafts {
		slot := p.Drafts[i].Slot
		findings := a.judge(&p.Slots[i], &p.Drafts[i], p.Order.ICCSN)
		a.take(p, &refusal, findings, slot, keyField(p.Order, slot))
	}
	// Drafts that are wrong by themselves say little together; those of a renewal are judged together with the card (checkRenewal).
	if len(refusal.Violations) == 0 && p.Order.Renews == "" {
		a.take(p, &refusal, lint.Card(p.cardDrafts()...), "the card", "keys")
	}
	if len(refusal.Violations) > 0 {
		return &refusal
	}
	return nil
}

// take sorts findings into the plan's warnings and the violations of a refusal.
func (a *Authority) take(p *Plan, refusal *profiles.Refusal, findings []lint.Finding, of, field string) {
	for _, f := range findings {
		text := of + ": " + f.Message
		if f.Level == lint.Warning {
			p.Warnings = append(p.Warnings, fmt.Sprintf("%s (%s, %s)", text, f.Rule, f.Citation))
			continue
		}
		a.config.Log.Error("lint stopped an order that the planner had passed", "rule", f.Rule, "slot", of)
		refusal.Violations = append(refusal.Violations, profiles.Violation{Field: field, Rule: f.Rule, Citation: f.Citation, Message: text})
	}
}

// cardDrafts gives the drafts as lint reads those of a card.
func (p *Plan) cardDrafts() (list []lint.CardDraft) {
	for i := range p.Drafts {
		list = append(list, lint.CardDraft{Slot: p.Drafts[i].Slot, Body: p.Drafts[i].Body})
	}
	return list
}

func (a *Authority) judge(slot *profiles.PlannedSlot, d *Draft, iccsn string) []lint.Finding {
	switch {
	case d.Format == X509:
		return lint.X509(d.Body, lint.X509Context{
			Slot: d.Slot, Issuer: slot.Issuer.X509, Test: a.config.Environment == profiles.Test,
		})
	case slot.G1 != nil:
		return lint.G1(d.Body, lint.G1Context{Slot: d.Slot, Issuer: slot.Issuer.G1, ICCSN: iccsn})
	}
	return lint.CVC(d.Body, lint.CVCContext{Slot: d.Slot, Issuer: slot.Issuer.CVC, ICCSN: iccsn, Now: a.now()})
}

// keyField is the path of a slot's key in the order.
func keyField(order *profiles.Order, slot string) string {
	for i, k := range order.Keys {
		if k.Slot != slot {
			continue
		}
		if k.SPKI == nil {
			return fmt.Sprintf("keys[%d].pkcs10", i)
		}
		return fmt.Sprintf("keys[%d].spki", i)
	}
	return "keys"
}
