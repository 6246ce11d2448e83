package pkix

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
)

// pemCertificate is the label of a certificate (RFC 7468, Section 5).
const pemCertificate = "CERTIFICATE"

// ParseCertificates reads the content of a file: one certificate in DER, or one or more in PEM, in their order. Text between
// PEM blocks is skipped. Blocks that hold something else, blocks that are damaged and a file without any certificate are errors.
func ParseCertificates(data []byte) ([]*Certificate, error) {
	if len(data) > 0 && data[0] == 0x30 { // SEQUENCE; PEM is text and "0" cannot begin a block
		c, err := ParseCertificate(data)
		if err != nil {
			return nil, err
		}
		return []*Certificate{c}, nil
	}
	blocks := bytes.Count(data, []byte("-----BEGIN "))
	if blocks == 0 {
		return nil, errors.New("neither a certificate in DER nor PEM")
	}
	list := make([]*Certificate, 0, blocks)
	for i := range blocks {
		var block *pem.Block
		if block, data = pem.Decode(data); block == nil { // Decode passes over damaged blocks; the count shows that
			return nil, errors.New("a PEM block is damaged")
		}
		if block.Type != pemCertificate {
			return nil, fmt.Errorf("PEM block %d is %q, want %q", i+1, block.Type, pemCertificate)
		}
		c, err := ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", i+1, err)
		}
		list = append(list, c)
	}
	return list, nil
}

// PEM gives the certificate with its PEM label, for files and tools.
func (c *Certificate) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: pemCertificate, Bytes: c.Raw})
}
