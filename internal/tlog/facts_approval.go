package tlog

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// ApprovalRequestFacts say what one person asks for and another must approve. The reason is free text and stands in the personal part:
// {"reason":"…"}.
type ApprovalRequestFacts struct {
	Approval         string          `json:"approval"` // 32 lower-case hex digits
	Act              string          `json:"act"`      // kind of act: lower-case words joined by "-"
	Summary          string          `json:"summary"`  // what it means, in words
	Parameters       json.RawMessage `json:"parameters"`
	ParametersSHA256 string          `json:"parameters_sha256"` // of the octets of Parameters as they stand here
	Person           string          `json:"person"`            // behind the operator who asks
	Expires          string          `json:"expires"`
}

// ApprovalDecisionFacts say who approved or rejected a request. Where it was rejected, the reason stands in the personal part.
type ApprovalDecisionFacts struct {
	Approval         string `json:"approval"`
	Act              string `json:"act"`
	ParametersSHA256 string `json:"parameters_sha256"`
	Person           string `json:"person"` // behind the operator who decides; another than the one who asked
}

// ApprovalEndFacts say that an approved act was done, or that a request has expired.
type ApprovalEndFacts struct {
	Approval         string `json:"approval"`
	Act              string `json:"act"`
	ParametersSHA256 string `json:"parameters_sha256"`
}

func (f *ApprovalRequestFacts) check(c *checker) {
	c.approval(f.Approval, f.Act, f.ParametersSHA256)
	c.text("summary", f.Summary)
	if sum := sha256.Sum256(f.Parameters); hex.EncodeToString(sum[:]) != f.ParametersSHA256 {
		c.report("parameters_sha256", "is not the hash of the parameters")
	}
	c.text("person", f.Person)
	c.instant("expires", f.Expires)
}

func (f *ApprovalDecisionFacts) check(c *checker) {
	c.approval(f.Approval, f.Act, f.ParametersSHA256)
	c.text("person", f.Person)
}

func (f *ApprovalEndFacts) check(c *checker) { c.approval(f.Approval, f.Act, f.ParametersSHA256) }

// approval checks what names a request and what it is about.
func (c *checker) approval(id, act, parameters string) {
	c.form("approval", id, idForm)
	c.form("act", act, reasonForm)
	c.form("parameters_sha256", parameters, hashForm)
}
