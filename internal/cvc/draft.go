package cvc

import (
	"errors"
	"fmt"
	"io"
)

// AnnotateDraft writes a listing of what an issuer is going to sign, in the way of Annotate: the object 7F4E of generation 2 (Body.Encode)
// or the message M of generation 1 (G1Body.Message). The error says what is wrong with the octets, which are then listed as far as
// possible, or is that of w.
func AnnotateDraft(w io.Writer, draft []byte) error {
	var l listing
	var err error
	if t, value, rest, tlvErr := next(draft); tlvErr == nil && t == tagBody && len(rest) == 0 {
		l.objects(draft, 0)
		if _, err = readBody(&scanner{rest: value}); err != nil {
			l.line(0, "invalid: %v", err)
		}
	} else {
		err = l.g1Message(draft)
	}
	_, writeErr := w.Write(l.out.Bytes())
	return errors.Join(err, writeErr)
}

// g1Message lists M, whose fields have no tags.
func (l *listing) g1Message(m []byte) error {
	b, err := ParseG1Message(m)
	if err != nil {
		l.octets(0, m, 32)
		l.line(0, "invalid: %v", err)
		return err
	}
	field := func(octets []byte, name, meaning string) {
		l.line(0, "%s, %s", name, count(len(octets)))
		l.octets(1, octets, 32)
		if meaning != "" {
			l.line(1, "= %s", meaning)
		}
	}
	kind := "CA"
	if b.CHR.IsCard() {
		kind = "card"
	}
	l.line(0, "message M, which the signature covers, %d octets without tags", len(m))
	field(m[:1], "profile identifier (CPI)", kind)
	field(m[1:1+g1ModulusSize], "modulus", "")
	field(m[1+g1ModulusSize:1+g1ModulusSize+g1ExpSize], "exponent", fmt.Sprintf("exponent %d", b.PublicKey.E))
	if b.CHR.IsCard() {
		field(g1OIDCard, "object identifier", "authS_ISO9796-2Withrsa_sha256_mutual, 1.3.36.3.5.2.4")
		field(b.CHA[:], "holder authorisation (CHA)", fmt.Sprintf("role identifier %02X: %s", b.CHA.Role(), b.CHA.Holder()))
		field(b.CHR.Bytes(), "holder's key (CHR)", fmt.Sprintf("key identifier %04X, ICCSN %s", b.CHR.KeyID(), b.CHR.ICCSN()))
	} else {
		field(g1OIDCA, "object identifier", g1CAName)
		field(b.CHR.Bytes(), "holder's key (CHR)", b.CHR.String())
	}
	field(b.CAR[:], "issuer's key (CAR)", b.CAR.String())
	return nil
}

// count writes a number of octets.
func count(n int) string {
	if n == 1 {
		return "1 octet"
	}
	return fmt.Sprintf("%d octets", n)
}
