package profiles

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// planner is the work on one order. It collects what is wrong with it and goes on, so that one answer names everything.
type planner struct {
	set   *Set
	order *Order
	ctx   *Context

	card        *CardType        // nil: unknown
	sector      *Sector          // nil: unknown
	institution *InstitutionType // nil: unknown, or not one of the sector
	keys        []slotKey        // keys that have a slot, in the order of the card type
	term        Term             // zero: could not be told

	violations []Violation
	warnings   []string
	ended      endings
}

// Plan says which certificates an order would give, complete but for the X.509 serial numbers. It is pure: the same order in
// the same context gives the same plan. A *Refusal says what is wrong with the order, all of it, in the order of its fields; any
// other error is a fault of the context.
func (s *Set) Plan(o *Order, c *Context) (*Plan, error) {
	if err := errors.Join(c.check(), s.policy.CheckExceptions(c.Exceptions)); err != nil {
		return nil, fmt.Errorf("planning an order: %w", err)
	}
	p := &planner{set: s, order: o, ctx: c}
	p.checkOrderID()
	p.findCardType()
	p.checkICCSN()
	p.checkRenewal()
	p.checkHolder()
	p.takeKeys()
	p.checkAlternatives()
	p.checkGeneration1()
	p.setTerm()
	issuers := p.chooseIssuers()
	p.checkAlgorithms(issuers)
	if len(p.violations) > 0 {
		return nil, &Refusal{Violations: p.violations}
	}
	plan, err := p.build(issuers)
	if err != nil {
		return nil, fmt.Errorf("planning an order: %w", err)
	}
	if len(p.violations) > 0 {
		return nil, &Refusal{Violations: p.violations}
	}
	return plan, nil
}

// checkHolder looks at whom the card is for, and at the evidence of it.
func (p *planner) checkHolder() {
	if p.forDevice() {
		p.checkDevice()
		p.checkDeviceEvidence()
		return
	}
	p.findSector()
	p.refuseDevice()
	if p.order.Institution.isZero() {
		p.refuse("institution", "FIELD_MISSING", wire, "say for which institution the card is")
	} else {
		p.checkInstitution()
		p.checkQualified()
	}
	p.checkEvidence()
}

// check looks at what the operator configured.
func (c *Context) check() error {
	switch {
	case c.Environment != Test && c.Environment != Production:
		return fmt.Errorf("the environment is %q, want %s or %s", c.Environment, Test, Production)
	case c.Now.IsZero():
		return errors.New("there is no time of planning")
	case !tspID.MatchString(c.TSPID):
		return errors.New("the TSP-ID is not two digits (gemSpec_PKI, Tab_PKI_109)")
	}
	for _, i := range c.Issuers {
		isCVC := i.Kind.IsCVC()
		if hasCVC := i.CVC != nil || i.G1 != nil; isCVC && !hasCVC || !isCVC && i.X509 == nil {
			return fmt.Errorf("issuer %s of kind %s has no certificate of its kind", i.Name, i.Kind)
		}
	}
	return nil
}

var (
	tspID   = regexp.MustCompile(`^[0-9]{2}$`)
	orderID = regexp.MustCompile(`^[A-Za-z0-9._:-]{1,64}$`)
	iccsn   = regexp.MustCompile(`^80276[0-9]{15}$`)
)

// wire is the citation of rules that the interface makes and no specification.
const wire = "siegel.v1.Order"

// refuse notes a violation of the order.
func (p *planner) refuse(field, rule, citation, format string, args ...any) {
	p.note(Violation{Field: field, Rule: rule, Citation: citation, Message: fmt.Sprintf(format, args...)})
}

// cannot notes that the installation cannot fulfil the order.
func (p *planner) cannot(field, rule, citation, format string, args ...any) {
	p.note(Violation{Field: field, Rule: rule, Citation: citation, Message: fmt.Sprintf(format, args...), Configuration: true})
}

// note keeps a violation; slots that share one find it several times.
func (p *planner) note(v Violation) {
	if !slices.Contains(p.violations, v) {
		p.violations = append(p.violations, v)
	}
}

func (p *planner) warn(format string, args ...any) {
	p.warnings = append(p.warnings, fmt.Sprintf(format, args...))
}

func (p *planner) checkOrderID() {
	if !orderID.MatchString(p.order.ID) {
		p.refuse("order_id", "ORDER_ID", wire, "the order id must be 1 to 64 letters, digits, '.', '_', ':' or '-'")
	}
}

func (p *planner) findCardType() {
	p.card = p.set.cards[p.order.CardType]
	if p.card == nil {
		p.refuse("card_type", "CARD_TYPE_UNKNOWN", wire,
			"the card type must be one of %s", names(p.set.CardTypes(), func(t *CardType) string { return t.Name }))
		return
	}
	for _, a := range p.card.NotBuilt {
		p.warn("%s is part of %s but not built yet: %s", a.Name, p.card.Name, a.Reason)
	}
}

func (p *planner) checkICCSN() {
	if !iccsn.MatchString(p.order.ICCSN) {
		p.refuse("iccsn", "ICCSN", "gemSpec_PKI, GS-A_4630; Card-G2-A_3498",
			"the ICCSN must be 20 decimal digits that begin with 80276")
	}
}

func (p *planner) findSector() {
	p.sector = p.set.sectors[p.order.Sector]
	if p.sector == nil {
		p.refuse("sector", "SECTOR_UNKNOWN", wire,
			"the sector must be one of %s", names(p.set.Sectors(), func(s *Sector) string { return s.Name }))
		return
	}
	if p.card != nil && p.card.Holder.Value != p.sector.Holder.Value {
		p.refuse("sector", "SECTOR_NOT_FOR_CARD_TYPE", p.card.Holder.Source,
			"card type %s is for holders of the kind %s, sector %s has holders of the kind %s",
			p.card.Name, p.card.Holder.Value, p.sector.Name, p.sector.Holder.Value)
	}
	for _, e := range p.sector.Elsewhere {
		p.warn("the card does not carry %s: %s (%s)", e.Name, e.Reason, e.Source)
	}
}

// names lists things for a message.
func names[T any](list []*T, name func(*T) string) string {
	words := make([]string, 0, len(list))
	for _, v := range list {
		words = append(words, name(v))
	}
	return strings.Join(words, ", ")
}
