package pkix

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
	"iter"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// CRL is a parsed complete CRL. Its slices alias what it was parsed from: a CRL may have many millions of octets.
type CRL struct {
	Raw    []byte
	RawTBS []byte // the signed part
	CRLHead
	Length int // number of entries

	entries cryptobyte.String
	signed  signed
}

// CRLEntry is one revoked certificate.
type CRLEntry struct {
	Serial     Serial
	RevokedAt  time.Time
	Extensions []Extension
}

// ParseCRL reads a CRL of version 2 that fills the whole of raw, with every entry. An empty list of entries is an error: it is left out
// (RFC 5280, Section 5.1.2.6). The signature is not checked.
func ParseCRL(raw []byte) (*CRL, error) {
	s, err := parseSigned(raw)
	if err != nil {
		return nil, fmt.Errorf("CRL: %w", err)
	}
	c := &CRL{Raw: raw, RawTBS: s.tbs, signed: s}
	if err := c.parse(s.tbs); err != nil {
		return nil, fmt.Errorf("CRL: %w", err)
	}
	if c.Scheme != s.scheme {
		return nil, fmt.Errorf("CRL: signed part says %s, signatureAlgorithm says %s", c.Scheme, s.scheme)
	}
	for rest := c.entries; !rest.Empty(); c.Length++ {
		if _, err := readCRLEntry(&rest); err != nil {
			return nil, fmt.Errorf("CRL: entry %d: %w", c.Length+1, err)
		}
	}
	return c, nil
}

// ParseCRLHead reads what a CRL says besides its entries, from its signed part. It does not look into the entries.
func ParseCRLHead(tbs []byte) (*CRLHead, error) {
	c := new(CRL)
	if err := c.parse(tbs); err != nil {
		return nil, fmt.Errorf("signed part of a CRL: %w", err)
	}
	return &c.CRLHead, nil
}

func (c *CRL) parse(tbs []byte) (err error) {
	var seq cryptobyte.String
	var version int64
	if !der.ReadOnly(tbs, &seq, cbasn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || version != 1 {
		return errors.New("version is not 2")
	}
	if c.Scheme, err = readAlgorithm(&seq); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	if c.Issuer, _, err = readName(&seq); err != nil {
		return fmt.Errorf("issuer: %w", err)
	}
	if c.ThisUpdate, err = der.ReadTime(&seq); err != nil {
		return fmt.Errorf("thisUpdate: %w", err)
	}
	if c.NextUpdate, err = der.ReadTime(&seq); err != nil {
		return fmt.Errorf("nextUpdate: %w", err)
	}
	if seq.PeekASN1Tag(cbasn1.SEQUENCE) && (!seq.ReadASN1(&c.entries, cbasn1.SEQUENCE) || c.entries.Empty()) {
		return errors.New("revokedCertificates is not a SEQUENCE of entries")
	}
	if c.Extensions, err = readOptionalExtensions(&seq, der.Explicit(0)); err != nil {
		return fmt.Errorf("crlExtensions: %w", err)
	}
	if !seq.Empty() {
		return errors.New("tbsCertList holds more than crlExtensions at its end")
	}
	return nil
}

// Entries gives the entries in their order.
func (c *CRL) Entries() iter.Seq[CRLEntry] {
	return func(yield func(CRLEntry) bool) {
		for rest := c.entries; !rest.Empty(); {
			e, err := readCRLEntry(&rest)
			if err != nil || !yield(e) { // ParseCRL has read them all: there is no error
				return
			}
		}
	}
}

func readCRLEntry(s *cryptobyte.String) (e CRLEntry, err error) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return e, errors.New("not a SEQUENCE")
	}
	number, err := der.ReadUnsigned(&seq, MaxSerialLen)
	if err != nil {
		return e, fmt.Errorf("userCertificate: %w", err)
	}
	if e.Serial, err = NewSerial(number); err != nil {
		return e, err
	}
	if e.RevokedAt, err = der.ReadTime(&seq); err != nil {
		return e, fmt.Errorf("revocationDate: %w", err)
	}
	if seq.Empty() {
		return e, nil
	}
	if e.Extensions, err = readExtensions(&seq); err != nil {
		return e, err
	}
	if !seq.Empty() {
		return e, errors.New("more than crlEntryExtensions at the end")
	}
	return e, nil
}

// CheckSignature checks the signature with a public key and nothing else. sigalg.ErrSignature says that it is not of this key.
func (c *CRL) CheckSignature(pub crypto.PublicKey) error {
	if err := c.signed.verify(pub); err != nil {
		return fmt.Errorf("checking CRL: %w", err)
	}
	return nil
}

// CheckSignatureFrom checks that issuer signed c: name, key identifier and signature. ErrIssuer and sigalg.ErrSignature tell the kinds of
// failure.
func (c *CRL) CheckSignatureFrom(issuer *Certificate) error {
	if !bytes.Equal(c.Issuer, issuer.RawSubject) {
		return fmt.Errorf("checking CRL: %w: name differs", ErrIssuer)
	}
	authority, _, err := Find(c.Extensions, OIDAuthorityKeyIdentifier, ParseAuthorityKeyIdentifier)
	if err != nil {
		return fmt.Errorf("checking CRL: %w", err)
	}
	subject, _, err := Find(issuer.Extensions, OIDSubjectKeyIdentifier, ParseSubjectKeyIdentifier)
	if err != nil {
		return fmt.Errorf("checking CRL: issuer: %w", err)
	}
	if !matchKeyID(authority, subject) {
		return fmt.Errorf("checking CRL: %w: key identifier differs", ErrIssuer)
	}
	return c.CheckSignature(issuer.PublicKey)
}
