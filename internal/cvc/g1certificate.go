package cvc

import (
	"bytes"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
)

// G1Certificate is a certificate of generation 1 before it is opened: 331 octets for a CA, 341 for a card. The names stand in
// the clear, so that the issuer can be found; most of the modulus hides in the signature. Nothing in it is proven until Open.
// Callers must not change it.
//
//	7F21
//	  5F37  256 octets  signature, which carries M1: CPI || the first 221 octets of n
//	  5F38  62 or 72    M2: the last 35 octets of n || e || OID || [CHA] || CHR || CAR
type G1Certificate struct {
	Raw       []byte    // the complete object 7F21
	Signature []byte    // 256 octets
	Rest      []byte    // M2
	CHA       CHA       // of a card; zero for a CA
	CHR       CHR       // the key's name
	CAR       Reference // the key that signed
}

// ParseG1 reads one certificate of generation 1 and nothing after it: exactly two objects, with the shortest lengths (gemSpec_COS
// 3.11.0, A_13714). Errors wrap ErrSyntax, ErrKeyOID, ErrKind or ErrReference.
func ParseG1(raw []byte) (*G1Certificate, error) {
	c := &G1Certificate{Raw: bytes.Clone(raw)}
	s := scanner{rest: c.Raw}
	s.inside(tagCertificate, func(s *scanner) {
		c.Signature = s.sized(tagSignature, g1ModulusSize)
		c.Rest = s.sized(tagRest, g1CAMessage-g1Recoverable, g1CardMessage-g1Recoverable)
	})
	s.end(tagCertificate.String())
	if s.err != nil {
		return nil, s.err
	}
	tail, err := parseG1Tail(c.Rest[1+g1ModulusSize-g1Recoverable:])
	if err != nil {
		return nil, err
	}
	c.CHA, c.CHR, c.CAR = tail.CHA, tail.CHR, tail.CAR
	return c, nil
}

// Open recovers the content with the issuer's key and proves that the issuer signed it (gemSpec_COS 3.11.0, A_13622). Whether the
// key is the one that the CAR names, the caller must know; see OpenFrom. Errors wrap ErrG1Key (the issuer's key), ErrSignature,
// or what Parse of a message can find wrong: ErrKind, ErrKeyOID, ErrReference, ErrG1Key.
func (c *G1Certificate) Open(issuer *rsa.PublicKey) (*G1Body, error) {
	if err := checkG1Key(issuer); err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	block, err := openG1Block(c.Signature, issuer)
	if err != nil {
		return nil, err
	}
	message := append(block[1:1+g1Recoverable:1+g1Recoverable], c.Rest...)
	if h := sha256.Sum256(message); !bytes.Equal(h[:], block[1+g1Recoverable:g1ModulusSize-1]) {
		return nil, fmt.Errorf("%w: the hash of the message differs", ErrSignature)
	}
	return ParseG1Message(message)
}

// OpenFrom is Open with the key that an opened CA certificate holds, and checks that the CAR names it. Errors wrap also
// ErrIssuerRole (a card's key certifies nothing) or ErrIssuerReference.
func (c *G1Certificate) OpenFrom(issuer *G1Body) (*G1Body, error) {
	ref, ok := issuer.CHR.Reference()
	if !ok {
		return nil, fmt.Errorf("%w: %s is the key of a card", ErrIssuerRole, issuer.CHR)
	}
	if c.CAR != ref {
		return nil, fmt.Errorf("%w: %s, want %s", ErrIssuerReference, c.CAR, ref)
	}
	return c.Open(issuer.PublicKey)
}
