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

// CVCProfile says what a CV certificate of generation 2 looks like: a file under cvc/.
type CVCProfile struct {
	Name          string // for example "C.SMC.AUTR_CVC"
	Title         string
	IssuerKind    Cited[IssuerKind]
	MaxYears      Cited[int] // at most five
	Kind          Cited[CVCKind]
	FlagOID       Cited[cvc.FlagOID]
	Keys          Cited[[]sigalg.KeyType] // key types that the profile takes
	AccessProfile Cited[string]           // device certificates only

	at position
}

// takes tells whether the profile takes a key type.
func (p *CVCProfile) takes(t sigalg.KeyType) bool { return slices.Contains(p.Keys.Value, t) }

func readCVCProfile(d *decoder, m mapping) *CVCProfile {
	p := &CVCProfile{
		Name:       required(m, "profile", text),
		Title:      required(m, "title", text),
		IssuerKind: cited(m, "issuer_kind", issuerKind(CVCSubCA)),
		MaxYears:   cited(m, "max_years", number),
		Kind:       cited(m, "kind", word(map[string]CVCKind{string(RoleCVC): RoleCVC, string(DeviceCVC): DeviceCVC})),
		FlagOID:    cited(m, "flag_oid", word(map[string]cvc.FlagOID{cvc.FlagsTI.String(): cvc.FlagsTI})),
		Keys:       cited(m, "keys", set(parsed(sigalg.ParseKeyType))),
		at:         m.at(),
	}
	var fixed bool
	p.AccessProfile, fixed = citedIfThere(m, "access_profile", text)
	checkYears(d, p.MaxYears)
	if isDevice := p.Kind.Value == DeviceCVC; p.Kind.Value != "" && isDevice != fixed {
		d.problems.add(p.at, "CONTRADICTION", "access_profile belongs to device certificates and only to them")
	}
	for _, k := range p.Keys.Value {
		if _, brainpool := k.Curve(); k != 0 && !brainpool {
			d.problems.add(p.Keys.at, "CONTRADICTION", "key type %s is on no brainpool curve; CV certificates of generation 2 take no other", k)
		}
	}
	return p
}
