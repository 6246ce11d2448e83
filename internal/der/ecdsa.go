package der

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// MaxOrderLen is the longest number in an ECDSA signature, in octets: the order of brainpoolP512r1.
const MaxOrderLen = 64

// AddECDSASignature adds the signature rs, which is r||s in equal halves of at most MaxOrderLen octets, as
//
//	ECDSA-Sig-Value ::= SEQUENCE { r INTEGER, s INTEGER }
//
// (RFC 5480, Appendix A).
func AddECDSASignature(b *cryptobyte.Builder, rs []byte) {
	if len(rs) == 0 || len(rs)%2 != 0 || len(rs) > 2*MaxOrderLen {
		b.SetError(fmt.Errorf("ECDSA signature of %d octets is not r||s", len(rs)))
		return
	}
	b.AddASN1(asn1.SEQUENCE, func(b *cryptobyte.Builder) {
		AddUnsigned(b, rs[:len(rs)/2])
		AddUnsigned(b, rs[len(rs)/2:])
	})
}

// ParseECDSASignature reads an ECDSA-Sig-Value that fills the whole of sig and gives r||s, each number in n octets. A number
// that needs more is an error.
func ParseECDSASignature(sig []byte, n int) ([]byte, error) {
	var content cryptobyte.String
	if !ReadOnly(sig, &content, asn1.SEQUENCE) {
		return nil, errors.New("ECDSA-Sig-Value is not one SEQUENCE")
	}
	rs := make([]byte, 2*n)
	for i := range 2 {
		number, err := ReadUnsigned(&content, MaxOrderLen+1)
		if err != nil {
			return nil, fmt.Errorf("%c in ECDSA-Sig-Value: %w", "rs"[i], err)
		}
		if len(number) > n {
			return nil, fmt.Errorf("%c in ECDSA-Sig-Value has %d octets, at most %d are allowed", "rs"[i], len(number), n)
		}
		copy(rs[(i+1)*n-len(number):], number)
	}
	if !content.Empty() {
		return nil, errors.New("ECDSA-Sig-Value holds more than r and s")
	}
	return rs, nil
}
