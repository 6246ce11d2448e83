package ca

import (
	"context"
	"crypto"

	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// Key is a private key in a token, as package hsm gives it.
type Key interface {
	// Sign signs the message with the scheme; hashing is the callee's. ECDSA signatures are r||s, RSA ones have the length of the
	// modulus. An error that has a method Temporary() bool giving true says that the token is away for now and the order may be
	// sent again later. One that has a method Elsewhere() bool giving true says besides that another token has the key and serves:
	// a new draft may be signed at once. Whatever the error, the caller must assume that a signature may have been made.
	Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error)
	// Ready tells, without asking the token, why Sign would fail at once: nil while the token serves. Errors are as those of Sign.
	Ready() error
	// Public is the key's public half, as read from the token.
	Public() crypto.PublicKey
}

// Issuer is an issuer that this server may use: its public side and its key.
type Issuer struct {
	*profiles.Issuer
	Key Key // nil for a root: its key is not here
}
