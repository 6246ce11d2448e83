package profiles

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// policyFile is the place of the policy in the catalogue.
const policyFile = "algorithms.yaml"

// Policy says until which day each algorithm may be used, by kind of certificates and purpose: algorithms.yaml. Immutable.
type Policy struct {
	Exceptions []LegacyException
	Algorithms []Algorithm
}

// LegacyException is a name under which an operator may allow algorithms that are past their day.
type LegacyException struct {
	Name  string // for example "legacy-rsa-2048-noqes"
	Title string // what it allows, for warnings: "RSA-2048 in nonQES X.509 certificates"

	at position
}

// Algorithm is a row of the policy: one use of one algorithm.
type Algorithm struct {
	Name        string // in words, unique
	Use         AlgorithmUse
	LastDay     Cited[Deadline] // the last day of issue
	Exception   string          // that lifts LastDay; "" where there is no end
	Unconfirmed string          // what should be looked up again before someone relies on LastDay; "" where it is settled

	at position
}

// AlgorithmUse names what an algorithm does in certificates of a family. It is comparable.
type AlgorithmUse struct {
	Family  CertificateFamily
	Purpose AlgorithmPurpose
	Scheme  sigalg.Scheme  // of a signature; 0 for a subject key
	Key     sigalg.KeyType // the certified key, or the issuer's
}

// String gives the use as in "certificate-signature sha256WithRSAEncryption R2048 in x509-noqes".
func (u AlgorithmUse) String() string {
	if u.Purpose == SubjectKey {
		return fmt.Sprintf("%s %s in %s", u.Purpose, u.Key, u.Family)
	}
	return fmt.Sprintf("%s %s %s in %s", u.Purpose, u.Scheme, u.Key, u.Family)
}

// CertificateFamily is a kind of certificates for which the specifications date algorithms by themselves.
type CertificateFamily string

// The families.
const (
	NoQES CertificateFamily = "x509-noqes" // gemSpec_Krypt, GS-A_4357
	QES   CertificateFamily = "x509-qes"   // gemSpec_Krypt, GS-A_4358
	CVCG1 CertificateFamily = "cvc-g1"     // gemSpec_COS 3.11.0, A_13617
	CVCG2 CertificateFamily = "cvc-g2"     // gemSpec_Krypt, GS-A_4365, GS-A_4366
)

// AlgorithmPurpose is what an algorithm does in a certificate.
type AlgorithmPurpose string

// The purposes.
const (
	SubjectKey           AlgorithmPurpose = "subject-key"
	CertificateSignature AlgorithmPurpose = "certificate-signature"
)

// Deadline is a last day, or none. The zero value is none. It is comparable.
type Deadline struct{ year, month, day int }

// LastDay makes a Deadline of the day of an instant, in UTC.
func LastDay(t time.Time) Deadline {
	year, month, day := t.UTC().Date()
	return Deadline{year, int(month), day}
}

// End gives the last instant of the last day in UTC, to the second, and false where there is no end.
func (d Deadline) End() (time.Time, bool) {
	return time.Date(d.year, time.Month(d.month), d.day, 23, 59, 59, 0, time.UTC), d != Deadline{}
}

// Before tells whether d is earlier than another: a day is earlier than none.
func (d Deadline) Before(other Deadline) bool {
	end, ends := d.End()
	otherEnd, otherEnds := other.End()
	return ends && (!otherEnds || end.Before(otherEnd))
}

// Passed tells whether an instant is after the last day.
func (d Deadline) Passed(at time.Time) bool { return d.Before(LastDay(at)) }

// noEnd is how a file writes that there is no last day.
const noEnd = "none"

// String gives the day as YYYY-MM-DD, or "none".
func (d Deadline) String() string {
	end, ends := d.End()
	if !ends {
		return noEnd
	}
	return end.Format(day)
}

// Algorithm gives the row of a use, and false where the policy does not know it.
func (p *Policy) Algorithm(use AlgorithmUse) (*Algorithm, bool) {
	i := slices.IndexFunc(p.Algorithms, func(a Algorithm) bool { return a.Use == use })
	if i < 0 {
		return nil, false
	}
	return &p.Algorithms[i], true
}

// Exception gives an exception by its name, and false where there is none.
func (p *Policy) Exception(name string) (LegacyException, bool) {
	i := slices.IndexFunc(p.Exceptions, func(e LegacyException) bool { return e.Name == name })
	if i < 0 {
		return LegacyException{}, false
	}
	return p.Exceptions[i], true
}

// CheckExceptions says which of the names are no exceptions of the policy, or appear twice; nil where all is well.
func (p *Policy) CheckExceptions(names []string) error {
	var known []string
	for _, e := range p.Exceptions {
		known = append(known, e.Name)
	}
	var errs []error
	for i, name := range names {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("there is no legacy exception %q; there are %s", name, strings.Join(known, ", ")))
		} else if slices.Contains(names[:i], name) {
			errs = append(errs, fmt.Errorf("legacy exception %s is granted twice", name))
		}
	}
	return errors.Join(errs...)
}

// signatures lists the rows for signatures on certificates of a family by issuers with keys of a type.
func (p *Policy) signatures(family CertificateFamily, key sigalg.KeyType) []*Algorithm {
	var rows []*Algorithm
	for i := range p.Algorithms {
		use := p.Algorithms[i].Use
		if use.Family == family && use.Purpose == CertificateSignature && use.Key == key {
			rows = append(rows, &p.Algorithms[i])
		}
	}
	return rows
}

// family tells which family a profile's certificates belong to, and false where the catalogue has no such profile.
func (s *Set) family(profile string) (CertificateFamily, bool) {
	if p, ok := s.x509[profile]; ok {
		if p.IsQualified() {
			return QES, true
		}
		return NoQES, true
	}
	if p, ok := s.cvc[profile]; ok {
		if p.isG1() {
			return CVCG1, true
		}
		return CVCG2, true
	}
	return "", false
}

// Policy gives the algorithm policy of the catalogue.
func (s *Set) Policy() *Policy { return s.policy }

// PolicyFile gives the content of the policy's file, for those who want to change a copy. Callers must not change it.
func (s *Set) PolicyFile() []byte {
	for _, f := range s.files {
		if f.name == policyFile {
			return f.data
		}
	}
	return nil
}

// WithPolicy gives a catalogue that differs in its algorithm policy alone, which is read from the content of another algorithms.yaml; name is
// the file's name for the error, which is of type Problems. Hash stays that of the catalogue as it was loaded.
func (s *Set) WithPolicy(name string, data []byte) (*Set, error) {
	l := &loader{}
	changed := *s
	changed.policy = l.policyOf(name, data)
	if len(l.problems) == 0 {
		l.problems = changed.policyGaps(name)
	}
	if len(l.problems) > 0 {
		l.problems.sort()
		return nil, l.problems
	}
	return &changed, nil
}
