package profiles

import (
	"crypto"
	"fmt"
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

// The kinds of issuers and roots, and of the signers to whom an issuer delegates.
const (
	RootCA      IssuerKind = "root-ca"       // GEM.RCA<n> and its stand-in
	SMCBCA      IssuerKind = "smcb-ca"       // <tsp>.SMCB-CA<n>
	KOMPCA      IssuerKind = "komp-ca"       // <tsp>.KOMP-CA<n>: devices
	QESCA       IssuerKind = "qes-ca"        // qualified certificates; outside the root of the telematics infrastructure
	OCSPSigner  IssuerKind = "ocsp-signer"   // signs OCSP answers about one issuer's certificates
	CRLSigner   IssuerKind = "crl-signer"    // signs CRLs of one issuer's certificates
	CVCRootCA   IssuerKind = "cvc-root-ca"   // CVC-Root-CA
	CVCSubCA    IssuerKind = "cvc-ca"        // CVC-CA of the second level for institution cards
	CVCDeviceCA IssuerKind = "cvc-device-ca" // CVC-CA of the second level for device cards (GS-A_5213-02)
)

// IsCVC tells whether issuers of the kind have CV certificates; the others have X.509 certificates.
func (k IssuerKind) IsCVC() bool { return k == CVCRootCA || k == CVCSubCA || k == CVCDeviceCA }

// Issuer is the public side of an issuer: a CA key generation with its own certificate. Immutable.
type Issuer struct {
	Name     string // unique among all issuers, for example "SIEGEL.SMCB-CA1"
	Kind     IssuerKind
	KeyType  sigalg.KeyType
	X509     *pkix.Certificate // of an X.509 issuer; otherwise nil
	CVC      *cvc.Certificate  // of a CVC issuer of generation 2, whose key is on a brainpool curve
	G1       *cvc.G1CA         // of a CVC issuer of generation 1, whose key is RSA
	IssuedBy string            // name of the issuer above; its own name for a root
	OCSPURL  string            // responder for certificates of this issuer (AIA); X.509 only
	CRLURL   string            // CRL distribution point of this issuer, where a sector asks for one; X.509 only
	Profiles []string          // names of the profiles that this key may sign

	// OrdersFrom is when it begins to sign for cards; the zero time: as soon as its certificate is valid. With it, the next key generation
	// stands ready beside the one in use, and every server changes over at the same moment.
	OrdersFrom time.Time
	// Retired is from when on it signs for cards no more; the zero time: it is in use. Its key may sign CRLs still.
	Retired time.Time

	PSS       bool           // an RSA key signs with RSASSA-PSS (GS-A_4358); issuers of qualified certificates only
	Qualified *QualifiedInfo // what an issuer of qualified certificates says in them; otherwise nil
}

// QualifiedInfo is what a qualified provider says in each of its certificates about itself.
type QualifiedInfo struct {
	PDS            []pkix.PDSLocation // PKI disclosure statements, one of them in English
	RetentionYears int                // for which records are kept after a certificate has expired
	Legislation    []string           // countries whose law applies in place of the European Union's; nil for none
	CAIssuersURL   string             // where the issuer's certificate is found; "" leaves it out
}

// X509Scheme is the scheme with which the issuer signs X.509 certificates.
func (i *Issuer) X509Scheme() (sigalg.Scheme, error) {
	if !i.PSS {
		return sigalg.X509Scheme(i.KeyType)
	}
	if i.Kind != QESCA || i.KeyType.Generation() != sigalg.RSA {
		return 0, fmt.Errorf("issuer %s: only qualified issuers with an RSA key sign with RSASSA-PSS (GS-A_4358)", i.Name)
	}
	return sigalg.RSAPSSSHA256, nil
}

// PublicKey is the key of the issuer's own certificate.
func (i *Issuer) PublicKey() crypto.PublicKey {
	switch {
	case i.X509 != nil:
		return i.X509.PublicKey
	case i.G1 != nil:
		return i.G1.PublicKey
	}
	return i.CVC.Body.PublicKey
}

// Raw gives the octets of the issuer's own certificate: DER, or data object 7F21. A root of CV certificates of generation 1 has
// none; its octets are the data object 7F4E that holds its key.
func (i *Issuer) Raw() []byte {
	switch {
	case i.X509 != nil:
		return i.X509.Raw
	case i.G1 != nil:
		return i.G1.Raw
	}
	return i.CVC.Raw
}

// Validity gives the first and last instant at which the issuer's own certificate is valid; the day of a CXD belongs to the term.
// False: the certificate has no term, as those of generation 1 have none.
func (i *Issuer) Validity() (first, last time.Time, limited bool) {
	switch {
	case i.X509 != nil:
		return i.X509.NotBefore, i.X509.NotAfter, true
	case i.G1 != nil:
		return time.Time{}, time.Time{}, false
	}
	return i.CVC.CED.Time(), i.CVC.CXD.Time().Add(24*time.Hour - time.Second), true
}

// Context is what a plan depends on besides the order and the profile set. The same order in the same context gives the
// same plan.
type Context struct {
	Environment Environment
	Now         time.Time
	TSPID       string    // two digits that gematik gave the provider, first part of the subject's serialNumber (Tab_PKI_109)
	Issuers     []*Issuer // of the installation, with the roots, newest last; the planner takes the newest that is valid, in use and bound
	Exceptions  []string  // legacy exceptions of the algorithm policy that the configuration grants
}

// Plan is what an order means: every certificate of the card, complete but for the X.509 serial numbers.
type Plan struct {
	Order    *Order
	CardType string
	Term     Term
	Slots    []PlannedSlot    // in the order of the card type
	Warnings []string         // allowed here, but not elsewhere
	Ended    []EndedAlgorithm // what it uses although its last day has passed; the warnings say it in words
}

// PlannedSlot is one certificate of a plan. Exactly one of X509, CVC and G1 is set.
type PlannedSlot struct {
	Slot      string // as the specification names the object, for example "C.HCI.AUT.E256"
	Profile   string
	Issuer    *Issuer
	PublicKey crypto.PublicKey
	MaxOctets int                  // size of the card file: the finished certificate must not be longer (GS-A_5337)
	X509      *pkix.TBSCertificate // complete but for Serial
	CVC       *cvc.Body            // complete
	G1        *cvc.G1Body          // complete
}
