package pkix

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Certificate is a parsed certificate, or the parsed signed part of one that has no signature yet. It shares no memory with
// what it was parsed from. Its slices alias each other and must not be written to.
type Certificate struct {
	Raw    []byte // the whole certificate; nil if parsed from a signed part alone
	RawTBS []byte // the signed part

	Version    int // always 3
	Serial     Serial
	Scheme     sigalg.Scheme // signature and signatureAlgorithm, which are the same
	RawIssuer  RawName
	Issuer     Name
	NotBefore  time.Time // UTC
	NotAfter   time.Time // UTC
	RawSubject RawName
	Subject    Name
	RawSPKI    []byte           // DER SubjectPublicKeyInfo
	PublicKey  crypto.PublicKey // *rsa.PublicKey, *brainpool.PublicKey or *ecdsa.PublicKey
	Extensions []Extension

	// Signature is in the form of the token: RSA big-endian, ECDSA r||s with halves as long as the hash of the scheme (64 octets if
	// a number is longer). nil if parsed from a signed part alone.
	Signature []byte

	signed signed
}

// ParseCertificate reads a certificate that fills the whole of raw. Errors name the field that is wrong. Besides what is not
// DER it refuses versions other than 3, serial numbers that are not positive or above 20 octets, duplicate extensions, unique
// identifiers, and signature algorithms that differ inside and outside (RFC 5280, Section 4.1.1.2). The contents of extensions
// are not read: see Find.
func ParseCertificate(raw []byte) (*Certificate, error) { return parseCertificate(bytes.Clone(raw)) }

// parseCertificate keeps raw.
func parseCertificate(raw []byte) (*Certificate, error) {
	s, err := parseSigned(raw)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	c, err := parseTBS(s.tbs)
	if err != nil {
		return nil, fmt.Errorf("certificate: %w", err)
	}
	if c.Scheme != s.scheme {
		return nil, fmt.Errorf("certificate: signed part says %s, signatureAlgorithm says %s", c.Scheme, s.scheme)
	}
	if c.Signature, err = s.signature(); err != nil {
		return nil, fmt.Errorf("certificate: signatureValue: %w", err)
	}
	c.Raw, c.signed = raw, s
	return c, nil
}

// ParseTBSCertificate reads the signed part of a certificate, which fills the whole of tbs, before there is a signature. It
// refuses what ParseCertificate refuses.
func ParseTBSCertificate(tbs []byte) (*Certificate, error) {
	c, err := parseTBS(bytes.Clone(tbs))
	if err != nil {
		return nil, fmt.Errorf("signed part of a certificate: %w", err)
	}
	return c, nil
}

// parseTBS reads TBSCertificate; the grammar stands at TBSCertificate.Encode. The result aliases tbs.
func parseTBS(tbs []byte) (*Certificate, error) {
	c := &Certificate{RawTBS: tbs, Version: version3}
	var seq cryptobyte.String
	if !der.ReadOnly(tbs, &seq, cbasn1.SEQUENCE) {
		return nil, errors.New("tbsCertificate is not one SEQUENCE")
	}
	for _, read := range []func(*cryptobyte.String) error{
		readVersion3, c.readSerial, c.readScheme, c.readIssuer, c.readValidity, c.readSubject, c.readPublicKey, c.readExtensions,
	} {
		if err := read(&seq); err != nil {
			return nil, err
		}
	}
	if !seq.Empty() {
		return nil, errors.New("tbsCertificate holds more than extensions at its end")
	}
	return c, nil
}

func readVersion3(s *cryptobyte.String) error {
	var version cryptobyte.String
	var n int64
	if !s.ReadASN1(&version, tagVersion) || !version.ReadASN1Integer(&n) || !version.Empty() || n != version3-1 {
		return errors.New("version is not 3")
	}
	return nil
}

func (c *Certificate) readSerial(s *cryptobyte.String) error {
	number, err := der.ReadUnsigned(s, MaxSerialLen)
	if err != nil {
		return fmt.Errorf("serialNumber: %w", err)
	}
	c.Serial, err = NewSerial(number)
	return err
}

func (c *Certificate) readScheme(s *cryptobyte.String) (err error) {
	if c.Scheme, err = readAlgorithm(s); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	return nil
}

func (c *Certificate) readIssuer(s *cryptobyte.String) (err error) {
	if c.RawIssuer, c.Issuer, err = readName(s); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	return nil
}

func (c *Certificate) readValidity(s *cryptobyte.String) (err error) {
	var validity cryptobyte.String
	if !s.ReadASN1(&validity, cbasn1.SEQUENCE) {
		return errors.New("no validity")
	}
	if c.NotBefore, err = der.ReadTime(&validity); err != nil {
		return fmt.Errorf("notBefore: %w", err)
	}
	if c.NotAfter, err = der.ReadTime(&validity); err != nil {
		return fmt.Errorf("notAfter: %w", err)
	}
	if !validity.Empty() {
		return errors.New("validity holds more than two times")
	}
	return nil
}

func (c *Certificate) readSubject(s *cryptobyte.String) (err error) {
	if c.RawSubject, c.Subject, err = readName(s); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	return nil
}

func (c *Certificate) readPublicKey(s *cryptobyte.String) (err error) {
	c.RawSPKI, c.PublicKey, err = readPublicKey(s)
	return err
}

func (c *Certificate) readExtensions(s *cryptobyte.String) (err error) {
	if s.Empty() {
		return nil
	}
	var wrapped cryptobyte.String
	if !s.ReadASN1(&wrapped, tagExtensions) {
		return errors.New("neither extensions nor the end after subjectPublicKeyInfo")
	}
	if c.Extensions, err = readExtensions(&wrapped); err != nil {
		return err
	}
	if !wrapped.Empty() {
		return errors.New("extensions are not one SEQUENCE")
	}
	return nil
}

func readName(s *cryptobyte.String) (RawName, Name, error) {
	var raw cryptobyte.String
	if !s.ReadASN1Element(&raw, cbasn1.SEQUENCE) {
		return nil, nil, errors.New("no name where one is expected")
	}
	name, err := ParseName(raw)
	return RawName(raw), name, err
}

func readPublicKey(s *cryptobyte.String) ([]byte, crypto.PublicKey, error) {
	var raw cryptobyte.String
	if !s.ReadASN1Element(&raw, cbasn1.SEQUENCE) {
		return nil, nil, errors.New("no public key where one is expected")
	}
	pub, err := ParsePublicKey(raw)
	return raw, pub, err
}

// Extension gives the extension with the given object identifier, and false if the certificate has none.
func (c *Certificate) Extension(id asn1.ObjectIdentifier) (Extension, bool) {
	return findExtension(c.Extensions, id)
}

// Find reads one extension out of a list with its parser, for example
//
//	admission, ok, err := pkix.Find(c.Extensions, pkix.OIDAdmission, pkix.ParseAdmission)
//
// An absent extension is no error; ok tells.
func Find[T any](list []Extension, id asn1.ObjectIdentifier, parse func(value []byte) (T, error)) (value T, ok bool, err error) {
	e, ok := findExtension(list, id)
	if !ok {
		return value, false, nil
	}
	value, err = parse(e.Value)
	return value, true, err
}

// SubjectKeyID gives the subjectKeyIdentifier, which an issuer's certificates repeat as authority key identifier. A certificate
// without one, or with a malformed one, gives an error.
func (c *Certificate) SubjectKeyID() (SubjectKeyIdentifier, error) {
	id, ok, err := Find(c.Extensions, OIDSubjectKeyIdentifier, ParseSubjectKeyIdentifier)
	if !ok {
		return nil, errors.New("certificate has no subjectKeyIdentifier")
	}
	return id, err
}
