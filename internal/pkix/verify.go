package pkix

import (
	"bytes"
	"crypto"
	"errors"
	"fmt"
)

// ErrIssuer says that a certificate names another issuer than the one it is held against.
var ErrIssuer = errors.New("certificate names another issuer")

// CheckSignature checks the signature with a public key and nothing else. sigalg.ErrSignature says that it is not of this key.
func (c *Certificate) CheckSignature(pub crypto.PublicKey) error {
	if c.Signature == nil {
		return errors.New("checking certificate: it has no signature yet")
	}
	if err := c.signed.verify(pub); err != nil {
		return fmt.Errorf("checking certificate: %w", err)
	}
	return nil
}

// CheckSignatureFrom checks that issuer signed c: the names are the same octets, the key identifiers agree where both are
// present, and the signature is of the issuer's key. ErrIssuer and sigalg.ErrSignature tell the kinds of failure. It does not
// look at validity, key usage or basic constraints.
func (c *Certificate) CheckSignatureFrom(issuer *Certificate) error {
	if !bytes.Equal(c.RawIssuer, issuer.RawSubject) {
		return fmt.Errorf("checking certificate: %w: name differs", ErrIssuer)
	}
	authority, _, err := Find(c.Extensions, OIDAuthorityKeyIdentifier, ParseAuthorityKeyIdentifier)
	if err != nil {
		return fmt.Errorf("checking certificate: %w", err)
	}
	subject, _, err := Find(issuer.Extensions, OIDSubjectKeyIdentifier, ParseSubjectKeyIdentifier)
	if err != nil {
		return fmt.Errorf("checking certificate: issuer: %w", err)
	}
	if !matchKeyID(authority, subject) {
		return fmt.Errorf("checking certificate: %w: key identifier differs", ErrIssuer)
	}
	return c.CheckSignature(issuer.PublicKey)
}
