package pkix

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// oidExtensionRequest is the attribute that carries wished extensions (RFC 2985, Section 5.4.2).
var oidExtensionRequest = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 14}

// RequestInfo is what a PKCS#10 request says, before it is signed (RFC 2986, Section 4.1).
type RequestInfo struct {
	Subject    Name
	PublicKey  []byte      // DER SubjectPublicKeyInfo
	Extensions []Extension // wished, in an extensionRequest attribute; none leaves the attribute out
	Attributes []RequestAttribute
}

// RequestAttribute is an attribute of a request that this package knows nothing about.
type RequestAttribute struct {
	ID    asn1.ObjectIdentifier
	Value []byte // DER of its one value
}

// Encode gives the DER that is signed with the key being requested for:
//
//	CertificationRequestInfo ::= SEQUENCE {
//	    version       INTEGER { v1(0) },
//	    subject       Name,
//	    subjectPKInfo SubjectPublicKeyInfo,
//	    attributes    [0] IMPLICIT SET OF Attribute }
//	Attribute ::= SEQUENCE { extensionRequest, SET { Extensions } }
func (r *RequestInfo) Encode() ([]byte, error) {
	subject, err := r.Subject.Encode()
	if err != nil {
		return nil, fmt.Errorf("encoding request: subject: %w", err)
	}
	if _, err := ParsePublicKey(r.PublicKey); err != nil {
		return nil, fmt.Errorf("encoding request: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 640))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1Int64(0)
		b.AddBytes(subject)
		b.AddBytes(r.PublicKey)
		b.AddASN1(der.Explicit(0), r.addAttributes)
	})
	info, err := b.Bytes()
	if err != nil {
		return nil, fmt.Errorf("encoding request: %w", err)
	}
	return info, nil
}

// addAttributes adds the attributes in the order of SET OF: by their octets (X.690, Section 11.6).
func (r *RequestInfo) addAttributes(b *cryptobyte.Builder) {
	var elements [][]byte
	add := func(id asn1.ObjectIdentifier, value func(b *cryptobyte.Builder)) {
		var e cryptobyte.Builder
		e.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(id)
			b.AddASN1(cbasn1.SET, value)
		})
		element, err := e.Bytes()
		if err != nil {
			b.SetError(err)
		}
		elements = append(elements, element)
	}
	if len(r.Extensions) > 0 {
		add(oidExtensionRequest, func(b *cryptobyte.Builder) { addExtensions(b, r.Extensions) })
	}
	for _, a := range r.Attributes {
		var element cryptobyte.String
		if value := cryptobyte.String(a.Value); !value.ReadAnyASN1Element(&element, nil) || !value.Empty() {
			b.SetError(fmt.Errorf("value of attribute %s is not one DER element", a.ID))
			return
		}
		add(a.ID, func(b *cryptobyte.Builder) { b.AddBytes(a.Value) })
	}
	slices.SortFunc(elements, bytes.Compare)
	for _, e := range elements {
		b.AddBytes(e)
	}
}

// AssembleRequest puts RequestInfo.Encode and a signature in the form of the token together to the DER of a request. The
// signature is not checked: see Request.CheckSignature.
func AssembleRequest(info []byte, scheme sigalg.Scheme, signature []byte) ([]byte, error) {
	raw, err := signed{tbs: info, scheme: scheme}.encode(signature)
	if err != nil {
		return nil, fmt.Errorf("assembling request: %w", err)
	}
	return raw, nil
}

// Request is a parsed PKCS#10 request. It shares no memory with what it was parsed from.
type Request struct {
	Raw     []byte // the whole request
	RawInfo []byte // the signed part

	Scheme     sigalg.Scheme
	RawSubject RawName
	Subject    Name
	RawSPKI    []byte             // DER SubjectPublicKeyInfo
	PublicKey  crypto.PublicKey   // *rsa.PublicKey, *brainpool.PublicKey or *ecdsa.PublicKey
	Extensions []Extension        // of the extensionRequest attribute; nil if it has none
	Attributes []RequestAttribute // the others, in their order; see ParseRequestWithAttributes
	Signature  []byte             // as Certificate.Signature

	signed signed
}

// ParseRequest reads a request that fills the whole of raw. Attributes other than one extensionRequest are errors: a wish that
// is not understood must not be passed over. The signature is not checked.
func ParseRequest(raw []byte) (*Request, error) {
	r, err := ParseRequestWithAttributes(raw)
	if err == nil && len(r.Attributes) > 0 {
		return nil, fmt.Errorf("request: attribute %s is not supported", r.Attributes[0].ID)
	}
	return r, err
}

// ParseRequestWithAttributes is ParseRequest for a caller who knows what to do with other attributes. Each has one value.
func ParseRequestWithAttributes(raw []byte) (*Request, error) {
	raw = bytes.Clone(raw)
	s, err := parseSigned(raw)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	r := &Request{Raw: raw, RawInfo: s.tbs, Scheme: s.scheme, signed: s}
	if r.Signature, err = s.signature(); err != nil {
		return nil, fmt.Errorf("request: signatureValue: %w", err)
	}
	if err := r.parseInfo(s.tbs); err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	return r, nil
}

func (r *Request) parseInfo(info []byte) (err error) {
	var seq, attributes cryptobyte.String
	var version int64
	if !der.ReadOnly(info, &seq, cbasn1.SEQUENCE) || !seq.ReadASN1Integer(&version) || version != 0 {
		return errors.New("version is not 1")
	}
	if r.RawSubject, r.Subject, err = readName(&seq); err != nil {
		return fmt.Errorf("subject: %w", err)
	}
	if r.RawSPKI, r.PublicKey, err = readPublicKey(&seq); err != nil {
		return err
	}
	if !seq.ReadASN1(&attributes, der.Explicit(0)) || !seq.Empty() {
		return errors.New("attributes are not the end")
	}
	return r.parseAttributes(attributes)
}

func (r *Request) parseAttributes(attributes cryptobyte.String) error {
	for !attributes.Empty() {
		var attribute, values cryptobyte.String
		var id asn1.ObjectIdentifier
		if !attributes.ReadASN1(&attribute, cbasn1.SEQUENCE) ||
			!attribute.ReadASN1ObjectIdentifier(&id) ||
			!attribute.ReadASN1(&values, cbasn1.SET) || !attribute.Empty() {
			return errors.New("malformed attribute")
		}
		if err := r.takeAttribute(id, values); err != nil {
			return err
		}
	}
	return nil
}

// takeAttribute reads the one value of an attribute.
func (r *Request) takeAttribute(id asn1.ObjectIdentifier, values cryptobyte.String) (err error) {
	twice := slices.ContainsFunc(r.Attributes, func(a RequestAttribute) bool { return a.ID.Equal(id) })
	if twice || id.Equal(oidExtensionRequest) && r.Extensions != nil {
		return fmt.Errorf("attribute %s appears a second time", id)
	}
	if id.Equal(oidExtensionRequest) {
		if r.Extensions, err = readExtensions(&values); err != nil {
			return err
		}
	} else {
		var value cryptobyte.String
		if !values.ReadAnyASN1Element(&value, nil) {
			return fmt.Errorf("attribute %s has no value", id)
		}
		r.Attributes = append(r.Attributes, RequestAttribute{id, value})
	}
	if !values.Empty() {
		return fmt.Errorf("attribute %s has more than one value", id)
	}
	return nil
}

// CheckSignature checks that the request is signed with the key that it is for. sigalg.ErrSignature says that it is not.
func (r *Request) CheckSignature() error {
	if err := r.signed.verify(r.PublicKey); err != nil {
		return fmt.Errorf("checking request: %w", err)
	}
	return nil
}
