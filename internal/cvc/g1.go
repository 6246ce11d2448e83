package cvc

import (
	"bytes"
	"crypto/rsa"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
)

// ErrG1Key says that an RSA key is not one that generation 1 can hold or sign with: a modulus of exactly 2048 bits, odd, and
// an odd exponent from 2^16+1 to 2^32-1 (gemSpec_COS, (G2_N002.100)).
var ErrG1Key = errors.New("not an RSA key for CV certificates of generation 1")

// Sizes of generation 1 in octets.
const (
	g1ModulusSize = 256
	g1ExpSize     = 4
	g1CAMessage   = 284
	g1CardMessage = 294
)

// The profile identifiers, hexadecimal, and the object identifiers, value octets only (gemSpec_COS 3.11.0, A_13697 to
// A_13711; CosT_ad5, CosT_6ea).
const (
	g1CPICA   = 0x21
	g1CPICard = 0x22
)

var (
	g1OIDCA   = []byte{0x2B, 0x24, 0x03, 0x04, 0x02, 0x02, 0x04} // sigS_ISO9796-2Withrsa_sha256, 1.3.36.3.4.2.2.4
	g1OIDCard = []byte{0x2B, 0x24, 0x03, 0x05, 0x02, 0x04}       // authS_ISO9796-2Withrsa_sha256_mutual, 1.3.36.3.5.2.4
)

// CHA is the certificate holder authorisation of a card of generation 1: D27600004000 || role identifier. It takes the place
// of the flag list.
type CHA [7]byte

var chaPrefix = []byte{0xD2, 0x76, 0x00, 0x00, 0x40, 0x00}

// NewCHA makes the authorisation with a role identifier: 02 for a physician, dentist or hospital, 03 for a pharmacy, and so
// on; see CHA.Holder.
func NewCHA(role byte) CHA {
	var a CHA
	copy(a[:], chaPrefix)
	a[6] = role
	return a
}

// Role is the role identifier, the last octet.
func (a CHA) Role() byte { return a[6] }

// chaHolders names the classes of holders by role identifier (gemSpec_PKI, Tab_PKI_254, for both generations). 00 and 02 occur
// in real certificates; the others are taken to be the profile number.
var chaHolders = map[byte]string{
	0: "insured person (eGK)",
	1: "eKiosk",
	2: "physician, dentist, hospital",
	3: "pharmacy",
	4: "psychotherapist",
	5: "other health professions",
	7: "paramedics, mobile rescue service",
	8: "payer",
	9: "health facilities",
}

// Holder names the class of holders, or is empty for a role identifier without a meaning.
func (a CHA) Holder() string { return chaHolders[a.Role()] }

// String gives 14 upper-case hex digits.
func (a CHA) String() string { return fmt.Sprintf("%X", a[:]) }

// G1Body is the content of a certificate of generation 1. There are no dates and no flag list.
type G1Body struct {
	PublicKey *rsa.PublicKey // the certified key
	CHA       CHA            // of a card; zero for a CA
	CHR       CHR            // the key's name: of a CA or of a card
	CAR       Reference      // the key that signs, or signed
}

// Message gives M, the octets that the signature covers: a row of fields without tags (gemSpec_COS 3.11.0, A_13697 to
// A_13711), 284 octets for a CA and 294 for a card.
//
//	CA    21 || n (256) || e (4) || 2B240304020204 || CHR (8)  || CAR (8)
//	card  22 || n (256) || e (4) || 2B2403050204   || CHA (7) || CHR (12) || CAR (8)
//
// Errors wrap ErrG1Key, ErrReference or ErrKind.
func (b *G1Body) Message() ([]byte, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	m := make([]byte, 1+g1ModulusSize, g1CardMessage)
	m[0] = g1CPICA
	b.PublicKey.N.FillBytes(m[1:])
	m = binary.BigEndian.AppendUint32(m, uint32(b.PublicKey.E))
	if b.CHR.IsCard() {
		m[0] = g1CPICard
		m = append(m, g1OIDCard...)
		m = append(m, b.CHA[:]...)
	} else {
		m = append(m, g1OIDCA...)
	}
	m = append(m, b.CHR.Bytes()...)
	return append(m, b.CAR[:]...), nil
}

// ParseG1Message reads what Message writes: M, the octets that the signature covers. Errors wrap ErrSyntax, ErrKeyOID, ErrKind,
// ErrReference or ErrG1Key.
func ParseG1Message(m []byte) (*G1Body, error) {
	if len(m) < 1+g1ModulusSize+g1ExpSize {
		return nil, fmt.Errorf("%w: message of %d octets", ErrSyntax, len(m))
	}
	tail, err := parseG1Tail(m[1+g1ModulusSize:])
	if err != nil {
		return nil, err
	}
	if card := m[0] == g1CPICard; card != tail.CHR.IsCard() || !card && m[0] != g1CPICA {
		return nil, fmt.Errorf("%w: profile identifier %02X does not fit the object identifier of %s", ErrKind, m[0], tail.CHR)
	}
	b := &G1Body{
		PublicKey: &rsa.PublicKey{N: new(big.Int).SetBytes(m[1 : 1+g1ModulusSize]), E: int(tail.exponent)},
		CHA:       tail.CHA,
		CHR:       tail.CHR,
		CAR:       tail.CAR,
	}
	return b, b.check()
}

// g1Tail is the end of M behind the modulus, which every certificate shows in the clear.
type g1Tail struct {
	exponent uint32
	CHA      CHA
	CHR      CHR
	CAR      Reference
}

// parseG1Tail reads e || OID || [CHA] || CHR || CAR. The length tells a CA from a card.
func parseG1Tail(t []byte) (g1Tail, error) {
	var out g1Tail
	oid, chrSize := g1OIDCA, 8
	card := len(t) == g1CardMessage-1-g1ModulusSize
	if card {
		oid, chrSize = g1OIDCard, 12
	} else if len(t) != g1CAMessage-1-g1ModulusSize {
		return out, fmt.Errorf("%w: %d octets behind the modulus", ErrSyntax, len(t))
	}
	out.exponent, t = binary.BigEndian.Uint32(t), t[g1ExpSize:]
	if !bytes.HasPrefix(t, oid) {
		return out, fmt.Errorf("%w: want %X, found %X", ErrKeyOID, oid, t[:len(oid)])
	}
	t = t[len(oid):]
	if card {
		out.CHA, t = CHA(t[:7]), t[7:]
	}
	chr, err := ParseCHR(t[:chrSize])
	if err != nil {
		return out, fmt.Errorf("CHR: %w", err)
	}
	out.CHR, out.CAR = chr, Reference(t[chrSize:])
	return out, out.check()
}

// check holds the rules that writing and reading share.
func (t g1Tail) check() error {
	if err := t.CAR.check(); err != nil {
		return fmt.Errorf("CAR: %w", err)
	}
	if t.CHR.IsZero() {
		return fmt.Errorf("CHR: %w: it is empty", ErrReference)
	}
	if t.CHR.IsCard() && !bytes.HasPrefix(t.CHA[:], chaPrefix) || !t.CHR.IsCard() && t.CHA != (CHA{}) {
		return fmt.Errorf("%w: CHA %s of %s", ErrKind, t.CHA, t.CHR)
	}
	return nil
}

func (b *G1Body) check() error {
	if err := checkG1Key(b.PublicKey); err != nil {
		return err
	}
	return g1Tail{uint32(b.PublicKey.E), b.CHA, b.CHR, b.CAR}.check()
}

func checkG1Key(k *rsa.PublicKey) error {
	if k == nil || k.N == nil {
		return fmt.Errorf("%w: there is no key", ErrG1Key)
	}
	if k.N.BitLen() != 8*g1ModulusSize || k.N.Bit(0) == 0 {
		return fmt.Errorf("%w: modulus of %d bits", ErrG1Key, k.N.BitLen())
	}
	if e := int64(k.E); e <= 1<<16 || e >= 1<<32 || e&1 == 0 {
		return fmt.Errorf("%w: exponent %d", ErrG1Key, k.E)
	}
	return nil
}
