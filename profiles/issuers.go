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
// key's generation, valid now, in use and bound to the profile. A slot without an issuer is missing from the answer, after a refusal.
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
// sub-CA certificate of each (GS-A_4973). It is the newest whose rights include those of the certificates: sub-CAs for one kind of
// institutions each may stand side by side (Tab_PKI_919-02).
func (p *planner) chooseCVCIssuer(g sigalg.Generation, slots []slotKey) *Issuer {
	if len(slots) == 0 {
		return nil
	}
	var profiles []string
	for _, k := range slots {
		profiles = append(profiles, k.slot.Profile)
	}
	kind := p.set.cvc[profiles[0]].IssuerKind.Value
	candidates := p.ofSector(p.bound(kind, g, profiles...))
	if len(candidates) == 0 {
		p.refuseNoSubCA(slots[0].path+".slot", kind, g, profiles)
		return nil
	}
	issuer := candidates[0]
	if i := slices.IndexFunc(candidates, func(i *Issuer) bool { return p.exceeding(i, slots) == nil }); i >= 0 {
		issuer = candidates[i]
	} else {
		p.refuseRights(issuer, p.exceeding(issuer, slots))
	}
	p.checkShell(issuer)
	return issuer
}

// ofSector keeps the sub-CAs that the sector may use. A sector with a sub-CA of its own uses none with another flag list, and no other sector
// uses that one. Generation 1 knows no flag lists.
func (p *planner) ofSector(candidates []*Issuer) []*Issuer {
	own := p.subCAOfSector()
	return slices.DeleteFunc(candidates, func(i *Issuer) bool {
		switch {
		case i.CVC == nil:
			return false
		case own != nil:
			return i.CVC.Flags != own.Flags
		}
		return p.set.ownSubCA(i.CVC.Flags)
	})
}

// subCAOfSector gives the row of the sub-CA that the order's sector has for itself; nil if it has none.
func (p *planner) subCAOfSector() *SubCA {
	if p.forDevice() || p.sector == nil {
		return nil
	}
	return p.set.subCAs[p.sector.SubCA.Value]
}

// ownSubCA tells whether a flag list is that of a sub-CA that one sector has for itself.
func (s *Set) ownSubCA(flags cvc.Flags) bool {
	for _, sector := range s.sectors {
		if row := s.subCAs[sector.SubCA.Value]; row != nil && row.Flags == flags {
			return true
		}
	}
	return false
}

// refuseNoSubCA says that no sub-CA is for the profiles or, where there is one, none for the sector.
func (p *planner) refuseNoSubCA(path string, kind IssuerKind, g sigalg.Generation, profiles []string) {
	if own := p.subCAOfSector(); own != nil && len(p.bound(kind, g, profiles...)) > 0 {
		p.cannot("sector", "SUB_CA_OF_SECTOR", p.sector.SubCA.Source,
			"sector %s needs a sub-CA of its own with the flag list %s, and no valid issuer has it", p.sector.Name, own.Flags)
		return
	}
	p.cannot(path, "NO_ISSUER", citeOneCVCA,
		"no valid issuer of kind %s and key generation %s is bound to all of %v: one must sign all CV certificates of a card",
		kind, g, profiles)
}

// newest gives the newest issuer, the last in the context, that may sign the profiles today; nil if there is none.
func (p *planner) newest(kind IssuerKind, g sigalg.Generation, profiles ...string) *Issuer {
	if found := p.bound(kind, g, profiles...); len(found) > 0 {
		return found[0]
	}
	return nil
}

// bound lists the issuers that may sign the profiles today, the newest first: the last in the context.
func (p *planner) bound(kind IssuerKind, g sigalg.Generation, profiles ...string) (found []*Issuer) {
	for _, i := range slices.Backward(p.ctx.Issuers) {
		all := !slices.ContainsFunc(profiles, func(name string) bool { return !slices.Contains(i.Profiles, name) })
		if i.Kind == kind && i.KeyType.Generation() == g && all && i.signsAt(p.ctx.Now) {
			found = append(found, i)
		}
	}
	return found
}

// signsAt tells whether the issuer's own certificate is valid at a time and the issuer in use for cards.
func (i *Issuer) signsAt(now time.Time) bool {
	first, last, limited := i.Validity()
	return (!limited || !now.Before(first) && !now.After(last)) && !now.Before(i.OrdersFrom) && !i.RetiredAt(now)
}

// RetiredAt tells whether the issuer is retired at a time.
func (i *Issuer) RetiredAt(now time.Time) bool { return !i.Retired.IsZero() && !now.Before(i.Retired) }

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

// exceeding lists the slots whose certificates would have rights that the sub-CA has not. A card imports such a certificate and drops the
// rights silently; only the issuing software can notice. Generation 1 knows no rights of issuers.
func (p *planner) exceeding(i *Issuer, slots []slotKey) (names []string) {
	if i.CVC == nil {
		return nil
	}
	for _, k := range slots {
		if flags, ok := p.flags(p.set.cvc[k.slot.Profile]); ok && !flags.Within(i.CVC.Flags) {
			names = append(names, k.slot.Name)
		}
	}
	return names
}

// refuseRights says that no sub-CA has the rights of the certificates; the newest stands for all.
func (p *planner) refuseRights(newest *Issuer, slots []string) {
	field := "institution.profession_oid"
	if p.forDevice() {
		field = "card_type"
	}
	for _, slot := range slots {
		p.cannot(field, "RIGHTS_EXCEED_ISSUER", "gemSpec_PKI, GS-A_5213-02, Tab_PKI_919-02",
			"the certificate in slot %s would have rights that no issuer has, the newest of them %s", slot, newest.Name)
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
