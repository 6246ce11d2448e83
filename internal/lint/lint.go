// Package lint judges drafts: the very octets that an issuer is about to sign.
//
// It is a second opinion on purpose. The planner (package profiles) builds a draft from an order and the profile data; lint
// reads the octets back with its own reader and compares them with its own tables, which restate the specifications in code.
// Where both say the same thing, that is the point: a mistake in one of them is found by the other, before anything is
// recorded and before a key is near. So lint uses neither the encoders' structures nor the profile files.
//
// One rule, one citation. A finding of level Error stops the order.
//
// Where to look:
//
//	slot.go      what the specifications fix for each slot of a card
//	der.go       reads a TBSCertificate; cvcread.go reads a data object 7F4E
//	x509.go      the list of the rules on X.509 drafts; envelope.go, subject.go, key.go, extension.go and policy.go check them
//	cvc.go       the rules on CV certificates
//
// Sources: RFC 5280; gemSpec_PKI 2.14.1; gemSpec_Krypt 2.23; gemSpec_COS 3.13; gemKPT_PKI_TIP 2.7.0; gemSpec_SMC-B_ObjSys_G2.1
// 4.2.0 and 5.0.0.
package lint

// Level says what a finding means for the order.
type Level string

// The levels: an Error stops the order, a Warning goes with the answer.
const (
	Error   Level = "error"
	Warning Level = "warning"
)

// Finding is one thing that a rule found in a draft.
type Finding struct {
	Rule     string // name of the rule in upper snake case, for example "VALIDITY_FIVE_YEARS"
	Level    Level
	Citation string // where the rule comes from, for example "gemSpec_PKI, GS-A_4352"
	Message  string // what is wrong; no personal data
}

// String gives the finding in one line.
func (f Finding) String() string {
	return string(f.Level) + " " + f.Rule + ": " + f.Message + " (" + f.Citation + ")"
}

// rule is one rule on drafts of type D. Its check says what is wrong, or "".
type rule[D any] struct {
	name     string
	level    Level
	citation string
	check    func(D) string
}

// judge applies every rule to a draft.
func judge[D any](rules []rule[D], draft D) []Finding {
	var findings []Finding
	for _, r := range rules {
		if wrong := r.check(draft); wrong != "" {
			findings = append(findings, Finding{r.name, r.level, r.citation, wrong})
		}
	}
	return findings
}
