package cvc

import (
	"io"
)

// Annotate writes a listing of a certificate for people: every data object with tag, length, name and octets, and what they
// mean: references in text, key identifier and ICCSN of a card, every flag that is set, dates. Both generations are told apart
// by themselves; of generation 1 it shows what can be read without the issuer's key. Octets that are not a certificate are
// listed as far as they are data objects, and the error, which Parse or ParseG1 gave, says what is wrong. Other errors are
// those of w.
func Annotate(w io.Writer, raw []byte) error {
	panic("not yet")
}
