package cvc

import (
	"bytes"
	"crypto/rsa"
	"encoding/binary"
	"fmt"
	"math/big"
)

// G1CA is the key of a CA of generation 1, known and named: a root's because it was handed over and is trusted, a sub-CA's
// because a root's key opened its certificate. Callers must not change it.
type G1CA struct {
	Raw    []byte // object 7F4E of a root, 296 octets; object 7F21 of a sub-CA, 331 octets
	G1Body        // a root's CAR is its own CHR
}

// A root of generation 1 is a bare public key with a reference, as cards store it (PuK.RCA.CS.R2048). It has no certificate: a
// self-signed one would hide most of the modulus in a signature that only this modulus opens. The object that carries it is put
// together of the tags of ISO/IEC 7816-8:
//
//	7F4E                       296 octets
//	  5F20  8 octets           CHR: the key's reference
//	  7F49
//	    06    2B240304020204   sigS_ISO9796-2Withrsa_sha256
//	    81    256 octets       modulus
//	    82    4 octets         exponent

// NewG1Root names a key and makes its object 7F4E. Errors wrap ErrG1Key or ErrReference.
func NewG1Root(ref Reference, key *rsa.PublicKey) (*G1CA, error) {
	body := G1Body{PublicKey: key, CHR: ref.CHR(), CAR: ref}
	if err := body.check(); err != nil {
		return nil, err
	}
	raw := tlv(tagBody,
		tlv(tagCHR, ref[:]),
		tlv(tagPublicKey,
			tlv(tagOID, g1OIDCA),
			tlv(tagModulus, key.N.Bytes()),
			tlv(tagExponent, binary.BigEndian.AppendUint32(nil, uint32(key.E)))))
	return &G1CA{raw, body}, nil
}

// ParseG1Root reads the object that NewG1Root makes and nothing after it. Errors wrap ErrSyntax, ErrKeyOID, ErrReference or
// ErrG1Key. That the key may be trusted, the caller must know.
func ParseG1Root(raw []byte) (*G1CA, error) {
	c := &G1CA{Raw: bytes.Clone(raw)}
	s := scanner{rest: c.Raw}
	var oid, n, e []byte
	s.inside(tagBody, func(s *scanner) {
		copy(c.CAR[:], s.sized(tagCHR, len(c.CAR)))
		s.inside(tagPublicKey, func(s *scanner) {
			oid = s.object(tagOID)
			n = s.sized(tagModulus, g1ModulusSize)
			e = s.sized(tagExponent, g1ExpSize)
		})
	})
	s.end(tagBody.String())
	if s.err != nil {
		return nil, s.err
	}
	if !bytes.Equal(oid, g1OIDCA) {
		return nil, fmt.Errorf("%w: want %X, found %X", ErrKeyOID, g1OIDCA, oid)
	}
	c.CHR = c.CAR.CHR()
	c.PublicKey = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(binary.BigEndian.Uint32(e))}
	if err := c.check(); err != nil {
		return nil, err
	}
	return c, nil
}

// IsG1Root tells whether octets look like the key of a root of generation 1, which is no certificate. ParseG1Root proves it.
func IsG1Root(raw []byte) bool {
	t, _, _, err := next(raw)
	return err == nil && t == tagBody
}

// IsRoot tells whether the key is a root's.
func (c *G1CA) IsRoot() bool { return c.CHR == c.CAR.CHR() }

// OpenCA opens the certificate of a sub-CA with the key of a root. Errors are those of OpenFrom; ErrIssuerRole says also that
// the issuer is not a root, or the certificate not a CA's: there are two levels of CAs (gemKPT_PKI_TIP, TIP1-A_2077).
func (c *G1Certificate) OpenCA(root *G1CA) (*G1CA, error) {
	if !root.IsRoot() || c.CHR.IsCard() {
		return nil, fmt.Errorf("%w: %s certifies %s as a CA", ErrIssuerRole, root.CHR, c.CHR)
	}
	body, err := c.OpenFrom(&root.G1Body)
	if err != nil {
		return nil, err
	}
	if body.CHR == root.CHR {
		return nil, fmt.Errorf("%w: %s certifies itself", ErrIssuerRole, root.CHR)
	}
	return &G1CA{c.Raw, *body}, nil
}

// OpenCard opens the certificate of a card with the key of a sub-CA. Errors are those of OpenFrom; ErrIssuerRole says also that
// the issuer is a root, or the certificate not a card's (gemKPT_PKI_TIP, TIP1-A_2167).
func (c *G1Certificate) OpenCard(issuer *G1CA) (*G1Body, error) {
	if issuer.IsRoot() || !c.CHR.IsCard() {
		return nil, fmt.Errorf("%w: %s certifies %s as a card", ErrIssuerRole, issuer.CHR, c.CHR)
	}
	return c.OpenFrom(&issuer.G1Body)
}
