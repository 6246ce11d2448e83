package profiles

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// revocationFile is the name of the file that says who may have cards revoked and why.
const revocationFile = "revocation.yaml"

// RevocationPolicy says who may have cards revoked, and for which reasons: revocation.yaml.
type RevocationPolicy struct {
	Grounds      []Ground
	Requesters   []Requester
	Reasons      []*RevocationReason
	Entitlements []*Entitlement
	Gaps         []Gap
}

// Ground is what a request to revoke rests on (gemRL_TSL_SP_CP, Tab_PKI_305).
type Ground struct{ Name, Title, Source string }

// Requester is who may ask.
type Requester struct{ Name, Title, Source string }

// RevocationReason is why a card or a certificate is revoked.
type RevocationReason struct {
	Name      string // for example "lost"
	Title     string
	Ground    string // on which a requester must be entitled to it
	CRLReason CRLReason
	Suspends  bool // it would not be for ever; whether that can be is for the card type to say
	Source    string

	at position
}

// CRLReason is CRLReason of RFC 5280, Section 5.3.1: the reason in a CRL, where 0 (unspecified) is left out.
type CRLReason int

// crlReasons are the values by their names. What is missing makes no sense for a card.
var crlReasons = map[string]CRLReason{"unspecified": 0, "keyCompromise": 1, "affiliationChanged": 3, "superseded": 4, "cessationOfOperation": 5,
	"certificateHold": certificateHold, "privilegeWithdrawn": 9}

// certificateHold is the reason that a suspension has.
const certificateHold CRLReason = 6

// Entitlement says who may have cards of one kind of holder revoked. Sectors name theirs; that of devices has their name.
type Entitlement struct {
	Name       string // for example "lei"
	Title      string
	Requesters []*Entitled

	at position
}

// Entitled says on which grounds a requester may ask.
type Entitled struct {
	Requester string
	Grounds   []string
	Source    string

	at position
}

func readRevocationPolicy(d *decoder, m mapping) *RevocationPolicy {
	p := &RevocationPolicy{
		Grounds: required(m, "grounds", list(func(d *decoder, n *yaml.Node) Ground { return Ground(readTitled(d, n, "ground")) })),
		Requesters: required(m, "requesters", list(func(d *decoder, n *yaml.Node) Requester {
			return Requester(readTitled(d, n, "requester"))
		})),
		Reasons:      required(m, "reasons", list(readRevocationReason)),
		Entitlements: required(m, "entitlements", list(readEntitlement)),
		Gaps:         optional(m, "gaps", list(readGap)),
	}
	p.check(d)
	return p
}

func readTitled(d *decoder, n *yaml.Node, key string) (row struct{ Name, Title, Source string }) {
	m := d.mapping(n)
	row.Name, row.Title, row.Source = required(m, key, text), required(m, "title", text), required(m, "source", text)
	m.end()
	return row
}

func readRevocationReason(d *decoder, n *yaml.Node) *RevocationReason {
	m := d.mapping(n)
	r := &RevocationReason{
		Name: required(m, "reason", text), Title: required(m, "title", text), Ground: required(m, "ground", text),
		CRLReason: required(m, "crl_reason", word(crlReasons)), Suspends: optional(m, "suspends", truth), Source: required(m, "source", text), at: m.at(),
	}
	m.end()
	return r
}

func readEntitlement(d *decoder, n *yaml.Node) *Entitlement {
	m := d.mapping(n)
	e := &Entitlement{
		Name: required(m, "cards_of", text), Title: required(m, "title", text), Requesters: required(m, "requesters", list(readEntitled)), at: m.at(),
	}
	m.end()
	return e
}

func readEntitled(d *decoder, n *yaml.Node) *Entitled {
	m := d.mapping(n)
	e := &Entitled{Requester: required(m, "requester", text), Grounds: required(m, "grounds", set(text)), Source: required(m, "source", text), at: m.at()}
	m.end()
	return e
}

// check sees to it that every name of the file is defined in it, once.
func (p *RevocationPolicy) check(d *decoder) {
	for i, r := range p.Reasons {
		if slices.ContainsFunc(p.Reasons[:i], func(o *RevocationReason) bool { return o.Name == r.Name }) {
			d.problems.add(r.at, "DUPLICATE_NAME", "reason %s appears a second time", r.Name)
		}
		p.checkGround(d, r.at, r.Ground)
		if r.Suspends != (r.CRLReason == certificateHold) {
			d.problems.add(r.at, "CONTRADICTION", "a reason suspends if its crl_reason is certificateHold, and no other")
		}
	}
	for i, e := range p.Entitlements {
		if slices.ContainsFunc(p.Entitlements[:i], func(o *Entitlement) bool { return o.Name == e.Name }) {
			d.problems.add(e.at, "DUPLICATE_NAME", "row %s appears a second time", e.Name)
		}
		for i, r := range e.Requesters {
			if !slices.ContainsFunc(p.Requesters, func(o Requester) bool { return o.Name == r.Requester }) {
				d.problems.add(r.at, "UNKNOWN_REFERENCE", "there is no requester %s", r.Requester)
			}
			if slices.ContainsFunc(e.Requesters[:i], func(o *Entitled) bool { return o.Requester == r.Requester }) {
				d.problems.add(r.at, "DUPLICATE_NAME", "requester %s appears a second time", r.Requester)
			}
			for _, ground := range r.Grounds {
				p.checkGround(d, r.at, ground)
			}
		}
	}
}

func (p *RevocationPolicy) checkGround(d *decoder, at position, name string) {
	if !slices.ContainsFunc(p.Grounds, func(g Ground) bool { return g.Name == name }) {
		d.problems.add(at, "UNKNOWN_REFERENCE", "there is no ground %s", name)
	}
}

// checkRevocation sees to it that revocation.yaml says of every sector, and of devices, who may have cards revoked.
func (l *loader) checkRevocation() {
	if l.revocation == nil {
		return // reported where the parts are counted
	}
	for _, s := range l.sectors {
		if name := s.Revocation.Value; name != "" && l.revocation.entitlement(name) == nil {
			l.problems.add(s.Revocation.at, "UNKNOWN_REFERENCE", "revocation.yaml has no row for %s", name)
		}
	}
	if l.revocation.entitlement(string(HolderDevice)) == nil {
		l.problems.add(position{revocationFile, 1}, "MISSING_KEY", "revocation.yaml has no row for %s", HolderDevice)
	}
}

func (p *RevocationPolicy) entitlement(name string) *Entitlement {
	for _, e := range p.Entitlements {
		if e.Name == name {
			return e
		}
	}
	return nil
}

// RevocationPolicy gives who may have cards revoked, and why. Callers must not change it.
func (s *Set) RevocationPolicy() *RevocationPolicy { return s.revocation }

// RevocationReason gives a reason by its name, and false if the catalogue has none.
func (s *Set) RevocationReason(name string) (*RevocationReason, bool) {
	for _, r := range s.revocation.Reasons {
		if r.Name == name {
			return r, true
		}
	}
	return nil, false
}

// CheckRevocation tells whether a requester may have a card of a card type and a sector revoked for a reason, and gives the ground on
// which he may. The sector of a device is not looked at. A *Refusal says why not, with the fields "reason" and "requester".
func (s *Set) CheckRevocation(cardType, sector, requester, reason string) (ground string, err error) {
	card := s.cards[cardType]
	if card == nil {
		return "", fmt.Errorf("the catalogue has no card type %q any more", cardType)
	}
	r, known := s.RevocationReason(reason)
	if !known {
		return "", refuse("reason", "REASON_UNKNOWN", "gemRL_TSL_SP_CP, GS-A_4219-01", "the reason must be one of %s",
			names(s.revocation.Reasons, func(r *RevocationReason) string { return r.Name }))
	}
	if r.Suspends {
		return "", refuse("reason", "NO_SUSPENSION", card.Suspension.Source, "cards of type %s cannot be suspended: a revocation is for ever", cardType)
	}
	row := s.entitlement(card, sector)
	if row == nil {
		return "", fmt.Errorf("the catalogue does not say who may have cards of sector %q revoked", sector)
	}
	for _, e := range row.Requesters {
		switch {
		case e.Requester != requester:
		case slices.Contains(e.Grounds, r.Ground):
			return r.Ground, nil
		default:
			return "", refuse("reason", "NOT_ENTITLED", e.Source, "%s may not have cards of %s revoked for reason %s; reasons for which it may: %s",
				requester, row.Title, reason, s.reasonsOn(e.Grounds))
		}
	}
	return "", refuse("requester", "NOT_ENTITLED", "gemRL_TSL_SP_CP, GS-A_4219-01, Tab_PKI_305", "who asks to revoke cards of %s must be one of %s",
		row.Title, names(row.Requesters, func(e *Entitled) string { return e.Requester }))
}

// entitlement gives the row for a card; nil where its sector is not in the catalogue any more.
func (s *Set) entitlement(card *CardType, sector string) *Entitlement {
	if card.Holder.Value == HolderDevice {
		return s.revocation.entitlement(string(HolderDevice))
	}
	if sector := s.sectors[sector]; sector != nil {
		return s.revocation.entitlement(sector.Revocation.Value)
	}
	return nil
}

// reasonsOn lists the reasons on some grounds.
func (s *Set) reasonsOn(grounds []string) string {
	on := slices.DeleteFunc(slices.Clone(s.revocation.Reasons), func(r *RevocationReason) bool { return r.Suspends || !slices.Contains(grounds, r.Ground) })
	return names(on, func(r *RevocationReason) string { return r.Name })
}

func refuse(field, rule, citation, format string, args ...any) *Refusal {
	return &Refusal{Violations: []Violation{{Field: field, Rule: rule, Citation: citation, Message: fmt.Sprintf(format, args...)}}}
}
