package e2e

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// nameOf reads what must be unique from a certificate itself, in lower-case hex: the serial number of an X.509 certificate (RFC 5280,
// Section 4.1), the CHR of a CV certificate (data object 5F20 of 12 octets in 7F21).
func nameOf(certificate []byte) (string, error) {
	if bytes.HasPrefix(certificate, []byte{0x7F, 0x21}) {
		chr := object(object(object(certificate, 0x7F21), 0x7F4E), 0x5F20)
		if len(chr) != 12 {
			return "", errors.New("a CV certificate without a CHR")
		}
		return hex.EncodeToString(chr), nil
	}
	input := cryptobyte.String(certificate)
	var outer, tbs cryptobyte.String
	serial := new(big.Int)
	if !input.ReadASN1(&outer, asn1.SEQUENCE) || !input.Empty() || !outer.ReadASN1(&tbs, asn1.SEQUENCE) ||
		!tbs.SkipOptionalASN1(asn1.Tag(0).Constructed().ContextSpecific()) || !tbs.ReadASN1Integer(serial) || serial.Sign() <= 0 {
		return "", errors.New("not an X.509 certificate with a serial number above zero")
	}
	return hex.EncodeToString(serial.Bytes()), nil
}

// object finds a data object among those that follow one another, and gives its content: tags of one or two octets, lengths in DER. It is nil
// where there is none.
func object(objects []byte, want uint16) []byte {
	for len(objects) > 2 {
		tag := uint16(objects[0])
		objects = objects[1:]
		if tag&0x1F == 0x1F {
			tag, objects = tag<<8|uint16(objects[0]), objects[1:]
		}
		length, more := int(objects[0]), 0
		if length > 0x80 {
			more = length - 0x80
			length = 0
			for _, o := range objects[1:min(1+more, len(objects))] {
				length = length<<8 | int(o)
			}
		}
		objects = objects[min(1+more, len(objects)):]
		if length > len(objects) {
			return nil
		}
		if tag == want {
			return objects[:length]
		}
		objects = objects[length:]
	}
	return nil
}
