package pkix

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
)

// MaxSerialLen is the longest serial number, in content octets of its INTEGER (RFC 5280, Section 4.1.2.2). A number whose top
// bit is set needs one octet more than its magnitude has.
const MaxSerialLen = 20

// Serial is the serial number of a certificate: a positive INTEGER of at most MaxSerialLen octets, unique for its issuer. It is
// comparable and may be the key of a map. The zero value is no serial number and cannot be encoded.
type Serial struct {
	magnitude string // big-endian, without leading zeros
}

// NewSerial takes a big-endian number. Leading zeros do not matter. Zero and numbers longer than MaxSerialLen are errors.
func NewSerial(number []byte) (Serial, error) {
	number = bytes.TrimLeft(number, "\x00")
	if len(number) == 0 {
		return Serial{}, errors.New("serial number is not positive")
	}
	if n := len(number) + int(number[0]>>7); n > MaxSerialLen {
		return Serial{}, fmt.Errorf("serial number has %d octets, at most %d are allowed", n, MaxSerialLen)
	}
	return Serial{string(number)}, nil
}

// ParseSerial reads what String gives: hexadecimal digits in either case, an even number of them.
func ParseSerial(text string) (Serial, error) {
	number, err := hex.DecodeString(text)
	if err != nil {
		return Serial{}, fmt.Errorf("serial number %q: %w", text, err)
	}
	return NewSerial(number)
}

// Bytes is the magnitude, big-endian, without leading zeros: at most MaxSerialLen octets, none for the zero value.
func (s Serial) Bytes() []byte { return []byte(s.magnitude) }

// String gives the magnitude in lower-case hexadecimal digits, two per octet.
func (s Serial) String() string { return hex.EncodeToString(s.Bytes()) }

// IsZero tells whether s is the zero value, which is no serial number.
func (s Serial) IsZero() bool { return s.magnitude == "" }
