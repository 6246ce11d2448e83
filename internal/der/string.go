package der

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// StringType is one of the ASN.1 string types that certificates of the telematics infrastructure use. The zero value is
// none of them.
type StringType uint8

// The string types; the values are their universal tag numbers (X.680, Section 8.4).
const (
	UTF8String      StringType = 12
	PrintableString StringType = 19
	IA5String       StringType = 22
)

// String gives the name in ASN.1.
func (t StringType) String() string {
	switch t {
	case UTF8String:
		return "UTF8String"
	case PrintableString:
		return "PrintableString"
	case IA5String:
		return "IA5String"
	}
	return fmt.Sprintf("StringType(%d)", uint8(t))
}

// Check says why value cannot be a string of this type: characters outside its repertoire. The error does not repeat the
// value, which may be personal.
func (t StringType) Check(value string) error {
	switch t {
	case UTF8String:
		if !utf8.ValidString(value) {
			return errors.New("not valid UTF-8")
		}
		return nil
	case PrintableString:
		return checkOctets(t, value, isPrintable)
	case IA5String:
		return checkOctets(t, value, func(c byte) bool { return c < utf8.RuneSelf })
	}
	return fmt.Errorf("%s is not a supported string type", t)
}

func checkOctets(t StringType, value string, allowed func(byte) bool) error {
	for i := range len(value) {
		if !allowed(value[i]) {
			return fmt.Errorf("octet %d (0x%02x) is outside the repertoire of %s", i+1, value[i], t)
		}
	}
	return nil
}

// isPrintable is the repertoire of PrintableString (X.680, Section 41.4): no "*", "@", "&" or "_".
func isPrintable(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', '\'' <= c && c <= ')', '+' <= c && c <= '/':
		return true
	}
	return c == ' ' || c == ':' || c == '=' || c == '?'
}

// AddString adds value as a string of type t with its universal tag, after Check.
func AddString(b *cryptobyte.Builder, t StringType, value string) {
	AddTaggedString(b, asn1.Tag(t), t, value)
}

// AddTaggedString adds value as a string of type t under another tag, for [n] IMPLICIT IA5String.
func AddTaggedString(b *cryptobyte.Builder, tag asn1.Tag, t StringType, value string) {
	if err := t.Check(value); err != nil {
		b.SetError(err)
		return
	}
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(value)) })
}

// ReadString reads a string of any of the three types and checks its repertoire.
func ReadString(s *cryptobyte.String, t *StringType, value *string) error {
	var content cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&content, &tag) {
		return errors.New("no string where one is expected")
	}
	*t, *value = StringType(tag), string(content)
	return t.Check(*value)
}

// ReadTaggedString reads a string of type t under the given tag and checks its repertoire.
func ReadTaggedString(s *cryptobyte.String, tag asn1.Tag, t StringType, value *string) error {
	var content cryptobyte.String
	if !s.ReadASN1(&content, tag) {
		return fmt.Errorf("no %s where one is expected", t)
	}
	*value = string(content)
	return t.Check(*value)
}
