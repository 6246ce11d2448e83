package rpc

// Operator is a person or machine that may call, and what for.
type Operator struct {
	// Name, unique in the file; the log names it as the actor. Letters, digits, '.', '_' and '-', at most 64.
	Name string `yaml:"name"`
	// At least one, none that excludes another.
	Roles []Role `yaml:"roles,flow"`
	// SHA-256 of the DER of the operator's TLS client certificate, 64 hex digits in lower case. Unique in the file.
	CertificateSHA256 string `yaml:"certificate_sha256"`
}

// Operators is a checked operator file. It is immutable and safe for concurrent use.
type Operators struct {
	list          []Operator
	byFingerprint map[string]*Operator
}

// NewOperators checks a list of operators: names, fingerprints and roles of each, and that no two share a name or certificate.
func NewOperators(list []Operator) (*Operators, error) { panic("not written") }

// ParseOperators reads an operator file. Errors begin with the file's name, as given, and the line.
func ParseOperators(name string, text []byte) (*Operators, error) { panic("not written") }

// LoadOperators reads the operator file at path.
func LoadOperators(path string) (*Operators, error) { panic("not written") }

// Encode gives the operator file, with a heading that says what it is. ParseOperators reads it.
func (o *Operators) Encode() ([]byte, error) { panic("not written") }

// Fingerprint gives Operator.CertificateSHA256 of a certificate's DER.
func Fingerprint(certificate []byte) string { panic("not written") }
