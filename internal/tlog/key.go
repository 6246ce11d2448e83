package tlog

import (
	"crypto/ed25519"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// VerifierKey is the public key of a log: Ed25519, with the name under which it signs. It is safe for concurrent use.
type VerifierKey struct {
	note.Verifier
	text string
}

// NewVerifierKey names a public key. The name must be neither empty nor hold a space or plus (C2SP signed-note, Format).
func NewVerifierKey(name string, public ed25519.PublicKey) (*VerifierKey, error) {
	text, err := note.NewEd25519VerifierKey(name, public)
	if err != nil {
		return nil, fmt.Errorf("name the key of log %q: %w", name, err)
	}
	return ParseVerifierKey(text)
}

// ParseVerifierKey reads a key as String writes it.
func ParseVerifierKey(text string) (*VerifierKey, error) {
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("read the key of a log: %w", err)
	}
	return &VerifierKey{v, text}, nil
}

// String gives the key as the one line that auditors configure: name, "+", key ID in 8 hex digits, "+", base64 of an octet 1 and
// the 32 octets of the key. The key ID is the first four octets of SHA-256(name || 0x0A || 0x01 || key).
func (k *VerifierKey) String() string { return k.text }

// Signer gives the signer for Checkpoint.Sign whose private key sign asks, for example one in a token. What comes back must be a
// signature of this key over msg (RFC 8032, Section 5.1.6, 64 octets), or it is an error: no wrong signature leaves.
func (k *VerifierKey) Signer(sign func(msg []byte) ([]byte, error)) note.Signer {
	return signer{k, sign}
}

type signer struct {
	*VerifierKey
	sign func(msg []byte) ([]byte, error)
}

// Sign implements note.Signer.
func (s signer) Sign(msg []byte) ([]byte, error) {
	sig, err := s.sign(msg)
	if err != nil {
		return nil, err
	}
	if !s.Verify(msg, sig) {
		return nil, errors.New("the signature that came back is not of the log's key")
	}
	return sig, nil
}
