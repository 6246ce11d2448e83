package cvc

import (
	"bytes"
	"fmt"
)

// Certificate is a parsed certificate of generation 2. Callers must not change it.
type Certificate struct {
	Raw       []byte // the complete object 7F21, as a card file holds it
	RawBody   []byte // the complete object 7F4E, which the signature covers
	Body             // what is certified
	Signature []byte // r || s: 64, 96 or 128 octets, by the curve of the issuer's key
}

// Assemble puts a body that Encode made and the issuer's signature r || s together (GS-A_5007, Tab_PKI_907). It does not
// check the signature: parse the result and verify it against the issuer before it goes anywhere. An error wraps ErrSyntax:
// the body is not one object 7F4E, or the signature has not 64, 96 or 128 octets.
func Assemble(body, signature []byte) ([]byte, error) {
	s := scanner{rest: body}
	s.object(tagBody)
	s.end(tagBody.String())
	if s.err != nil {
		return nil, s.err
	}
	raw := tlv(tagCertificate, body, tlv(tagSignature, signature))
	if _, _, _, err := split(raw); err != nil {
		return nil, err
	}
	return raw, nil
}

// Parse reads one certificate of generation 2 and nothing after it. It insists on exactly the objects that the package
// comment lists, in that order and with the shortest lengths; on a point of the curve; on a key identifier that fits curve
// and holder; on a holder reference that fits the flag list; on calendar dates, CED not after CXD. What it accepts, Encode and
// Assemble make again octet for octet.
//
// Errors wrap ErrSyntax, ErrReference, ErrKeyOID, ErrKind, ErrFlagOID, ErrDate, ErrDateOrder or an error of package
// brainpool for the point. Parse proves nothing about who made the certificate.
func Parse(raw []byte) (*Certificate, error) {
	raw = bytes.Clone(raw)
	body, value, signature, err := split(raw)
	if err != nil {
		return nil, err
	}
	c := &Certificate{Raw: raw, RawBody: body, Signature: signature}
	if c.Body, err = readBody(&scanner{rest: value}); err != nil {
		return nil, fmt.Errorf("body: %w", err)
	}
	return c, nil
}

// split gives the body as an object, its value, and the signature.
func split(raw []byte) (body, value, signature []byte, err error) {
	s := scanner{rest: raw}
	s.inside(tagCertificate, func(s *scanner) {
		before := s.rest
		value = s.object(tagBody)
		body = before[:len(before)-len(s.rest)]
		signature = s.sized(tagSignature, 64, 96, 128)
	})
	s.end(tagCertificate.String())
	return body, value, signature, s.err
}
