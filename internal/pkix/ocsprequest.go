package pkix

import (
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
)

// Bounds of OCSP requests. A request about one certificate has some 80 to 150 octets; one that is signed, and has certificates in it,
// some thousand.
const (
	MaxOCSPRequestLen   = 8 << 10 // octets
	MaxOCSPCertificates = 10      // asked about in one request
	MaxNonceLen         = 128     // octets (RFC 9654, Section 2.1)
)

// OCSPRequest is a question for the status of certificates.
type OCSPRequest struct {
	IDs   []CertID // 1 to MaxOCSPCertificates
	Nonce OCSPNonce
}

// Encode gives the DER of an unsigned request, with the nonce where there is one:
//
//	OCSPRequest ::= SEQUENCE { tbsRequest TBSRequest, optionalSignature [0] EXPLICIT Signature OPTIONAL }
//	TBSRequest  ::= SEQUENCE {
//	    version           [0] EXPLICIT INTEGER DEFAULT v1,
//	    requestorName     [1] EXPLICIT GeneralName OPTIONAL,
//	    requestList       SEQUENCE OF SEQUENCE { reqCert CertID, singleRequestExtensions [0] EXPLICIT Extensions OPTIONAL },
//	    requestExtensions [2] EXPLICIT Extensions OPTIONAL }
func (r *OCSPRequest) Encode() ([]byte, error) {
	if len(r.IDs) == 0 || len(r.IDs) > MaxOCSPCertificates {
		return nil, fmt.Errorf("encoding OCSP request: it asks about %d certificates, want 1 to %d", len(r.IDs), MaxOCSPCertificates)
	}
	extensions, err := r.Nonce.list()
	if err != nil {
		return nil, fmt.Errorf("encoding OCSP request: %w", err)
	}
	b := cryptobyte.NewBuilder(make([]byte, 0, 256))
	b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
		b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
			b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) {
				for _, id := range r.IDs {
					b.AddASN1(cbasn1.SEQUENCE, func(b *cryptobyte.Builder) { b.AddBytes(id.Raw) })
				}
			})
			if len(extensions) > 0 {
				b.AddASN1(der.Explicit(2), func(b *cryptobyte.Builder) { addExtensions(b, extensions) })
			}
		})
	})
	return b.Bytes()
}

// ParseOCSPRequest reads a request that fills the whole of raw, which has at most MaxOCSPRequestLen octets. Any error means the answer
// malformedRequest. The result aliases raw.
//
// A signature is passed over unread (GS-A_4684); so are the name of the requestor and extensions that are not critical, but for the nonce. A
// critical extension other than the nonce is an error (RFC 6960, Section 4.4), and so is a nonce of 0 or more than MaxNonceLen octets (RFC 9654).
func ParseOCSPRequest(raw []byte) (*OCSPRequest, error) {
	if len(raw) > MaxOCSPRequestLen {
		return nil, fmt.Errorf("OCSP request: it has %d octets, at most %d are read", len(raw), MaxOCSPRequestLen)
	}
	var seq, tbs cryptobyte.String
	if !der.ReadOnly(raw, &seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&tbs, cbasn1.SEQUENCE) {
		return nil, errors.New("OCSP request: not one SEQUENCE with a tbsRequest")
	}
	if err := skipSignature(&seq); err != nil {
		return nil, fmt.Errorf("OCSP request: %w", err)
	}
	r := new(OCSPRequest)
	for _, read := range []func(*cryptobyte.String) error{skipVersion, skipRequestor, r.readIDs, r.readExtensions} {
		if err := read(&tbs); err != nil {
			return nil, fmt.Errorf("OCSP request: %w", err)
		}
	}
	if !tbs.Empty() {
		return nil, errors.New("OCSP request: tbsRequest holds more than requestExtensions at its end")
	}
	return r, nil
}

func skipSignature(s *cryptobyte.String) error {
	if s.Empty() {
		return nil
	}
	var signature, content cryptobyte.String
	if !s.ReadASN1(&signature, der.Explicit(0)) || !s.Empty() || !der.ReadOnly(signature, &content, cbasn1.SEQUENCE) {
		return errors.New("neither a signature nor the end after tbsRequest")
	}
	return nil
}

// skipVersion takes version 1. DER leaves it out as the default; a client that writes it out says the same and gets its answer.
func skipVersion(s *cryptobyte.String) error {
	if !s.PeekASN1Tag(tagVersion) {
		return nil
	}
	var version cryptobyte.String
	var n int64
	if !s.ReadASN1(&version, tagVersion) || !version.ReadASN1Integer(&n) || !version.Empty() || n != 0 {
		return errors.New("version is not 1")
	}
	return nil
}

func skipRequestor(s *cryptobyte.String) error {
	if !s.PeekASN1Tag(der.Explicit(1)) {
		return nil
	}
	var name, content cryptobyte.String
	var tag cbasn1.Tag
	if !s.ReadASN1(&name, der.Explicit(1)) || !name.ReadAnyASN1(&content, &tag) || !name.Empty() {
		return errors.New("requestorName is not one GeneralName")
	}
	return nil
}

func (r *OCSPRequest) readIDs(s *cryptobyte.String) error {
	var list cryptobyte.String
	if !s.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
		return errors.New("requestList is not a SEQUENCE of requests")
	}
	for !list.Empty() {
		if len(r.IDs) == MaxOCSPCertificates {
			return fmt.Errorf("it asks about more than %d certificates", MaxOCSPCertificates)
		}
		var one cryptobyte.String
		if !list.ReadASN1(&one, cbasn1.SEQUENCE) {
			return errors.New("requestList is not a SEQUENCE of requests")
		}
		id, err := readCertID(&one)
		if err != nil {
			return err
		}
		if err := skipSingleExtensions(&one); err != nil {
			return err
		}
		r.IDs = append(r.IDs, id)
	}
	return nil
}

// skipSingleExtensions passes over extensions that are not critical.
func skipSingleExtensions(s *cryptobyte.String) error {
	list, err := readOptionalExtensions(s, der.Explicit(0))
	if err != nil {
		return fmt.Errorf("singleRequestExtensions: %w", err)
	}
	if !s.Empty() {
		return errors.New("a request holds more than singleRequestExtensions at its end")
	}
	return refuseCritical(list)
}

func (r *OCSPRequest) readExtensions(s *cryptobyte.String) error {
	list, err := readOptionalExtensions(s, der.Explicit(2))
	if err != nil {
		return fmt.Errorf("requestExtensions: %w", err)
	}
	if r.Nonce, _, err = Find(list, OIDOCSPNonce, ParseOCSPNonce); err != nil {
		return err
	}
	return refuseCritical(list)
}

// refuseCritical refuses critical extensions that are not understood.
func refuseCritical(list []Extension) error {
	for _, e := range list {
		if e.Critical && !e.ID.Equal(OIDOCSPNonce) {
			return errors.New("an extension is critical and not supported")
		}
	}
	return nil
}

// readOptionalExtensions reads Extensions behind an explicit tag, or none.
func readOptionalExtensions(s *cryptobyte.String, tag cbasn1.Tag) ([]Extension, error) {
	if !s.PeekASN1Tag(tag) {
		return nil, nil
	}
	var wrapped cryptobyte.String
	if !s.ReadASN1(&wrapped, tag) {
		return nil, errors.New("malformed")
	}
	list, err := readExtensions(&wrapped)
	if err != nil {
		return nil, err
	}
	if !wrapped.Empty() {
		return nil, errors.New("not one SEQUENCE")
	}
	return list, nil
}
