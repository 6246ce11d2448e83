package pkix

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// Name is a distinguished name, most significant RDN first: C before CN (gemSpec_PKI, A_15676).
type Name []RDN

// RDN is a relative distinguished name: one attribute or, in the subject of an HBA, several. Their order does not matter when
// encoding; DER sorts them. A parsed RDN has them in that order.
type RDN []Attribute

// RawName is the DER of a Name. Names are compared in this form.
type RawName []byte

// Single makes the RDN of one attribute in the string type that gemSpec_PKI demands.
func Single(attributeType asn1.ObjectIdentifier, value string) RDN {
	return RDN{{Type: attributeType, Value: value}}
}

// Encode gives the DER of the name after Check:
//
//	Name                      ::= SEQUENCE OF RelativeDistinguishedName
//	RelativeDistinguishedName ::= SET SIZE (1..MAX) OF AttributeTypeAndValue
func (n Name) Encode() (RawName, error) {
	if err := n.Check(); err != nil {
		return nil, err
	}
	return n.encode()
}

// Check says whether the name can stand in a certificate: see Attribute.Check. The empty name has nothing to object to.
func (n Name) Check() error {
	for _, rdn := range n {
		if len(rdn) == 0 {
			return errors.New("relative distinguished name is empty")
		}
		for _, a := range rdn {
			if err := a.Check(); err != nil {
				return err
			}
		}
	}
	return nil
}

// encode gives the DER of the name as it is, whatever gemSpec_PKI says about it.
func (n Name) encode() (RawName, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 192))
	n.add(b)
	return b.Bytes()
}

func (n Name) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		for _, rdn := range n {
			b.AddASN1(cbasn1.SET, rdn.add)
		}
	})
}

// add adds the attributes in the order of SET OF: by their octets (X.690, Section 11.6).
func (r RDN) add(b *cryptobyte.Builder) {
	if len(r) == 1 {
		r[0].add(b)
		return
	}
	elements := make([][]byte, len(r))
	for i, a := range r {
		e := cryptobyte.NewBuilder(nil)
		a.add(e)
		var err error
		if elements[i], err = e.Bytes(); err != nil {
			b.SetError(err)
			return
		}
	}
	slices.SortFunc(elements, bytes.Compare)
	for _, e := range elements {
		b.AddBytes(e)
	}
}

// ParseName reads a name that fills the whole of raw. It takes the string types of StringType and any length; Check tells
// whether gemSpec_PKI is content.
func ParseName(raw []byte) (Name, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(raw, &seq, cbasn1.SEQUENCE) {
		return nil, errors.New("name is not one SEQUENCE")
	}
	name := make(Name, 0, 8)
	for !seq.Empty() {
		var set cryptobyte.String
		if !seq.ReadASN1(&set, cbasn1.SET) {
			return nil, fmt.Errorf("relative distinguished name %d is not a SET", len(name)+1)
		}
		rdn, err := parseRDN(set)
		if err != nil {
			return nil, fmt.Errorf("relative distinguished name %d: %w", len(name)+1, err)
		}
		name = append(name, rdn)
	}
	return name, nil
}

func parseRDN(set cryptobyte.String) (RDN, error) {
	if set.Empty() {
		return nil, errors.New("no attribute")
	}
	var rdn RDN
	var previous []byte
	for !set.Empty() {
		rest := set
		a, err := readAttribute(&set)
		if err != nil {
			return nil, err
		}
		element := rest[:len(rest)-len(set)]
		if bytes.Compare(previous, element) > 0 {
			return nil, errors.New("attributes are not in the order of SET OF")
		}
		previous = element
		rdn = append(rdn, a)
	}
	return rdn, nil
}

// Get gives the value of the first attribute of the given type, and false if there is none.
func (n Name) Get(attributeType asn1.ObjectIdentifier) (string, bool) {
	for _, rdn := range n {
		for _, a := range rdn {
			if a.Type.Equal(attributeType) {
				return a.Value, true
			}
		}
	}
	return "", false
}

// String writes the name for people, most significant first: "C=DE, O=gematik, GN=Eva + SN=Muster". A comma, plus sign or
// backslash in a value is written with a backslash before it, and a character that does not print as \u{hex}, so that a value
// cannot imitate another attribute, turn the direction of writing or move the cursor.
func (n Name) String() string {
	var text strings.Builder
	for i, rdn := range n {
		if i > 0 {
			text.WriteString(", ")
		}
		for j, a := range rdn {
			if j > 0 {
				text.WriteString(" + ")
			}
			text.WriteString(AttributeName(a.Type))
			text.WriteByte('=')
			writeEscaped(&text, a.Value)
		}
	}
	return text.String()
}

func writeEscaped(text *strings.Builder, value string) {
	for _, r := range value {
		switch {
		case r == ',' || r == '+' || r == '\\':
			text.WriteByte('\\')
			text.WriteRune(r)
		case !unicode.IsPrint(r):
			fmt.Fprintf(text, `\u{%x}`, r)
		default:
			text.WriteRune(r)
		}
	}
}
