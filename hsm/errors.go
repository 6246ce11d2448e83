package hsm

import "github.com/siegel-pki/siegel/hsm/internal/p11"

// The errors of Token.Key. An operator acts on them: the configuration names a key that the token does not have as it should.
var (
	ErrKeyNotFound  = p11.ErrKeyNotFound
	ErrKeyAmbiguous = p11.ErrKeyAmbiguous
)

// ErrClosed says that the Token was closed.
var ErrClosed = p11.ErrClosed

// ErrNoToken says that no token, or more than one, fits the URI.
var ErrNoToken = p11.ErrNoToken

// Error is a PKCS#11 call that the token refused: Call is the function's name, Code the return value, and Name gives its name,
// "CKR_…".
type Error = p11.Error

// Unavailable says that the token does not serve at the moment. It has the methods
//
//	Temporary() bool            true: the same order may be sent again
//	RetryAfter() time.Duration  how long to wait before that
//
// A draft that was under way when it appeared is lost all the same: its signature may have been made.
type Unavailable = p11.Unavailable

// PINError says that a login was refused because of the PIN, and that this process does not send this PIN to this token again. An
// operator must act; Temporary is false. The text names the token, never the PIN.
type PINError = p11.PINError

// Stats counts what the sessions of a token did since Open.
type Stats = p11.Stats
