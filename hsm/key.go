package hsm

import (
	"context"
	"crypto"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Key is a key pair in a token. Its methods are safe for concurrent use; signatures beyond the number of sessions wait,
// first come, first served.
type Key struct{}

// Public is the public half, as read from the token: *rsa.PublicKey, *brainpool.PublicKey, *ecdsa.PublicKey on P-256, or
// ed25519.PublicKey.
func (k *Key) Public() crypto.PublicKey { panic("not filled") }

// ID is the CKA_ID of the pair.
func (k *Key) ID() []byte { panic("not filled") }

// Attributes are the private key's attributes, as read from the token.
func (k *Key) Attributes() Attributes { panic("not filled") }

// Sign signs the message with the scheme. Hashing is done here, the private operation in the token. The signature has
//
//	ECDSA    r||s, each number padded to the octet length of the curve (64, 96 or 128 octets)
//	RSA      the length of the modulus (256 or 384 octets)
//	Ed25519  64 octets
//
// With ISO9796SHA256 the message is the block that is already padded, as long as the modulus and smaller than it; the answer is the
// bare RSA result (CKM_RSA_X_509).
//
// The context covers the wait for a session. C_Sign itself cannot be interrupted; once it runs, Sign waits for its end, so that
// no signature is made that the caller does not know of.
//
// Errors: the context's; *Unavailable, which has Temporary and RetryAfter, while the token is away; *PINError; *Error for any
// other refusal of the token; or a plain error where scheme and key do not fit. After an error a signature may have been made
// in the token all the same, if it was C_Sign that failed.
func (k *Key) Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error) {
	panic("not filled")
}

// Attributes are what the token says about a private key (PKCS #11 v3.1, Section 4.9).
type Attributes struct {
	Label            string
	Token            bool // CKA_TOKEN: outlives the session
	Private          bool // CKA_PRIVATE: seen only after login
	Sensitive        bool // CKA_SENSITIVE: its value is not shown
	AlwaysSensitive  bool // CKA_ALWAYS_SENSITIVE: and never was
	Extractable      bool // CKA_EXTRACTABLE: may be wrapped and leave the token
	NeverExtractable bool // CKA_NEVER_EXTRACTABLE: and never could
	Local            bool // CKA_LOCAL: made in the token
	Modifiable       bool // CKA_MODIFIABLE
	Sign             bool // CKA_SIGN
	Decrypt          bool // CKA_DECRYPT
	Unwrap           bool // CKA_UNWRAP
	Derive           bool // CKA_DERIVE
}
