package hsm

import (
	"bytes"
	"context"
	"crypto"
	"errors"
	"fmt"

	"github.com/miekg/pkcs11"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// ErrKeyUnsafe says that a private key may leave the token, or may not sign: it is no key for an issuer.
var ErrKeyUnsafe = errors.New("key does not have the attributes of a signing key")

// Key is a key pair in a token. Its methods are safe for concurrent use; signatures beyond the number of sessions wait,
// first come, first served.
type Key struct {
	token      *Token
	id         []byte
	kind       sigalg.KeyType
	public     crypto.PublicKey
	attributes Attributes
}

// Attributes are what the token says about a private key (PKCS #11 v3.1, Section 4.9).
type Attributes = p11.Attributes

// Key finds the key pair whose CKA_ID is id, reads the public half from the token and checks that the private half stays
// in it (CKA_SENSITIVE, not CKA_EXTRACTABLE) and may sign (CKA_SIGN).
//
// Errors: ErrKeyNotFound, ErrKeyAmbiguous, ErrKeyUnsafe, and those of Sign.
func (t *Token) Key(ctx context.Context, id []byte) (*Key, error) {
	if len(id) == 0 {
		return nil, errors.New("CKA_ID is empty")
	}
	k := &Key{token: t, id: bytes.Clone(id)}
	if err := t.pool.Use(ctx, k.read, nil); err != nil {
		return nil, fmt.Errorf("key %x: %w", id, err)
	}
	return k, nil
}

// read fills the key from the token.
func (k *Key) read(s *p11.Session) (err error) {
	if k.attributes, err = s.Attributes(k.id); err != nil {
		return fmt.Errorf("private half: %w", err)
	}
	if a := k.attributes; !a.Sensitive || a.Extractable || !a.Sign {
		return fmt.Errorf("%w: sensitive %t, extractable %t, sign %t", ErrKeyUnsafe, a.Sensitive, a.Extractable, a.Sign)
	}
	if k.public, err = s.PublicKey(k.id); err != nil {
		return fmt.Errorf("public half: %w", err)
	}
	k.kind, err = sigalg.TypeOf(k.public)
	return err
}

// Public is the public half, as read from the token: *rsa.PublicKey, *brainpool.PublicKey, *ecdsa.PublicKey on P-256, or
// ed25519.PublicKey.
func (k *Key) Public() crypto.PublicKey { return k.public }

// Type is the key's type.
func (k *Key) Type() sigalg.KeyType { return k.kind }

// ID is the CKA_ID of the pair.
func (k *Key) ID() []byte { return bytes.Clone(k.id) }

// Attributes are the private key's attributes, as read when the key was found.
func (k *Key) Attributes() Attributes { return k.attributes }

// Departures lists what the private key is or is not, against what package keygen asks for: sensitive, never extractable, made in the
// token, and good for signing alone. It is empty for a key that is as it must be.
func (k *Key) Departures() []string { return departures(k.token.family, k.attributes, true) }

// Sign signs the message with the scheme. Hashing is done here, the private operation in the token. The signature has
//
//	ECDSA    r||s, each number padded to the octet length of the curve (64, 96 or 128 octets)
//	RSA      the length of the modulus (256 or 384 octets)
//	Ed25519  64 octets
//
// With ISO9796SHA256 the message is the block that is already padded, as long as the modulus and smaller than it; the answer
// is the bare RSA result (CKM_RSA_X_509).
//
// The context covers the wait for a session. C_Sign itself cannot be interrupted; once it runs, Sign waits for its end, so that
// no signature is made that the caller does not know of.
//
// Errors: the context's; *Unavailable, which has Temporary and RetryAfter, while the token is away; *PINError; *Error for any
// other refusal of the token; or a plain error where scheme and key do not fit. After an error a signature may have been made
// in the token all the same, if it was C_Sign that failed.
func (k *Key) Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error) {
	signature, _, err := k.sign(ctx, scheme, message)
	return signature, err
}

// sign is Sign; begun tells whether C_Sign was called, so that a signature may exist whatever the error.
func (k *Key) sign(ctx context.Context, scheme sigalg.Scheme, message []byte) (signature []byte, begun bool, err error) {
	mechanism, data, err := k.operation(scheme, message)
	if err != nil {
		return nil, false, err
	}
	answer, begun, err := k.token.pool.Sign(ctx, k.id, mechanism, data)
	if err != nil {
		return nil, begun, fmt.Errorf("key %x: %w", k.id, err)
	}
	signature, err = k.signature(answer)
	return signature, begun, err
}

// Ready tells why the token would not sign now, from what is known without asking it: nil while it serves, else the error that
// Sign would give at once.
func (k *Key) Ready() error { return k.token.Ready() }

// operation gives the mechanism of a scheme and what the token is to be given.
func (k *Key) operation(scheme sigalg.Scheme, message []byte) (*pkcs11.Mechanism, []byte, error) {
	mechanism, data, err := operation(k.public, scheme, message)
	if err != nil {
		return nil, nil, fmt.Errorf("key %x: %w", k.id, err)
	}
	return mechanism, data, nil
}
