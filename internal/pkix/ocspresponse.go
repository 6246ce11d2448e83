package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// OCSPError is the status of an answer without content (RFC 6960, Section 4.2.1; Tab_PKI_291). sigRequired is not among them: it must never
// be given (GS-A_4687).
type OCSPError uint8

// The errors.
const (
	OCSPMalformedRequest OCSPError = 1
	OCSPInternalError    OCSPError = 2
	OCSPTryLater         OCSPError = 3
	OCSPUnauthorized     OCSPError = 6
)

var ocspErrorNames = map[OCSPError]string{
	OCSPMalformedRequest: "malformedRequest", OCSPInternalError: "internalError", OCSPTryLater: "tryLater", OCSPUnauthorized: "unauthorized",
}

// Error gives the name of RFC 6960.
func (e OCSPError) Error() string {
	if name, ok := ocspErrorNames[e]; ok {
		return name
	}
	return fmt.Sprintf("OCSPResponseStatus %d", uint8(e))
}

// Encode gives the unsigned answer, 5 octets.
func (e OCSPError) Encode() []byte { return []byte{0x30, 0x03, 0x0a, 0x01, byte(e)} }

// oidBasicResponse is id-pkix-ocsp-basic.
var oidBasicResponse = asn1.ObjectIdentifier{1, 3, 6, 1, 5, 5, 7, 48, 1, 1}

// CertStatus is what an answer says about one certificate.
type CertStatus uint8

// The statuses, with their tags in CertStatus (RFC 6960, Section 4.2.1).
const (
	StatusGood    CertStatus = 0
	StatusRevoked CertStatus = 1
	StatusUnknown CertStatus = 2
)

// String gives the name of RFC 6960.
func (s CertStatus) String() string {
	return [...]string{"good", "revoked", "unknown"}[min(s, StatusUnknown)]
}

// SingleResponse is the answer about one certificate.
type SingleResponse struct {
	ID         CertID // Encode looks at Raw only
	Status     CertStatus
	RevokedAt  time.Time // whole seconds; StatusRevoked only
	Reason     int       // CRLReason (RFC 5280, Section 5.3.1), or NoReason; StatusRevoked only
	ThisUpdate time.Time // whole seconds
	NextUpdate time.Time // whole seconds; zero leaves it out
	Extensions []Extension
}

// NoReason says that an answer or an entry gives no reason for a revocation.
const NoReason = -1

// OCSPResponseData is what an answer says, before it is signed.
type OCSPResponseData struct {
	// ResponderKeyHash is the SHA-1 of the signer's public key bits, 20 octets, as KeyIdentifier makes it.
	ResponderKeyHash []byte
	ProducedAt       time.Time // whole seconds
	Responses        []SingleResponse
	Nonce            OCSPNonce // of the request
}

// Encode gives the DER that is signed:
//
//	ResponseData   ::= SEQUENCE {
//	    responderID        [2] EXPLICIT OCTET STRING,  -- byKey
//	    producedAt         GeneralizedTime,
//	    responses          SEQUENCE OF SingleResponse,
//	    responseExtensions [1] EXPLICIT Extensions OPTIONAL }
//	SingleResponse ::= SEQUENCE {
//	    certID CertID, certStatus CertStatus, thisUpdate GeneralizedTime, nextUpdate [0] EXPLICIT GeneralizedTime OPTIONAL,
//	    singleExtensions [1] EXPLICIT Extensions OPTIONAL }
//	CertStatus     ::= CHOICE {
//	    good [0] IMPLICIT NULL, unknown [2] IMPLICIT NULL,
//	    revoked [1] IMPLICIT SEQUENCE { revocationTime GeneralizedTime, revocationReason [0] EXPLICIT ENUMERATED OPTIONAL } }
func (d *OCSPResponseData) Encode() ([]byte, error) {
	extensions, err := d.Nonce.list()
	if err != nil {
		return nil, fmt.Errorf("encoding OCSP answer: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 384))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(der.Explicit(2), func(b *cryptobyte.Builder) {
			requireKeyID(b, d.ResponderKeyHash)
			b.AddASN1OctetString(d.ResponderKeyHash)
		})
		der.AddGeneralizedTime(b, d.ProducedAt)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			if len(d.Responses) == 0 {
				b.SetError(errors.New("it speaks of no certificate"))
			}
			for i := range d.Responses {
				d.Responses[i].add(b)
			}
		})
		if len(extensions) > 0 {
			b.AddASN1(der.Explicit(1), func(b *cryptobyte.Builder) { addExtensions(b, extensions) })
		}
	})
	tbs, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding OCSP answer: %w", err)
	}
	return tbs, nil
}

func (r *SingleResponse) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(r.ID.Raw)
		r.addStatus(b)
		der.AddGeneralizedTime(b, r.ThisUpdate)
		if !r.NextUpdate.IsZero() {
			b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) { der.AddGeneralizedTime(b, r.NextUpdate) })
		}
		if len(r.Extensions) > 0 {
			b.AddASN1(der.Explicit(1), func(b *cryptobyte.Builder) { addExtensions(b, r.Extensions) })
		}
	})
}

func (r *SingleResponse) addStatus(b *cryptobyte.Builder) {
	switch r.Status {
	case StatusGood, StatusUnknown:
		b.AddASN1(der.Implicit(uint8(r.Status)), func(*cryptobyte.Builder) {})
	case StatusRevoked:
		b.AddASN1(der.Explicit(uint8(StatusRevoked)), func(b *cryptobyte.Builder) {
			der.AddGeneralizedTime(b, r.RevokedAt)
			if r.Reason != NoReason {
				b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) { b.AddASN1Enum(int64(r.Reason)) })
			}
		})
	default:
		b.SetError(fmt.Errorf("status %d does not exist", r.Status))
	}
}

// AssembleOCSPResponse puts ResponseData, its signature in the form of the token and the certificate of the signer together to the DER of an
// answer. The signature is not checked.
//
//	OCSPResponse      ::= SEQUENCE { responseStatus ENUMERATED, responseBytes [0] EXPLICIT SEQUENCE { id-pkix-ocsp-basic, OCTET STRING } }
//	BasicOCSPResponse ::= SEQUENCE { tbsResponseData, signatureAlgorithm, signature, certs [0] EXPLICIT SEQUENCE OF Certificate OPTIONAL }
func AssembleOCSPResponse(tbs []byte, scheme sigalg.Scheme, signature []byte, signer *Certificate) ([]byte, error) {
	basic, err := signed{tbs: tbs, scheme: scheme}.encodeWith(signature, func(b *cryptobyte.Builder) {
		b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(signer.Raw) })
		})
	})
	if err != nil {
		return nil, fmt.Errorf("assembling OCSP answer: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(basic)+48))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Enum(0) // successful
		b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				b.AddASN1ObjectIdentifier(oidBasicResponse)
				b.AddASN1OctetString(basic)
			})
		})
	})
	return b.Bytes()
}
