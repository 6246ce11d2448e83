package pkix

import (
	"bytes"
	"crypto"
	"crypto/sha1" // for an identifier, not for protection
	"errors"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// SubjectKeyIdentifier is the extension that names the certificate's own key (RFC 5280, Section 4.2.1.2).
type SubjectKeyIdentifier []byte

// AuthorityKeyIdentifier is the extension that names the issuer's key by keyIdentifier, and by nothing else (RFC 5280,
// Section 4.2.1.1). Take the octets from the issuer's own SubjectKeyIdentifier.
type AuthorityKeyIdentifier []byte

// KeyIdentifier gives the SubjectKeyIdentifier of a key: the SHA-1 of the subjectPublicKey bits, 20 octets (RFC 5280,
// Section 4.2.1.2, method 1).
func KeyIdentifier(pub crypto.PublicKey) (SubjectKeyIdentifier, error) {
	spki, err := MarshalPublicKey(pub)
	if err != nil {
		return nil, err
	}
	return KeyIdentifierOfSPKI(spki)
}

// KeyIdentifierOfSPKI is KeyIdentifier for the DER of a SubjectPublicKeyInfo. It does not look into the key.
func KeyIdentifierOfSPKI(spki []byte) (SubjectKeyIdentifier, error) {
	_, bits, err := splitSPKI(spki)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(bits)
	return sum[:], nil
}

// Extension encodes KeyIdentifier ::= OCTET STRING; non critical.
func (id SubjectKeyIdentifier) Extension() (Extension, error) {
	return encodeExtension(OIDSubjectKeyIdentifier, false, func(b *cryptobyte.Builder) {
		requireKeyID(b, id)
		b.AddASN1OctetString(id)
	})
}

// ParseSubjectKeyIdentifier reads the content of extnValue.
func ParseSubjectKeyIdentifier(value []byte) (SubjectKeyIdentifier, error) {
	var id cryptobyte.String
	if !der.ReadOnly(value, &id, cbasn1.OCTET_STRING) || id.Empty() {
		return nil, malformed(OIDSubjectKeyIdentifier, "one OCTET STRING")
	}
	return SubjectKeyIdentifier(id), nil
}

// Extension encodes AuthorityKeyIdentifier ::= SEQUENCE { keyIdentifier [0] IMPLICIT OCTET STRING }; non critical.
func (id AuthorityKeyIdentifier) Extension() (Extension, error) {
	return encodeExtension(OIDAuthorityKeyIdentifier, false, func(b *cryptobyte.Builder) {
		requireKeyID(b, id)
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(der.Implicit(0), func(b *cryptobyte.Builder) { b.AddBytes(id) })
		})
	})
}

// ParseAuthorityKeyIdentifier reads the content of extnValue. The forms with issuer and serial number are errors.
func ParseAuthorityKeyIdentifier(value []byte) (AuthorityKeyIdentifier, error) {
	var seq, id cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) ||
		!seq.ReadASN1(&id, der.Implicit(0)) || id.Empty() ||
		!seq.Empty() {
		return nil, malformed(OIDAuthorityKeyIdentifier, "a keyIdentifier alone")
	}
	return AuthorityKeyIdentifier(id), nil
}

func requireKeyID(b *cryptobyte.Builder, id []byte) {
	if len(id) == 0 {
		b.SetError(errors.New("key identifier is empty"))
	}
}

// matchKeyID tells whether an authority key identifier names the subject key identifier; it does if either is absent.
func matchKeyID(authority AuthorityKeyIdentifier, subject SubjectKeyIdentifier) bool {
	return authority == nil || subject == nil || bytes.Equal(authority, subject)
}
