package profiles

import (
	"crypto/rsa"
	"encoding/hex"
	"errors"
	"fmt"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// This file is what differs for CV certificates of generation 1: RSA with message recovery, a role identifier in place of rights,
// no dates.

// G1Role is a row of a profile of generation 1: what the CHA of an institution's role certificate ends in (GS-A_4631).
type G1Role struct {
	Institution   string // OID
	Role          byte
	Confirmed     bool   // the identifier stands in a real certificate; otherwise it is taken from a table for both generations
	AccessProfile string // of the card's role certificate of generation 2, without which the row does not hold; empty: any
	Source        string

	at position
}

func readG1Role(d *decoder, n *yaml.Node) G1Role {
	m := d.mapping(n)
	r := G1Role{
		Institution:   required(m, "institution", oidText),
		Role:          required(m, "role", parsed(parseG1Role)),
		Confirmed:     required(m, "confirmed", truth),
		AccessProfile: optional(m, "access_profile", text),
		Source:        required(m, "source", text),
		at:            m.at(),
	}
	m.end()
	return r
}

// parseG1Role reads two hex digits that stand for a class of holders.
func parseG1Role(s string) (byte, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != 1 || cvc.NewCHA(b[0]).Holder() == "" {
		return 0, errors.New("a role identifier is two hex digits that name a class of holders")
	}
	return b[0], nil
}

// isG1 tells whether the profile is one of generation 1.
func (p *CVCProfile) isG1() bool { return p.generation() == sigalg.RSA }

// checkG1Roles holds the rows of a profile of generation 1 against the other files.
func (l *loader) checkG1Roles(s *Set, p *CVCProfile) {
	seen := map[string]bool{}
	for _, r := range p.G1Roles {
		switch {
		case r.Institution == "": // reported where it was read
		case s.institutions[r.Institution] == nil:
			l.problems.add(r.at, "UNKNOWN_REFERENCE", "institutions.yaml has no text for %s", r.Institution)
		case seen[r.Institution]:
			l.problems.add(r.at, "DUPLICATE_NAME", "institution %s has a row already", r.Institution)
		}
		seen[r.Institution] = true
		if r.AccessProfile != "" && s.access[r.AccessProfile] == nil {
			l.problems.add(r.at, "UNKNOWN_REFERENCE", "chat.yaml has no access profile %s", r.AccessProfile)
		}
	}
}

// g1Profile gives the profile of a slot for a certificate of generation 1; nil for other slots.
func (p *planner) g1Profile(s *Slot) *CVCProfile {
	if profile := p.set.cvc[s.Profile]; profile != nil && profile.isG1() {
		return profile
	}
	return nil
}

// g1Role gives the row for the order's institution; a zero row where it has no role. Known is false where the institution cannot be told, or
// is none for this card, which is refused by itself.
func (p *planner) g1Role(profile *CVCProfile) (row G1Role, known bool) {
	if p.institution == nil || p.sector.Holder.Value != p.card.Holder.Value {
		return G1Role{}, false
	}
	for _, r := range profile.G1Roles {
		if r.Institution == p.institution.OID && (r.AccessProfile == "" || r.AccessProfile == p.sector.accessProfile(p.institution)) {
			return r, true
		}
	}
	return G1Role{}, true
}

// mayStayEmpty tells whether a slot without a key may stay empty because the institution cannot have its certificate, or cannot be told, and
// warns of it.
func (p *planner) mayStayEmpty(s *Slot) bool {
	profile := p.g1Profile(s)
	if profile == nil {
		return false
	}
	row, known := p.g1Role(profile)
	if known && row == (G1Role{}) {
		p.warn("%s stays empty: %s has no role in generation 1 (%s)", s.Name, p.institution.Reference, citeG1Role)
	}
	return row == G1Role{}
}

const (
	citeG1Role  = "gemSpec_PKI, GS-A_4631; Tab_PKI_254 of 2017"
	citeG1Dates = "gemSpec_COS 3.11.0, A_13704"
)

// checkGeneration1 looks at the keys for certificates of generation 1.
func (p *planner) checkGeneration1() {
	for _, k := range p.keys {
		profile := p.g1Profile(k.slot)
		if profile == nil {
			continue
		}
		p.checkG1Role(k, profile)
		if pub, ok := k.pub.(*rsa.PublicKey); ok && pub.E != g1Exponent {
			p.refuse(k.path, "G1_EXPONENT", "gemSpec_COS 3.11.0, A_13704",
				"the public exponent of a key for %s must be %d", k.slot.Name, g1Exponent)
		}
		p.warn("%s carries no dates: no reader of it finds that it has expired. What is recorded and bounded is the term of the card (%s)",
			k.slot.Name, citeG1Dates)
	}
}

// g1Exponent is the exponent of all known certificates of generation 1.
const g1Exponent = 65537

func (p *planner) checkG1Role(k slotKey, profile *CVCProfile) {
	row, known := p.g1Role(profile)
	switch {
	case !known:
	case row == G1Role{}:
		p.refuse(k.path+".slot", "PROFESSION_WITHOUT_G1_ROLE", citeG1Role,
			"%s has no role in generation 1 in sector %s; leave the slot out", p.institution.Reference, p.sector.Name)
	case !row.Confirmed:
		p.warn("%s: role identifier %02X for %s is not confirmed: no real certificate with it is known (%s)",
			k.slot.Name, row.Role, p.institution.Reference, row.Source)
	}
}

// g1Content makes the content of a CV certificate of generation 1.
func (p *planner) g1Content(profile *CVCProfile, k slotKey, issuer *Issuer) (*cvc.G1Body, error) {
	car, ok := issuer.G1.CHR.Reference()
	if !ok {
		return nil, fmt.Errorf("issuer %s has no key reference", issuer.Name)
	}
	chr, err := cvc.CardCHR(k.slot.KeyID.Value, p.order.ICCSN)
	if err != nil {
		return nil, err
	}
	row, _ := p.g1Role(profile)
	if row == (G1Role{}) {
		return nil, fmt.Errorf("institution %s has no role in generation 1", p.institution.OID)
	}
	b := &cvc.G1Body{CHA: cvc.NewCHA(row.Role), CHR: chr, CAR: car}
	if b.PublicKey, ok = k.pub.(*rsa.PublicKey); !ok {
		return nil, fmt.Errorf("a CV certificate of generation 1 cannot hold a %T", k.pub)
	}
	return b, nil
}

// g1Octets is the length of the finished certificate.
func (s *PlannedSlot) g1Octets() (int, error) {
	message, err := s.G1.Message()
	if err != nil {
		return 0, err
	}
	raw, err := cvc.AssembleG1(message, make([]byte, signatureLen(s.Issuer.KeyType)), s.Issuer.G1.PublicKey)
	return len(raw), err
}
