package relying

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// The failures of the check of an OCSP answer (TUC_PKI_006, TUC_PKI_030; gemSpec_PKI, Tab_PKI_274).
const (
	StatusError     Code = "OCSP_STATUS_ERROR"           // the responder answers with an error
	StatusMalformed Code = "OCSP_CHECK_REVOCATION_ERROR" // the answer cannot be read, is about another certificate, or too old
	SignerMissing   Code = "OCSP_CERT_MISSING"           // nobody who may answer has signed
	StatusSignature Code = "OCSP_SIGNATURE_ERROR"
	NonceMismatch   Code = "OCSP_NONCE_MISMATCH"
	NoCertHash      Code = "CERTHASH_EXTENSION_MISSING"
	OtherCertHash   Code = "CERTHASH_MISMATCH"
)

// Tolerance is how far the times of an answer may be from the clock of a relying party (gemSpec_PKI, GS-A_5215).
const Tolerance = 37500 * time.Millisecond

// Question is what a relying party has asked a responder.
type Question struct {
	Certificate, Issuer *pkix.Certificate
	ID                  pkix.CertID    // that stood in the request
	Nonce               pkix.OCSPNonce // that stood in the request; nil where there was none
}

// Status is what a relying party takes from an answer that it accepts.
type Status struct {
	pkix.SingleResponse
	ProducedAt time.Time
	Nonce      pkix.OCSPNonce
	Signer     *pkix.Certificate
	CertHash   *pkix.CertHash // nil where the status is unknown
}

// CheckStatus decides on the answer of a responder, in DER, at the time of its arrival. An error is a *Refusal: the first step that fails.
// What the status is decides nothing here: an answer that says revoked or unknown is as good as one that says good.
//
//	read       the answer is one, and says no error
//	about      it speaks of the one certificate that was asked about, by the same octets
//	nonce      it repeats the nonce
//	signer     its signer is certified by the issuer of the certificate, for OCSP and nothing else, and is valid
//	signature  the signer has signed it
//	times      it was produced now, and what it says holds now
//	hash       where it knows the certificate, it shows so (GS-A_4693-01)
func CheckStatus(raw []byte, q Question, at time.Time) (*Status, error) {
	answer, err := pkix.ParseOCSPResponse(raw)
	var status pkix.OCSPError
	if errors.As(err, &status) {
		return nil, refuse(StatusError, "the responder says %s", status)
	}
	if err != nil {
		return nil, refuse(StatusMalformed, "%v", err)
	}
	if len(answer.Responses) != 1 || !answer.Responses[0].ID.Equal(q.ID) {
		return nil, refuse(StatusMalformed, "the answer speaks of other certificates than the request, or names it otherwise")
	}
	s := &Status{SingleResponse: answer.Responses[0], ProducedAt: answer.ProducedAt, Nonce: answer.Nonce}
	if !bytes.Equal(answer.Nonce, q.Nonce) {
		return nil, refuse(NonceMismatch, "the answer does not repeat the nonce of the request")
	}
	if s.Signer, err = findSigner(answer, q.Issuer, at); err != nil {
		return nil, err
	}
	if err := answer.CheckSignature(s.Signer.PublicKey); err != nil {
		return nil, refuse(StatusSignature, "%v", err)
	}
	if err := s.checkTimes(at); err != nil {
		return nil, err
	}
	return s, s.checkHash(q.Certificate)
}

// findSigner gives the certificate that came with the answer and that the answer names.
func findSigner(answer *pkix.OCSPResponse, issuer *pkix.Certificate, at time.Time) (*pkix.Certificate, error) {
	for _, c := range answer.Certificates {
		key, err := pkix.KeyIdentifierOfSPKI(c.RawSPKI)
		if err != nil || !bytes.Equal(key, answer.ResponderKeyHash) && !(answer.ResponderName != nil && bytes.Equal(c.RawSubject, answer.ResponderName)) {
			continue
		}
		return c, checkSigner(c, issuer, at)
	}
	return nil, refuse(SignerMissing, "the certificate of the responder that the answer names did not come with it")
}

// checkSigner: the CA that issued the certificate has delegated to the signer (gemSpec_PKI, A_23142, Tab_PKI_253; RFC 6960, Section 4.2.2.2).
func checkSigner(c, issuer *pkix.Certificate, at time.Time) error {
	if err := names(c, issuer); err != nil {
		return refuse(SignerMissing, "the signer was certified by another CA than the certificate")
	}
	if err := c.CheckSignatureFrom(issuer); err != nil {
		return refuse(SignerMissing, "the certificate of the signer: %v", err)
	}
	if at.Before(c.NotBefore) || at.After(c.NotAfter) {
		return refuse(SignerMissing, "the certificate of the signer is not valid now")
	}
	usage, ok, err := pkix.Find(c.Extensions, pkix.OIDKeyUsage, pkix.ParseKeyUsage)
	if err != nil || !ok || usage != pkix.NonRepudiation {
		return refuse(SignerMissing, "the key of the signer is for %s, want nonRepudiation alone", usage)
	}
	purposes, ok, err := pkix.Find(c.Extensions, pkix.OIDExtendedKeyUsage, pkix.ParseExtendedKeyUsage)
	if err != nil || !ok || len(purposes) != 1 || !purposes[0].Equal(pkix.OIDOCSPSigning) {
		return refuse(SignerMissing, "the key of the signer is not for OCSP alone")
	}
	return nil
}

func (s *Status) checkTimes(at time.Time) error {
	if age := at.Sub(s.ProducedAt); age > Tolerance || age < -Tolerance {
		return refuse(StatusMalformed, "the answer was produced at %s, which is more than %s from now", s.ProducedAt.Format(time.RFC3339), Tolerance)
	}
	if s.ThisUpdate.After(at.Add(Tolerance)) || !s.NextUpdate.IsZero() && s.NextUpdate.Before(at.Add(-Tolerance)) {
		return refuse(StatusMalformed, "what the answer says does not hold now")
	}
	return nil
}

// checkHash compares the certificate with the one that the responder speaks of.
func (s *Status) checkHash(c *pkix.Certificate) error {
	hash, ok, err := pkix.Find(s.Extensions, pkix.OIDCertHash, pkix.ParseCertHash)
	switch {
	case s.Status == pkix.StatusUnknown:
		return nil
	case err != nil || !ok:
		return refuse(NoCertHash, "the answer does not show that the responder knows the certificate")
	case hash != sha256.Sum256(c.Raw):
		return refuse(OtherCertHash, "the responder speaks of another certificate of the same number")
	}
	s.CertHash = &hash
	return nil
}
