package profiles

import (
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/cvc"
)

// SubCA is a row of subca.yaml: what a CVC-CA of the second level may be certified for.
type SubCA struct {
	Name    string // for example "hba-smcb"
	Title   string
	Flags   cvc.Flags // of its certificate; bits 0 and 1 say "sub-CA"
	Roles   []string  // access profiles of the role certificates that it may issue
	Devices []string  // access profiles of the device certificates
	Source  string

	at position
}

// readSubCAs reads subca.yaml.
func readSubCAs(d *decoder, m mapping) []*SubCA {
	source := required(m, "source", text)
	rows := required(m, "sub_cas", list(readSubCA))
	for i, row := range rows {
		row.Source = source
		if slices.ContainsFunc(rows[:i], func(r *SubCA) bool { return r.Name == row.Name }) {
			d.problems.add(row.at, "DUPLICATE_NAME", "sub-CA %s appears a second time", row.Name)
		}
	}
	return rows
}

func readSubCA(d *decoder, n *yaml.Node) *SubCA {
	m := d.mapping(n)
	s := &SubCA{
		Name:    required(m, "sub_ca", text),
		Title:   required(m, "title", text),
		Flags:   required(m, "flags", parsed(cvc.ParseFlags)),
		Roles:   optional(m, "roles", set(text)),
		Devices: optional(m, "devices", set(text)),
		at:      m.at(),
	}
	m.end()
	return s
}

// subCAMark is what the flag list of every sub-CA has besides the rights: bit 0.
const subCAMark = 0x80

// checkSubCA holds a flag list against the access profiles that it is to be made of.
func (l *loader) checkSubCA(s *Set, row *SubCA) {
	want := cvc.Flags{subCAMark}
	for _, name := range slices.Concat(row.Roles, row.Devices) {
		access := s.access[name]
		if access == nil {
			l.problems.add(row.at, "UNKNOWN_REFERENCE", "chat.yaml has no access profile %s", name)
			return
		}
		for i := range want {
			want[i] |= access.Flags[i]
		}
	}
	if row.Flags != want {
		l.problems.add(row.at, "CONTRADICTION", "the flags are %s, the access profiles make %s", row.Flags, want)
	}
}

// SubCA finds a row by its name; false where there is none.
func (s *Set) SubCA(name string) (*SubCA, bool) {
	row, ok := s.subCAs[name]
	return row, ok
}
