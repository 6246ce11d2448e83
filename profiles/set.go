package profiles

import (
	"embed"
	"io/fs"
	"maps"
	"slices"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// builtin is the catalogue that the program is built with.
//
//go:embed cards/*.yaml sectors/*.yaml x509/*.yaml cvc/*.yaml issuers/*.yaml institutions.yaml chat.yaml subca.yaml algorithms.yaml revocation.yaml
var builtin embed.FS

// Set is a loaded catalogue. It is immutable and may be used concurrently.
type Set struct {
	cards        map[string]*CardType
	sectors      map[string]*Sector
	x509         map[string]*X509Profile
	cvc          map[string]*CVCProfile
	issuers      map[string]*IssuerProfile   // by kind
	institutions map[string]*InstitutionType // by OID
	access       map[string]*AccessProfile   // by name
	subCAs       map[string]*SubCA           // by name
	policy       *Policy
	revocation   *RevocationPolicy
	files        []dataFile // as they were read, in the order of their names
	hash         [32]byte
}

// Builtin loads the catalogue that the program is built with.
func Builtin() (*Set, error) { return Load(builtin) }

// Hash is the SHA-256 over names and contents of all files, 32 octets. The log keeps it: it says under which rules a
// card was issued.
func (s *Set) Hash() [32]byte { return s.hash }

// CardTypes lists the card types by name.
func (s *Set) CardTypes() []*CardType { return byName(s.cards) }

// Sectors lists the sectors by name.
func (s *Set) Sectors() []*Sector { return byName(s.sectors) }

// X509Profiles lists the X.509 profiles by name.
func (s *Set) X509Profiles() []*X509Profile { return byName(s.x509) }

// CVCProfiles lists the profiles of CV certificates by name.
func (s *Set) CVCProfiles() []*CVCProfile { return byName(s.cvc) }

// IssuerProfiles lists the profiles of issuers by kind.
func (s *Set) IssuerProfiles() []*IssuerProfile { return byName(s.issuers) }

// IssuerProfile gives the profile of a kind of X.509 issuers or signers, and false if the catalogue has none.
func (s *Set) IssuerProfile(kind IssuerKind) (*IssuerProfile, bool) {
	p, ok := s.issuers[string(kind)]
	return p, ok
}

// Institutions lists the institution types by OID, in the order of the OIDs' text.
func (s *Set) Institutions() []*InstitutionType { return byName(s.institutions) }

// Institution gives the institution type with an OID in dotted form, and false if the catalogue has none.
func (s *Set) Institution(oid string) (*InstitutionType, bool) {
	i, ok := s.institutions[oid]
	return i, ok
}

// IssuerKind tells which kind of issuer signs a profile, and false if the catalogue has no such profile. An issuer is
// bound only to profiles of its own kind (GS-A_4704).
func (s *Set) IssuerKind(profile string) (IssuerKind, bool) {
	if p, ok := s.x509[profile]; ok {
		return p.IssuerKind.Value, true
	}
	if p, ok := s.cvc[profile]; ok {
		return p.IssuerKind.Value, true
	}
	return "", false
}

// ProfilesFor lists the names of the profiles that issuers of a kind and key generation sign, in alphabetical order: what a new issuer can
// be bound to. An issuer signs keys of its own generation only (GS-A_5513).
func (s *Set) ProfilesFor(kind IssuerKind, g sigalg.Generation) []string {
	var names []string
	for _, p := range s.X509Profiles() {
		takes := slices.ContainsFunc(p.KeyUsages, func(u KeyUsageRule) bool { return u.Key.Generation() == g })
		if p.IssuerKind.Value == kind && takes {
			names = append(names, p.Name)
		}
	}
	for _, p := range s.CVCProfiles() {
		takes := slices.ContainsFunc(p.Keys.Value, func(t sigalg.KeyType) bool { return t.Generation() == g })
		if p.IssuerKind.Value == kind && takes {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

// byName lists the values of a map in the order of their keys.
func byName[T any](m map[string]*T) []*T {
	list := make([]*T, 0, len(m))
	for _, name := range slices.Sorted(maps.Keys(m)) {
		list = append(list, m[name])
	}
	return list
}

// Load reads a catalogue from the files that the package comment names; other files than *.yaml are passed over. The error is of
// type Problems and lists everything that is wrong, or says why a file could not be read.
func Load(fsys fs.FS) (*Set, error) {
	l := &loader{}
	if err := l.readAll(fsys); err != nil {
		return nil, err
	}
	l.check()
	l.checkPolicy()
	l.checkRevocation()
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, l.problems
	}
	return l.set(), nil
}
