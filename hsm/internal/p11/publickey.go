package p11

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Constants of PKCS #11 v3.0 that the binding does not have.
const (
	CKK_EC_EDWARDS              = 0x00000040
	CKM_EC_EDWARDS_KEY_PAIR_GEN = 0x00001055
	CKM_EDDSA                   = 0x00001057
)

// ecParams holds CKA_EC_PARAMS of the curves: the DER encoding of their object identifier (RFC 5639, Section 4.1; RFC 5480,
// Section 2.1.1.1; RFC 8410, Section 3).
var ecParams = map[sigalg.KeyType][]byte{
	sigalg.E256:    {0x06, 0x09, 0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x07}, // 1.3.36.3.3.2.8.1.1.7
	sigalg.E384:    {0x06, 0x09, 0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0B}, // 1.3.36.3.3.2.8.1.1.11
	sigalg.E512:    {0x06, 0x09, 0x2B, 0x24, 0x03, 0x03, 0x02, 0x08, 0x01, 0x01, 0x0D}, // 1.3.36.3.3.2.8.1.1.13
	sigalg.P256:    {0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07},       // 1.2.840.10045.3.1.7
	sigalg.Ed25519: {0x06, 0x03, 0x2B, 0x65, 0x70},                                     // 1.3.101.112
}

// edwards25519 is the other form of CKA_EC_PARAMS that PKCS #11 v3.0 admits for Ed25519 (Section 6.3.5): the curve's name as a
// PrintableString.
var edwards25519 = append([]byte{0x13, 12}, "edwards25519"...)

// ECParams gives CKA_EC_PARAMS for a key type, and false for RSA.
func ECParams(t sigalg.KeyType) ([]byte, bool) {
	der, ok := ecParams[t]
	return bytes.Clone(der), ok
}

// PublicKey reads the public key object whose CKA_ID is id.
func (s *Session) PublicKey(id []byte) (crypto.PublicKey, error) {
	h, err := s.One(pkcs11.CKO_PUBLIC_KEY, id)
	if err != nil {
		return nil, err
	}
	return s.PublicKeyOf(h)
}

// PublicKeyOf reads a public key object.
func (s *Session) PublicKeyOf(h pkcs11.ObjectHandle) (crypto.PublicKey, error) {
	var err error
	need := func(attribute uint, name string) []byte {
		v, ok, e := s.Value(h, attribute)
		if e == nil && !ok {
			e = fmt.Errorf("public key has no %s", name)
		}
		err = errors.Join(err, e)
		return v
	}
	kind := need(pkcs11.CKA_KEY_TYPE, "CKA_KEY_TYPE")
	if bytes.Equal(kind, pkcs11.NewAttribute(0, uint(pkcs11.CKK_RSA)).Value) {
		n, e := need(pkcs11.CKA_MODULUS, "CKA_MODULUS"), need(pkcs11.CKA_PUBLIC_EXPONENT, "CKA_PUBLIC_EXPONENT")
		if err != nil {
			return nil, err
		}
		return rsaKey(n, e)
	}
	params, point := need(pkcs11.CKA_EC_PARAMS, "CKA_EC_PARAMS"), need(pkcs11.CKA_EC_POINT, "CKA_EC_POINT")
	if err != nil {
		return nil, err
	}
	return ecKey(params, point)
}

// rsaKey makes a key of CKA_MODULUS and CKA_PUBLIC_EXPONENT, big-endian numbers.
func rsaKey(modulus, exponent []byte) (*rsa.PublicKey, error) {
	e := new(big.Int).SetBytes(exponent)
	if e.BitLen() > 31 || e.Bit(0) == 0 {
		return nil, errors.New("RSA public exponent is even or longer than 31 bits")
	}
	key := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(e.Int64())}
	if _, err := sigalg.TypeOf(key); err != nil {
		return nil, err
	}
	return key, nil
}

// ecKey makes a key of CKA_EC_PARAMS and CKA_EC_POINT. The point is an OCTET STRING (PKCS #11 v3.1, Section 6.3.3), in some
// tokens the octets themselves; the length tells.
func ecKey(params, point []byte) (crypto.PublicKey, error) {
	t, err := curveOf(params)
	if err != nil {
		return nil, err
	}
	size := 32 // Ed25519
	if curve, ok := t.Curve(); ok {
		size = 1 + 2*curve.ByteLen()
	} else if t == sigalg.P256 {
		size = 65
	}
	if point, err = bare(point, size); err != nil {
		return nil, err
	}
	switch t {
	case sigalg.Ed25519:
		return ed25519.PublicKey(point), nil
	case sigalg.P256:
		return ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	}
	curve, _ := t.Curve()
	return brainpoolKey(curve, point)
}

func brainpoolKey(curve *brainpool.Curve, point []byte) (crypto.PublicKey, error) {
	key, err := curve.ParsePoint(point)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	return key, nil
}

// curveOf tells which curve CKA_EC_PARAMS names.
func curveOf(params []byte) (sigalg.KeyType, error) {
	for t, der := range ecParams {
		if bytes.Equal(der, params) {
			return t, nil
		}
	}
	if bytes.Equal(params, edwards25519) {
		return sigalg.Ed25519, nil
	}
	return 0, fmt.Errorf("CKA_EC_PARAMS %X names no curve that is used here", params)
}

// bare takes the OCTET STRING off a point of the given size.
func bare(point []byte, size int) ([]byte, error) {
	if len(point) == size {
		return point, nil
	}
	in := cryptobyte.String(point)
	var content cryptobyte.String
	if !in.ReadASN1(&content, asn1.OCTET_STRING) || !in.Empty() || len(content) != size {
		return nil, fmt.Errorf("CKA_EC_POINT of %d octets is not a point of %d", len(point), size)
	}
	return content, nil
}
