package profiles

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// loader collects a catalogue and its problems.
type loader struct {
	problems     Problems
	files        []dataFile
	cards        []*CardType
	sectors      []*Sector
	x509         []*X509Profile
	cvc          []*CVCProfile
	issuers      []*IssuerProfile
	institutions []*InstitutionType
	access       []*AccessProfile
	subCAs       []*SubCA
	policy       *Policy
	revocation   *RevocationPolicy
}

// dataFile is a file as it was read.
type dataFile struct {
	name string
	data []byte
}

// maxFileSize bounds a data file, in octets. The largest has a tenth of it.
const maxFileSize = 1 << 18

// readAll reads every data file in the order of their names. The error is that of the file system.
func (l *loader) readAll(fsys fs.FS) error {
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() || path.Ext(name) != ".yaml" {
			return nil
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		l.files = append(l.files, dataFile{name, data})
		l.readFile(name, data)
		return nil
	})
	if err != nil {
		return fmt.Errorf("reading the profile files: %w", err)
	}
	if len(l.files) == 0 {
		return errors.New("reading the profile files: there are none")
	}
	return nil
}

// readFile reads one file by its place in the catalogue.
func (l *loader) readFile(name string, data []byte) {
	d := &decoder{file: name, problems: &l.problems}
	if len(data) > maxFileSize {
		l.problems.add(position{name, 1}, "FILE_TOO_LARGE", "the file has %d octets, at most %d are read", len(data), maxFileSize)
		return
	}
	root := d.parse(data)
	if root == nil {
		return
	}
	m := d.mapping(root)
	switch {
	case path.Dir(name) == "cards":
		l.cards = append(l.cards, readNamed(d, m, name, readCardType, func(t *CardType) string { return t.Name }))
	case path.Dir(name) == "sectors":
		l.sectors = append(l.sectors, readNamed(d, m, name, readSector, func(s *Sector) string { return s.Name }))
	case path.Dir(name) == "x509":
		l.x509 = append(l.x509, readNamed(d, m, name, readX509Profile, func(p *X509Profile) string { return p.Name }))
	case path.Dir(name) == "cvc":
		l.cvc = append(l.cvc, readNamed(d, m, name, readCVCProfile, func(p *CVCProfile) string { return p.Name }))
	case path.Dir(name) == "issuers":
		l.issuers = append(l.issuers, readNamed(d, m, name, readIssuerProfile, func(p *IssuerProfile) string { return string(p.Kind) }))
	case name == "institutions.yaml":
		l.institutions = readInstitutions(d, m)
	case name == "chat.yaml":
		l.access = readAccessProfiles(d, m)
	case name == "subca.yaml":
		l.subCAs = readSubCAs(d, m)
	case name == revocationFile:
		l.revocation = readRevocationPolicy(d, m)
	case name == policyFile:
		l.policy = readPolicy(d, m)
	default:
		l.problems.add(m.at(), "UNEXPECTED_FILE", "a data file has no place here")
		return
	}
	m.end()
}

// readNamed reads a file that is named after what it holds, so that two files cannot hold the same.
func readNamed[T any](d *decoder, m mapping, file string, read func(*decoder, mapping) *T, nameOf func(*T) string) *T {
	v := read(d, m)
	want := strings.TrimSuffix(path.Base(file), ".yaml")
	if name := nameOf(v); name != "" && name != want {
		d.problems.add(m.at(), "FILE_NAME", "the file holds %s and must be named %s.yaml", name, name)
	}
	return v
}

// hash is the SHA-256 over all files by name: length and octets of the name, length and octets of the content, the lengths
// as 8 octets big-endian.
func (l *loader) hash() (sum [32]byte) {
	h := sha256.New()
	put := func(b []byte) {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(b))))
		h.Write(b)
	}
	for _, f := range l.files { // WalkDir gives them in lexical order
		put([]byte(f.name))
		put(f.data)
	}
	h.Sum(sum[:0])
	return sum
}

// set makes the Set of what was read and checked.
func (l *loader) set() *Set {
	return &Set{
		cards:        index(l.cards, func(t *CardType) string { return t.Name }),
		sectors:      index(l.sectors, func(s *Sector) string { return s.Name }),
		x509:         index(l.x509, func(p *X509Profile) string { return p.Name }),
		cvc:          index(l.cvc, func(p *CVCProfile) string { return p.Name }),
		issuers:      index(l.issuers, func(p *IssuerProfile) string { return string(p.Kind) }),
		institutions: index(l.institutions, func(i *InstitutionType) string { return i.OID }),
		access:       index(l.access, func(a *AccessProfile) string { return a.Name }),
		subCAs:       index(l.subCAs, func(r *SubCA) string { return r.Name }),
		policy:       l.policy,
		revocation:   l.revocation,
		files:        l.files,
		hash:         l.hash(),
	}
}

func index[T any](list []*T, key func(*T) string) map[string]*T {
	m := make(map[string]*T, len(list))
	for _, v := range list {
		m[key(v)] = v
	}
	return m
}
