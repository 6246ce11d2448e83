// Package lint judges drafts: the very octets that an issuer is about to sign.
//
// It is a second opinion on purpose. The planner (package profiles) builds a draft from an order and the profile data; lint
// reads the octets back with its own reader and compares them with its own tables, which restate the specifications in code.
// Where both say the same thing, that is the point: a mistake in one of them is found by the other, before anything is
// recorded and before a key is near. So lint uses neither the encoders' structures nor the profile files. A third opinion on
// X.509 drafts is zlint's: other people's rules from RFC 5280 and the ETSI standards.
//
// One rule, one citation. A finding of level Error stops the order.
//
// Where to look:
//
//	rules.go     Rules, the list of all own rules for documents
//	kind.go      what can be fixed for a kind of certificate; kinds.go fixes it, table by table; slot.go says what lies on cards
//	der.go       reads a TBSCertificate; cvcread.go reads a data object 7F4E
//	x509.go      the list of the rules on X.509 drafts; envelope.go, subject.go, key.go, extension.go, policy.go, admission.go and
//	             qualified.go check them
//	zlint.go     zlint on a stand-in of the draft, and which of its findings do not count
//	cvc.go       the rules on CV certificates; g1.go those of generation 1
//	issuer.go    the rules on those who sign
//	card.go      the rules on the drafts of a card together; role.go says which rights an institution's card has
//	testdata     for each rule a draft that passes and drafts that fail, with the reason as text
//
// Sources: RFC 5280; gemSpec_PKI 2.14.1; gemSpec_OID 3.25.0; gemSpec_Krypt 2.23; gemSpec_COS 3.12.0; gemKPT_PKI_TIP 2.7.0;
// gemSpec_SMC-B_ObjSys_G2.1 4.2.0 and 5.0.0; ETSI EN 319 412-2, -3 and -5.
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
	Rule     string // name of the rule: own ones in upper snake case ("VALIDITY_FIVE_YEARS"), those of zlint as it writes them
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
	citation string // byTable: the table that fixes the content of the draft's kind
	text     string // what the rule wants
	check    func(D) string
}

// byTable in place of a citation.
const byTable = ""

// judge applies every rule to a draft. table is the citation of the rules that the draft's own table fills.
func judge[D any](rules []rule[D], draft D, table string) []Finding {
	var findings []Finding
	for _, r := range rules {
		wrong := r.check(draft)
		if wrong == "" {
			continue
		}
		citation := r.citation
		if citation == byTable {
			citation = table
		}
		findings = append(findings, Finding{r.name, r.level, citation, wrong})
	}
	return findings
}
