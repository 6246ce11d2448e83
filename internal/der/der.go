// Package der writes and reads the DER that X.509 needs and golang.org/x/crypto/cryptobyte does not offer.
//
// cryptobyte gives the frame: nested builders, strict tags and minimal lengths. This package adds the values, in pairs of
// Add (to a *cryptobyte.Builder, which keeps the first error until Bytes) and Read (from a *cryptobyte.String, which
// advances on success and reports failure as false or as an error that says why):
//
//   - oid.go: object identifiers from dotted text
//   - string.go: UTF8String, PrintableString and IA5String with a check of their repertoire
//   - time.go: UTCTime and GeneralizedTime by the year rule of RFC 5280
//   - integer.go: unsigned INTEGER as octets (serial numbers, RSA moduli)
//   - bits.go: named bit lists and BIT STRINGs of whole octets
//   - ecdsa.go: ECDSA-Sig-Value and r||s
//   - dump.go: an annotated listing for people and golden files
//
// All readers are strict DER (X.690, chapters 8, 10 and 11): there is one encoding for each value and no other is taken.
// The package holds no policy, no clock and no I/O beyond the writer given to Dump. All functions may be called
// concurrently.
package der

import (
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// Explicit is the tag [n] EXPLICIT, or [n] IMPLICIT around a constructed type. n is at most 30.
func Explicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific().Constructed() }

// Implicit is the tag [n] IMPLICIT in place of a primitive type. n is at most 30.
func Implicit(n uint8) asn1.Tag { return asn1.Tag(n).ContextSpecific() }

// AddTrue adds BOOLEAN TRUE if v is true and nothing otherwise: BOOLEAN DEFAULT FALSE (X.690, Section 11.5).
func AddTrue(b *cryptobyte.Builder, v bool) {
	if v {
		b.AddASN1Boolean(true)
	}
}

// ReadTrue reads BOOLEAN DEFAULT FALSE: absent is false, TRUE is true, and FALSE is an error, since DER leaves out
// default values (X.690, Section 11.5).
func ReadTrue(s *cryptobyte.String, out *bool) bool {
	*out = false
	if !s.PeekASN1Tag(asn1.BOOLEAN) {
		return true
	}
	return s.ReadASN1Boolean(out) && *out
}

// ReadNULL reads NULL, which has no content.
func ReadNULL(s *cryptobyte.String) bool {
	var content cryptobyte.String
	return s.ReadASN1(&content, asn1.NULL) && content.Empty()
}

// ReadOnly reads one value with the given tag that fills the whole of data, and gives its content. Octets after the
// value are an error.
func ReadOnly(data []byte, content *cryptobyte.String, tag asn1.Tag) bool {
	s := cryptobyte.String(data)
	return s.ReadASN1(content, tag) && s.Empty()
}
