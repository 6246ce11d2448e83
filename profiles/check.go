package profiles

import (
	"slices"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// check looks at what must hold between the files: every name that one file uses is defined in another, and no two rules
// contradict each other.
func (l *loader) check() {
	l.checkComplete()
	s := l.set()
	for _, p := range l.x509 {
		if _, both := s.cvc[p.Name]; both {
			l.problems.add(p.at, "DUPLICATE_NAME", "%s is the name of an X.509 profile and of a CVC profile", p.Name)
		}
	}
	for _, t := range l.cards {
		for _, slot := range t.Slots {
			l.checkSlot(s, slot)
		}
	}
	for _, p := range l.cvc {
		l.checkG1Roles(s, p)
		if name := p.AccessProfile.Value; name != "" && s.access[name] == nil {
			l.problems.add(p.AccessProfile.at, "UNKNOWN_REFERENCE", "chat.yaml has no access profile %s", name)
		}
	}
	for _, row := range l.subCAs {
		l.checkSubCA(s, row)
	}
	for _, i := range l.institutions {
		for _, role := range i.Roles {
			if s.access[role] == nil {
				l.problems.add(i.at, "UNKNOWN_REFERENCE", "chat.yaml has no access profile %s", role)
			}
		}
	}
	for _, sector := range l.sectors {
		l.checkSector(s, sector)
	}
}

// checkComplete sees to it that no part of the catalogue is missing.
func (l *loader) checkComplete() {
	for _, part := range []struct {
		what string
		none bool
	}{
		{"cards", len(l.cards) == 0}, {"sectors", len(l.sectors) == 0}, {"x509", len(l.x509) == 0}, {"cvc", len(l.cvc) == 0},
		{"issuers", len(l.issuers) == 0},
		{"institutions.yaml", l.institutions == nil}, {"chat.yaml", l.access == nil}, {"subca.yaml", l.subCAs == nil},
		{revocationFile, l.revocation == nil},
	} {
		if part.none {
			l.problems.add(position{part.what, 1}, "MISSING_FILE", "the catalogue has no %s", part.what)
		}
	}
}

// checkSlot holds a slot against its profile.
func (l *loader) checkSlot(s *Set, slot Slot) {
	if slot.Profile == "" || slot.Key == 0 {
		return // reported where it was read
	}
	if p, ok := s.x509[slot.Profile]; ok {
		if _, takes := p.keyUsage(slot.Key); !takes {
			l.problems.add(slot.at, "CONTRADICTION", "profile %s has no key usage for key type %s", slot.Profile, slot.Key)
		}
		if slot.KeyID.Value != 0 {
			l.problems.add(slot.KeyID.at, "CONTRADICTION", "key_id is for CV certificates")
		}
		return
	}
	p, ok := s.cvc[slot.Profile]
	if !ok {
		l.problems.add(slot.at, "UNKNOWN_REFERENCE", "there is no profile %s", slot.Profile)
		return
	}
	if !p.takes(slot.Key) {
		l.problems.add(slot.at, "CONTRADICTION", "profile %s does not take key type %s", slot.Profile, slot.Key)
	}
	if slot.KeyID.Value == 0 {
		l.problems.add(slot.at, "MISSING_KEY", "a slot for a CV certificate needs key_id, the first part of its CHR")
	}
}

// checkSector holds a sector against the institutions and the X.509 profiles.
func (l *loader) checkSector(s *Set, sector *Sector) {
	if sector.Holder.Value == HolderDevice {
		l.problems.add(sector.Holder.at, "CONTRADICTION", "a device belongs to no sector")
	}
	if r := sector.Role; r.Value != "" && s.access[r.Value] == nil {
		l.problems.add(r.at, "UNKNOWN_REFERENCE", "chat.yaml has no access profile %s", r.Value)
	}
	if r := sector.SubCA; r.Value != "" && s.subCAs[r.Value] == nil {
		l.problems.add(r.at, "UNKNOWN_REFERENCE", "subca.yaml has no sub-CA %s", r.Value)
	}
	for _, oid := range sector.Institutions.Value {
		i, ok := s.institutions[oid]
		switch {
		case oid == "": // reported where it was read
		case !ok:
			l.problems.add(sector.Institutions.at, "UNKNOWN_REFERENCE", "institutions.yaml has no text for %s", oid)
		case sector.Holder.Value == HolderInstitution && sector.accessProfile(i) == "":
			l.problems.add(sector.Institutions.at, "CONTRADICTION",
				"%s has the roles %v, and the sector must fix one of them with role", oid, i.Roles)
		}
	}
	for _, p := range l.x509 {
		if p.SubjectOf.Value != SubjectInstitution {
			continue // not for the sector to say
		}
		wide := p.occurs(pkix.OIDCRLDistributionPoints)
		if sector.CRL.Occurs != "" && !sector.CRL.Occurs.narrows(wide) {
			l.problems.add(sector.CRL.at, "CONTRADICTION", "profile %s has cRLDistributionPoints %s, the sector %s", p.Name, wide, sector.CRL.Occurs)
		}
		if names := []Occurs{sector.Email.Occurs, sector.LongName.Occurs}; p.occurs(pkix.OIDSubjectAltName) == Never &&
			slices.ContainsFunc(names, func(o Occurs) bool { return o == Always || o == Optional }) {
			l.problems.add(sector.at, "CONTRADICTION", "profile %s has no subjectAltName, the sector has names for it", p.Name)
		}
	}
}
