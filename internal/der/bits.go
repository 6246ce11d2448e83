package der

import (
	"math/bits"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// AddNamedBits adds a BIT STRING with named bits, trailing zero bits removed (X.690, Section 11.2.2). Bit n of the ASN.1 type
// is bit n of set (1<<n).
func AddNamedBits(b *cryptobyte.Builder, set uint16) {
	b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) {
		octets := (bits.Len16(set) + 7) / 8
		b.AddUint8(uint8(8*octets - bits.Len16(set))) // number of unused bits
		for i := range octets {
			b.AddUint8(bits.Reverse8(uint8(set >> (8 * i)))) // ASN.1 counts from the most significant bit
		}
	})
}

// ReadNamedBits reads a BIT STRING with at most 16 named bits, trailing zero bits removed.
func ReadNamedBits(s *cryptobyte.String, set *uint16) bool {
	var content cryptobyte.String
	var unused uint8
	if !s.ReadASN1(&content, asn1.BIT_STRING) || !content.ReadUint8(&unused) || len(content) > 2 {
		return false
	}
	*set = 0
	for i, octet := range content {
		*set |= uint16(bits.Reverse8(octet)) << (8 * i)
	}
	// Least length: the last bit that is present is set, and so the octets and the count of unused bits follow from it.
	n := bits.Len16(*set)
	return (n+7)/8 == len(content) && 8*len(content)-n == int(unused)
}

// AddOctetBits adds a BIT STRING of whole octets, which write adds.
func AddOctetBits(b *cryptobyte.Builder, write cryptobyte.BuilderContinuation) {
	b.AddASN1(asn1.BIT_STRING, func(b *cryptobyte.Builder) {
		b.AddUint8(0)
		write(b)
	})
}

// ReadOctetBits reads a BIT STRING of whole octets. The result aliases s.
func ReadOctetBits(s *cryptobyte.String, out *cryptobyte.String) bool {
	var unused uint8
	return s.ReadASN1(out, asn1.BIT_STRING) && out.ReadUint8(&unused) && unused == 0
}
