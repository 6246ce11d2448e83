package pkix

import (
	"encoding/asn1"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// ValidityModel is the extension that says how the validity of a certificate is to be judged (gemSpec_PKI, GS-A_5533-01). The one model in
// use is OIDValidityModelChain: a signature is good if the certificate was valid when it was made, and the issuer's when it issued it.
type ValidityModel asn1.ObjectIdentifier

// Extension encodes ValidityModel ::= SEQUENCE { validityModelId OBJECT IDENTIFIER }; non critical.
func (m ValidityModel) Extension() (Extension, error) {
	return encodeExtension(OIDValidityModel, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddASN1ObjectIdentifier(asn1.ObjectIdentifier(m)) })
	})
}

// ParseValidityModel reads the content of extnValue. A model with further information is an error.
func ParseValidityModel(value []byte) (ValidityModel, error) {
	var seq cryptobyte.String
	var id asn1.ObjectIdentifier
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&id) || !seq.Empty() {
		return nil, malformed(OIDValidityModel, "one object identifier")
	}
	return ValidityModel(id), nil
}
