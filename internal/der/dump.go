package der

import (
	"bufio"
	"encoding/asn1"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"
)

const (
	dumpLine     = 32 // content octets per line; what is longer goes to lines of its own
	dumpMaxDepth = 64 // deeper nesting is refused; a certificate has about 12 levels
	dumpMaxInt   = 20 // INTEGERs up to this many octets are shown as a number
)

// Dump writes an annotated listing of der, one line per value: offset, header and content in hex indented by depth, tag name,
// value, and the name that names gives to an object identifier ("" if it has none). names may be nil. OCTET STRINGs and BIT
// STRINGs that hold DER are opened. Joined together, the hex of the listing is der:
//
//	704       30820143  SEQUENCE (323)
//	739         300e  SEQUENCE (14)
//	741           0603 551d0f  OID 2.5.29.15 = keyUsage
//	746           0101 ff  BOOLEAN TRUE
//	749           0404  OCTET STRING (4) wrapping:
//	751             0302 05a0  BIT STRING
//
// Malformed input is an error that names the offset; what was understood up to there has then been written.
func Dump(w io.Writer, der []byte, names func(asn1.ObjectIdentifier) string) error {
	if names == nil {
		names = func(asn1.ObjectIdentifier) string { return "" }
	}
	d := dumper{w: bufio.NewWriter(w), names: names}
	err := d.values(der, 0, 0, false)
	if flushErr := d.w.Flush(); flushErr != nil {
		return fmt.Errorf("writing listing: %w", flushErr)
	}
	return err
}

type dumper struct {
	w     *bufio.Writer // keeps the first write error until Flush
	names func(asn1.ObjectIdentifier) string
}

// element is one value: header and content are adjacent in the input.
type element struct {
	tag             cbasn1.Tag
	header, content []byte
}

func (e element) constructed() bool { return e.tag&0x20 != 0 }

func readElement(s *cryptobyte.String) (element, bool) {
	rest := *s
	var whole, content cryptobyte.String
	var tag cbasn1.Tag
	if !rest.ReadAnyASN1Element(&whole, &tag) || !s.ReadAnyASN1(&content, &tag) {
		return element{}, false
	}
	return element{tag: tag, header: whole[:len(whole)-len(content)], content: content}, true
}

// values lists the values in data, which begins at offset of the whole input. wrapped says that data is the content of a
// string: then a string in it is not opened again, so that a hash is not taken for DER by chance.
func (d *dumper) values(data []byte, offset, depth int, wrapped bool) error {
	if depth > dumpMaxDepth {
		return fmt.Errorf("offset %d: nested deeper than %d levels", offset, dumpMaxDepth)
	}
	s := cryptobyte.String(data)
	for !s.Empty() {
		at := offset + len(data) - len(s)
		e, ok := readElement(&s)
		if !ok {
			return fmt.Errorf("offset %d: not DER, or longer than what holds it", at)
		}
		if err := d.value(e, at, depth, wrapped); err != nil {
			return err
		}
	}
	return nil
}

func (d *dumper) value(e element, at, depth int, wrapped bool) error {
	head := hex.EncodeToString(e.header)
	content := at + len(e.header)
	switch {
	case e.constructed():
		d.line(at, depth, head, fmt.Sprintf("%s (%d)", tagName(e.tag), len(e.content)))
		return d.values(e.content, content, depth+1, false)
	case !wrapped && e.tag == cbasn1.OCTET_STRING && holdsDER(e.content):
		d.line(at, depth, head, fmt.Sprintf("%s (%d) wrapping:", tagName(e.tag), len(e.content)))
		return d.values(e.content, content, depth+1, true)
	case !wrapped && e.tag == cbasn1.BIT_STRING && len(e.content) > 1 && e.content[0] == 0 && holdsDER(e.content[1:]):
		d.line(at, depth, head+" 00", fmt.Sprintf("%s (%d) wrapping:", tagName(e.tag), len(e.content)))
		return d.values(e.content[1:], content+1, depth+1, true)
	}
	d.primitive(e, at, depth, head)
	return nil
}

func (d *dumper) primitive(e element, at, depth int, head string) {
	text := tagName(e.tag)
	if len(e.content) > dumpLine {
		text += fmt.Sprintf(" (%d)", len(e.content))
	}
	if value := d.describe(e); value != "" {
		text += " " + value
	}
	if len(e.content) <= dumpLine {
		if len(e.content) > 0 {
			head += " " + hex.EncodeToString(e.content)
		}
		d.line(at, depth, head, text)
		return
	}
	d.line(at, depth, head, text)
	margin := strings.Repeat(" ", len("00000 ")+2*depth+len(head))
	for rest := e.content; len(rest) > 0; {
		n := min(dumpLine, len(rest))
		fmt.Fprintf(d.w, "%s%s\n", margin, hex.EncodeToString(rest[:n]))
		rest = rest[n:]
	}
}

func (d *dumper) line(at, depth int, octets, text string) {
	fmt.Fprintf(d.w, "%5d %s%s  %s\n", at, strings.Repeat("  ", depth), octets, text)
}

// describe gives the value of a primitive in words, "" where the hex says enough.
func (d *dumper) describe(e element) string {
	switch e.tag {
	case cbasn1.BOOLEAN:
		return map[string]string{"\x00": "FALSE", "\xff": "TRUE"}[string(e.content)]
	case cbasn1.INTEGER:
		if len(e.content) <= dumpMaxInt {
			return "0x" + hex.EncodeToString(e.content)
		}
		return ""
	case cbasn1.OBJECT_IDENTIFIER:
		return d.describeOID(e)
	case cbasn1.UTF8String, cbasn1.PrintableString, cbasn1.IA5String, cbasn1.UTCTime, cbasn1.GeneralizedTime:
		return strconv.Quote(string(e.content))
	}
	if e.tag&0xc0 != 0 && isText(e.content) { // an IMPLICIT string, most often a URI
		return strconv.Quote(string(e.content))
	}
	return ""
}

func (d *dumper) describeOID(e element) string {
	s := cryptobyte.String(append(e.header[:len(e.header):len(e.header)], e.content...))
	var oid asn1.ObjectIdentifier
	if !s.ReadASN1ObjectIdentifier(&oid) {
		return "(malformed)"
	}
	if name := d.names(oid); name != "" {
		return oid.String() + " = " + name
	}
	return oid.String()
}

func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(b) > 0
}

// holdsDER tells whether the content of a string is one value of a type that is commonly wrapped, well formed to its leaves.
func holdsDER(content []byte) bool {
	if len(content) < 2 {
		return false
	}
	switch cbasn1.Tag(content[0]) {
	case cbasn1.SEQUENCE, cbasn1.SET, cbasn1.INTEGER, cbasn1.ENUM, cbasn1.BIT_STRING, cbasn1.OCTET_STRING, cbasn1.NULL:
		s := cryptobyte.String(content)
		e, ok := readElement(&s)
		return ok && s.Empty() && wellFormed(e, 0)
	}
	return false
}

func wellFormed(e element, depth int) bool {
	if !e.constructed() {
		return true
	}
	if depth > dumpMaxDepth {
		return false
	}
	s := cryptobyte.String(e.content)
	for !s.Empty() {
		child, ok := readElement(&s)
		if !ok || !wellFormed(child, depth+1) {
			return false
		}
	}
	return true
}

// tagNames holds the universal types that occur in certificates.
var tagNames = map[cbasn1.Tag]string{
	cbasn1.BOOLEAN:           "BOOLEAN",
	cbasn1.INTEGER:           "INTEGER",
	cbasn1.BIT_STRING:        "BIT STRING",
	cbasn1.OCTET_STRING:      "OCTET STRING",
	cbasn1.NULL:              "NULL",
	cbasn1.OBJECT_IDENTIFIER: "OID",
	cbasn1.ENUM:              "ENUMERATED",
	cbasn1.UTF8String:        "UTF8String",
	cbasn1.PrintableString:   "PrintableString",
	cbasn1.T61String:         "T61String",
	cbasn1.IA5String:         "IA5String",
	cbasn1.UTCTime:           "UTCTime",
	cbasn1.GeneralizedTime:   "GeneralizedTime",
	cbasn1.SEQUENCE:          "SEQUENCE",
	cbasn1.SET:               "SET",
}

func tagName(tag cbasn1.Tag) string {
	if name, ok := tagNames[tag]; ok {
		return name
	}
	class := []string{"UNIVERSAL ", "APPLICATION ", "", "PRIVATE "}[tag>>6]
	form := "PRIMITIVE"
	if tag&0x20 != 0 {
		form = "CONSTRUCTED"
	}
	return fmt.Sprintf("[%s%d] %s", class, tag&0x1f, form)
}
