package profiles

import (
	"slices"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

const (
	citeBound   = "gemSpec_PKI, GS-A_4704, GS-A_5513"
	citeShell   = "gemKPT_PKI_TIP, chapter 2.4.2 (shell model)"
	citeOneCVCA = "gemSpec_PKI, GS-A_4973"
)

// chooseIssuers gives the issuer of every slot, by the name of the slot: the newest that is of the profile's kind, of the
// key's generation, valid now and bound to the profile. A slot without an issuer is missing from the answer, after a refusal.
func (p *planner) chooseIssuers() map[string]*Issuer {
	chosen := map[string]*Issuer{}
	cvcSlots := map[sigalg.Generation][]slotKey{}
	for _, k := range p.keys {
		profile := p.set.x509[k.slot.Profile]
		if profile == nil {
			g := k.slot.Key.Generation()
			cvcSlots[g] = append(cvcSlots[g], k)
			continue
		}
		generation := k.slot.Key.Generation()
		issuer := p.newest(profile.IssuerKind.Value, generation, profile.Name)
		if issuer == nil {
			p.cannot(k.path+".slot", "NO_ISSUER", citeBound,
				"no valid issuer of kind %s and key generation %s is bound to profile %s",
				profile.IssuerKind.Value, generation, profile.Name)
			continue
		}
		p.checkX509Issuer(profile, issuer)
		chosen[k.slot.Name] = issuer
	}
	for _, g := range []sigalg.Generation{sigalg.RSA, sigalg.ECC} {
		if issuer := p.chooseCVCIssuer(g, cvcSlots[g]); issuer != nil {
			for _, k := range cvcSlots[g] {
				chosen[k.slot.Name] = issuer
			}
		}
	}
	return chosen
}

// chooseCVCIssuer gives the one sub-CA that signs all CV certificates of a key generation on the card: the card has room for one
// sub-CA certificate of each (GS-A_4973).
func (p *planner) chooseCVCIssuer(g sigalg.Generation, slots []slotKey) *Issuer {
	if len(slots) == 0 {
		return nil
	}
	var profiles []string
	for _, k := range slots {
		profiles = append(profiles, k.slot.Profile)
	}
	kind := p.set.cvc[profiles[0]].IssuerKind.Value
	issuer := p.newest(kind, g, profiles...)
	if issuer == nil {
		p.cannot(slots[0].path+".slot", "NO_ISSUER", citeOneCVCA,
			"no valid issuer of kind %s and key generation %s is bound to all of %v: one must sign all CV certificates of a card",
			kind, g, profiles)
		return nil
	}
	p.checkCVCIssuer(issuer, slots)
	return issuer
}

// newest gives the newest issuer, the last in the context, that may sign the profiles today; nil if there is none.
func (p *planner) newest(kind IssuerKind, g sigalg.Generation, profiles ...string) *Issuer {
	for _, i := range slices.Backward(p.ctx.Issuers) {
		bound := !slices.ContainsFunc(profiles, func(name string) bool { return !slices.Contains(i.Profiles, name) })
		if i.Kind == kind && i.KeyType.Generation() == g && bound && i.validAt(p.ctx.Now) {
			return i
		}
	}
	return nil
}

// validAt tells whether the issuer's own certificate is valid at a time.
func (i *Issuer) validAt(now time.Time) bool {
	first, last, limited := i.Validity()
	return !limited || !now.Before(first) && !now.After(last)
}

// checkX509Issuer holds the term and what the certificate must say about its status against an issuer.
func (p *planner) checkX509Issuer(profile *X509Profile, i *Issuer) {
	p.checkShell(i)
	field := "sector"
	if p.forDevice() {
		field = "card_type"
	}
	if i.OCSPURL == "" && profile.occurs(pkix.OIDAuthorityInfoAccess) == Always {
		p.cannot(field, "NO_OCSP_URL", "gemSpec_X.509_TSP, TIP1-A_3886",
			"issuer %s has no OCSP responder configured", i.Name)
	}
	if p.wantsCRL(profile) && i.CRLURL == "" {
		p.cannot(field, "NO_CRL_URL", p.sector.CRL.Source,
			"sector %s needs a CRL distribution point, and issuer %s has none configured", p.sector.Name, i.Name)
	}
	p.checkQualifiedIssuer(profile, i)
}

// checkShell refuses a term that is not within the issuer's own, to the second (shell model).
func (p *planner) checkShell(i *Issuer) {
	first, last, limited := i.Validity()
	if p.term == (Term{}) || !limited {
		return
	}
	if p.term.First.Before(first) {
		earliest := first.UTC().Add(24*time.Hour - time.Second).Truncate(24 * time.Hour)
		p.refuse("valid_from", "TERM_BEFORE_ISSUER", citeShell,
			"the first day is %s at the earliest, the first whole day of issuer %s", earliest.Format(day), i.Name)
	}
	if p.term.Last.After(last) {
		latest := last.UTC().Add(time.Second).Truncate(24*time.Hour).AddDate(0, 0, -1)
		p.refuse("valid_until", "TERM_EXCEEDS_ISSUER", citeShell,
			"the last day is %s at the latest, the last whole day of issuer %s", latest.Format(day), i.Name)
	}
}

// checkCVCIssuer holds term and rights against the sub-CA. A card imports a certificate with more rights than its sub-CA has and
// drops them silently; only the issuing software can notice.
func (p *planner) checkCVCIssuer(i *Issuer, slots []slotKey) {
	p.checkShell(i)
	if i.CVC == nil {
		return // generation 1 knows no terms and no rights of issuers
	}
	for _, k := range slots {
		flags, ok := p.flags(p.set.cvc[k.slot.Profile])
		if ok && !flags.Within(i.CVC.Flags) {
			field := "institution.profession_oid"
			if p.forDevice() {
				field = "card_type"
			}
			p.cannot(field, "RIGHTS_EXCEED_ISSUER", "gemSpec_PKI, GS-A_5213-02, Tab_PKI_919-02",
				"the certificate in slot %s would have rights that issuer %s has not", k.slot.Name, i.Name)
		}
	}
}

// flags gives the flag list of a CV certificate. The role's follows from the institution that stands in the X.509 certificates of the
// same card (Tab_PKI_254-02). False: the institution is not known.
func (p *planner) flags(profile *CVCProfile) (cvc.Flags, bool) {
	name := profile.AccessProfile.Value
	if profile.Kind.Value == RoleCVC {
		if p.institution == nil {
			return cvc.Flags{}, false
		}
		name = p.sector.accessProfile(p.institution)
	}
	access, ok := p.set.access[name]
	if !ok {
		return cvc.Flags{}, false
	}
	return access.Flags, true
}
