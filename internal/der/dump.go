package der

import (
	"encoding/asn1"
	"errors"
	"io"
)

// Dump writes an annotated listing of der, one line per value: offset, header and content in hex indented by depth, tag name,
// value, and the name that names gives to an object identifier ("" if it has none). names may be nil. Joined together, the
// hex of the listing is der.
//
// Malformed input is an error; what was understood up to that point has then been written.
func Dump(w io.Writer, der []byte, names func(asn1.ObjectIdentifier) string) error {
	return errors.New("not written")
}
