package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// KeyUsage is the set of purposes of a key (RFC 5280, Section 4.2.1.3). Bit n of the ASN.1 type is 1<<n.
type KeyUsage uint16

// The key usages.
const (
	DigitalSignature KeyUsage = 1 << iota
	NonRepudiation
	KeyEncipherment
	DataEncipherment
	KeyAgreement
	KeyCertSign
	CRLSign
	EncipherOnly
	DecipherOnly
)

var keyUsageNames = []string{"digitalSignature", "nonRepudiation", "keyEncipherment", "dataEncipherment", "keyAgreement",
	"keyCertSign", "cRLSign", "encipherOnly", "decipherOnly"}

// ParseKeyUsageName reads one name as in RFC 5280, for example "digitalSignature".
func ParseKeyUsageName(name string) (KeyUsage, error) {
	for i, n := range keyUsageNames {
		if n == name {
			return 1 << i, nil
		}
	}
	return 0, fmt.Errorf("unknown key usage %q", name)
}

// Names lists the names of the set as in RFC 5280, in the order of their bits.
func (u KeyUsage) Names() []string {
	var names []string
	for i, n := range keyUsageNames {
		if u&(1<<i) != 0 {
			names = append(names, n)
		}
	}
	return names
}

// String joins Names with ", ".
func (u KeyUsage) String() string { return strings.Join(u.Names(), ", ") }

// Extension encodes KeyUsage ::= BIT STRING with named bits; critical. The empty set is an error (RFC 5280, Section 4.2.1.3).
func (u KeyUsage) Extension() (Extension, error) {
	if u == 0 || u >= 1<<len(keyUsageNames) {
		return Extension{}, fmt.Errorf("encoding keyUsage: 0x%04x is not a set of key usages", uint16(u))
	}
	return encodeExtension(OIDKeyUsage, true, func(b *cryptobyte.Builder) { der.AddNamedBits(b, uint16(u)) })
}

// ParseKeyUsage reads the content of extnValue.
func ParseKeyUsage(value []byte) (KeyUsage, error) {
	s := cryptobyte.String(value)
	var set uint16
	if !der.ReadNamedBits(&s, &set) || !s.Empty() || set == 0 || set >= 1<<len(keyUsageNames) {
		return 0, malformed(OIDKeyUsage, "a BIT STRING of its named bits")
	}
	return KeyUsage(set), nil
}

// ExtendedKeyUsage lists purposes by object identifier (RFC 5280, Section 4.2.1.12).
type ExtendedKeyUsage []asn1.ObjectIdentifier

// Extension encodes ExtKeyUsageSyntax ::= SEQUENCE SIZE (1..MAX) OF KeyPurposeId; non critical, as in every profile.
func (u ExtendedKeyUsage) Extension() (Extension, error) {
	if len(u) == 0 {
		return Extension{}, errors.New("encoding extKeyUsage: no purpose")
	}
	return encodeExtension(OIDExtendedKeyUsage, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, purpose := range u {
				b.AddASN1ObjectIdentifier(purpose)
			}
		})
	})
}

// ParseExtendedKeyUsage reads the content of extnValue.
func ParseExtendedKeyUsage(value []byte) (ExtendedKeyUsage, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, malformed(OIDExtendedKeyUsage, "a SEQUENCE of purposes")
	}
	var list ExtendedKeyUsage
	for !seq.Empty() {
		var purpose asn1.ObjectIdentifier
		if !seq.ReadASN1ObjectIdentifier(&purpose) {
			return nil, malformed(OIDExtendedKeyUsage, "a SEQUENCE of purposes")
		}
		list = append(list, purpose)
	}
	return list, nil
}

// NoPathLen as BasicConstraints.PathLen leaves the number of CAs below open.
const NoPathLen = -1

// BasicConstraints says whether the subject is a CA (RFC 5280, Section 4.2.1.9). The zero value is that of an end entity.
type BasicConstraints struct {
	CA bool
	// PathLen is how many CAs may follow below: NoPathLen for any number. Without CA it is 0 and not encoded.
	PathLen int
}

// Extension encodes BasicConstraints ::= SEQUENCE { cA BOOLEAN DEFAULT FALSE, pathLenConstraint INTEGER OPTIONAL }; critical.
func (c BasicConstraints) Extension() (Extension, error) {
	if c.PathLen < NoPathLen || !c.CA && c.PathLen != 0 {
		return Extension{}, fmt.Errorf("encoding basicConstraints: pathLenConstraint %d with cA %t", c.PathLen, c.CA)
	}
	return encodeExtension(OIDBasicConstraints, true, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			der.AddTrue(b, c.CA)
			if c.CA && c.PathLen != NoPathLen {
				b.AddASN1Int64(int64(c.PathLen))
			}
		})
	})
}

// ParseBasicConstraints reads the content of extnValue. A pathLenConstraint without cA is an error, as is one above 255.
func ParseBasicConstraints(value []byte) (BasicConstraints, error) {
	var c BasicConstraints
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || !der.ReadTrue(&seq, &c.CA) {
		return BasicConstraints{}, malformed(OIDBasicConstraints, "a SEQUENCE of cA and pathLenConstraint")
	}
	if seq.Empty() {
		if c.CA {
			c.PathLen = NoPathLen
		}
		return c, nil
	}
	var n uint8
	if !c.CA || !seq.ReadASN1Integer(&n) || !seq.Empty() {
		return BasicConstraints{}, malformed(OIDBasicConstraints, "a SEQUENCE of cA and pathLenConstraint")
	}
	c.PathLen = int(n)
	return c, nil
}
