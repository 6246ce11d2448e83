package pkix

import (
	"encoding/asn1"
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// StringType is the ASN.1 string type of an attribute value.
type StringType = der.StringType

// The string types of attribute values.
const (
	UTF8String      = der.UTF8String
	PrintableString = der.PrintableString
	IA5String       = der.IA5String
)

// Attribute is one AttributeTypeAndValue of a distinguished name.
type Attribute struct {
	Type  asn1.ObjectIdentifier
	Value string
	// StringType is 0 for the type that gemSpec_PKI gives to Type, and is set only where a parsed name deviates from it, so that
	// it encodes to the same octets again.
	StringType StringType
}

// attributeRule is a row of Tab_PKI_229-01.
type attributeRule struct {
	oid        asn1.ObjectIdentifier
	shortName  string
	stringType StringType
	max        int // characters; 0 for no limit
}

// attributeRules is Tab_PKI_229-01 (GS-A_4714-01, GS-A_4715-01), for issuer, subject and every name in an extension.
var attributeRules = []attributeRule{
	{OIDCommonName, "CN", UTF8String, 64},
	{OIDSurname, "SN", UTF8String, 64},
	{OIDSerialNumber, "serialNumber", PrintableString, 64},
	{OIDCountryName, "C", PrintableString, 2},
	{OIDLocalityName, "L", UTF8String, 128},
	{OIDStateOrProvinceName, "ST", UTF8String, 128},
	{OIDStreetAddress, "street", UTF8String, 128},
	{OIDOrganizationName, "O", UTF8String, 64},
	{OIDOrganizationalUnitName, "OU", UTF8String, 64},
	{OIDTitle, "title", UTF8String, 64},
	{OIDPostalCode, "postalCode", UTF8String, 40},
	{OIDGivenName, "GN", UTF8String, 64},
	{OIDOrganizationIdentifier, "organizationIdentifier", UTF8String, 0},
}

// ruleFor gives the row of an attribute type; for types outside the table a UTF8String without limit.
func ruleFor(oid asn1.ObjectIdentifier) attributeRule {
	for _, r := range attributeRules {
		if r.oid.Equal(oid) {
			return r
		}
	}
	return attributeRule{oid: oid, shortName: oid.String(), stringType: UTF8String}
}

// AttributeName gives the short name of an attribute type as Name.String writes it, for example "CN"; the dotted form for
// types outside Tab_PKI_229-01.
func AttributeName(oid asn1.ObjectIdentifier) string { return ruleFor(oid).shortName }

// AttributeType gives the attribute type with the given short name, and false if there is none in Tab_PKI_229-01.
func AttributeType(shortName string) (asn1.ObjectIdentifier, bool) {
	for _, r := range attributeRules {
		if r.shortName == shortName {
			return r.oid, true
		}
	}
	return nil, false
}

// Check says whether the value can stand in a certificate: string type, repertoire and length of Tab_PKI_229-01. Length is
// counted in characters (Unicode code points), not octets.
func (a Attribute) Check() error {
	r := ruleFor(a.Type)
	if t := a.stringType(); t != r.stringType {
		return fmt.Errorf("attribute %s is a %s, want %s (GS-A_4714-01)", r.shortName, t, r.stringType)
	}
	if a.Value == "" {
		return fmt.Errorf("attribute %s is empty", r.shortName)
	}
	if n := utf8.RuneCountInString(a.Value); r.max > 0 && n > r.max {
		return fmt.Errorf("attribute %s has %d characters, at most %d are allowed (Tab_PKI_229-01)", r.shortName, n, r.max)
	}
	if err := r.stringType.Check(a.Value); err != nil {
		return fmt.Errorf("attribute %s: %w", r.shortName, err)
	}
	if r.oid.Equal(OIDCountryName) && !isAlpha2(a.Value) {
		return fmt.Errorf("attribute %s is not two capital letters (ISO 3166-1 alpha-2)", r.shortName)
	}
	return nil
}

func isAlpha2(s string) bool {
	return len(s) == 2 && 'A' <= s[0] && s[0] <= 'Z' && 'A' <= s[1] && s[1] <= 'Z'
}

func (a Attribute) stringType() StringType {
	if a.StringType != 0 {
		return a.StringType
	}
	return ruleFor(a.Type).stringType
}

// add adds AttributeTypeAndValue ::= SEQUENCE { type OBJECT IDENTIFIER, value ANY } without Check.
func (a Attribute) add(b *cryptobyte.Builder) {
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1ObjectIdentifier(a.Type)
		der.AddString(b, a.stringType(), a.Value)
	})
}

func readAttribute(s *cryptobyte.String) (Attribute, error) {
	var seq cryptobyte.String
	var a Attribute
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) || !seq.ReadASN1ObjectIdentifier(&a.Type) {
		return Attribute{}, errors.New("malformed attribute")
	}
	var t StringType
	if err := der.ReadString(&seq, &t, &a.Value); err != nil {
		return Attribute{}, fmt.Errorf("attribute %s: %w", AttributeName(a.Type), err)
	}
	if !seq.Empty() || a.Value == "" {
		return Attribute{}, fmt.Errorf("attribute %s is not one string", AttributeName(a.Type))
	}
	if t != ruleFor(a.Type).stringType {
		a.StringType = t
	}
	return a, nil
}
