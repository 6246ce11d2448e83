package pkix

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// algorithmIDs holds the complete AlgorithmIdentifier of each scheme that signs certificates. There is one encoding for each:
// RSASSA-PKCS1-v1_5 has NULL parameters (RFC 4055, Section 5), ECDSA has none (RFC 5758, Section 3.2), RSASSA-PSS names SHA-256,
// MGF1 with SHA-256 and a salt of 32 octets (RFC 4055, Section 3.1; GS-A_4358).
var algorithmIDs = []struct {
	scheme sigalg.Scheme
	der    []byte
}{
	{sigalg.RSAPKCS1SHA256, []byte("\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00")},
	{sigalg.ECDSASHA256, []byte("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02")},
	{sigalg.ECDSASHA384, []byte("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03")},
	{sigalg.ECDSASHA512, []byte("\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x04")},
	{sigalg.RSAPSSSHA256, []byte("\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34" +
		"\xa0\x0f\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00" +
		"\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08" +
		"\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01\x05\x00" +
		"\xa2\x03\x02\x01\x20")},
}

func addAlgorithm(b *cryptobyte.Builder, s sigalg.Scheme) {
	for _, a := range algorithmIDs {
		if a.scheme == s {
			b.AddBytes(a.der)
			return
		}
	}
	b.SetError(fmt.Errorf("%s does not sign certificates", s))
}

func readAlgorithm(s *cryptobyte.String) (sigalg.Scheme, error) {
	var element cryptobyte.String
	if !s.ReadASN1Element(&element, cbasn1.SEQUENCE) {
		return 0, errors.New("no AlgorithmIdentifier where one is expected")
	}
	for _, a := range algorithmIDs {
		if bytes.Equal(a.der, element) {
			return a.scheme, nil
		}
	}
	return 0, fmt.Errorf("AlgorithmIdentifier %x is not supported", []byte(element))
}
