package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// rules check what must hold between leaves. They remember attempts that have not ended, orders that wait, key sessions and issuers: as
// many as there are at a time. What must be unique for ever goes to twice. Leaves come in ascending order, from one goroutine.
type rules struct {
	report  *Report
	gapless bool // no filter: what happened between the first and the last leaf is all here
	begun   bool // and the first leaf is that of the log, so that what came before is known, too
	issuers issuers

	open     map[string]*attempt // by attempt
	first    map[string]string   // first attempt of an order that has no card yet
	sessions *sessions
	approved approvals
	known    map[string]string   // SHA-256 of an issuer's certificate, by name, as the log has it
	unique   *twice              // what must be there once
	needs    *twice              // what must be there before others
	kinds    map[tlog.Kind]int64 // unknown ones

	cards, attempts, orphans int64
}

// production is the name of the environment in which a key session needs two people.
const production = "production"

// attempt is an attempt that has not ended.
type attempt struct {
	facts *tlog.OrderFacts
	at    time.Time
}

func newRules(r *Report, m *Manifest, list issuers, unique, needs *twice) *rules {
	return &rules{report: r, gapless: m.Filter == nil, begun: m.Filter == nil && m.First == 0, issuers: list, unique: unique, needs: needs,
		open: map[string]*attempt{}, first: map[string]string{}, sessions: newSessions(), approved: approvals{}, known: map[string]string{}, kinds: map[tlog.Kind]int64{}}
}

// things names what of a leaf must be there only once in the log.
func things(i *item, each func(what string, name ...string) error) error {
	switch f := i.facts.(type) {
	case *tlog.OrderFacts:
		if err := each("attempt", f.Attempt); err != nil {
			return err
		}
		for d := range f.Drafts {
			if f.Drafts[d].Serial == "" {
				continue
			}
			if err := each("serial number", f.Drafts[d].Issuer, f.Drafts[d].Serial); err != nil {
				return err
			}
		}
	case *tlog.CardFacts:
		if err := each("card of order", f.Order); err != nil || f.Renews != "" {
			return err
		}
		if err := each("card of chip", f.ICCSN); err != nil {
			return err
		}
		for d := range f.Certificates {
			if f.Certificates[d].CHR != "" {
				if err := each("CHR", f.Certificates[d].Issuer, f.Certificates[d].CHR); err != nil {
					return err
				}
			}
			if err := each("public key", f.Certificates[d].KeySHA256); err != nil {
				return err
			}
		}
	case *tlog.ActivationFacts:
		return each("activation of chip", f.ICCSN)
	case *tlog.CardRevocationFacts:
		return each("revocation of chip", f.ICCSN)
	case *tlog.CertificateRevocationFacts:
		return each("revocation of certificate", f.Certificate.Issuer, f.Certificate.Serial)
	}
	return nil
}

// take checks a leaf against those before it.
func (r *rules) take(i *item) error {
	if i.unknown {
		r.kinds[i.entry.Kind]++
	}
	switch f := i.facts.(type) {
	case *tlog.ServerFacts:
		r.sessions.production = f.Environment == production
		for n := range f.Issuers {
			r.name(i, f.Issuers[n].Name, f.Issuers[n].CertificateSHA256)
		}
	case *tlog.IssuerAddedFacts:
		r.issuerAdded(i, f)
	case *tlog.SessionFacts:
		r.say(i, r.sessions.open(f, i.entry.At))
		r.say(i, r.approved.allowed(f.Approval, r.begun))
	case *tlog.DrawFacts:
		r.say(i, r.sessions.draw(f, i.entry.At, r.begun))
	case *tlog.ApprovalRequestFacts:
		r.say(i, r.approved.request(f))
	case *tlog.ApprovalDecisionFacts:
		if i.entry.Kind == tlog.ApprovalGiven {
			r.say(i, r.approved.give(f, r.begun))
		} else {
			r.say(i, r.approved.end(f.Approval, f.Act, f.ParametersSHA256, r.begun))
		}
	case *tlog.ApprovalEndFacts:
		if i.entry.Kind == tlog.ApprovalUsed {
			r.say(i, r.approved.use(f, r.begun))
		} else {
			r.say(i, r.approved.end(f.Approval, f.Act, f.ParametersSHA256, r.begun))
		}
	case *tlog.SessionEndFacts:
		r.say(i, r.sessions.end(f, i.entry.At, r.begun))
	case *tlog.OrderFacts:
		r.orderRecorded(i, f)
	case *tlog.CardFacts:
		r.cardIssued(i, f)
	case *tlog.AbandonFacts:
		r.ended(i, f.Attempt, f.Order, f.ICCSN)
	}
	if err := things(i, func(what string, name ...string) error { return r.unique.add(r.unique.hash(append(name, what)...)) }); err != nil || !r.begun {
		return err
	}
	return needs(i, func(side func(uint64) uint64, what string, name ...string) error {
		return r.needs.add(side(r.needs.hash(append(name, what)...)))
	})
}

// needs names what a leaf makes, and what of the leaves before it it needs.
func needs(i *item, each func(side func(uint64) uint64, what string, name ...string) error) error {
	switch f := i.facts.(type) {
	case *tlog.CardFacts:
		if f.Renews != "" {
			return each(needed, "the card of order", f.Renews)
		}
		if err := each(made, "the card of order", f.Order); err != nil {
			return err
		}
		for n := range f.Certificates {
			if c := &f.Certificates[n]; c.Serial != "" {
				if err := each(made, "the certificate", c.Issuer, c.Serial); err != nil {
					return err
				}
			}
		}
		return each(made, "the card of chip", f.ICCSN)
	case *tlog.ActivationFacts:
		return each(needed, "the card of chip", f.ICCSN)
	case *tlog.CardRevocationFacts:
		for _, c := range f.Certificates {
			if err := each(needed, "the certificate", c.Issuer, c.Serial); err != nil {
				return err
			}
		}
		return each(needed, "the card of chip", f.ICCSN)
	case *tlog.CertificateRevocationFacts:
		return each(needed, "the certificate", f.Certificate.Issuer, f.Certificate.Serial)
	}
	return nil
}

func (r *rules) say(i *item, wrong string) {
	if wrong != "" {
		i.wrong("%s", wrong)
	}
}

// name holds what a leaf says of an issuer's certificate against other leaves and the export.
func (r *rules) name(i *item, name, sha256 string) {
	if was, ok := r.known[name]; ok && was != sha256 {
		i.wrong("the name of issuer %s stands for another certificate than before", name)
	}
	r.known[name] = sha256
	if is := r.issuers[name]; is != nil && is.sha256 != sha256 {
		i.wrong("%s is not the certificate that the log has for issuer %s: its SHA-256 is %s, the log has %s", is.file, name, is.sha256, sha256)
	}
}

func (r *rules) issuerAdded(i *item, f *tlog.IssuerAddedFacts) {
	r.name(i, f.Name, f.CertificateSHA256)
	if _, known := r.known[f.IssuedBy]; r.begun && !known {
		i.wrong("issuer %s is below %s, which the log does not know before", f.Name, f.IssuedBy)
	}
	is, above := r.issuers[f.Name], r.issuers[f.IssuedBy]
	if is == nil || above == nil {
		return
	}
	if err := is.checkIssuedBy(above); err != nil {
		i.wrong("the certificate of issuer %s in %s is not issued by %s: %v", f.Name, is.file, f.IssuedBy, err)
	}
}

func (r *rules) orderRecorded(i *item, f *tlog.OrderFacts) {
	r.attempts++
	if r.open[f.Attempt] != nil {
		i.wrong("attempt %s is recorded a second time", f.Attempt)
	}
	r.open[f.Attempt] = &attempt{f, i.entry.At}
	switch was := r.first[f.Order]; {
	case was == "" && f.SameOrderAs != "" && r.begun:
		i.wrong("it refers to attempt %s of order %s, which the log does not have before", f.SameOrderAs, f.Order)
	case was != "" && was != f.SameOrderAs:
		i.wrong("it does not refer to the first attempt of its order, %s", was)
	case was == "" && f.SameOrderAs == "":
		r.first[f.Order] = f.Attempt
	}
	for d := range f.Drafts {
		draft := &f.Drafts[d]
		if err := checkFiveYears(draft); err != nil {
			i.wrong("draft %d, slot %s: %v", d, draft.Slot, err)
		}
		if _, known := r.known[draft.Issuer]; r.begun && !known {
			i.wrong("draft %d, slot %s: the log does not know issuer %s before", d, draft.Slot, draft.Issuer)
		}
		if wrong := r.sessions.use(draft.Issuer, i.entry.At); wrong != "" && r.begun {
			i.wrong("draft %d, slot %s: %s", d, draft.Slot, wrong)
		}
	}
}

func (r *rules) cardIssued(i *item, f *tlog.CardFacts) {
	r.cards++
	was := r.ended(i, f.Attempt, f.Order, f.ICCSN)
	delete(r.first, f.Order)
	if was == nil {
		return
	}
	for _, c := range []struct{ name, recorded, issued string }{
		{"card_type", was.facts.CardType, f.CardType}, {"sector", was.facts.Sector, f.Sector}, {"renews", was.facts.Renews, f.Renews},
	} {
		if c.recorded != c.issued {
			i.wrong("%s is %q, recorded was %q", c.name, c.issued, c.recorded)
		}
	}
	if len(was.facts.Drafts) != len(f.Certificates) {
		i.wrong("it has %d certificates, recorded were %d drafts", len(f.Certificates), len(was.facts.Drafts))
		return
	}
	for n := range f.Certificates {
		issued := f.Certificates[n]
		issued.SHA256 = ""
		if issued != was.facts.Drafts[n] {
			i.wrong("certificate %d, slot %s: it is not the draft that was recorded", n, issued.Slot)
		}
	}
}

// ended takes the end of an attempt, and gives the attempt, where it is known.
func (r *rules) ended(i *item, id, order, iccsn string) *attempt {
	was := r.open[id]
	delete(r.open, id)
	switch {
	case was == nil && r.begun:
		i.wrong("attempt %s was not recorded before, or has ended already", id)
	case was == nil:
		r.orphans++
	case was.facts.Order != order || was.facts.ICCSN != iccsn:
		i.wrong("attempt %s is of another order or chip", id)
	case i.entry.At.Before(was.at):
		i.wrong("attempt %s ends at %s, before it was recorded at %s", id, tlog.Instant(i.entry.At), tlog.Instant(was.at))
	}
	return was
}

// end says what was checked, when all leaves have been taken.
func (r *rules) end() {
	r.report.checked(r.attempts, "attempts: recorded once, within five years, by known issuers with an open key session")
	r.report.checked(r.cards, "cards: each the drafts that were recorded for it, and each attempt ended once")
	if r.orphans > 0 {
		r.report.omit("drafts of some cards, and the beginning of some attempts", "%d leaves end attempts whose beginning is not in this export", r.orphans)
	}
	if len(r.open) > 0 {
		r.report.omit("what became of some attempts", "%d attempts have no end in this export: they were under way, or ended later", len(r.open))
	}
	if !r.gapless {
		r.report.omit("that key sessions were open, issuers known and attempts recorded", "the export was filtered, so that the leaves that say so need not be here")
	} else if !r.begun {
		r.report.omit("key sessions, issuers and attempts of the time before", "the export does not begin with the first leaf of the log")
	}
	for _, kind := range slices.Sorted(maps.Keys(r.kinds)) {
		r.report.omit(fmt.Sprintf("what entries of kind %q say", kind), "%d of them; this program does not know the kind", r.kinds[kind])
	}
	var given []string
	for name, is := range r.issuers {
		if r.known[name] == "" {
			given = append(given, is.name)
		}
	}
	if len(given) > 0 {
		slices.Sort(given)
		r.report.omit("that the certificates of some issuers are those of the log", "no leaf of this export says for which certificate they stand: %s",
			strings.Join(given, ", "))
	}
}
