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
		if i := bytes.Index(certificate, []byte{0x5F, 0x20, 12}); i >= 0 && len(certificate) >= i+15 {
			return hex.EncodeToString(certificate[i+3 : i+15]), nil
		}
		return "", errors.New("a CV certificate without a CHR")
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
