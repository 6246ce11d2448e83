package cvc

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/siegel-pki/siegel/internal/brainpool"
)

// Annotate writes a listing of a certificate for people: every data object with tag, length, name and octets, and what they
// mean: references in text, key identifier and ICCSN of a card, every flag that is set, dates. It tells the generations apart
// by itself; of generation 1 it shows what can be read without the issuer's key, and it lists the key of a root too. Octets that
// are none of these are listed as far as they are data objects; the error, which Parse, ParseG1 or ParseG1Root gave, then says what
// is wrong, and the last line too.
// Other errors are those of w.
func Annotate(w io.Writer, raw []byte) error {
	l := listing{root: IsG1Root(raw)}
	l.objects(raw, 0)
	err := validate(raw)
	if err != nil {
		l.line(0, "invalid: %v", err)
	}
	_, writeErr := w.Write(l.out.Bytes())
	return errors.Join(err, writeErr)
}

// IsG1 tells whether octets look like a certificate of generation 1, which begins with its signature. It proves nothing:
// ParseG1 and Parse do.
func IsG1(raw []byte) bool {
	t, value, _, err := next(raw)
	if err != nil || t != tagCertificate {
		return false
	}
	t, _, _, err = next(value)
	return err == nil && t == tagSignature
}

func validate(raw []byte) error {
	if IsG1(raw) {
		_, err := ParseG1(raw)
		return err
	}
	if IsG1Root(raw) {
		_, err := ParseG1Root(raw)
		return err
	}
	_, err := Parse(raw)
	return err
}

// names are the headings of the listing.
var names = map[tag]string{
	tagCertificate: "CV certificate",
	tagBody:        "body, which the signature covers",
	tagCPI:         "profile identifier (CPI)",
	tagCAR:         "issuer's key (CAR)",
	tagPublicKey:   "public key",
	tagOID:         "object identifier",
	tagPoint:       "point",
	tagCHR:         "holder's key (CHR)",
	tagCHAT:        "holder authorisation (CHAT)",
	tagFlags:       "flag list",
	tagCED:         "effective date (CED)",
	tagCXD:         "expiration date (CXD)",
	tagModulus:     "modulus",
	tagExponent:    "exponent",
	tagSignature:   "signature",
	tagRest:        "rest of the message (M2)",
}

// maxDepth is how deep objects lie in each other in a certificate: 7F21, 7F4E, 7F49, 86.
const maxDepth = 4

// listing collects the text of Annotate.
type listing struct {
	out     bytes.Buffer
	flagOID FlagOID // the last one read: it gives the flag list behind it its meaning
	root    bool    // what is listed is the key of a root, which nobody signed
}

func (l *listing) line(depth int, format string, args ...any) {
	fmt.Fprintf(&l.out, "%s%s\n", strings.Repeat("  ", depth), fmt.Sprintf(format, args...))
}

// objects lists what lies side by side, and in it what lies inside.
func (l *listing) objects(in []byte, depth int) {
	for len(in) > 0 {
		t, value, rest, err := next(in)
		if err != nil {
			l.line(depth, "no data object:")
			l.octets(depth+1, in, 32)
			return
		}
		l.heading(depth, t, in[:len(in)-len(rest)-len(value)], len(value))
		if t.constructed() && depth+1 < maxDepth {
			l.objects(value, depth+1)
		} else {
			l.value(depth+1, t, value)
			l.meaning(depth+1, t, value)
		}
		in = rest
	}
}

// heading prints tag and length as they stand in the certificate, and the object's name and size.
func (l *listing) heading(depth int, t tag, header []byte, size int) {
	tagSize := len(t.String()) / 2
	octets := fmt.Sprintf("%X %X", header[:tagSize], header[tagSize:])
	name, ok := names[t]
	if !ok {
		name = "unknown object"
	}
	if t == tagBody && l.root {
		name = "named key of a root"
	}
	l.line(depth, "%-*s%s, %s", 20-2*depth, octets, name, count(size))
}

// value prints the octets of an object: of a point 04, X and Y on a line each, of a signature r and s.
func (l *listing) value(depth int, t tag, value []byte) {
	switch n := len(value); {
	case t == tagPoint && n > 1:
		l.octets(depth, value[:1], 1)
		l.octets(depth, value[1:], n/2)
	case t == tagSignature && (n == 64 || n == 96 || n == 128):
		l.octets(depth, value, n/2)
	default:
		l.octets(depth, value, 32)
	}
}

// g1CAName is what g1OIDCA means.
const g1CAName = "sigS_ISO9796-2Withrsa_sha256, 1.3.36.3.4.2.2.4"

// octets prints hex, so many octets a line.
func (l *listing) octets(depth int, b []byte, width int) {
	for len(b) > 0 {
		n := min(width, len(b))
		l.line(depth, "%X", b[:n])
		b = b[n:]
	}
}

// meaning prints what the octets of an object say, or nothing for those that say no more than themselves.
func (l *listing) meaning(depth int, t tag, value []byte) {
	switch t {
	case tagCAR, tagCHR:
		l.holder(depth, value)
	case tagOID:
		l.oid(depth, value)
	case tagPoint:
		l.point(depth, value)
	case tagFlags:
		l.flags(depth, value)
	case tagCED, tagCXD:
		d, err := decodeDate(value)
		l.result(depth, err, "= %s", d)
	case tagSignature:
		if len(value) == g1ModulusSize {
			l.line(depth, "= carries the profile identifier and 221 octets of the modulus; the issuer's key opens it")
		}
	case tagRest:
		l.g1Rest(depth, value)
	}
}

// result prints what was read, or why it could not be.
func (l *listing) result(depth int, err error, format string, args ...any) {
	if err != nil {
		l.line(depth, "! %v", err)
		return
	}
	l.line(depth, format, args...)
}

func (l *listing) holder(depth int, value []byte) {
	c, err := ParseCHR(value)
	if c.IsCard() {
		l.result(depth, err, "= key identifier %04X, ICCSN %s", c.KeyID(), c.ICCSN())
		return
	}
	l.result(depth, err, "= %s", c)
}

func (l *listing) oid(depth int, value []byte) {
	if o, err := parseFlagOID(value); err == nil {
		l.flagOID = o
		l.line(depth, "= %s, %s", flagOIDs[o].name, flagOIDs[o].dotted)
		return
	}
	if bytes.Equal(value, g1OIDCA) {
		l.line(depth, "= "+g1CAName)
		return
	}
	o, err := parseKeyOID(value)
	l.result(depth, err, "= %s, %s", keyOIDs[o].name, keyOIDs[o].dotted)
}

func (l *listing) point(depth int, value []byte) {
	curve, ok := brainpool.ByPointLen(len(value))
	if !ok {
		l.line(depth, "! on no known curve")
		return
	}
	_, err := curve.ParsePoint(value)
	l.result(depth, err, "= on %s", curve.Name())
}

func (l *listing) flags(depth int, value []byte) {
	if len(value) != len(Flags{}) {
		l.line(depth, "! not 7 octets")
		return
	}
	f := Flags(value)
	l.line(depth, "= role: %s", f.Role())
	var idle []int
	for _, r := range Rights(l.flagOID, f) {
		if r.Meaning == reserved {
			idle = append(idle, r.Bit)
			continue
		}
		l.line(depth, "= bit %2d: %s", r.Bit, r.Meaning)
	}
	if idle != nil {
		l.line(depth, "= %s: bits %v", reserved, idle)
	}
}

// g1Rest prints the fields of M2, which have no tags of their own.
func (l *listing) g1Rest(depth int, value []byte) {
	const modulus = 1 + g1ModulusSize - g1Recoverable
	if len(value) < modulus {
		l.line(depth, "! too short")
		return
	}
	t, err := parseG1Tail(value[modulus:])
	l.result(depth, err, "= last %d octets of the modulus, exponent %d", modulus, t.exponent)
	if err != nil {
		return
	}
	if t.CHR.IsCard() {
		l.line(depth, "= authS_ISO9796-2Withrsa_sha256_mutual, 1.3.36.3.5.2.4")
		l.line(depth, "= CHA %s: %s", t.CHA, t.CHA.Holder())
		l.line(depth, "= CHR: key identifier %04X, ICCSN %s", t.CHR.KeyID(), t.CHR.ICCSN())
	} else {
		l.line(depth, "= "+g1CAName)
		l.line(depth, "= CHR: %s", t.CHR)
	}
	l.line(depth, "= CAR: %s", t.CAR)
}
