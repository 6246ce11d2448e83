package profiles

// SubCAs lists the rows of subca.yaml by name, for the tests of the table.
func (s *Set) SubCAs() []*SubCA { return byName(s.subCAs) }

// AccessProfiles lists the access profiles of CV certificates by name, for the tests of chat.yaml.
func (s *Set) AccessProfiles() []*AccessProfile { return byName(s.access) }
