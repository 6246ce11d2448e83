package der

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// AddUnsigned adds the big-endian number as an INTEGER of least length (X.690, Section 8.3). Leading zeros in number do not
// matter; no octets are zero.
func AddUnsigned(b *cryptobyte.Builder, number []byte) {
	number = bytes.TrimLeft(number, "\x00")
	b.AddASN1(asn1.INTEGER, func(b *cryptobyte.Builder) {
		if len(number) == 0 || number[0] >= 0x80 { // keeps the sign positive
			b.AddUint8(0)
		}
		b.AddBytes(number)
	})
}

// ReadUnsigned reads an INTEGER that is not negative, in least length and with at most limit content octets (the sign octet
// counts), and gives its magnitude without leading zeros: empty for zero. The result aliases s.
func ReadUnsigned(s *cryptobyte.String, limit int) ([]byte, error) {
	var content cryptobyte.String
	switch {
	case !s.ReadASN1(&content, asn1.INTEGER) || content.Empty():
		return nil, errors.New("no INTEGER where one is expected")
	case content[0] >= 0x80:
		return nil, errors.New("INTEGER is negative")
	case len(content) > 1 && content[0] == 0 && content[1] < 0x80:
		return nil, errors.New("INTEGER has a needless leading zero octet")
	case len(content) > limit:
		return nil, fmt.Errorf("INTEGER has %d octets, at most %d are allowed", len(content), limit)
	case content[0] == 0:
		return content[1:], nil
	}
	return content, nil
}
