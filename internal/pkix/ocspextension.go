package pkix

import (
	"crypto"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// OCSPNonce binds an answer to a request: 1 to MaxNonceLen octets that the client chose and the answer repeats (RFC 9654, Section 2.1).
// nil is none.
type OCSPNonce []byte

// Extension encodes Nonce ::= OCTET STRING; non critical.
func (n OCSPNonce) Extension() (Extension, error) {
	return encodeExtension(OIDOCSPNonce, false, func(b *cryptobyte.Builder) {
		if len(n) == 0 || len(n) > MaxNonceLen {
			b.SetError(fmt.Errorf("nonce has %d octets, want 1 to %d", len(n), MaxNonceLen))
		}
		b.AddASN1OctetString(n)
	})
}

// list gives the extensions of a message: the nonce, or none.
func (n OCSPNonce) list() ([]Extension, error) {
	if n == nil {
		return nil, nil
	}
	e, err := n.Extension()
	return []Extension{e}, err
}

// ParseOCSPNonce reads the content of extnValue.
func ParseOCSPNonce(value []byte) (OCSPNonce, error) {
	var nonce cryptobyte.String
	if !der.ReadOnly(value, &nonce, cbasn1.OCTET_STRING) || nonce.Empty() || len(nonce) > MaxNonceLen {
		return nil, malformed(OIDOCSPNonce, fmt.Sprintf("one OCTET STRING of 1 to %d octets", MaxNonceLen))
	}
	return OCSPNonce(nonce), nil
}

// CertHash is the positive statement of an answer: the SHA-256 of the certificate that it speaks of, and so the proof that the responder
// knows it (GS-A_4693-01; Common PKI 2.0, Part 4, Section 3.1).
type CertHash [sha256.Size]byte

// Extension encodes with SHA-256 and NULL parameters; non critical:
//
//	CertHash ::= SEQUENCE { hashAlgorithm AlgorithmIdentifier, certificateHash OCTET STRING }
func (h CertHash) Extension() (Extension, error) {
	return encodeExtension(OIDCertHash, false, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			addHashAlgorithm(b, crypto.SHA256)
			b.AddASN1OctetString(h[:])
		})
	})
}

// ParseCertHash reads the content of extnValue. A hash other than SHA-256 is an error.
func ParseCertHash(value []byte) (h CertHash, err error) {
	var seq, hash cryptobyte.String
	if !der.ReadOnly(value, &seq, cbasn1.SEQUENCE) {
		return h, malformed(OIDCertHash, "a SEQUENCE")
	}
	if algorithm, err := readHashAlgorithm(&seq); err != nil || algorithm != crypto.SHA256 {
		return h, malformed(OIDCertHash, "a SHA-256 hash")
	}
	if !seq.ReadASN1(&hash, cbasn1.OCTET_STRING) || !seq.Empty() || len(hash) != len(h) {
		return h, malformed(OIDCertHash, "a SHA-256 hash")
	}
	return CertHash(hash), nil
}

// ArchiveCutoff says since when a responder keeps status, also of expired certificates (RFC 6960, Section 4.4.4).
type ArchiveCutoff time.Time

// Extension encodes GeneralizedTime; non critical.
func (t ArchiveCutoff) Extension() (Extension, error) {
	return encodeExtension(OIDArchiveCutoff, false, func(b *cryptobyte.Builder) { der.AddGeneralizedTime(b, time.Time(t)) })
}

// ParseArchiveCutoff reads the content of extnValue.
func ParseArchiveCutoff(value []byte) (ArchiveCutoff, error) {
	t, err := readOnlyTime(value)
	if err != nil {
		return ArchiveCutoff{}, malformed(OIDArchiveCutoff, "one GeneralizedTime")
	}
	return ArchiveCutoff(t), nil
}

// readOnlyTime reads one GeneralizedTime that fills the whole of value.
func readOnlyTime(value []byte) (time.Time, error) {
	s := cryptobyte.String(value)
	t, err := der.ReadGeneralizedTime(&s)
	if err == nil && !s.Empty() {
		err = errors.New("more than a time")
	}
	return t, err
}
