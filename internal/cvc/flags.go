package cvc

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Flags is a flag list: 56 bits that say what the holder is and may do. Bit 0 is the most significant bit of the first
// octet, bit 55 the least significant bit of the last (gemSpec_PKI, section 6.4.6; the other way round than TR-03110).
// Bits 0 and 1 are the Role, bits 2 to 55 the rights.
type Flags [7]byte

// ParseFlags reads 14 hex digits.
func ParseFlags(s string) (Flags, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Flags{}) {
		return Flags{}, fmt.Errorf("flag list %q is not 14 hex digits", s)
	}
	return Flags(b), nil
}

// Has tells whether bit i, 0 to 55, is set; a bit outside is not.
func (f Flags) Has(i int) bool { return i >= 0 && i < 56 && f[i/8]&(0x80>>(i%8)) != 0 }

// Bits lists the bits that are set, 0 to 55, in rising order.
func (f Flags) Bits() []int {
	var bits []int
	for i := range 8 * len(f) {
		if f.Has(i) {
			bits = append(bits, i)
		}
	}
	return bits
}

// And gives the flags that both lists have: what a card grants when an issuer with list g certified f
// (gemSpec_COS, (N095.900) b.10).
func (f Flags) And(g Flags) Flags {
	for i := range f {
		f[i] &= g[i]
	}
	return f
}

// Or gives the flags that one of the lists has.
func (f Flags) Or(g Flags) Flags {
	for i := range f {
		f[i] |= g[i]
	}
	return f
}

// Within tells whether the issuer's list has every right of f: bits 2 to 55. A card imports a certificate with more rights
// without complaint and drops them, so that only the issuing software can notice.
func (f Flags) Within(issuer Flags) bool {
	f[0] &= 0x3F
	return f.And(issuer) == f
}

// String gives 14 upper-case hex digits.
func (f Flags) String() string { return strings.ToUpper(hex.EncodeToString(f[:])) }

// Role is what the holder of a key is in the CVC hierarchy: bits 0 and 1 of the flag list (gemSpec_PKI, section 6.4.6).
type Role uint8

// The roles. The value 01 is not in use.
const (
	RoleCard  Role = 0b00 // key of a card, which authenticates
	RoleSubCA Role = 0b10 // key that certifies card keys
	RoleRoot  Role = 0b11 // key that certifies sub-CAs and other roots
)

// Role is the role in bits 0 and 1.
func (f Flags) Role() Role { return Role(f[0] >> 6) }

// String gives the role in words.
func (r Role) String() string {
	switch r {
	case RoleCard:
		return "card"
	case RoleSubCA:
		return "sub-CA"
	case RoleRoot:
		return "root"
	}
	return fmt.Sprintf("unused role %02b", uint8(r))
}
