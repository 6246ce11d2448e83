package profiles

// SubCAs lists the rows of subca.yaml by name, for the tests of the table.
func (s *Set) SubCAs() []*SubCA { return byName(s.subCAs) }

// AccessProfiles lists the access profiles of CV certificates by name, for the tests of chat.yaml.
func (s *Set) AccessProfiles() []*AccessProfile { return byName(s.access) }

// WithMaxYears gives the catalogue with another limit in every profile, behind the loader's back.
func WithMaxYears(years int) (*Set, error) {
	s, err := Builtin()
	if err != nil {
		return nil, err
	}
	for _, p := range s.x509 {
		p.MaxYears.Value = years
	}
	for _, p := range s.cvc {
		p.MaxYears.Value = years
	}
	return s, nil
}
