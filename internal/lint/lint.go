// Package lint judges drafts: the very octets that an issuer is about to sign.
//
// It is a second opinion on purpose. The planner (package profiles) builds a draft from an order and the profile data; lint
// reads the octets back with its own reader and compares them with its own tables, which restate the specifications
// in code. Where both say the same thing, that is the point: a mistake in one of them is found by the other, before
// anything is recorded and before a key is near.
//
// One rule, one citation. A finding of level Error stops the order.
//
// Where to look: x509read.go and cvcread.go read the octets; the rules are in the files named after what they judge.
//
// Sources: RFC 5280; gemSpec_PKI 2.14.1; gemSpec_Krypt 2.23; gemSpec_SMC-B_ObjSys_G2.1 4.2.0 and 5.0.0.
package lint

import (
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
)

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

// X509Context is what a TBSCertificate is judged against.
type X509Context struct {
	Slot   string            // as the specification names the object, for example "C.HCI.AUT.E256"
	Issuer *pkix.Certificate // certificate of the issuer that will sign
	Test   bool              // environment test: names carry the marks of gemSpec_PKI, GS-A_4588 and GS-A_4589
}

// X509 judges a draft of a card's X.509 certificate, a DER TBSCertificate. It gives all findings, in the order of the rules.
func X509(tbs []byte, c X509Context) []Finding { panic("not written") }

// CVCContext is what the body of a CV certificate is judged against.
type CVCContext struct {
	Slot   string           // as the specification names the object, for example "C.SMC.AUTR_CVC.E256"
	Issuer *cvc.Certificate // certificate of the issuer that will sign
	ICCSN  string           // of the card, 20 digits
	Now    time.Time        // a certificate must not take effect later: cards would move their clock
}

// CVC judges a draft of a card's CV certificate of generation 2, a data object 7F4E. It gives all findings, in the order of the
// rules.
func CVC(body []byte, c CVCContext) []Finding { panic("not written") }

// FileSize is the size in octets of the card file that holds the certificate of a slot, and false for an unknown slot
// (gemSpec_SMC-B_ObjSys_G2.1, for example Card-G2-A_2207-01).
func FileSize(slot string) (int, bool) { panic("not written") }
