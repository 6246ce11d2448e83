package profiles

import (
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// citeOutlive allows the fixed validity of certificates to go beyond the end of their algorithm.
const citeOutlive = "gemSpec_Krypt, A_15590"

// EndedAlgorithm is what a plan uses although its last day has passed: all slots that fall under one exception.
type EndedAlgorithm struct {
	Exception string
	LastDay   Deadline // the earliest of the rows concerned
	Granted   bool     // by the configuration; otherwise environment test tolerates it
	Slots     []string // in the order of the card type
}

// checkAlgorithms holds the algorithms of every certificate against the policy, on the day of issue. No other day would do: a term that
// begins in the past must not bring an algorithm back, and none begins in the future.
func (p *planner) checkAlgorithms(issuers map[string]*Issuer) {
	var outliving endings
	for _, k := range p.keys {
		refused := "" // key and signature mostly end together: an exception is named once for each slot
		for _, use := range p.uses(k, issuers[k.slot.Name]) {
			row, known := p.set.policy.Algorithm(use)
			switch {
			case !known:
				p.cannot(k.path+".slot", "ALGORITHM_WITHOUT_POLICY", policyFile, "the algorithm policy has no row for %s", use)
			case row.LastDay.Value.Passed(p.ctx.Now) && p.refuses(row):
				if refused != row.Exception {
					p.refuse(k.path+".slot", "ALGORITHM_ENDED", row.LastDay.Source,
						"%s: the last day was %s, and this server does not grant the exception %s", row.Name, row.LastDay.Value, row.Exception)
				}
				refused = row.Exception
			case row.LastDay.Value.Passed(p.ctx.Now):
				p.ended.add(row, p.grants(row), k.slot.Name)
			case row.LastDay.Value.Passed(p.term.Last):
				outliving.add(row, false, k.slot.Name)
			}
		}
	}
	p.warnEnded()
	for _, e := range outliving {
		if p.ended.has(e.Exception) {
			continue // one use of the algorithm has ended already; that the other ends later is no news
		}
		p.warn("%s ends on %s, before the certificates in %s (%s)", p.title(e), e.LastDay, strings.Join(e.Slots, ", "), citeOutlive)
	}
}

// uses lists what a slot's certificate needs algorithms for. Without an issuer, which is refused by itself, there is no signature.
func (p *planner) uses(k slotKey, issuer *Issuer) []AlgorithmUse {
	family, _ := p.set.family(k.slot.Profile)
	list := []AlgorithmUse{{Family: family, Purpose: SubjectKey, Key: k.slot.Key}}
	if issuer == nil {
		return list
	}
	scheme, err := issuer.scheme()
	if err != nil {
		return list // to build the certificate gives the same error
	}
	return append(list, AlgorithmUse{Family: family, Purpose: CertificateSignature, Scheme: scheme, Key: issuer.KeyType})
}

// scheme is the scheme with which the issuer signs certificates of its kind.
func (i *Issuer) scheme() (sigalg.Scheme, error) {
	if i.Kind.IsCVC() {
		return sigalg.CVCScheme(i.KeyType)
	}
	return i.X509Scheme()
}

// refuses tells whether an algorithm that is past its last day cannot be used here.
func (p *planner) refuses(row *Algorithm) bool {
	return p.ctx.Environment == Production && !p.grants(row)
}

func (p *planner) grants(row *Algorithm) bool {
	return slices.Contains(p.ctx.Exceptions, row.Exception)
}

// warnEnded says once for each exception what is tolerated, and why.
func (p *planner) warnEnded() {
	for _, e := range p.ended {
		slots := strings.Join(e.Slots, ", ")
		if e.Granted {
			p.warn("%s ended on %s: in %s by exception %s of this server", p.title(e), e.LastDay, slots, e.Exception)
			continue
		}
		p.warn("%s ended on %s: environment production refuses %s without exception %s", p.title(e), e.LastDay, slots, e.Exception)
	}
}

func (p *planner) title(ended EndedAlgorithm) string {
	e, _ := p.set.policy.Exception(ended.Exception)
	return e.Title
}

// endings are ended algorithms by exception, in the order in which they were met.
type endings []EndedAlgorithm

func (list endings) has(exception string) bool {
	return slices.ContainsFunc(list, func(e EndedAlgorithm) bool { return e.Exception == exception })
}

func (list *endings) add(row *Algorithm, granted bool, slot string) {
	i := slices.IndexFunc(*list, func(e EndedAlgorithm) bool { return e.Exception == row.Exception })
	if i < 0 {
		*list = append(*list, EndedAlgorithm{Exception: row.Exception, LastDay: row.LastDay.Value, Granted: granted, Slots: []string{slot}})
		return
	}
	e := &(*list)[i]
	if row.LastDay.Value.Before(e.LastDay) {
		e.LastDay = row.LastDay.Value
	}
	if !slices.Contains(e.Slots, slot) {
		e.Slots = append(e.Slots, slot)
	}
}
