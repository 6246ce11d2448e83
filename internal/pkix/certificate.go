package pkix

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Tags in TBSCertificate (RFC 5280, Section 4.1).
var (
	tagVersion    = der.Explicit(0)
	tagExtensions = der.Explicit(3)
)

// version3 is the only version that the profiles know; its INTEGER is 2.
const version3 = 3

// TBSCertificate is what a certificate says, before it is signed. It is always version 3.
type TBSCertificate struct {
	Serial    Serial
	Scheme    sigalg.Scheme // how the issuer will sign; stands inside and outside of the signed part
	Issuer    RawName       // the issuer's own subject, octet by octet
	NotBefore time.Time     // whole seconds
	NotAfter  time.Time     // whole seconds
	Subject   Name
	PublicKey []byte // DER SubjectPublicKeyInfo
	// Extensions are encoded in this order. None at all leaves the field out.
	Extensions []Extension
}

// Encode gives the DER that is signed:
//
//	TBSCertificate ::= SEQUENCE {
//	    version              [0] EXPLICIT INTEGER { v3(2) },
//	    serialNumber         INTEGER,
//	    signature            AlgorithmIdentifier,
//	    issuer               Name,
//	    validity             SEQUENCE { notBefore Time, notAfter Time },
//	    subject              Name,
//	    subjectPublicKeyInfo SubjectPublicKeyInfo,
//	    extensions           [3] EXPLICIT Extensions OPTIONAL }
//
// Errors name the field: a zero serial number, a scheme that does not sign certificates, a malformed issuer or key, a time with a
// fraction of a second, a subject against Tab_PKI_229-01, an extension that appears twice. What encodes also parses.
func (t *TBSCertificate) Encode() ([]byte, error) {
	subject, err := t.Subject.Encode()
	if err != nil {
		return nil, fmt.Errorf("encoding certificate: subject: %w", err)
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("encoding certificate: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 1280))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(tagVersion, func(b *cryptobyte.Builder) { b.AddASN1Int64(version3 - 1) })
		der.AddUnsigned(b, t.Serial.Bytes())
		addAlgorithm(b, t.Scheme)
		b.AddBytes(t.Issuer)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			der.AddTime(b, t.NotBefore)
			der.AddTime(b, t.NotAfter)
		})
		b.AddBytes(subject)
		b.AddBytes(t.PublicKey)
		if len(t.Extensions) > 0 {
			b.AddASN1(tagExtensions, func(b *cryptobyte.Builder) { addExtensions(b, t.Extensions) })
		}
	})
	tbs, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding certificate: %w", err)
	}
	return tbs, nil
}

// check looks at the parts that come in as octets and at those whose zero value must not be encoded.
func (t *TBSCertificate) check() error {
	if t.Serial.IsZero() {
		return errors.New("no serial number")
	}
	if _, err := ParseName(t.Issuer); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	_, err := ParsePublicKey(t.PublicKey)
	return err
}

// Assemble puts a signed part and its signature together to a certificate and reads the whole as ParseCertificate does. scheme must be the
// one inside tbs. signature is in the form of the token: RSA big-endian in the length of the modulus; ECDSA r||s, which becomes an
// ECDSA-Sig-Value. The signature is not checked: see Certificate.CheckSignatureFrom.
func Assemble(tbs []byte, scheme sigalg.Scheme, signature []byte) (*Certificate, error) {
	raw, err := signed{tbs: tbs, scheme: scheme}.encode(signature)
	if err != nil {
		return nil, fmt.Errorf("assembling certificate: %w", err)
	}
	c, err := parseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("assembling certificate: %w", err)
	}
	return c, nil
}

// AssembledLen gives the length in octets of what Assemble makes, without reading tbs.
func AssembledLen(tbs []byte, scheme sigalg.Scheme, signature []byte) (int, error) {
	raw, err := signed{tbs: tbs, scheme: scheme}.encode(signature)
	if err != nil {
		return 0, fmt.Errorf("assembling certificate: %w", err)
	}
	return len(raw), nil
}
