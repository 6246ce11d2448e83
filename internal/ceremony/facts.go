package ceremony

import "time"

// Entry is a line of the journal.
type Entry struct {
	Time  time.Time `json:"time"` // UTC, seconds
	Step  string    `json:"step"` // Step.ID
	State State     `json:"state"`
	Facts Facts     `json:"facts,omitzero"`
}

// State says what happened to a step.
type State string

// The states. A step begins and is done or fails; after a failure, or when nothing follows its beginning, it begins again.
const (
	Began  State = "began"
	Done   State = "done"
	Failed State = "failed"
)

// Facts is what a step leaves for the record. Which field is set depends on the act.
type Facts struct {
	Run         *RunFacts         `json:"run,omitempty"`
	Token       *TokenFacts       `json:"token,omitempty"`
	Key         *KeyFacts         `json:"key,omitempty"`
	Request     *RequestFacts     `json:"request,omitempty"`
	Certificate *CertificateFacts `json:"certificate,omitempty"`
	List        *ListFacts        `json:"list,omitempty"`
	// Note says in words what the other facts do not, for example why a step failed or that its outcome was found.
	Note string `json:"note,omitempty"`
}

// RunFacts is a start of the program. The first line of a journal has it.
type RunFacts struct {
	File      Hex    `json:"file_sha256"`  // of the ceremony file
	Confirmed string `json:"confirmed_by"` // "typed" or "--confirm"
	Program   string `json:"program"`
}

// TokenFacts is what a token says of itself.
type TokenFacts struct {
	Label        string `json:"label"`
	Serial       string `json:"serial"`
	Manufacturer string `json:"manufacturer"`
	Model        string `json:"model"`
	Hardware     string `json:"hardware"`
	Firmware     string `json:"firmware"`
	Module       string `json:"module"`
	Library      string `json:"library"`
}

// KeyFacts is a key as it was read back from the token.
type KeyFacts struct {
	Label       string      `json:"label"`
	Token       string      `json:"token"` // name in the ceremony file
	ID          Hex         `json:"cka_id"`
	Type        string      `json:"type"`
	Fingerprint Hex         `json:"sha256"` // of the DER SubjectPublicKeyInfo
	Attributes  []Attribute `json:"attributes"`
}

// Attribute is an attribute of the private key.
type Attribute struct {
	Name  string `json:"name"` // CKA_...
	Value bool   `json:"value"`
}

// RequestFacts is a certificate request.
type RequestFacts struct {
	File        string `json:"file"`   // in the ceremony's folder
	SHA256      Hex    `json:"sha256"` // of the DER
	Subject     string `json:"subject"`
	Fingerprint Hex    `json:"key_sha256"`
}

// CertificateFacts is a certificate that was made or taken.
type CertificateFacts struct {
	File        string   `json:"file"`   // in the ceremony's folder
	SHA256      Hex      `json:"sha256"` // of the octets
	Subject     string   `json:"subject"`
	IssuedBy    string   `json:"issued_by"`
	Serial      string   `json:"serial,omitempty"` // X.509 only
	From        string   `json:"from,omitempty"`   // days; a key of generation 1 has none
	Until       string   `json:"until,omitempty"`
	Fingerprint Hex      `json:"key_sha256"`
	Checks      []string `json:"checks,omitempty"` // that it passed
}

// ListFacts is the list of issuers after a step.
type ListFacts struct {
	SHA256 Hex      `json:"sha256"` // of issuers.yaml
	Names  []string `json:"names"`  // what changed
}
