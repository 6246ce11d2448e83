package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// NameForm is a form of GeneralName; its value is the tag number (RFC 5280, Section 4.2.1.6).
type NameForm uint8

// The forms that gemSpec_PKI permits in a SubjectAltName (GS-A_4719, Tab_PKI_228).
const (
	OtherName  NameForm = 0
	RFC822Name NameForm = 1
	DNSName    NameForm = 2
)

// GeneralName is one alternative name.
type GeneralName struct {
	Form  NameForm
	Type  asn1.ObjectIdentifier // type-id of an OtherName: the type of a DN attribute; nil in the other forms
	Value string                // IA5String, in an OtherName UTF8String
}

// SubjectAltName is the extension of that name (RFC 5280, Section 4.2.1.6).
type SubjectAltName []GeneralName

// Extension encodes the names in the order given; non critical:
//
//	SubjectAltName ::= SEQUENCE SIZE (1..MAX) OF GeneralName
//	GeneralName    ::= CHOICE {
//	    otherName  [0] IMPLICIT SEQUENCE { type-id OBJECT IDENTIFIER, value [0] EXPLICIT UTF8String },
//	    rfc822Name [1] IMPLICIT IA5String,
//	    dNSName    [2] IMPLICIT IA5String }
func (n SubjectAltName) Extension() (Extension, error) {
	if len(n) == 0 {
		return Extension{}, errors.New("encoding subjectAltName: no name")
	}
	return encodeExtension(OIDSubjectAltName, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			for _, name := range n {
				name.add(b)
			}
		})
	})
}

func (n GeneralName) add(b *cryptobyte.Builder) {
	if n.Value == "" {
		b.SetError(errors.New("name is empty"))
		return
	}
	switch n.Form {
	case OtherName:
		b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(n.Type)
			b.AddASN1(der.Explicit(0), func(b *cryptobyte.Builder) { der.AddString(b, der.UTF8String, n.Value) })
		})
	case RFC822Name, DNSName:
		der.AddTaggedString(b, der.Implicit(uint8(n.Form)), der.IA5String, n.Value)
	default:
		b.SetError(fmt.Errorf("name form [%d] is not permitted", n.Form))
	}
}

// ParseSubjectAltName reads the content of extnValue. Names of other forms are errors.
func ParseSubjectAltName(value []byte) (SubjectAltName, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) || seq.Empty() {
		return nil, malformed(OIDSubjectAltName, "a SEQUENCE of names")
	}
	var list SubjectAltName
	for !seq.Empty() {
		n, err := readGeneralName(&seq)
		if err != nil {
			return nil, fmt.Errorf("subjectAltName: name %d: %w", len(list)+1, err)
		}
		list = append(list, n)
	}
	return list, nil
}

func readGeneralName(s *cryptobyte.String) (n GeneralName, err error) {
	switch {
	case s.PeekASN1Tag(der.Explicit(0)):
		return readOtherName(s)
	case s.PeekASN1Tag(der.Implicit(uint8(RFC822Name))):
		n.Form = RFC822Name
	case s.PeekASN1Tag(der.Implicit(uint8(DNSName))):
		n.Form = DNSName
	default:
		return n, errors.New("neither otherName, rfc822Name nor dNSName")
	}
	if err := der.ReadTaggedString(s, der.Implicit(uint8(n.Form)), der.IA5String, &n.Value); err != nil {
		return n, err
	}
	if n.Value == "" {
		return n, errors.New("name is empty")
	}
	return n, nil
}

func readOtherName(s *cryptobyte.String) (GeneralName, error) {
	n := GeneralName{Form: OtherName}
	var seq, value cryptobyte.String
	if !s.ReadASN1(&seq, der.Explicit(0)) ||
		!seq.ReadASN1ObjectIdentifier(&n.Type) ||
		!seq.ReadASN1(&value, der.Explicit(0)) || !seq.Empty() {
		return n, errors.New("malformed otherName")
	}
	if err := der.ReadTaggedString(&value, cbasn1.UTF8String, der.UTF8String, &n.Value); err != nil {
		return n, fmt.Errorf("otherName: %w", err)
	}
	if !value.Empty() || n.Value == "" {
		return n, errors.New("otherName is not one UTF8String")
	}
	return n, nil
}
