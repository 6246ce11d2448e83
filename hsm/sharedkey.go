package hsm

import (
	"bytes"
	"context"
	"crypto"
	"errors"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// SharedKey is a key of which each of several tokens holds a copy. Its methods are safe for concurrent use.
type SharedKey struct {
	tokens *Tokens
	id     []byte
	public crypto.PublicKey
}

// Public is the public half, the same in each token.
func (k *SharedKey) Public() crypto.PublicKey { return k.public }

// ID is the CKA_ID.
func (k *SharedKey) ID() []byte { return bytes.Clone(k.id) }

// Ready tells, without asking the tokens, why Sign would fail at once: nil as long as one of them serves.
func (k *SharedKey) Ready() error { return k.tokens.Ready() }

// Sign signs as Key.Sign does, in the token that has the most room. A token that fails before C_Sign was called has signed
// nothing, so that the next one is asked. One that fails in C_Sign may have signed: then the same message is signed by no
// other, and the error has the method
//
//	Elsewhere() bool   true: another token serves, so that a new draft may be signed at once
//
// Errors are those of Key.Sign.
func (k *SharedKey) Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error) {
	var failed error
	for _, m := range k.tokens.byRoom() {
		key, err := m.copy(ctx, k.id, k.public)
		begun := false
		if err == nil {
			var signature []byte
			if signature, begun, err = key.sign(ctx, scheme, message); err == nil {
				return signature, nil
			}
		}
		if begun {
			return nil, &lostError{err: err, elsewhere: k.elsewhere(m)}
		}
		if ctx.Err() != nil {
			return nil, err
		}
		if failed == nil || !mayPass(failed) && mayPass(err) {
			failed = err
		}
	}
	return nil, failed
}

// elsewhere tells whether another token than the one that failed serves.
func (k *SharedKey) elsewhere(failed *member) bool {
	for _, m := range k.tokens.members {
		if m != failed && m.state() == nil {
			return true
		}
	}
	return false
}

// lostError says that a token failed while it signed.
type lostError struct {
	err       error
	elsewhere bool
}

// Error gives the cause.
func (e *lostError) Error() string { return e.err.Error() }

// Unwrap gives the cause.
func (e *lostError) Unwrap() error { return e.err }

// Elsewhere tells whether a new draft may be signed at once, by another token. It is false where the fault lies in what was to
// be signed, and not in the token.
func (e *lostError) Elsewhere() bool {
	_, away := errors.AsType[*Unavailable](e.err)
	return e.elsewhere && away
}
