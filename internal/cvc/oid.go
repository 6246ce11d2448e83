package cvc

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/brainpool"
)

// ErrKeyOID says that the object identifier of a key is unknown, or does not fit the key's curve or its holder.
var ErrKeyOID = errors.New("object identifier does not fit the key")

// ErrFlagOID says that the object identifier of a flag list is unknown.
var ErrFlagOID = errors.New("object identifier of the flag list is unknown")

// KeyOID says what a key is for and on which kind of curve it lies (GS-A_4992, GS-A_4993, Tab_PKI_901).
type KeyOID uint8

// The key identifiers of generation 2: of a CA, which verifies certificates, and of a card, which authenticates, role and
// device alike.
const (
	ECDSAWithSHA256 KeyOID = iota + 1 // CA, brainpoolP256r1
	ECDSAWithSHA384                   // CA, brainpoolP384r1
	ECDSAWithSHA512                   // CA, brainpoolP512r1
	AuthSHA256                        // card, brainpoolP256r1
	AuthSHA384                        // card, brainpoolP384r1
	AuthSHA512                        // card, brainpoolP512r1
)

type oidEntry struct {
	name, dotted string
	der          []byte // value octets
}

var keyOIDs = map[KeyOID]oidEntry{
	ECDSAWithSHA256: {"ecdsa-with-SHA256", "1.2.840.10045.4.3.2", []byte{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02}},
	ECDSAWithSHA384: {"ecdsa-with-SHA384", "1.2.840.10045.4.3.3", []byte{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03}},
	ECDSAWithSHA512: {"ecdsa-with-SHA512", "1.2.840.10045.4.3.4", []byte{0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04}},
	AuthSHA256:      {"authS_gemSpec-COS-G2_ecc-with-sha256", "1.3.36.3.5.3.1", []byte{0x2B, 0x24, 0x03, 0x05, 0x03, 0x01}},
	AuthSHA384:      {"authS_gemSpec-COS-G2_ecc-with-sha384", "1.3.36.3.5.3.2", []byte{0x2B, 0x24, 0x03, 0x05, 0x03, 0x02}},
	AuthSHA512:      {"authS_gemSpec-COS-G2_ecc-with-sha512", "1.3.36.3.5.3.3", []byte{0x2B, 0x24, 0x03, 0x05, 0x03, 0x03}},
}

// keyOIDFor is Tab_PKI_901: the identifier follows from the curve and from whether the holder is a card.
func keyOIDFor(c *brainpool.Curve, card bool) (KeyOID, error) {
	var o KeyOID
	switch c {
	case brainpool.P256r1():
		o = ECDSAWithSHA256
	case brainpool.P384r1():
		o = ECDSAWithSHA384
	case brainpool.P512r1():
		o = ECDSAWithSHA512
	default:
		return 0, fmt.Errorf("%w: no identifier for this curve", ErrKeyOID)
	}
	if card {
		o += AuthSHA256 - ECDSAWithSHA256
	}
	return o, nil
}

func parseKeyOID(der []byte) (KeyOID, error) {
	for o, e := range keyOIDs {
		if bytes.Equal(e.der, der) {
			return o, nil
		}
	}
	return 0, fmt.Errorf("%w: unknown identifier %X", ErrKeyOID, der)
}

// String gives the name that gemSpec_PKI uses.
func (o KeyOID) String() string {
	if e, ok := keyOIDs[o]; ok {
		return e.name
	}
	return fmt.Sprintf("KeyOID(%d)", uint8(o))
}

// FlagOID names the hierarchy a certificate belongs to, and with it the meaning of its flag list. A card takes a
// certificate only if its issuer belongs to the same (GS-A_4996, Tab_PKI_904).
type FlagOID uint8

// The two hierarchies.
const (
	FlagsTI  FlagOID = iota + 1 // oid_cvc_fl_ti: rights between cards of the telematics infrastructure
	FlagsCMS                    // oid_cvc_fl_cms: rights of card management systems
)

var flagOIDs = map[FlagOID]oidEntry{
	FlagsTI:  {"oid_cvc_fl_ti", "1.2.276.0.76.4.152", []byte{0x2A, 0x82, 0x14, 0x00, 0x4C, 0x04, 0x81, 0x18}},
	FlagsCMS: {"oid_cvc_fl_cms", "1.2.276.0.76.4.153", []byte{0x2A, 0x82, 0x14, 0x00, 0x4C, 0x04, 0x81, 0x19}},
}

func parseFlagOID(der []byte) (FlagOID, error) {
	for o, e := range flagOIDs {
		if bytes.Equal(e.der, der) {
			return o, nil
		}
	}
	return 0, fmt.Errorf("%w: %X", ErrFlagOID, der)
}

// String gives the name that gemSpec_PKI uses.
func (o FlagOID) String() string {
	if e, ok := flagOIDs[o]; ok {
		return e.name
	}
	return fmt.Sprintf("FlagOID(%d)", uint8(o))
}
