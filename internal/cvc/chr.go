package cvc

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// CHR is the certificate holder reference: the name of the certified key. A CA key has a Reference of 8 octets; a card key
// has 12: key identifier (2) || ICCSN (10) (GS-A_4994, GS-A_4629, GS-A_4630, Tab_PKI_258). Values can be compared with ==.
// The zero value names nothing and is refused wherever a CHR is encoded.
type CHR struct {
	octets [12]byte
	size   int
}

// CardCHR names a card key: the key identifier, 0006 for the role key and 0009 for the device key of an SMC-B, and the
// card's serial number, the 20 digits of object 5A in EF.GDO. An error wraps ErrReference. Whether the number belongs to
// the health sector (80 276) and to this card is the caller's to know.
func CardCHR(keyID uint16, iccsn string) (CHR, error) {
	b, err := hex.DecodeString(iccsn)
	if err != nil || len(b) != 10 {
		return CHR{}, fmt.Errorf("%w: ICCSN has %d characters, want 20 decimal digits", ErrReference, len(iccsn))
	}
	return ParseCHR(append(binary.BigEndian.AppendUint16(nil, keyID), b...))
}

// CHR makes the name of a CA key a holder reference.
func (r Reference) CHR() CHR {
	c := CHR{size: len(r)}
	copy(c.octets[:], r[:])
	return c
}

// ParseCHR reads 8 octets (CA) or 12 octets (card). An error wraps ErrReference.
func ParseCHR(b []byte) (CHR, error) {
	c := CHR{size: len(b)}
	copy(c.octets[:], b)
	switch len(b) {
	case 8:
		if err := Reference(b).check(); err != nil {
			return CHR{}, err
		}
		return c, nil
	case 12:
		for _, digits := range b[2:] {
			if !isBCD(digits) {
				return CHR{}, fmt.Errorf("%w: %X does not end in a serial number of 20 decimal digits", ErrReference, b)
			}
		}
		return c, nil
	}
	return CHR{}, fmt.Errorf("%w: %d octets, want 8 (CA) or 12 (card)", ErrReference, len(b))
}

// IsZero tells whether the CHR names nothing.
func (c CHR) IsZero() bool { return c.size == 0 }

// IsCard tells whether the CHR names a card key.
func (c CHR) IsCard() bool { return c.size == 12 }

// Reference gives the name of a CA key, and false for a card key.
func (c CHR) Reference() (Reference, bool) {
	if c.size != 8 {
		return Reference{}, false
	}
	return Reference(c.octets[:8]), true
}

// KeyID is the key identifier of a card key; 0 for a CA key.
func (c CHR) KeyID() uint16 {
	if !c.IsCard() {
		return 0
	}
	return binary.BigEndian.Uint16(c.octets[:2])
}

// ICCSN is the serial number of the card, 20 digits; empty for a CA key.
func (c CHR) ICCSN() string {
	if !c.IsCard() {
		return ""
	}
	return hex.EncodeToString(c.octets[2:])
}

// Bytes gives a copy of the 8 or 12 octets.
func (c CHR) Bytes() []byte { return append([]byte(nil), c.octets[:c.size]...) }

// String gives "DEGXX 8-7-02-22" for a CA and "0006 80276883110000152725" for a card.
func (c CHR) String() string {
	if r, ok := c.Reference(); ok {
		return r.String()
	}
	return fmt.Sprintf("%04X %s", c.KeyID(), c.ICCSN())
}
