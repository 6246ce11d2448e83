package lint

import (
	"bytes"
	"errors"
	"fmt"
)

// cvcBody is a data object 7F4E as it stands in the octets.
type cvcBody struct {
	raw      []byte
	cpi      []byte
	car      []byte
	keyOID   []byte
	point    []byte
	chr      []byte
	flagOID  []byte
	flags    []byte
	ced, cxd []byte
}

// readCVC reads exactly these objects, in this order, with the shortest lengths (gemSpec_PKI, Tab_PKI_905):
//
//	7F4E  5F29 CPI
//	      42   CAR
//	      7F49 06 OID of the key, 86 point
//	      5F20 CHR
//	      7F4C 06 OID of the flag list, 53 flag list
//	      5F25 CED
//	      5F24 CXD
func readCVC(raw []byte) (*cvcBody, error) {
	b := &cvcBody{raw: raw}
	outer := objects{rest: raw}
	in := objects{rest: outer.take(0x7F, 0x4E)}
	b.cpi = in.take(0x5F, 0x29)
	b.car = in.take(0x42)
	key := objects{rest: in.take(0x7F, 0x49)}
	b.keyOID, b.point = key.take(0x06), key.take(0x86)
	b.chr = in.take(0x5F, 0x20)
	chat := objects{rest: in.take(0x7F, 0x4C)}
	b.flagOID, b.flags = chat.take(0x06), chat.take(0x53)
	b.ced, b.cxd = in.take(0x5F, 0x25), in.take(0x5F, 0x24)
	if err := errors.Join(outer.end(), in.end(), key.end(), chat.end()); err != nil {
		return nil, err
	}
	return b, nil
}

// objects is a run of BER data objects. After the first error it gives nothing more.
type objects struct {
	rest []byte
	err  error
}

// take gives the value of the next object, which must have the tag.
func (o *objects) take(tag ...byte) []byte {
	if o.err != nil {
		return nil
	}
	rest, ok := bytes.CutPrefix(o.rest, tag)
	if !ok || len(rest) == 0 {
		o.err = fmt.Errorf("object %X is not where it belongs", tag)
		return nil
	}
	n, header := int(rest[0]), 1
	if n == 0x81 && len(rest) > 1 && rest[1] >= 0x80 {
		n, header = int(rest[1]), 2
	} else if n >= 0x80 {
		n = len(rest) // no body is longer than 255 octets
	}
	if header+n > len(rest) {
		o.err = fmt.Errorf("length of object %X is wrong", tag)
		return nil
	}
	o.rest = rest[header+n:]
	return rest[header : header+n]
}

// end wants nothing left.
func (o *objects) end() error {
	if o.err == nil && len(o.rest) > 0 {
		return fmt.Errorf("%d octets too many", len(o.rest))
	}
	return o.err
}
