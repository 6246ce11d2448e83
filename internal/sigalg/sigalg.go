// Package sigalg holds the names and parameters of the key types and signature schemes that a card and its issuers use,
// and checks signatures made with them.
//
// It is the one vocabulary shared by the token (package hsm), the encoders (internal/pkix, internal/cvc) and the door to
// the key (package ca). It makes no signatures and touches no secret.
//
// Sources: gemSpec_Krypt 2.23 (GS-A_4357, GS-A_4359, GS-A_4365, GS-A_4366); gemSpec_PKI 2.14.1 (Tab_PKI_205, Tab_PKI_901,
// Tab_PKI_906).
package sigalg

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	_ "crypto/sha256" // SHA-256 for crypto.Hash.New
	_ "crypto/sha512" // SHA-384 and SHA-512 for crypto.Hash.New
	"errors"
	"fmt"
	"math/big"

	"github.com/siegel-pki/siegel/internal/brainpool"
)

// KeyType is a kind of key, written as the specifications write it at the end of an object name: C.HCI.AUT.R2048,
// C.HCI.AUT.E256 (gemSpec_PKI, Tab_PKI_205).
type KeyType uint8

// The key types. The last two are not card keys: P256 serves operators' TLS certificates, Ed25519 signs the log's checkpoints
// (C2SP signed-note), so that other people's tools can check them.
const (
	R2048   KeyType = iota + 1 // RSA, 2048-bit modulus
	R3072                      // RSA, 3072-bit modulus
	E256                       // brainpoolP256r1
	E384                       // brainpoolP384r1
	E512                       // brainpoolP512r1
	P256                       // NIST P-256
	Ed25519                    // RFC 8032
)

var keyTypeNames = map[KeyType]string{R2048: "R2048", R3072: "R3072", E256: "E256", E384: "E384", E512: "E512", P256: "P256",
	Ed25519: "Ed25519"}

// String gives the name as in an object name, for example "R2048".
func (t KeyType) String() string {
	if n, ok := keyTypeNames[t]; ok {
		return n
	}
	return fmt.Sprintf("KeyType(%d)", uint8(t))
}

// ParseKeyType reads a name that String gives.
func ParseKeyType(s string) (KeyType, error) {
	for t, n := range keyTypeNames {
		if n == s {
			return t, nil
		}
	}
	return 0, fmt.Errorf("unknown key type %q", s)
}

// Generation is a key generation: certificates of an RSA key are signed by RSA issuers, those of an ECC key by ECC issuers
// (GS-A_5513).
type Generation string

// The two key generations.
const (
	RSA Generation = "RSA"
	ECC Generation = "ECC"
)

// Generation tells which key generation a key type belongs to.
func (t KeyType) Generation() Generation {
	if t == R2048 || t == R3072 {
		return RSA
	}
	return ECC
}

// Curve gives the brainpool curve of a key type, and false for RSA and P256.
func (t KeyType) Curve() (*brainpool.Curve, bool) {
	switch t {
	case E256:
		return brainpool.P256r1(), true
	case E384:
		return brainpool.P384r1(), true
	case E512:
		return brainpool.P512r1(), true
	}
	return nil, false
}

// TypeOf tells the type of a public key: *rsa.PublicKey, *brainpool.PublicKey, *ecdsa.PublicKey on P-256 or
// ed25519.PublicKey. Any other key, an RSA key of another length among them, is an error.
func TypeOf(pub crypto.PublicKey) (KeyType, error) {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		switch k.N.BitLen() {
		case 2048:
			return R2048, nil
		case 3072:
			return R3072, nil
		}
		return 0, fmt.Errorf("RSA modulus has %d bits, want 2048 or 3072", k.N.BitLen())
	case *brainpool.PublicKey:
		switch k.Curve() {
		case brainpool.P256r1():
			return E256, nil
		case brainpool.P384r1():
			return E384, nil
		case brainpool.P512r1():
			return E512, nil
		}
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return P256, nil
		}
		return 0, fmt.Errorf("elliptic curve %s is not supported", k.Params().Name)
	case ed25519.PublicKey:
		return Ed25519, nil
	}
	return 0, fmt.Errorf("public key of type %T is not supported", pub)
}

// Scheme is a signature scheme: an algorithm with its hash. It does not name the curve; the key does.
type Scheme uint8

// The signature schemes. ECDSA signatures are r||s in this project, each number padded to the octet length of the curve:
// as PKCS#11 gives them (PKCS #11 v3.0, Section 6.3.1) and as a CV certificate holds them (Tab_PKI_906). X.509 wraps them
// (internal/pkix).
const (
	RSAPKCS1SHA256 Scheme = iota + 1 // sha256WithRSAEncryption, RSASSA-PKCS1-v1_5 (GS-A_4357)
	RSAPSSSHA256                     // id-RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of 32 octets (GS-A_4358)
	ISO9796SHA256                    // RSA with message recovery, ISO/IEC 9796-2 scheme 1 (CV certificates of G1)
	ECDSASHA256                      // ecdsa-with-SHA256
	ECDSASHA384                      // ecdsa-with-SHA384
	ECDSASHA512                      // ecdsa-with-SHA512
	PureEd25519                      // Ed25519 over the message itself (RFC 8032, Section 5.1.6)
)

var schemeNames = map[Scheme]string{
	RSAPKCS1SHA256: "sha256WithRSAEncryption",
	RSAPSSSHA256:   "id-RSASSA-PSS with SHA-256",
	ISO9796SHA256:  "sigS_ISO9796-2Withrsa_sha256",
	ECDSASHA256:    "ecdsa-with-SHA256",
	ECDSASHA384:    "ecdsa-with-SHA384",
	ECDSASHA512:    "ecdsa-with-SHA512",
	PureEd25519:    "Ed25519",
}

// String gives the name the standards use.
func (s Scheme) String() string {
	if n, ok := schemeNames[s]; ok {
		return n
	}
	return fmt.Sprintf("Scheme(%d)", uint8(s))
}

// ParseScheme reads a name that String gives.
func ParseScheme(name string) (Scheme, error) {
	for s, n := range schemeNames {
		if n == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown signature scheme %q", name)
}

// Hash is the hash function that the scheme applies to the message. PureEd25519 hashes inside the algorithm; its answer here has
// no use.
func (s Scheme) Hash() crypto.Hash {
	switch s {
	case ECDSASHA384:
		return crypto.SHA384
	case ECDSASHA512:
		return crypto.SHA512
	}
	return crypto.SHA256
}

// IsECDSA tells whether signatures of the scheme are r||s.
func (s Scheme) IsECDSA() bool { return s == ECDSASHA256 || s == ECDSASHA384 || s == ECDSASHA512 }

// CVCScheme is the scheme with which a key of type t signs CV certificates. An RSA key signs those of generation 1 (gemSpec_COS
// 3.11.0, A_13617), a key on a brainpool curve those of generation 2, where the hash follows the curve (GS-A_5006, Tab_PKI_906).
func CVCScheme(t KeyType) (Scheme, error) {
	switch t {
	case R2048:
		return ISO9796SHA256, nil
	case E256:
		return ECDSASHA256, nil
	case E384:
		return ECDSASHA384, nil
	case E512:
		return ECDSASHA512, nil
	}
	return 0, fmt.Errorf("a %s key does not sign CV certificates", t)
}

// X509Scheme is the scheme with which a key of type t signs nonQES certificates (GS-A_4357: PKCS#1 v1.5 for RSA,
// ecdsa-with-SHA256 for brainpoolP256r1; longer curves with the hash of their length).
func X509Scheme(t KeyType) (Scheme, error) {
	switch t {
	case R2048, R3072:
		return RSAPKCS1SHA256, nil
	case E256, P256:
		return ECDSASHA256, nil
	case E384:
		return ECDSASHA384, nil
	case E512:
		return ECDSASHA512, nil
	}
	return 0, fmt.Errorf("key type %s signs no certificates", t)
}

// ErrSignature says that a signature does not belong to the key and message.
var ErrSignature = errors.New("signature does not verify")

// Verify checks sig over message with the public key. ECDSA signatures are r||s. A nil error means that the signature is
// good; ErrSignature that it is not; any other error that key and scheme do not fit or are not supported here.
// ISO9796SHA256 is not checked here, since it recovers its message: see internal/cvc.
func Verify(pub crypto.PublicKey, s Scheme, message, sig []byte) error {
	if k, ok := pub.(ed25519.PublicKey); ok && s == PureEd25519 {
		return verdict(ed25519.Verify(k, message, sig))
	}
	h := s.Hash().New()
	h.Write(message)
	digest := h.Sum(nil)
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return verifyRSA(k, s, digest, sig)
	case *brainpool.PublicKey:
		if s.IsECDSA() {
			return verdict(k.Verify(digest, sig))
		}
	case *ecdsa.PublicKey:
		if n := (k.Params().BitSize + 7) / 8; s.IsECDSA() {
			return verdict(len(sig) == 2*n &&
				ecdsa.Verify(k, digest, new(big.Int).SetBytes(sig[:n]), new(big.Int).SetBytes(sig[n:])))
		}
	}
	return fmt.Errorf("a key of type %T does not verify %s", pub, s)
}

func verifyRSA(k *rsa.PublicKey, s Scheme, digest, sig []byte) error {
	switch s {
	case RSAPKCS1SHA256:
		return verdict(rsa.VerifyPKCS1v15(k, crypto.SHA256, digest, sig) == nil)
	case RSAPSSSHA256:
		opts := &rsa.PSSOptions{SaltLength: 32, Hash: crypto.SHA256}
		return verdict(rsa.VerifyPSS(k, crypto.SHA256, digest, sig, opts) == nil)
	}
	return fmt.Errorf("an RSA key does not verify %s", s)
}

func verdict(ok bool) error {
	if !ok {
		return ErrSignature
	}
	return nil
}
