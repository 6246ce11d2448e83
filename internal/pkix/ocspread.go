package pkix

import (
	"bytes"
	"crypto"
	"encoding/asn1"
	"errors"
	"fmt"

	"golang.org/x/crypto/cryptobyte"
	cbasn1 "golang.org/x/crypto/cryptobyte/asn1"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// OCSPResponse is a parsed answer. It shares no memory with what it was parsed from; its slices alias each other.
type OCSPResponse struct {
	Raw    []byte
	RawTBS []byte // the signed part
	OCSPResponseData
	ResponderName RawName // where the responder is named by name; nil where it is by key
	Scheme        sigalg.Scheme
	Certificates  []*Certificate // that came with the answer

	signed signed
}

// ParseOCSPResponse reads an answer that fills the whole of raw. An answer that says an error gives that error, an OCSPError. The
// signature is not checked.
func ParseOCSPResponse(raw []byte) (*OCSPResponse, error) {
	r := &OCSPResponse{Raw: bytes.Clone(raw)}
	basic, err := readResponseStatus(r.Raw)
	if err != nil {
		return nil, fmt.Errorf("OCSP answer: %w", err)
	}
	var seq cryptobyte.String
	if !der.ReadOnly(basic, &seq, cbasn1.SEQUENCE) {
		return nil, errors.New("OCSP answer: not one BasicOCSPResponse")
	}
	if r.signed, err = readSigned(&seq); err != nil {
		return nil, fmt.Errorf("OCSP answer: %w", err)
	}
	r.RawTBS, r.Scheme = r.signed.tbs, r.signed.scheme
	if err := r.readCertificates(&seq); err != nil {
		return nil, fmt.Errorf("OCSP answer: %w", err)
	}
	if err := r.readData(r.signed.tbs); err != nil {
		return nil, fmt.Errorf("OCSP answer: %w", err)
	}
	return r, nil
}

// CheckSignature checks the signature with a public key and nothing else. sigalg.ErrSignature says that it is not of this key.
func (r *OCSPResponse) CheckSignature(pub crypto.PublicKey) error {
	if err := r.signed.verify(pub); err != nil {
		return fmt.Errorf("checking OCSP answer: %w", err)
	}
	return nil
}

// readResponseStatus gives the octets of BasicOCSPResponse, or the error that the answer says.
func readResponseStatus(raw []byte) ([]byte, error) {
	var seq, status, wrapped, response, basic cryptobyte.String
	var kind asn1.ObjectIdentifier
	if !der.ReadOnly(raw, &seq, cbasn1.SEQUENCE) || !seq.ReadASN1(&status, cbasn1.ENUM) || len(status) != 1 {
		return nil, errors.New("not one SEQUENCE with a responseStatus")
	}
	if status[0] != 0 {
		if !seq.Empty() {
			return nil, errors.New("an error has content")
		}
		return nil, OCSPError(status[0])
	}
	if !seq.ReadASN1(&wrapped, der.Explicit(0)) || !seq.Empty() || !der.ReadOnly(wrapped, &response, cbasn1.SEQUENCE) ||
		!response.ReadASN1ObjectIdentifier(&kind) || !response.ReadASN1(&basic, cbasn1.OCTET_STRING) || !response.Empty() {
		return nil, errors.New("malformed responseBytes")
	}
	if !kind.Equal(oidBasicResponse) {
		return nil, errors.New("not of the type id-pkix-ocsp-basic")
	}
	return basic, nil
}

func (r *OCSPResponse) readCertificates(s *cryptobyte.String) error {
	if s.Empty() {
		return nil
	}
	var wrapped, list cryptobyte.String
	if !s.ReadASN1(&wrapped, der.Explicit(0)) || !s.Empty() || !der.ReadOnly(wrapped, &list, cbasn1.SEQUENCE) || list.Empty() {
		return errors.New("certs is not one SEQUENCE of certificates at the end")
	}
	for !list.Empty() {
		var one cryptobyte.String
		if !list.ReadASN1Element(&one, cbasn1.SEQUENCE) {
			return errors.New("certs is not one SEQUENCE of certificates")
		}
		c, err := ParseCertificate(one)
		if err != nil {
			return fmt.Errorf("certs: %w", err)
		}
		r.Certificates = append(r.Certificates, c)
	}
	return nil
}

func (r *OCSPResponse) readData(tbs []byte) (err error) {
	var seq, list cryptobyte.String
	if !der.ReadOnly(tbs, &seq, cbasn1.SEQUENCE) {
		return errors.New("tbsResponseData is not one SEQUENCE")
	}
	if err := r.readResponder(&seq); err != nil {
		return err
	}
	if r.ProducedAt, err = der.ReadGeneralizedTime(&seq); err != nil {
		return fmt.Errorf("producedAt: %w", err)
	}
	if !seq.ReadASN1(&list, cbasn1.SEQUENCE) || list.Empty() {
		return errors.New("responses is not a SEQUENCE of answers")
	}
	for !list.Empty() {
		one, err := readSingle(&list)
		if err != nil {
			return err
		}
		r.Responses = append(r.Responses, one)
	}
	extensions, err := readOptionalExtensions(&seq, der.Explicit(1))
	if err != nil {
		return fmt.Errorf("responseExtensions: %w", err)
	}
	if !seq.Empty() {
		return errors.New("tbsResponseData holds more than responseExtensions at its end")
	}
	r.Nonce, _, err = Find(extensions, OIDOCSPNonce, ParseOCSPNonce)
	return err
}

// readResponder reads responderID: byName [1] or byKey [2].
func (r *OCSPResponse) readResponder(s *cryptobyte.String) (err error) {
	var wrapped, key cryptobyte.String
	if s.PeekASN1Tag(der.Explicit(1)) && s.ReadASN1(&wrapped, der.Explicit(1)) {
		if r.ResponderName, _, err = readName(&wrapped); err != nil || !wrapped.Empty() {
			return errors.Join(errors.New("responderID is not one name"), err)
		}
		return nil
	}
	if !s.ReadASN1(&wrapped, der.Explicit(2)) || !der.ReadOnly(wrapped, &key, cbasn1.OCTET_STRING) || key.Empty() {
		return errors.New("responderID is neither a name nor a key hash")
	}
	r.ResponderKeyHash = key
	return nil
}

func readSingle(s *cryptobyte.String) (r SingleResponse, err error) {
	var seq cryptobyte.String
	if !s.ReadASN1(&seq, cbasn1.SEQUENCE) {
		return r, errors.New("responses is not a SEQUENCE of answers")
	}
	if r.ID, err = readCertID(&seq); err != nil {
		return r, err
	}
	if err := r.readStatus(&seq); err != nil {
		return r, err
	}
	if r.ThisUpdate, err = der.ReadGeneralizedTime(&seq); err != nil {
		return r, fmt.Errorf("thisUpdate: %w", err)
	}
	if seq.PeekASN1Tag(der.Explicit(0)) {
		var wrapped cryptobyte.String
		seq.ReadASN1(&wrapped, der.Explicit(0))
		if r.NextUpdate, err = der.ReadGeneralizedTime(&wrapped); err != nil || !wrapped.Empty() {
			return r, errors.Join(errors.New("nextUpdate is not one time"), err)
		}
	}
	if r.Extensions, err = readOptionalExtensions(&seq, der.Explicit(1)); err != nil {
		return r, fmt.Errorf("singleExtensions: %w", err)
	}
	if !seq.Empty() {
		return r, errors.New("an answer holds more than singleExtensions at its end")
	}
	return r, nil
}

func (r *SingleResponse) readStatus(s *cryptobyte.String) (err error) {
	var content, reason cryptobyte.String
	var tag cbasn1.Tag
	r.Reason = NoReason
	if !s.ReadAnyASN1(&content, &tag) {
		return errors.New("no certStatus where one is expected")
	}
	switch tag {
	case der.Implicit(uint8(StatusGood)), der.Implicit(uint8(StatusUnknown)):
		if r.Status = CertStatus(tag &^ der.Implicit(0)); !content.Empty() {
			return errors.New("certStatus has content")
		}
		return nil
	case der.Explicit(uint8(StatusRevoked)):
		r.Status = StatusRevoked
	default:
		return errors.New("certStatus is none of good, revoked, unknown")
	}
	if r.RevokedAt, err = der.ReadGeneralizedTime(&content); err != nil {
		return fmt.Errorf("revocationTime: %w", err)
	}
	if content.Empty() {
		return nil
	}
	if !content.ReadASN1(&reason, der.Explicit(0)) || !content.Empty() || !reason.ReadASN1Enum(&r.Reason) || !reason.Empty() || r.Reason < 0 {
		return errors.New("revocationReason is not one ENUMERATED")
	}
	return nil
}
