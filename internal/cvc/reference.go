package cvc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
)

// ErrReference says that octets or text do not name a CA key or a card key as gemSpec_PKI, Tab_PKI_266 and Tab_PKI_258
// shape such names.
var ErrReference = errors.New("not a valid key reference")

// Reference names the key pair of a CA in 8 octets: the CAR of what it signs and the CHR of its own certificates
// (GS-A_4990, GS-A_4991, Tab_PKI_266). It names a key, not a certificate, and is unique only as far as the providers keep
// it so: test data holds two keys of the same name. Never resolve an issuer by its reference alone.
//
//	0-4  provider code, 5 ASCII letters
//	5    service indicator, discretionary: a decimal digit each
//	6    algorithm reference: two decimal digits
//	7    year of key generation: two decimal digits
type Reference [8]byte

// Service indicators of generation 2: what the key signs. Generation 1 does not keep to them.
const (
	ServiceRoot  = 8 // certificates of CAs
	ServiceSubCA = 1 // certificates of cards
)

// Algorithm references.
const (
	AlgorithmRSA = 1 // generation 1
	AlgorithmECC = 2 // generation 2
)

// NewReference composes a reference. Service and discretionary are one digit, algorithm is two; year is the year of key
// generation, 2000 to 2099. An error wraps ErrReference.
func NewReference(provider string, service, discretionary, algorithm, year int) (Reference, error) {
	if service < 0 || service > 9 || discretionary < 0 || discretionary > 9 || algorithm < 0 || algorithm > 99 ||
		year < 2000 || year > 2099 || len(provider) != 5 {
		return Reference{}, fmt.Errorf("%w: provider %q, service %d, discretionary %d, algorithm %d, year %d", ErrReference,
			provider, service, discretionary, algorithm, year)
	}
	var r Reference
	copy(r[:], provider)
	r[5] = byte(service<<4 | discretionary)
	r[6] = toBCD(algorithm)
	r[7] = toBCD(year - 2000)
	return r, r.check()
}

var referenceText = regexp.MustCompile(`^([A-Za-z]{5}) ([0-9])-([0-9])-([0-9]{2})-([0-9]{2})$`)

// ParseReference reads the form that String gives, "DEGXX 8-7-02-22", or 16 hex digits. An error wraps ErrReference.
func ParseReference(s string) (Reference, error) {
	var r Reference
	digits := s
	if m := referenceText.FindStringSubmatch(s); m != nil {
		digits = hex.EncodeToString([]byte(m[1])) + m[2] + m[3] + m[4] + m[5]
	}
	b, err := hex.DecodeString(digits)
	if err != nil || len(b) != len(r) {
		return Reference{}, fmt.Errorf("%w: %q is neither like \"DEGXX 8-7-02-22\" nor 16 hex digits", ErrReference, s)
	}
	copy(r[:], b)
	if err := r.check(); err != nil {
		return Reference{}, err
	}
	return r, nil
}

// check tells whether the octets have the shape of the table above.
func (r Reference) check() error {
	for _, c := range r[:5] {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return fmt.Errorf("%w: %X does not begin with five letters", ErrReference, r[:])
		}
	}
	for _, c := range r[5:] {
		if !isBCD(c) {
			return fmt.Errorf("%w: %X does not end in six decimal digits", ErrReference, r[:])
		}
	}
	return nil
}

// Provider is the provider code, five letters. It names the provider, not one CA of it.
func (r Reference) Provider() string { return string(r[:5]) }

// ServiceIndicator is the digit that tells what the key signs: ServiceRoot or ServiceSubCA.
func (r Reference) ServiceIndicator() int { return int(r[5] >> 4) }

// Discretionary is the digit with which a provider tells its key pairs of one year apart.
func (r Reference) Discretionary() int { return int(r[5] & 0x0F) }

// Algorithm is the algorithm reference: AlgorithmRSA or AlgorithmECC.
func (r Reference) Algorithm() int { return fromBCD(r[6]) }

// Year is the year of key generation, 2000 to 2099.
func (r Reference) Year() int { return 2000 + fromBCD(r[7]) }

// String gives the form "DEGXX 8-7-02-22".
func (r Reference) String() string {
	return fmt.Sprintf("%s %d-%d-%02d-%02d", r.Provider(), r.ServiceIndicator(), r.Discretionary(), r.Algorithm(), r.Year()%100)
}

func isBCD(b byte) bool  { return b>>4 <= 9 && b&0x0F <= 9 }
func toBCD(n int) byte   { return byte(n/10<<4 | n%10) }
func fromBCD(b byte) int { return int(b>>4)*10 + int(b&0x0F) }
