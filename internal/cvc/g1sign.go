package cvc

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"math/big"
)

// ISO/IEC 9796-2, digital signature scheme 1, as gemSpec_COS 3.11.0 sets it (A_13617, (N003.100)): 2048 bits, SHA-256,
// implicit trailer, partial recovery. The signed block carries the first 222 octets of the message and the hash of the whole:
//
//	F = 6A || M1 (222) || SHA-256(M1 || M2) (32) || BC    256 octets
//
// 6A is the header 01 (bits), 1 for "there is an M2", four padding bits and the border nibble, folded together.
const (
	g1Header      = 0x6A
	g1Trailer     = 0xBC
	g1Recoverable = 222
)

// EncodeG1Block gives F, the block of 256 octets that the token must raise to the private exponent without any padding of its
// own (CKM_RSA_X_509). PKCS #11's CKM_RSA_9796 is another scheme. The message must have the size that Message gives; an error
// wraps ErrSyntax.
func EncodeG1Block(message []byte) ([]byte, error) {
	if n := len(message); n != g1CAMessage && n != g1CardMessage {
		return nil, fmt.Errorf("%w: message of %d octets, want %d or %d", ErrSyntax, n, g1CAMessage, g1CardMessage)
	}
	h := sha256.Sum256(message)
	return bytes.Join([][]byte{{g1Header}, message[:g1Recoverable], h[:], {g1Trailer}}, nil), nil
}

// AssembleG1 makes the certificate of a message and of what the token made of its block: a, 256 octets. The signature is the
// smaller of a and n - a, n the issuer's modulus; cards refuse a signature whose first bit is one. It does not check the
// signature: parse the result and open it with the issuer's key before it goes anywhere. Errors wrap ErrSyntax or ErrG1Key.
func AssembleG1(message, a []byte, issuer *rsa.PublicKey) ([]byte, error) {
	if err := checkG1Key(issuer); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	if n := len(message); n != g1CAMessage && n != g1CardMessage {
		return nil, fmt.Errorf("%w: message of %d octets, want %d or %d", ErrSyntax, n, g1CAMessage, g1CardMessage)
	}
	s := new(big.Int).SetBytes(a)
	if len(a) != g1ModulusSize || s.Cmp(issuer.N) >= 0 {
		return nil, fmt.Errorf("%w: the RSA result of %d octets is not below the modulus", ErrSyntax, len(a))
	}
	if other := new(big.Int).Sub(issuer.N, s); other.Cmp(s) < 0 {
		s = other
	}
	signature := s.FillBytes(make([]byte, g1ModulusSize))
	return tlv(tagCertificate, tlv(tagSignature, signature), tlv(tagRest, message[g1Recoverable:])), nil
}

// openG1Block raises a signature to the public exponent and gives F (gemSpec_COS 3.11.0, A_13622). Since F is even and the
// modulus odd, an odd result means that the signature was subtracted from the modulus. An error wraps ErrSignature.
func openG1Block(signature []byte, issuer *rsa.PublicKey) ([]byte, error) {
	s := new(big.Int).SetBytes(signature)
	if len(signature) != g1ModulusSize || signature[0]&0x80 != 0 || s.Cmp(issuer.N) >= 0 {
		return nil, fmt.Errorf("%w: not a number with a first bit of zero, below the modulus", ErrSignature)
	}
	f := new(big.Int).Exp(s, big.NewInt(int64(issuer.E)), issuer.N)
	if f.Bit(0) == 1 {
		f.Sub(issuer.N, f)
	}
	block := f.FillBytes(make([]byte, g1ModulusSize))
	if block[0] != g1Header || block[g1ModulusSize-1] != g1Trailer {
		return nil, fmt.Errorf("%w: the block has no header 6A and trailer BC", ErrSignature)
	}
	return block, nil
}
