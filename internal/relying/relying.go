// Package relying decides from the outside whether a relying party, a Konnektor for example, would take a certificate for what it is
// meant to be: in the way of TUC_PKI_018, from nothing but octets.
//
// It is the counterpart of package lint. Lint asks whether a draft is what the issuer's specifications say; this package asks
// whether somebody who knows only the certificate, the two above it and what he needs would accept it. It has its own table of
// needs (need.go) and knows neither the profiles nor lint's tables. What it leaves out is what needs a network: the TSL (the caller
// names the issuer and what it may issue) and the exchange with a responder, whose answer it checks (status.go, TUC_PKI_006).
//
// The steps are those of TUC_PKI_018 in their order, and a refusal has the name that gemSpec_PKI, Tab_PKI_274 gives to the failure of a
// step:
//
//	read        CERT_READ_ERROR               the octets are certificates
//	time        CERTIFICATE_NOT_VALID_TIME    valid at the time asked for
//	critical    CERT_READ_ERROR               no critical extension that is not understood (GS-A_4661-01)
//	usage       WRONG_KEYUSAGE                keyUsage holds what is needed
//	purpose     WRONG_EXTENDEDKEYUSAGE        so does extKeyUsage
//	issuer      AUTHORITYKEYID_DIFFERENT      the issuer is the one named: subject and key identifier (TUC_PKI_003)
//	chain       CA_CERT_MISSING               issuer and root may issue, and terms lie within one another
//	signature   CERTIFICATE_NOT_VALID_MATH    signatures up to the root (TUC_PKI_004)
//	type        CERT_TYPE_MISMATCH            the certificate type, exactly one (TUC_PKI_007, GS-A_4749-01)
//	role        ROLE_MISMATCH                 role and number in the admission (GS-A_4660-02)
//	qualified   QC_STATEMENT_ERROR            statements of a qualified certificate (TUC_PKI_030)
//
// Where to look: need.go says what is asked of which certificate, content.go and chain.go hold the steps.
//
// All functions may be called concurrently.
//
// Sources: gemSpec_PKI 2.14.1, chapter 8 (TUC_PKI_002 to 018, 030, Tab_PKI_274); RFC 5280, Section 6.1; ETSI EN 319 412-5.
package relying

import (
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// Code names the failure of a step as gemSpec_PKI, Tab_PKI_274 does. RoleMismatch is the one that the table has no name for: there,
// comparing the role is left to the caller.
type Code string

// The failures.
const (
	ReadError     Code = "CERT_READ_ERROR"
	NotValidTime  Code = "CERTIFICATE_NOT_VALID_TIME"
	WrongKeyUsage Code = "WRONG_KEYUSAGE"
	WrongPurpose  Code = "WRONG_EXTENDEDKEYUSAGE"
	OtherIssuer   Code = "AUTHORITYKEYID_DIFFERENT"
	NoCA          Code = "CA_CERT_MISSING"
	NotValidMath  Code = "CERTIFICATE_NOT_VALID_MATH"
	TypeMissing   Code = "CERT_TYPE_INFO_MISSING"
	TypeMismatch  Code = "CERT_TYPE_MISMATCH"
	RoleMismatch  Code = "ROLE_MISMATCH"
	QCStatement   Code = "QC_STATEMENT_ERROR"
)

// Refusal says why a relying party would not take the certificate. It holds no personal data.
type Refusal struct {
	Code   Code
	Reason string
}

func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Reason }

func refuse(code Code, format string, args ...any) error {
	return &Refusal{code, fmt.Sprintf(format, args...)}
}

// Identity is what a relying party takes from a certificate that it accepts.
type Identity struct {
	Type        string // certificate type, an object identifier; "" for a qualified certificate
	Role        string // professionOID
	Item        string // professionItem
	TelematikID string // registrationNumber; "" for a component
}

// Above are the certificates above the one in question, in DER. The root is trusted as it stands.
type Above struct{ Issuer, Root []byte }

// Check decides on a certificate in DER, at a time. An error is a *Refusal: the first step that fails.
func Check(raw []byte, above Above, need Need, at time.Time) (Identity, error) {
	c, err := pkix.ParseCertificate(raw)
	if err != nil {
		return Identity{}, refuse(ReadError, "certificate: %v", err)
	}
	return examination{certificate: c, need: need, at: at, steps: append(contentSteps, chainSteps...)}.run(above)
}

// CheckDraft is Check for a TBSCertificate that nobody has signed yet: all steps but the one that needs the signature, and only the issuer
// above it.
func CheckDraft(tbs, issuer []byte, need Need, at time.Time) (Identity, error) {
	c, err := pkix.ParseTBSCertificate(tbs)
	if err != nil {
		return Identity{}, refuse(ReadError, "draft: %v", err)
	}
	return examination{certificate: c, need: need, at: at, steps: append(contentSteps, issuerStep, withinStep)}.run(Above{Issuer: issuer})
}

// examination is one certificate on its way through the steps.
type examination struct {
	certificate, issuer, root *pkix.Certificate
	need                      Need
	at                        time.Time
	steps                     []step
	identity                  *Identity
}

// step looks at one thing. It may add to the identity.
type step func(x *examination) error

func (x examination) run(above Above) (Identity, error) {
	var err error
	if x.issuer, err = pkix.ParseCertificate(above.Issuer); err != nil {
		return Identity{}, refuse(ReadError, "issuer: %v", err)
	}
	if above.Root != nil {
		if x.root, err = pkix.ParseCertificate(above.Root); err != nil {
			return Identity{}, refuse(ReadError, "root: %v", err)
		}
	}
	x.identity = new(Identity)
	for _, step := range x.steps {
		if err := step(&x); err != nil {
			return Identity{}, err
		}
	}
	return *x.identity, nil
}
