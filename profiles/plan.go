package profiles

import (
	"crypto"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Environment says where certificates will be used; it decides names and what is tolerated (design: environments).
type Environment string

// The two environments. Test marks names TEST-ONLY and NOT-VALID (GS-A_4588 to GS-A_4590); Production forbids the marks.
const (
	Test       Environment = "test"
	Production Environment = "production"
)

// IssuerKind names what an issuer is for. A CA with one purpose issues nothing for another (GS-A_4704).
type IssuerKind string

// The kinds of issuers and roots.
const (
	RootCA    IssuerKind = "root-ca"     // GEM.RCA<n> and its stand-in
	SMCBCA    IssuerKind = "smcb-ca"     // <tsp>.SMCB-CA<n>
	CVCRootCA IssuerKind = "cvc-root-ca" // CVC-Root-CA
	CVCSubCA  IssuerKind = "cvc-ca"      // CVC-CA of the second level
)

// Issuer is the public side of an issuer: a CA key generation with its own certificate. Immutable.
type Issuer struct {
	Name     string // unique among all issuers, for example "SIEGEL.SMCB-CA1"
	Kind     IssuerKind
	KeyType  sigalg.KeyType
	X509     *pkix.Certificate // nil for CVC issuers
	CVC      *cvc.Certificate  // nil for X.509 issuers
	IssuedBy string            // name of the issuer above; its own name for a root
	OCSPURL  string            // responder for certificates of this issuer (AIA); X.509 only
	CRLURL   string            // CRL distribution point of this issuer, where a sector asks for one; X.509 only
	Profiles []string          // names of the profiles that this key may sign
}

// PublicKey is the key of the issuer's own certificate.
func (i *Issuer) PublicKey() crypto.PublicKey {
	if i.X509 != nil {
		return i.X509.PublicKey
	}
	return i.CVC.Body.PublicKey
}

// Context is what a plan depends on besides the order and the profile set. The same order in the same context gives the
// same plan.
type Context struct {
	Environment Environment
	Now         time.Time
	TSPID       string    // two digits that gematik gave the provider, first part of the subject's serialNumber (Tab_PKI_109)
	Issuers     []*Issuer // those that may sign now, newest last; the planner takes the newest that is valid and bound
}

// Plan is what an order means: every certificate of the card, complete but for the X.509 serial numbers.
type Plan struct {
	Order    *Order
	CardType string
	Term     Term
	Slots    []PlannedSlot // in the order of the card type
	Warnings []string      // allowed here, but not elsewhere
}

// PlannedSlot is one certificate of a plan. Exactly one of X509 and CVC is set.
type PlannedSlot struct {
	Slot      string // as the specification names the object, for example "C.HCI.AUT.E256"
	Profile   string
	Issuer    *Issuer
	PublicKey crypto.PublicKey
	MaxOctets int                  // size of the card file: the finished certificate must not be longer (GS-A_5337)
	X509      *pkix.TBSCertificate // complete but for Serial
	CVC       *cvc.Body            // complete
}
