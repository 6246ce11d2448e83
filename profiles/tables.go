package profiles

import (
	"slices"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// InstitutionType is a row of institutions.yaml: what an SMC-B may say that its holder is.
type InstitutionType struct {
	OID       string   // dotted, for example "1.2.276.0.76.4.53"
	Reference string   // name in gemSpec_OID, for example "oid_krankenhaus"
	Text      string   // professionItem, exactly as gemSpec_OID pairs it with the OID (GS-A_4585)
	Use       string   // which sectors name it
	Legacy    string   // why new cards should not say it any more; empty: they may
	Roles     []string // access profiles of the role certificate; several: the sector says which; none: no role certificate
	Source    string   // of OID and text
	RoleFrom  string   // source of Roles

	at position
}

// AccessProfile is a row of chat.yaml: the rights that a CV certificate grants.
type AccessProfile struct {
	Name   string // for example "CHAT.2A"
	Title  string
	Flags  cvc.Flags // bits 2 to 55; 0 and 1 say "card"
	Source string

	at position
}

// readInstitutions reads institutions.yaml.
func readInstitutions(d *decoder, m mapping) []*InstitutionType {
	source, roleFrom := required(m, "source", text), required(m, "roles_source", text)
	rows := required(m, "institutions", list(readInstitution))
	for i, row := range rows {
		row.Source, row.RoleFrom = source, roleFrom
		if slices.ContainsFunc(rows[:i], func(r *InstitutionType) bool { return r.OID == row.OID || r.Reference == row.Reference }) {
			d.problems.add(row.at, "DUPLICATE_NAME", "OID or reference appears a second time")
		}
	}
	return rows
}

func readInstitution(d *decoder, n *yaml.Node) *InstitutionType {
	m := d.mapping(n)
	i := &InstitutionType{
		OID:       required(m, "oid", oid).String(),
		Reference: required(m, "reference", text),
		Text:      required(m, "text", text),
		Use:       required(m, "use", text),
		Legacy:    optional(m, "legacy", text),
		Roles:     optional(m, "roles", set(text)),
		at:        m.at(),
	}
	// professionItems hold DirectoryString (SIZE (1..128)) (GS-A_4717-02).
	if n := utf8.RuneCountInString(i.Text); n > 128 {
		d.problems.add(i.at, "BAD_VALUE", "the text has %d characters, a professionItem has at most 128", n)
	}
	m.end()
	return i
}

// readAccessProfiles reads chat.yaml.
func readAccessProfiles(d *decoder, m mapping) []*AccessProfile {
	source := required(m, "source", text)
	rows := required(m, "access_profiles", list(readAccessProfile))
	for i, row := range rows {
		row.Source = source
		if slices.ContainsFunc(rows[:i], func(r *AccessProfile) bool { return r.Name == row.Name }) {
			d.problems.add(row.at, "DUPLICATE_NAME", "access profile %s appears a second time", row.Name)
		}
	}
	return rows
}

// readAccessProfile reads a row that gives the flags twice, in hex and as bits: a slip of the pen in one contradicts the other.
func readAccessProfile(d *decoder, n *yaml.Node) *AccessProfile {
	m := d.mapping(n)
	a := &AccessProfile{
		Name:  required(m, "profile", text),
		Title: required(m, "title", text),
		Flags: required(m, "flags", parsed(cvc.ParseFlags)),
		at:    m.at(),
	}
	bits := optional(m, "bits", set(number))
	slices.Sort(bits)
	if have := a.Flags.Bits(); !slices.Equal(have, bits) {
		d.problems.add(a.at, "CONTRADICTION", "flags set the bits %v, the row lists %v", have, bits)
	}
	if a.Flags.Role() != cvc.RoleCard {
		d.problems.add(a.at, "CONTRADICTION", "bits 0 and 1 make this the flag list of a CA, not of a card")
	}
	m.end()
	return a
}
