package pkix

import (
	"crypto"
	"crypto/ecdsa"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// signed is the frame around everything that is signed in X.509:
//
//	SIGNED ::= SEQUENCE { toBeSigned SEQUENCE, signatureAlgorithm AlgorithmIdentifier, signatureValue BIT STRING }
type signed struct {
	tbs    []byte // complete element
	scheme sigalg.Scheme
	value  []byte // content of the BIT STRING: RSA big-endian, or ECDSA-Sig-Value
}

// encode wraps a signature in the form of the token (RSA big-endian, ECDSA r||s) and puts the frame together.
func (s signed) encode(signature []byte) ([]byte, error) {
	return s.encodeWith(signature, func(*cryptobyte.Builder) {})
}

// encodeWith is encode for a frame that has more behind the signature, which more adds.
func (s signed) encodeWith(signature []byte, more cryptobyte.BuilderContinuation) ([]byte, error) {
	var content cryptobyte.String
	if !der.ReadOnly(s.tbs, &content, cbasn1.SEQUENCE) {
		return nil, errors.New("octets to be signed are not one SEQUENCE")
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, len(s.tbs)+len(signature)+64))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddBytes(s.tbs)
		addSignature(b, s.scheme, signature)
		more(b)
	})
	return b.Bytes()
}

// addSignature adds signatureAlgorithm and signatureValue.
func addSignature(b *cryptobyte.Builder, scheme sigalg.Scheme, signature []byte) {
	if len(signature) == 0 {
		b.SetError(errors.New("signature is empty"))
		return
	}
	addAlgorithm(b, scheme)
	der.AddOctetBits(b, func(b *cryptobyte.Builder) {
		if scheme.IsECDSA() {
			der.AddECDSASignature(b, signature)
		} else {
			b.AddBytes(signature)
		}
	})
}

// parseSigned takes a frame apart that fills the whole of raw. The parts alias raw.
func parseSigned(raw []byte) (s signed, err error) {
	var seq cryptobyte.String
	if !der.ReadOnly(raw, &seq, cbasn1.SEQUENCE) {
		return signed{}, errors.New("not one SEQUENCE with a part to be signed")
	}
	if s, err = readSigned(&seq); err != nil {
		return signed{}, err
	}
	if !seq.Empty() {
		return signed{}, errors.New("signatureValue is not the end")
	}
	return s, nil
}

// readSigned reads the three fields of a frame. They alias seq.
func readSigned(seq *cryptobyte.String) (s signed, err error) {
	var tbs, value cryptobyte.String
	if !seq.ReadASN1Element(&tbs, cbasn1.SEQUENCE) {
		return signed{}, errors.New("not one SEQUENCE with a part to be signed")
	}
	if s.scheme, err = readAlgorithm(seq); err != nil {
		return signed{}, fmt.Errorf("signatureAlgorithm: %w", err)
	}
	if !der.ReadOctetBits(seq, &value) || value.Empty() {
		return signed{}, errors.New("signatureValue is not one BIT STRING of whole octets")
	}
	s.tbs, s.value = tbs, value
	if _, err := s.signature(); err != nil {
		return signed{}, fmt.Errorf("signatureValue: %w", err)
	}
	return s, nil
}

// signature gives the signature in the form of the token. The halves of r||s are as long as the hash, which is the octet length
// of the curve for all pairs that X509Scheme makes, or 64 octets if a number is longer.
func (s signed) signature() ([]byte, error) {
	if !s.scheme.IsECDSA() {
		return s.value, nil
	}
	if rs, err := der.ParseECDSASignature(s.value, s.scheme.Hash().Size()); err == nil {
		return rs, nil
	}
	return der.ParseECDSASignature(s.value, der.MaxOrderLen)
}

// verify checks the signature with a key. For ECDSA the halves are fitted to the key's curve.
func (s signed) verify(pub crypto.PublicKey) error {
	signature := s.value
	if s.scheme.IsECDSA() {
		n := 0
		switch k := pub.(type) {
		case *brainpool.PublicKey:
			n = k.Curve().ByteLen()
		case *ecdsa.PublicKey:
			n = (k.Params().BitSize + 7) / 8
		default:
			return fmt.Errorf("a key of type %T does not verify %s", pub, s.scheme)
		}
		var err error
		if signature, err = der.ParseECDSASignature(s.value, n); err != nil {
			return fmt.Errorf("%w: %w", sigalg.ErrSignature, err)
		}
	}
	return sigalg.Verify(pub, s.scheme, s.tbs, signature)
}
