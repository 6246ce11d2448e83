package profiles

import (
	"slices"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// CVCKind tells role certificates from device certificates.
type CVCKind string

// The kinds of CV certificates on a card.
const (
	RoleCVC   CVCKind = "role"   // rights on patients' cards: the access profile follows from the institution
	DeviceCVC CVCKind = "device" // what the card is: the access profile is fixed
)

// CVCProfile says what a CV certificate looks like: a file under cvc/. Its key types tell the generation: RSA is generation 1, see
// generation1.go, brainpool curves are generation 2.
type CVCProfile struct {
	Name          string // for example "C.SMC.AUTR_CVC"
	Title         string
	IssuerKind    Cited[IssuerKind]
	MaxYears      Cited[int] // at most five
	Kind          Cited[CVCKind]
	Keys          Cited[[]sigalg.KeyType] // key types that the profile takes
	FlagOID       Cited[cvc.FlagOID]      // generation 2 only
	AccessProfile Cited[string]           // generation 2, device certificates only
	G1Roles       []G1Role                // generation 1 only
	Gaps          []Gap                   // where the sources are silent or the profile leaves them

	at position
}

// takes tells whether the profile takes a key type.
func (p *CVCProfile) takes(t sigalg.KeyType) bool { return slices.Contains(p.Keys.Value, t) }

// generation is the key generation of the profile's keys, which the loader has found to be one.
func (p *CVCProfile) generation() sigalg.Generation {
	if len(p.Keys.Value) == 0 {
		return ""
	}
	return p.Keys.Value[0].Generation()
}

func readCVCProfile(d *decoder, m mapping) *CVCProfile {
	p := &CVCProfile{
		Name:       required(m, "profile", text),
		Title:      required(m, "title", text),
		IssuerKind: cited(m, "issuer_kind", issuerKind(CVCSubCA, CVCDeviceCA)),
		MaxYears:   cited(m, "max_years", number),
		Kind:       cited(m, "kind", word(map[string]CVCKind{string(RoleCVC): RoleCVC, string(DeviceCVC): DeviceCVC})),
		Keys:       cited(m, "keys", set(parsed(sigalg.ParseKeyType))),
		Gaps:       optional(m, "gaps", list(readGap)),
		at:         m.at(),
	}
	checkYears(d, p.MaxYears)
	p.checkKeys(d)
	if p.isG1() {
		p.G1Roles = required(m, "g1_roles", list(readG1Role))
		if p.Kind.Value == DeviceCVC {
			d.problems.add(p.Kind.at, "CONTRADICTION", "an SMC-B has no device certificate of generation 1")
		}
		return p
	}
	p.FlagOID = cited(m, "flag_oid", word(map[string]cvc.FlagOID{cvc.FlagsTI.String(): cvc.FlagsTI}))
	var fixed bool
	p.AccessProfile, fixed = citedIfThere(m, "access_profile", text)
	if isDevice := p.Kind.Value == DeviceCVC; p.Kind.Value != "" && isDevice != fixed {
		d.problems.add(p.at, "CONTRADICTION", "access_profile belongs to device certificates and only to them")
	}
	return p
}

// checkKeys sees to it that the key types are those of one generation: RSA-2048, or brainpool curves.
func (p *CVCProfile) checkKeys(d *decoder) {
	for _, k := range p.Keys.Value {
		if _, brainpool := k.Curve(); k != 0 && !brainpool && k != sigalg.R2048 {
			d.problems.add(p.Keys.at, "CONTRADICTION", "CV certificates take no keys of type %s", k)
		} else if k.Generation() != p.generation() {
			d.problems.add(p.Keys.at, "CONTRADICTION", "key types of two generations need a profile each")
		}
	}
}
