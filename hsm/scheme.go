package hsm

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"

	"github.com/miekg/pkcs11"
	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
	"github.com/siegel-pki/siegel/hsm/quirks"
	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// digestInfo is what comes before a SHA-256 digest in an RSASSA-PKCS1-v1_5 signature (RFC 8017, Section 9.2, note 1).
var digestInfo = []byte{0x30, 0x31, 0x30, 0x0D,
	0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}

// pssSalt is the salt length of RSASSA-PSS: that of the hash (GS-A_4358).
const pssSalt = 32

// operation gives the mechanism of a scheme and the data that it signs. Hashing is done in software: the digest is all
// that the token needs, and a mechanism without a hash exists in every token.
func operation(public crypto.PublicKey, scheme sigalg.Scheme, message []byte) (*pkcs11.Mechanism, []byte, error) {
	mechanism := func(m uint, parameters any) *pkcs11.Mechanism { return pkcs11.NewMechanism(m, parameters) }
	switch key := public.(type) {
	case *rsa.PublicKey:
		switch scheme {
		case sigalg.RSAPKCS1SHA256:
			return mechanism(pkcs11.CKM_RSA_PKCS, nil), append(bytes.Clone(digestInfo), digest(scheme, message)...), nil
		case sigalg.RSAPSSSHA256:
			parameters := pkcs11.NewPSSParams(pkcs11.CKM_SHA256, pkcs11.CKG_MGF1_SHA256, pssSalt)
			return mechanism(pkcs11.CKM_RSA_PKCS_PSS, parameters), digest(scheme, message), nil
		case sigalg.ISO9796SHA256:
			return mechanism(pkcs11.CKM_RSA_X_509, nil), message, checkBlock(key, message)
		}
	case *brainpool.PublicKey:
		if scheme.IsECDSA() {
			return mechanism(pkcs11.CKM_ECDSA, nil), cut(digest(scheme, message), key.Curve().ByteLen()), nil
		}
	case *ecdsa.PublicKey:
		if scheme.IsECDSA() {
			return mechanism(pkcs11.CKM_ECDSA, nil), cut(digest(scheme, message), curveLen(key)), nil
		}
	case ed25519.PublicKey:
		if scheme == sigalg.PureEd25519 && len(message) > 0 {
			return mechanism(p11.CKM_EDDSA, nil), message, nil
		}
	}
	return nil, nil, fmt.Errorf("a key of type %T does not sign a message of %d octets with %s", public, len(message), scheme)
}

func digest(scheme sigalg.Scheme, message []byte) []byte {
	h := scheme.Hash().New()
	h.Write(message)
	return h.Sum(nil)
}

// cut takes the leftmost octets of a digest that is longer than the curve's order (FIPS 186-5, Section 6.4.1); not every token
// does it. The orders of all curves here have whole octets.
func cut(digest []byte, n int) []byte { return digest[:min(n, len(digest))] }

func curveLen(k *ecdsa.PublicKey) int { return (k.Params().BitSize + 7) / 8 }

// open is the RSA public operation: the block that was signed.
func open(key *rsa.PublicKey, signature []byte) []byte {
	return new(big.Int).Exp(new(big.Int).SetBytes(signature), big.NewInt(int64(key.E)), key.N).FillBytes(make([]byte, key.Size()))
}

// checkBlock checks that a padded block is a number that RSA can take.
func checkBlock(key *rsa.PublicKey, block []byte) error {
	if len(block) != key.Size() || new(big.Int).SetBytes(block).Cmp(key.N) >= 0 {
		return fmt.Errorf("block of %d octets is not a number below the modulus of %d octets", len(block), key.Size())
	}
	return nil
}

// signature checks the length of what the token answered and brings ECDSA into the form r||s.
func (k *Key) signature(answer []byte) ([]byte, error) {
	want := 0
	switch key := k.public.(type) {
	case *rsa.PublicKey:
		want = key.Size()
	case ed25519.PublicKey:
		want = ed25519.SignatureSize
	case *ecdsa.PublicKey:
		want = 2 * curveLen(key)
	case *brainpool.PublicKey:
		want = 2 * key.Curve().ByteLen()
	}
	_, isRSA := k.public.(*rsa.PublicKey)
	_, isEd := k.public.(ed25519.PublicKey)
	if k.token.family.Has(quirks.DERSignatures) && !isRSA && !isEd {
		return plain(answer, want/2)
	}
	if len(answer) != want {
		return nil, fmt.Errorf("key %x: the token answered a signature of %d octets, want %d", k.id, len(answer), want)
	}
	return answer, nil
}

// plain turns a DER signature into r||s, n octets each (RFC 3279, Section 2.2.3).
func plain(der []byte, n int) ([]byte, error) {
	in := cryptobyte.String(der)
	var sequence cryptobyte.String
	r, s := new(big.Int), new(big.Int)
	if !in.ReadASN1(&sequence, asn1.SEQUENCE) || !in.Empty() ||
		!sequence.ReadASN1Integer(r) || !sequence.ReadASN1Integer(s) || !sequence.Empty() {
		return nil, errors.New("the token answered an ECDSA signature that is not DER")
	}
	if r.Sign() <= 0 || s.Sign() <= 0 || r.BitLen() > 8*n || s.BitLen() > 8*n {
		return nil, errors.New("the token answered an ECDSA signature out of range")
	}
	out := make([]byte, 2*n)
	r.FillBytes(out[:n])
	s.FillBytes(out[n:])
	return out, nil
}
