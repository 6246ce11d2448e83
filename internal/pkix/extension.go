package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// Extension is one extension of a certificate or request (RFC 5280, Section 4.1).
type Extension struct {
	ID       asn1.ObjectIdentifier
	Critical bool
	Value    []byte // content of extnValue: the DER of the extension's own type
}

// encodeExtension makes an Extension whose value write adds.
func encodeExtension(id asn1.ObjectIdentifier, critical bool, write cryptobyte.BuilderContinuation) (Extension, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 64))
	write(b)
	value, err := b.Bytes()
	if err != nil {
		return Extension{}, fmt.Errorf("encoding %s: %w", OIDName(id), err)
	}
	return Extension{ID: id, Critical: critical, Value: value}, nil
}

// Encode gives the complete Extension:
//
//	Extension ::= SEQUENCE { extnID OBJECT IDENTIFIER, critical BOOLEAN DEFAULT FALSE, extnValue OCTET STRING }
func (e Extension) Encode() ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, len(e.Value)+24))
	e.add(b)
	return b.Bytes()
}

func (e Extension) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(e.ID)
		der.AddTrue(b, e.Critical)
		b.AddASN1OctetString(e.Value)
	})
}

// addExtensions adds Extensions ::= SEQUENCE SIZE (1..MAX) OF Extension in the order given.
func addExtensions(b *cryptobyte.Builder, list []Extension) {
	for i, e := range list {
		if _, ok := findExtension(list[:i], e.ID); ok {
			b.SetError(fmt.Errorf("extension %s appears twice", e.ID))
			return
		}
	}
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, e := range list {
			e.add(b)
		}
	})
}

// readExtensions reads Extensions. An extension that appears twice is an error (RFC 5280, Section 4.2).
func readExtensions(s *cryptobyte.String) ([]Extension, error) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, errors.New("no SEQUENCE of extensions where one is expected")
	}
	list := make([]Extension, 0, 12)
	for !seq.Empty() {
		var one, value cryptobyte.String
		var e Extension
		if !seq.ReadASN1(&one, cbasn1.SEQUENCE) ||
			!one.ReadASN1ObjectIdentifier(&e.ID) ||
			!der.ReadTrue(&one, &e.Critical) ||
			!one.ReadASN1(&value, cbasn1.OCTET_STRING) ||
			!one.Empty() {
			return nil, fmt.Errorf("extension %d is malformed", len(list)+1)
		}
		if _, ok := findExtension(list, e.ID); ok {
			return nil, fmt.Errorf("extension %s appears twice", e.ID)
		}
		e.Value = value
		list = append(list, e)
	}
	return list, nil
}

func findExtension(list []Extension, id asn1.ObjectIdentifier) (Extension, bool) {
	for _, e := range list {
		if e.ID.Equal(id) {
			return e, true
		}
	}
	return Extension{}, false
}

// malformed is the error of a parser whose input does not have the one shape that it reads.
func malformed(id asn1.ObjectIdentifier, shape string) error {
	return fmt.Errorf("%s is not %s", OIDName(id), shape)
}
