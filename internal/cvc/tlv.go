package cvc

import (
	"errors"
	"fmt"
)

// ErrSyntax says that octets are not a CV certificate: a data object is missing, out of order, of the wrong size or not
// encoded with the shortest length.
var ErrSyntax = errors.New("not a well-formed CV certificate")

// tag is a BER tag of one or two octets; the first octet of a two-octet tag ends in five one bits.
type tag uint16

// The tags of CV certificates (gemSpec_PKI, Tab_PKI_905 and Tab_PKI_907; gemSpec_COS, (N006.600)), and of RSA keys (ISO/IEC 7816-8).
const (
	tagOID         tag = 0x06
	tagCAR         tag = 0x42
	tagFlags       tag = 0x53
	tagModulus     tag = 0x81
	tagExponent    tag = 0x82
	tagPoint       tag = 0x86
	tagCHR         tag = 0x5F20
	tagCXD         tag = 0x5F24
	tagCED         tag = 0x5F25
	tagCPI         tag = 0x5F29
	tagSignature   tag = 0x5F37
	tagRest        tag = 0x5F38
	tagCertificate tag = 0x7F21
	tagPublicKey   tag = 0x7F49
	tagCHAT        tag = 0x7F4C
	tagBody        tag = 0x7F4E
)

// String gives the tag in hex, as the specifications print it.
func (t tag) String() string {
	if t > 0xFF {
		return fmt.Sprintf("%04X", uint16(t))
	}
	return fmt.Sprintf("%02X", uint16(t))
}

// constructed tells whether the value of the object is data objects in turn.
func (t tag) constructed() bool {
	if t > 0xFF {
		t >>= 8
	}
	return t&0x20 != 0
}

// tlv builds one data object around the concatenated parts, with the shortest length. Values of more than 65535 octets do
// not occur: the largest certificate has 354.
func tlv(t tag, parts ...[]byte) []byte {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	out := make([]byte, 0, n+5)
	if t > 0xFF {
		out = append(out, byte(t>>8))
	}
	out = append(out, byte(t))
	switch {
	case n < 0x80:
		out = append(out, byte(n))
	case n <= 0xFF:
		out = append(out, 0x81, byte(n))
	default:
		out = append(out, 0x82, byte(n>>8), byte(n))
	}
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}

// scanner reads data objects one after the other. After the first error it gives nothing more, so that a parser may read
// as the grammar reads and look at err once.
type scanner struct {
	rest []byte
	err  error
}

// object reads the next data object, which must have tag t, and gives its value.
func (s *scanner) object(t tag) []byte {
	if s.err != nil {
		return nil
	}
	found, value, rest, err := next(s.rest)
	if err == nil && found != t {
		err = fmt.Errorf("found object %s", found)
	}
	if err != nil {
		s.err = fmt.Errorf("%w: reading object %s: %w", ErrSyntax, t, err)
		return nil
	}
	s.rest = rest
	return value
}

// sized reads like object a value that must have one of the given lengths in octets.
func (s *scanner) sized(t tag, lengths ...int) []byte {
	value := s.object(t)
	if s.err != nil {
		return nil
	}
	for _, n := range lengths {
		if len(value) == n {
			return value
		}
	}
	s.err = fmt.Errorf("%w: object %s has %d octets, want %v", ErrSyntax, t, len(value), lengths)
	return nil
}

// inside reads a constructed object, lets read take its value apart, and insists that nothing is left of it. It gives the
// whole object, tag and length included.
func (s *scanner) inside(t tag, read func(*scanner)) []byte {
	before := s.rest
	value := s.object(t)
	if s.err != nil {
		return nil
	}
	in := scanner{rest: value}
	read(&in)
	in.end(t.String())
	s.err = in.err
	return before[:len(before)-len(s.rest)]
}

// end makes octets that are left an error.
func (s *scanner) end(where string) {
	if s.err == nil && len(s.rest) != 0 {
		s.err = fmt.Errorf("%w: %d octets too many at the end of %s", ErrSyntax, len(s.rest), where)
	}
}

// next splits the first data object off in. Tags have at most two octets, lengths at most two octets and the shortest form.
func next(in []byte) (t tag, value, rest []byte, err error) {
	t, in, err = nextTag(in)
	if err != nil {
		return 0, nil, nil, err
	}
	n, in, err := nextLength(in)
	if err != nil {
		return 0, nil, nil, fmt.Errorf("length of object %s: %w", t, err)
	}
	if n > len(in) {
		return 0, nil, nil, fmt.Errorf("object %s has %d octets of %d", t, len(in), n)
	}
	return t, in[:n:n], in[n:], nil
}

func nextTag(in []byte) (tag, []byte, error) {
	if len(in) == 0 {
		return 0, nil, errors.New("nothing left")
	}
	if in[0]&0x1F != 0x1F {
		return tag(in[0]), in[1:], nil
	}
	if len(in) < 2 || in[1] < 0x1F || in[1] >= 0x80 {
		return 0, nil, errors.New("tag is cut short or not of two octets")
	}
	return tag(in[0])<<8 | tag(in[1]), in[2:], nil
}

func nextLength(in []byte) (int, []byte, error) {
	switch {
	case len(in) >= 1 && in[0] < 0x80:
		return int(in[0]), in[1:], nil
	case len(in) >= 2 && in[0] == 0x81 && in[1] >= 0x80:
		return int(in[1]), in[2:], nil
	case len(in) >= 3 && in[0] == 0x82 && in[1] != 0:
		return int(in[1])<<8 | int(in[2]), in[3:], nil
	}
	return 0, nil, errors.New("cut short, not minimal or longer than two octets")
}
