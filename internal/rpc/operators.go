package rpc

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/strictyaml"
)

// Operator is a person or machine that may call, and what for.
type Operator struct {
	// Name, unique in the file; the log names it as the actor. Letters, digits, '.', '_' and '-', at most 64.
	Name string `yaml:"name"`
	// The human being behind the operator, by a name or number of your choice that is the same for all operators who are one person: two
	// certificates of one person are one person where an act needs two. Same form as a name. Default: the name.
	Person string `yaml:"person,omitempty"`
	// At least one, none that excludes another, nor one of another operator who is the same person.
	Roles []Role `yaml:"roles,flow"`
	// SHA-256 of the DER of the operator's TLS client certificate, 64 hex digits in lower case. Unique in the file.
	CertificateSHA256 string `yaml:"certificate_sha256"`
}

// operatorFile is the operator file: YAML, no unknown keys.
type operatorFile struct {
	// Everybody who may call.
	Operators []Operator `yaml:"operators"`
}

// Operators is a checked operator file. It is immutable and safe for concurrent use.
type Operators struct {
	list          []Operator
	byFingerprint map[string]*Operator
	byPerson      map[string][]*Operator
}

// NewOperators checks a list of operators: names, fingerprints and roles of each, and that no two share a name or certificate. The
// error names everything that is wrong.
func NewOperators(list []Operator) (*Operators, error) {
	o, faults := newOperators(list)
	return o, joinFaults(faults, func(f fault) error { return f.err })
}

// ParseOperators reads an operator file. Every line of the error begins with the file's name, as given, and the line.
func ParseOperators(name string, text []byte) (*Operators, error) {
	var f operatorFile
	lines, err := strictyaml.Decode(name, text, &f)
	if err != nil {
		return nil, err
	}
	if len(f.Operators) == 0 {
		return nil, fmt.Errorf("%s: names no operators", name)
	}
	o, faults := newOperators(f.Operators)
	return o, joinFaults(faults, func(f fault) error { return fmt.Errorf("%s%w", lines.At(fmt.Sprintf("operators[%d]", f.index)), f.err) })
}

// LoadOperators reads the operator file at path.
func LoadOperators(path string) (*Operators, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the operator file: %w", err)
	}
	return ParseOperators(path, text)
}

// Encode gives the operator file, with a heading that says what it is. ParseOperators reads it.
func (o *Operators) Encode() ([]byte, error) {
	text, err := yaml.Marshal(operatorFile{o.list})
	if err != nil {
		return nil, fmt.Errorf("encode the operator file: %w", err)
	}
	const heading = "# Who may call the server, and what for. A certificate is pinned by the SHA-256 of its DER.\n"
	return append([]byte(heading), text...), nil
}

// Hash is the SHA-256 of the file as Encode gives it, so that comments and the layout of the one that was read do not count.
func (o *Operators) Hash() ([32]byte, error) {
	text, err := o.Encode()
	return sha256.Sum256(text), err
}

// Fingerprint gives Operator.CertificateSHA256 of a certificate's DER.
func Fingerprint(certificate []byte) string {
	sum := sha256.Sum256(certificate)
	return hex.EncodeToString(sum[:])
}

// Len is the number of operators.
func (o *Operators) Len() int { return len(o.list) }

// operator gives the operator whose certificate has the fingerprint, or nil.
func (o *Operators) operator(fingerprint string) *Operator { return o.byFingerprint[fingerprint] }

// person is the human being behind the operator.
func (op *Operator) person() string {
	if op.Person == "" {
		return op.Name
	}
	return op.Person
}

// checkPerson says whether the person behind an operator may hold all the roles of all his operators (GS-A_4254: nobody may hold two
// roles that exclude each other, with however many certificates).
func (o *Operators) checkPerson(op *Operator) error {
	var roles []Role
	for _, same := range o.byPerson[op.person()] {
		for _, r := range same.Roles {
			if !slices.Contains(roles, r) {
				roles = append(roles, r)
			}
		}
	}
	if err := ca.CheckRoles(roles); err != nil {
		return fmt.Errorf("person %q, with all certificates: %w", op.person(), err)
	}
	return nil
}

// fault is what is wrong with one operator of a list.
type fault struct {
	index int
	err   error
}

func joinFaults(faults []fault, say func(fault) error) error {
	var errs []error
	for _, f := range faults {
		errs = append(errs, say(f))
	}
	return errors.Join(errs...)
}

func newOperators(list []Operator) (*Operators, []fault) {
	o := &Operators{list: append([]Operator(nil), list...), byFingerprint: map[string]*Operator{},
		byPerson: map[string][]*Operator{}}
	names := map[string]bool{}
	var faults []fault
	for i := range o.list {
		op := &o.list[i]
		err := op.check()
		switch twin := o.byFingerprint[op.CertificateSHA256]; {
		case err != nil:
		case names[op.Name]:
			err = fmt.Errorf("operator %q is named twice", op.Name)
		case twin != nil:
			err = fmt.Errorf("operator %q has the certificate of operator %q", op.Name, twin.Name)
		}
		if err != nil {
			faults = append(faults, fault{i, err})
			continue
		}
		names[op.Name] = true
		o.byFingerprint[op.CertificateSHA256] = op
		o.byPerson[op.person()] = append(o.byPerson[op.person()], op)
		if err := o.checkPerson(op); err != nil {
			faults = append(faults, fault{i, fmt.Errorf("operator %q: %w", op.Name, err)})
		}
	}
	if faults != nil {
		return nil, faults
	}
	return o, nil
}

var (
	operatorName = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	sha256Hex    = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (op *Operator) check() error {
	if !operatorName.MatchString(op.Name) {
		return fmt.Errorf("operator name %q: want 1 to 64 letters, digits, '.', '_' or '-'", op.Name)
	}
	if op.Person != "" && !operatorName.MatchString(op.Person) {
		return fmt.Errorf("operator %q: person %q: want 1 to 64 letters, digits, '.', '_' or '-'", op.Name, op.Person)
	}
	if !sha256Hex.MatchString(op.CertificateSHA256) {
		return fmt.Errorf("operator %q: certificate_sha256 is not 64 hex digits in lower case", op.Name)
	}
	if err := ca.CheckRoles(op.Roles); err != nil {
		return fmt.Errorf("operator %q: %w", op.Name, err)
	}
	return nil
}
