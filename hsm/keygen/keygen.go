// Package keygen creates key pairs in a token. Only the ceremony program imports it: the server cannot create keys.
package keygen

import (
	"context"
	"crypto"
	"errors"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// ErrExists says that the token has an object with this CKA_ID already. Nothing was created.
var ErrExists = errors.New("token has an object with this CKA_ID already")

// Spec says what key pair to create.
type Spec struct {
	ID    []byte         // CKA_ID of both halves, 1 to 64 octets
	Label string         // CKA_LABEL of both halves; for people
	Type  sigalg.KeyType // any of sigalg
}

// GenerateKey creates a key pair whose private half is a sensitive, non-extractable token object that signs and does nothing
// else. It reads the pair back and checks it before it returns the public half; a pair that fails the check is destroyed. The
// token must have been opened with Config.ReadWrite.
//
// Errors: ErrExists, those of hsm.Key.Sign, or a plain error that says what the token made of the request.
func GenerateKey(ctx context.Context, token *hsm.Token, spec Spec) (crypto.PublicKey, error) {
	panic("not filled")
}
