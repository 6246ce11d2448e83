package profiles

import (
	"time"
)

// maxTermYears is the longest term of a card certificate (GS-A_4352). The loader has the same limit for the profiles, by itself:
// see fiveYears.
const maxTermYears = 5

// maxBackdating is how long before today a term may begin. A night's batch, a holiday and a repaired line fit into a month; a
// certificate that claims to be older than that would say it was valid before anyone had the card.
const maxBackdating = 31

const (
	citeTerm = "gemSpec_PKI, GS-A_4352"
	day      = "2006-01-02"
)

// setTerm reads the first and last day, and sets p.term if they are good. A term that is too long is refused, never cut.
func (p *planner) setTerm() {
	first, okFirst := p.firstDay()
	last, okLast := p.lastDay(first)
	if !okFirst || !okLast {
		return
	}
	limit := lastDayOf(first, p.termYears())
	switch {
	case last.Before(first):
		p.refuse("valid_until", "TERM_EMPTY", wire, "the last day is before the first")
	case last.After(limit):
		p.refuse("valid_until", "TERM_EXCEEDS_FIVE_YEARS", citeTerm,
			"a card that begins on %s ends on %s at the latest", first.Format(day), limit.Format(day))
	case last.Before(p.today()):
		p.refuse("valid_until", "TERM_PAST", wire, "the last day is past")
	default:
		p.term = Term{First: first, Last: last.Add(24*time.Hour - time.Second)}
	}
}

// firstDay gives midnight UTC of the first day; today where the order leaves it open.
func (p *planner) firstDay() (time.Time, bool) {
	if p.order.ValidFrom == "" {
		return p.today(), true
	}
	first, ok := p.day("valid_from", p.order.ValidFrom)
	if !ok {
		return time.Time{}, false
	}
	earliest := p.today().AddDate(0, 0, -maxBackdating)
	switch {
	case first.After(p.today()):
		p.refuse("valid_from", "VALID_FROM_IN_FUTURE", "gemSpec_Kon, TUC_KON_005; gemSpec_COS, (N095.900)",
			"the first day is %s at the latest: cards and connectors refuse CV certificates of the future", p.today().Format(day))
		return time.Time{}, false
	case first.Before(earliest):
		p.refuse("valid_from", "VALID_FROM_TOO_OLD", wire,
			"the first day is %s at the earliest: at most %d days before today",
			earliest.Format(day), maxBackdating)
		return time.Time{}, false
	}
	return first, true
}

// lastDay gives midnight UTC of the last day; the longest term where the order leaves it open.
func (p *planner) lastDay(first time.Time) (time.Time, bool) {
	if p.order.ValidUntil != "" {
		return p.day("valid_until", p.order.ValidUntil)
	}
	return lastDayOf(first, p.termYears()), true
}

// lastDayOf gives the last day of a term of whole years: the day before the anniversary. A term that begins on 29 February of
// 2024 ends on 28 February of 2029.
func lastDayOf(first time.Time, years int) time.Time { return first.AddDate(years, 0, -1) }

// termYears is the longest term that all profiles of the card type allow, and never more than maxTermYears.
func (p *planner) termYears() int {
	years := maxTermYears
	if p.card == nil {
		return years
	}
	for _, slot := range p.card.Slots {
		if profile := p.set.x509[slot.Profile]; profile != nil {
			years = min(years, profile.MaxYears.Value)
		}
		if profile := p.set.cvc[slot.Profile]; profile != nil {
			years = min(years, profile.MaxYears.Value)
		}
	}
	return years
}

func (p *planner) day(path, value string) (time.Time, bool) {
	t, err := time.Parse(day, value)
	if err != nil {
		p.refuse(path, "DATE", wire, "the day must be a calendar date of the form YYYY-MM-DD")
		return time.Time{}, false
	}
	return t, true
}

// today is midnight UTC of the day of planning.
func (p *planner) today() time.Time { return p.ctx.Now.UTC().Truncate(24 * time.Hour) }
