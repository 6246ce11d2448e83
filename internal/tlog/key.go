package tlog

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

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
	v, err := note.NewVerifier(text)
	if err != nil {
		return nil, fmt.Errorf("name the key of log %q: %w", name, err)
	}
	return &VerifierKey{v, text}, nil
}

// ParseVerifierKey reads what String writes, and nothing else.
func ParseVerifierKey(text string) (*VerifierKey, error) {
	parts := strings.SplitN(text, "+", 3) // the base64 of the last part may hold further ones
	if len(parts) < 3 {
		return nil, errors.New("read the key of a log: want a name, a key ID and a key")
	}
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, fmt.Errorf("read the key of a log: %w", err)
	}
	if len(raw) != 1+ed25519.PublicKeySize {
		return nil, errors.New("read the key of a log: it is no Ed25519 key")
	}
	k, err := NewVerifierKey(parts[0], raw[1:])
	if err != nil {
		return nil, err
	}
	if k.text != text {
		return nil, errors.New("read the key of a log: it is of another algorithm, the key ID is of another key, or one of them is not in its one form")
	}
	return k, nil
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
