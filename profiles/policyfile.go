package profiles

import (
	"errors"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// This file reads algorithms.yaml and says what must hold in it, and between it and the card types.

func readPolicy(d *decoder, m mapping) *Policy {
	p := &Policy{
		Exceptions: required(m, "exceptions", list(readException)),
		Algorithms: required(m, "algorithms", list(readAlgorithm)),
	}
	p.check(d)
	return p
}

// policyOf reads the content of a policy that is not in the catalogue; nil, after a problem, where it is no YAML.
func (l *loader) policyOf(name string, data []byte) *Policy {
	d := &decoder{file: name, problems: &l.problems}
	if len(data) > maxFileSize {
		l.problems.add(position{name, 1}, "FILE_TOO_LARGE", "the file has %d octets, at most %d are read", len(data), maxFileSize)
		return nil
	}
	root := d.parse(data)
	if root == nil {
		return nil
	}
	m := d.mapping(root)
	defer m.end()
	return readPolicy(d, m)
}

func readException(d *decoder, n *yaml.Node) LegacyException {
	m := d.mapping(n)
	e := LegacyException{Name: required(m, "exception", parsed(parseException)), Title: required(m, "title", text), at: m.at()}
	m.end()
	return e
}

var exceptionName = regexp.MustCompile(`^legacy(-[a-z0-9]+)+$`)

func parseException(s string) (string, error) {
	if !exceptionName.MatchString(s) {
		return "", errors.New("the name of an exception is legacy- and small letters, digits and hyphens")
	}
	return s, nil
}

var (
	families = word(map[string]CertificateFamily{string(NoQES): NoQES, string(QES): QES, string(CVCG1): CVCG1, string(CVCG2): CVCG2})
	purposes = word(map[string]AlgorithmPurpose{string(SubjectKey): SubjectKey, string(CertificateSignature): CertificateSignature})
)

func readAlgorithm(d *decoder, n *yaml.Node) Algorithm {
	m := d.mapping(n)
	a := Algorithm{
		Name: required(m, "algorithm", text),
		Use: AlgorithmUse{
			Family:  required(m, "family", families),
			Purpose: required(m, "purpose", purposes),
			Scheme:  optional(m, "scheme", parsed(sigalg.ParseScheme)),
			Key:     required(m, "key", parsed(sigalg.ParseKeyType)),
		},
		LastDay:     cited(m, "last_day", parsed(parseDeadline)),
		Exception:   optional(m, "exception", text),
		Unconfirmed: optional(m, "unconfirmed", text),
		at:          m.at(),
	}
	if signs := a.Use.Purpose == CertificateSignature; a.Use.Purpose != "" && signs != (m.find("scheme") != nil) {
		d.problems.add(a.at, "CONTRADICTION", "scheme belongs to %s and only to it", CertificateSignature)
	}
	if ends := a.LastDay.Value != (Deadline{}); ends != (a.Exception != "") && a.LastDay.Source != "" {
		d.problems.add(a.at, "CONTRADICTION", "an algorithm with a last day needs an exception that may lift it; one without has none")
	}
	m.end()
	return a
}

func parseDeadline(s string) (Deadline, error) {
	if s == noEnd {
		return Deadline{}, nil
	}
	t, err := time.Parse(day, s)
	if err != nil {
		return Deadline{}, errors.New("a last day is a calendar date of the form YYYY-MM-DD, or none")
	}
	return LastDay(t), nil
}

// check looks at what must hold between the rows.
func (p *Policy) check(d *decoder) {
	for i, e := range p.Exceptions {
		switch {
		case e.Name == "": // reported where it was read
		case slices.ContainsFunc(p.Exceptions[:i], func(o LegacyException) bool { return o.Name == e.Name }):
			d.problems.add(e.at, "DUPLICATE_NAME", "exception %s appears a second time", e.Name)
		case !slices.ContainsFunc(p.Algorithms, func(a Algorithm) bool { return a.Exception == e.Name }):
			d.problems.add(e.at, "UNUSED_NAME", "exception %s lifts nothing", e.Name)
		}
	}
	for i, a := range p.Algorithms {
		if _, known := p.Exception(a.Exception); a.Exception != "" && !known {
			d.problems.add(a.at, "UNKNOWN_REFERENCE", "there is no exception %s", a.Exception)
		}
		if slices.ContainsFunc(p.Algorithms[:i], func(o Algorithm) bool { return o.Use == a.Use || o.Name == a.Name }) {
			d.problems.add(a.at, "DUPLICATE_NAME", "the name or the use appears a second time")
		}
	}
}

// checkPolicy looks at what must hold between the policy and the card types.
func (l *loader) checkPolicy() {
	if l.policy == nil {
		l.problems.add(position{policyFile, 1}, "MISSING_FILE", "the catalogue has no %s", policyFile)
		return
	}
	l.problems = append(l.problems, l.set().policyGaps(policyFile)...)
}

// policyGaps lists the keys of slots, and the signatures for them, that the policy does not know, each with the first slot that needs it: an
// algorithm without a row is one that nobody has dated, not one that may be used for ever.
func (s *Set) policyGaps(file string) (gaps Problems) {
	seen := map[AlgorithmUse]bool{}
	for _, t := range s.CardTypes() {
		for _, slot := range t.Slots {
			family, ok := s.family(slot.Profile)
			use := AlgorithmUse{Family: family, Purpose: SubjectKey, Key: slot.Key}
			if !ok || slot.Key == 0 || seen[use] { // the former are reported where they were read
				continue
			}
			seen[use] = true
			if _, known := s.policy.Algorithm(use); !known {
				gaps.add(position{file, 1}, "MISSING_ALGORITHM", "there is no row for %s, as in slot %s of %s", use, slot.Name, t.Name)
			}
			if len(s.policy.signatures(family, slot.Key)) == 0 {
				gaps.add(position{file, 1}, "MISSING_ALGORITHM", "there is no row for %s by %s in %s, as for slot %s of %s",
					CertificateSignature, slot.Key, family, slot.Name, t.Name)
			}
		}
	}
	return gaps
}
