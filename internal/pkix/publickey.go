package pkix

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/asn1"
	"errors"
	"fmt"
	"math"
	"math/big"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/der"
)

// Key algorithms (RFC 3279, Section 2.3.1; RFC 5480, Section 2.1.1; RFC 5639, Appendix A).
var (
	oidRSAEncryption   = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 1, 1}
	oidECPublicKey     = asn1.ObjectIdentifier{1, 2, 840, 10045, 2, 1}
	oidP256            = asn1.ObjectIdentifier{1, 2, 840, 10045, 3, 1, 7}
	oidBrainpoolP256r1 = asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 7}
	oidBrainpoolP384r1 = asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 11}
	oidBrainpoolP512r1 = asn1.ObjectIdentifier{1, 3, 36, 3, 3, 2, 8, 1, 1, 13}
)

// Limits on RSA keys that are read, in bits. They bound the work that a foreign key can cause and are no judgement on its
// strength: that is for the rules on orders.
const (
	minModulusBits  = 1024
	maxModulusBits  = 8192
	maxExponentBits = 32 // what a card may have (gemSpec_COS, (G2_N002.100)); crypto/rsa verifies signatures up to 31 only
)

// MarshalPublicKey gives the DER SubjectPublicKeyInfo of *rsa.PublicKey, *brainpool.PublicKey or *ecdsa.PublicKey on P-256:
// rsaEncryption with NULL parameters, or id-ecPublicKey with a named curve and an uncompressed point (GS-A_4357).
func MarshalPublicKey(pub crypto.PublicKey) ([]byte, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return marshalRSA(k)
	case *brainpool.PublicKey:
		switch k.Curve() {
		case brainpool.P256r1():
			return marshalEC(oidBrainpoolP256r1, k.Bytes())
		case brainpool.P384r1():
			return marshalEC(oidBrainpoolP384r1, k.Bytes())
		case brainpool.P512r1():
			return marshalEC(oidBrainpoolP512r1, k.Bytes())
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			point, err := k.Bytes()
			if err != nil {
				return nil, fmt.Errorf("encoding P-256 key: %w", err)
			}
			return marshalEC(oidP256, point)
		}
		return nil, fmt.Errorf("encoding public key: curve %s is not supported", k.Params().Name)
	}
	return nil, fmt.Errorf("encoding public key: type %T is not supported", pub)
}

// marshalRSA encodes
//
//	SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { rsaEncryption, NULL }, BIT STRING { RSAPublicKey } }
//	RSAPublicKey         ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
func marshalRSA(k *rsa.PublicKey) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 600))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidRSAEncryption)
			b.AddASN1NULL()
		})
		der.AddOctetBits(b, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				der.AddUnsigned(b, k.N.Bytes())
				b.AddASN1Int64(int64(k.E))
			})
		})
	})
	return b.Bytes()
}

// marshalEC encodes
//
//	SubjectPublicKeyInfo ::= SEQUENCE { SEQUENCE { id-ecPublicKey, namedCurve OBJECT IDENTIFIER }, BIT STRING }
func marshalEC(curve asn1.ObjectIdentifier, point []byte) ([]byte, error) {
	b := cryptobyte.NewBuilder(make([]byte, 0, 160))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1ObjectIdentifier(oidECPublicKey)
			b.AddASN1ObjectIdentifier(curve)
		})
		der.AddOctetBits(b, func(b *cryptobyte.Builder) { b.AddBytes(point) })
	})
	return b.Bytes()
}

// KeyIdentity gives 32 octets that are the same for public keys that one secret serves, however they are written. Who knows the private key
// of one then knows that of the other: for RSA the keys of one modulus, since its factors give the private exponent of every public one; on
// a curve the points of one x coordinate, P and -P, whose private keys d and q-d are. RSA moduli that share one factor only are not
// found.
//
// It is the SHA-256 of the kind of key, a colon, and the modulus without leading zeros ("RSA:" …) or the x coordinate in the length of the
// field (for example "brainpoolP256r1:" …; "P-256:" …). It takes the types that MarshalPublicKey takes.
func KeyIdentity(pub crypto.PublicKey) ([32]byte, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return keyIdentity("RSA", k.N.Bytes()), nil
	case *brainpool.PublicKey:
		return keyIdentity(k.Curve().Name(), k.Bytes()[1:1+k.Curve().ByteLen()]), nil
	case *ecdsa.PublicKey:
		point, err := k.Bytes()
		if err != nil || k.Curve != elliptic.P256() {
			return [32]byte{}, fmt.Errorf("identify public key: curve %s is not supported", k.Params().Name)
		}
		return keyIdentity("P-256", point[1:33]), nil
	}
	return [32]byte{}, fmt.Errorf("identify public key: type %T is not supported", pub)
}

func keyIdentity(kind string, octets []byte) [32]byte {
	return sha256.Sum256(append([]byte(kind+":"), octets...))
}

// ParsePublicKey reads a SubjectPublicKeyInfo that fills the whole of spki: the forms that MarshalPublicKey writes. A point that
// has the right form but does not lie on its curve gives an error that wraps brainpool.ErrNotOnCurve, for P-256 too.
func ParsePublicKey(spki []byte) (crypto.PublicKey, error) {
	algorithm, key, err := splitSPKI(spki)
	if err != nil {
		return nil, err
	}
	var id asn1.ObjectIdentifier
	if !algorithm.ReadASN1ObjectIdentifier(&id) {
		return nil, errors.New("public key: no algorithm")
	}
	switch {
	case id.Equal(oidRSAEncryption):
		if !der.ReadNULL(&algorithm) || !algorithm.Empty() {
			return nil, errors.New("RSA public key: parameters are not NULL")
		}
		return parseRSA(key)
	case id.Equal(oidECPublicKey):
		var curve asn1.ObjectIdentifier
		if !algorithm.ReadASN1ObjectIdentifier(&curve) || !algorithm.Empty() {
			return nil, errors.New("EC public key: parameters are not a named curve")
		}
		return parseEC(curve, key)
	}
	return nil, fmt.Errorf("public key: algorithm %s is not supported", id)
}

// splitSPKI takes SubjectPublicKeyInfo apart without looking into the key: the content of its AlgorithmIdentifier and the
// octets of its BIT STRING. Both alias spki.
func splitSPKI(spki []byte) (algorithm cryptobyte.String, key []byte, err error) {
	var seq, bits cryptobyte.String
	if !der.ReadOnly(spki, &seq, cbasn1.SEQUENCE) ||
		!seq.ReadASN1(&algorithm, cbasn1.SEQUENCE) ||
		!der.ReadOctetBits(&seq, &bits) ||
		!seq.Empty() {
		return nil, nil, errors.New("public key is not one SubjectPublicKeyInfo")
	}
	return algorithm, bits, nil
}

func parseRSA(key []byte) (*rsa.PublicKey, error) {
	var seq cryptobyte.String
	if !der.ReadOnly(key, &seq, cbasn1.SEQUENCE) {
		return nil, errors.New("RSA public key is not one RSAPublicKey")
	}
	modulus, err := der.ReadUnsigned(&seq, maxModulusBits/8+1)
	if err != nil {
		return nil, fmt.Errorf("RSA modulus: %w", err)
	}
	exponent, err := der.ReadUnsigned(&seq, maxExponentBits/8+1)
	if err != nil {
		return nil, fmt.Errorf("RSA exponent: %w", err)
	}
	if !seq.Empty() {
		return nil, errors.New("RSA public key holds more than modulus and exponent")
	}
	n, e := new(big.Int).SetBytes(modulus), new(big.Int).SetBytes(exponent)
	if bits := n.BitLen(); bits < minModulusBits || bits > maxModulusBits {
		return nil, fmt.Errorf("RSA modulus has %d bits, %d to %d are supported", bits, minModulusBits, maxModulusBits)
	}
	if e.Cmp(big.NewInt(1)) <= 0 || e.BitLen() > maxExponentBits {
		return nil, fmt.Errorf("RSA exponent is outside 2 to %d", int64(1)<<maxExponentBits-1)
	}
	return &rsa.PublicKey{N: n, E: int(e.Int64())}, nil
}

// The exponent of an rsa.PublicKey is an int, which must hold the largest.
const _ uint = math.MaxInt - (1<<maxExponentBits - 1)

func parseEC(curve asn1.ObjectIdentifier, point []byte) (crypto.PublicKey, error) {
	switch {
	case curve.Equal(oidBrainpoolP256r1):
		return parseBrainpool(brainpool.P256r1(), point)
	case curve.Equal(oidBrainpoolP384r1):
		return parseBrainpool(brainpool.P384r1(), point)
	case curve.Equal(oidBrainpoolP512r1):
		return parseBrainpool(brainpool.P512r1(), point)
	case curve.Equal(oidP256):
		return parseP256(point)
	}
	return nil, fmt.Errorf("EC public key: curve %s is not supported", curve)
}

func parseBrainpool(curve *brainpool.Curve, point []byte) (crypto.PublicKey, error) {
	k, err := curve.ParsePoint(point)
	if err != nil {
		return nil, fmt.Errorf("%s public key: %w", curve.Name(), err)
	}
	return k, nil
}

// parseP256 tells malformed points from those off the curve, as brainpool.Curve.ParsePoint does.
func parseP256(point []byte) (crypto.PublicKey, error) {
	const octets = 32
	p := elliptic.P256().Params().P
	switch {
	case len(point) != 1+2*octets:
		return nil, fmt.Errorf("P-256 public key: %w", brainpool.ErrPointLength)
	case point[0] != 4:
		return nil, fmt.Errorf("P-256 public key: %w", brainpool.ErrPointFormat)
	case new(big.Int).SetBytes(point[1:1+octets]).Cmp(p) >= 0, new(big.Int).SetBytes(point[1+octets:]).Cmp(p) >= 0:
		return nil, fmt.Errorf("P-256 public key: %w", brainpool.ErrPointRange)
	}
	k, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return nil, fmt.Errorf("P-256 public key: %w (%w)", brainpool.ErrNotOnCurve, err)
	}
	return k, nil
}
