package lint

import (
	"regexp"
	"slices"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Kind names a kind of X.509 certificate as the specifications print it.
type Kind string

// The kinds. Those that begin with HCI, NK, AK, SAK and SMKT lie on cards, the others do not.
const (
	HCIAUT   Kind = "C.HCI.AUT"   // institution: authentication
	HCIENC   Kind = "C.HCI.ENC"   // institution: encryption
	HCIOSIG  Kind = "C.HCI.OSIG"  // institution: organisation's signature
	HCIQES   Kind = "C.HCI.QES"   // qualified signature of the responsible person
	HCIQSEAL Kind = "C.HCI.QSEAL" // qualified seal of the institution
	NKVPN    Kind = "C.NK.VPN"    // Konnektor: VPN
	AKAUT    Kind = "C.AK.AUT"    // Konnektor: application part
	SAKAUT   Kind = "C.SAK.AUT"   // Konnektor: signature application
	SMKTAUT  Kind = "C.SMKT.AUT"  // card terminal

	RootCA     Kind = "GEM.RCA"    // root of the telematics infrastructure
	SMCBCA     Kind = "SMCB-CA"    // issues C.HCI.AUT, ENC, OSIG and its own OCSP signer
	KOMPCA     Kind = "KOMP-CA"    // issues C.NK.VPN, C.AK.AUT, C.SAK.AUT, C.SMKT.AUT
	QESCA      Kind = "HBA-qCA"    // issues qualified certificates, outside the root of the telematics infrastructure
	OCSPSigner Kind = "C.GEM.OCSP" // signs OCSP answers
	CRLSigner  Kind = "C.GEM.CRL"  // signs CRLs
)

// content is what the specifications fix for a kind.
type content struct {
	source      string // the table that says so
	keys        []sigalg.KeyType
	usages      map[sigalg.Generation][][]byte // the BIT STRINGs of keyUsage, any of them
	purposes    []string                       // extKeyUsage, in any order; nil where the extension has no place
	constraints []byte                         // content of basicConstraints
	extensions  extensionSet
	subject     subjectRule
	policies    policyRule
	admission   admissionRule
	altNames    altNameRule
	caIssuers   bool // authorityInfoAccess may name the issuer's certificate besides the OCSP responder
	qcType      string
}

// extensionSet lists object identifiers of extensions. Others have no place.
type extensionSet struct{ must, may []string }

// subjectRule lists attributes of the subject by short name. Others have no place.
type subjectRule struct {
	must, may []string
	country   string         // of C; "" for any
	form      *regexp.Regexp // of the common name without its mark; nil for any
	marks     marks
}

// marks are the ends of names in test certificates. "" leaves the name as it is.
type marks struct{ commonName, organization string }

// policyRule lists policies. The type is exactly one, or none where it is "".
type policyRule struct {
	common []string // any one of them, once
	also   []string // each of them once
	typ    string
	others int  // how many policies of the provider's own there may be
	cps    bool // the common policy names the practice statement
}

// anyNumber is a number of policies that nobody limits.
const anyNumber = 1 << 10

// admissionRule says what an admission holds.
type admissionRule struct {
	item, oid string // of a component; "" for any institution
	number    occurrence
	authority occurrence
}

// occurrence says whether something must be there, may be there, or must not.
type occurrence int

const (
	never occurrence = iota
	maybe
	always
)

// altNameRule says which forms a subjectAltName may hold, and the one DNS name that it must.
type altNameRule struct {
	mail  bool
	other bool
	host  string
}

// isCA tells whether the kind certifies others.
func (c *content) isCA() bool { return len(c.constraints) > 2 }

// known tells whether an extension has a place in the kind.
func (s extensionSet) known(oid string) bool {
	return slices.Contains(s.must, oid) || slices.Contains(s.may, oid)
}
