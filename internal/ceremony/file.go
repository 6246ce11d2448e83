package ceremony

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// File is a ceremony file: everything that a ceremony will do, for people to review before it is done. Unknown keys are errors. Paths are
// relative to the file.
type File struct {
	// What the ceremony is called, for example "First issuers of the year 2027".
	Title string `yaml:"title"`
	// Where the certificates will be used: test or production. Test marks the names in certificates TEST-ONLY and NOT-VALID.
	Environment profiles.Environment `yaml:"environment"`
	// Two digits that gematik gave the provider (gemSpec_PKI, Tab_PKI_109). For the first list of issuers only.
	TSPID string `yaml:"tsp_id,omitempty"`
	// Who is there. Two ca-operators at least, and a security-officer or a witness (GS-A_4290; ETSI EN 319 411-1, GEN-6.5.1-13).
	Participants []Participant `yaml:"participants"`
	// The tokens that are used.
	Tokens []Token `yaml:"tokens"`

	// Roots to create, for tests only: keys, and certificates that they sign themselves. A file with roots has nothing else, so that their keys
	// are in a token of their own.
	Roots []Root `yaml:"roots,omitempty"`

	// The roots that will certify the issuers. Their certificates were brought here by a way that the reviewers trust, and are named by
	// their fingerprints.
	Anchors []Anchor `yaml:"anchors,omitempty"`
	// Issuers to create: keys, requests to the root, and what comes back. They are entered in the list of issuers in this order, after
	// those that are there, which makes them the newer key generation.
	Issuers []Issuer `yaml:"issuers,omitempty"`
	// The key that signs the heads of the issuance log. For the first list of issuers only.
	Log *Log `yaml:"log,omitempty"`
	// Issuers to take out of use for cards. Their responders and CRLs go on.
	Retire []Retirement `yaml:"retire,omitempty"`
	// Keys of retired issuers to destroy. The issuer was retired in an earlier ceremony, and servers have read the list since.
	Destroy []Destruction `yaml:"destroy,omitempty"`

	// Set by Read.
	path   string
	sha256 [32]byte
}

// Participant is a person who takes part.
type Participant struct {
	// Name, as it stands in the record.
	Name string `yaml:"name"`
	// ca-operator, security-officer, system-operator, auditor or witness.
	Role string `yaml:"role"`
}

// The roles of participants that the checks name.
const (
	roleCAOperator      = "ca-operator"
	roleSecurityOfficer = "security-officer"
	roleWitness         = "witness"
)

// roles are those that a participant can have.
var roles = []string{roleCAOperator, roleSecurityOfficer, "system-operator", "auditor", roleWitness}

// Token is a token that keys are created in.
type Token struct {
	// By which keys refer to it, for example "ca".
	Name string `yaml:"name"`
	// Where it is: a pkcs11: URI with module-path (RFC 7512), and no PIN.
	URI string `yaml:"uri"`
	// Where its user PIN comes from: "prompt" (a person types it), "shares" (the first two ca-operators of the file type a share each, as
	// siegeld pin split makes them), or "file:" and a path.
	PIN string `yaml:"pin"`
}

// The sources of a PIN besides a file.
const (
	PINPrompt = "prompt"
	PINShares = "shares"
)

// Key is a key pair to create.
type Key struct {
	// R2048, R3072, E256, E384, E512 (the brainpool curves) or Ed25519.
	Type KeyType `yaml:"type"`
	// Token that it is created in.
	Token string `yaml:"token"`
	// CKA_ID in hex, 1 to 64 octets, by which the server finds it. It is chosen here and not by the program, so that a ceremony that is run
	// again looks for the same key.
	ID Hex `yaml:"id"`
	// CKA_LABEL, by which people know it.
	Label string `yaml:"label"`
}

// Root is a test root to create.
type Root struct {
	// Name of an X.509 root, for example SIEGEL.RCA1; of a CVC root its reference with hyphens, for example DESGX-8-1-02-26.
	Name string `yaml:"name"`
	// root-ca or cvc-root-ca.
	Kind profiles.IssuerKind `yaml:"kind"`
	// Organization in the name; X.509 only.
	Organization string `yaml:"organization,omitempty"`
	Key          Key    `yaml:"key"`
	// Responder that would know the root's own status; X.509 only (Tab_PKI_211).
	OCSPURL string `yaml:"ocsp_url,omitempty"`
}

// Anchor is a root that certifies issuers.
type Anchor struct {
	// Name in the list of issuers.
	Name string `yaml:"name"`
	// root-ca or cvc-root-ca.
	Kind profiles.IssuerKind `yaml:"kind"`
	// File of its certificate: PEM or DER, the data object 7F21, or of a CVC root of generation 1 the data object 7F4E.
	Certificate string `yaml:"certificate"`
	// SHA-256 of the certificate's octets (DER, data object) in hex.
	SHA256 Hex `yaml:"sha256"`

	issuer profiles.Issuer // set by Read
}

// Issuer is an issuer to create.
type Issuer struct {
	// Name of an X.509 issuer, for example SIEGEL.SMCB-CA1; of a CVC issuer its reference with hyphens, for example DESGX-1-1-02-26.
	Name string `yaml:"name"`
	// smcb-ca, komp-ca, cvc-ca or cvc-device-ca.
	Kind profiles.IssuerKind `yaml:"kind"`
	// Number of the key generation of this issuer, from 1. For the record: what it replaces has a smaller one.
	Generation int `yaml:"generation"`
	Key        Key `yaml:"key"`
	// Anchor that will certify it.
	IssuedBy string `yaml:"issued_by"`
	// Organization in the name; X.509 only.
	Organization string `yaml:"organization,omitempty"`
	// Row of the table of sub-CAs that the root will certify it for, for example hba-smcb (gemSpec_PKI, Tab_PKI_919-02); CVC of key
	// generation ECC only.
	SubCA string `yaml:"sub_ca,omitempty"`
	// Attributes of the CVC request, beyond the key: see request.go.
	RequestAttributes []RequestAttribute `yaml:"request_attributes,omitempty"`
	// Most years that the certificate may last. Default: 8 (GS-A_4351; TIP1-A_2600-01).
	MaxYears int `yaml:"max_years,omitempty"`
	// Responder for certificates of this issuer; X.509 only.
	OCSPURL string `yaml:"ocsp_url,omitempty"`
	// CRL of this issuer, for sectors that ask for one; X.509 only.
	CRLURL string `yaml:"crl_url,omitempty"`
	// Profiles that the key may sign. Default: all that belong to its kind and key generation.
	Profiles []string `yaml:"profiles,omitempty"`
	// When it begins to sign for cards, for example 2027-03-01T00:00:00Z. Default: as soon as its certificate is valid.
	OrdersFrom time.Time `yaml:"orders_from,omitempty"`
	// Signers that it certifies for its status service; X.509 only, and one ocsp-signer at least (A_23142).
	Signers []Signer `yaml:"signers,omitempty"`

	reference cvc.Reference // of a CVC issuer; set by Read
	flags     cvc.Flags     // of a CVC issuer of key generation ECC; set by Read
}

// RequestAttribute is an attribute of a CVC request.
type RequestAttribute struct {
	// Object identifier, for example 1.2.276.0.76.3.1.
	ID string `yaml:"id"`
	// DER of its one value in hex.
	Value Hex `yaml:"value"`
}

// Signer is a key to which an issuer delegates its status service.
type Signer struct {
	// Name, for example SIEGEL.SMCB-CA1-OCSP1.
	Name string `yaml:"name"`
	// ocsp-signer. CRLs are signed by the issuer itself.
	Kind profiles.IssuerKind `yaml:"kind"`
	// Organization in the name. Default: the issuer's.
	Organization string `yaml:"organization,omitempty"`
	Key          Key    `yaml:"key"`
}

// Log is the key of the issuance log.
type Log struct {
	// Name of the log in its signed notes, for example siegel.example/log.
	Name string `yaml:"name"`
	// Ed25519.
	Key Key `yaml:"key"`
}

// Retirement takes an issuer out of use.
type Retirement struct {
	// Name in the list of issuers.
	Issuer string `yaml:"issuer"`
	// Why, for the record.
	Reason string `yaml:"reason"`
}

// Destruction destroys the key of a retired issuer.
type Destruction struct {
	// Name in the list of issuers.
	Issuer string `yaml:"issuer"`
	// Token that the key is in.
	Token string `yaml:"token"`
	// CKA_LABEL of the key; --confirm-destroy must name it too.
	Label string `yaml:"label"`
	// Where copies of the key are (cloned tokens, backups), and who destroys them when: this program cannot see them.
	Backups string `yaml:"backups"`
}

// IsCVC tells whether the issuer has CV certificates.
func (i *Issuer) IsCVC() bool { return i.Kind.IsCVC() }

// Reference is the key's name of a CVC issuer.
func (i *Issuer) Reference() cvc.Reference { return i.reference }

// Flags is the flag list that the certificate of a CVC issuer of key generation ECC must have.
func (i *Issuer) Flags() cvc.Flags { return i.flags }

// Reference is the key's name of a CVC root.
func (r *Root) Reference() (cvc.Reference, error) { return ReferenceOf(r.Name) }

// Issuer is the anchor's public side.
func (a *Anchor) Issuer() *profiles.Issuer { return &a.issuer }

// Anchor finds an anchor by its name; nil if there is none.
func (f *File) Anchor(name string) *Anchor {
	for i := range f.Anchors {
		if f.Anchors[i].Name == name {
			return &f.Anchors[i]
		}
	}
	return nil
}

// CAOperators names the participants who are that, in the order of the file.
func (f *File) CAOperators() (names []string) {
	for _, p := range f.Participants {
		if p.Role == roleCAOperator {
			names = append(names, p.Name)
		}
	}
	return names
}

// SHA256 is the fingerprint of the file, by which people confirm it.
func (f *File) SHA256() [32]byte { return f.sha256 }

// Path is where the file was read.
func (f *File) Path() string { return f.path }

// KeyType is a key type by its name.
type KeyType struct{ sigalg.KeyType }

// UnmarshalYAML reads the name.
func (t *KeyType) UnmarshalYAML(n *yaml.Node) (err error) {
	if t.KeyType, err = sigalg.ParseKeyType(n.Value); err != nil {
		return fmt.Errorf("line %d: %w", n.Line, err)
	}
	return nil
}

// subjectOf gives the request of an X.509 issuer or signer, without what only the one who signs knows.
func (f *File) subjectOf(name, organization string) *profiles.IssuerRequest {
	return &profiles.IssuerRequest{Environment: f.Environment, CommonName: name, Organization: organization}
}

// commonName is what a CVC request has in place of a subject.
func commonName(ref cvc.Reference) pkix.Name {
	return pkix.Name{pkix.Single(pkix.OIDCommonName, ref.String())}
}
