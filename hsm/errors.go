package hsm

import (
	"errors"
	"time"
)

// The errors of Token.Key. An operator acts on them: the configuration names a key that the token does not have as it should.
var (
	ErrKeyNotFound  = errors.New("no such key in the token")
	ErrKeyAmbiguous = errors.New("more than one key of this CKA_ID in the token")
	ErrKeyUnsafe    = errors.New("key may leave the token or may not sign")
)

// Error is a PKCS#11 call that the token refused.
type Error struct {
	Call string // name of the function, for example "C_SignInit"
	Code uint   // return value
}

// Error gives call and name of the return value, for example "C_SignInit: CKR_KEY_HANDLE_INVALID".
func (e *Error) Error() string { panic("not filled") }

// Unavailable says that the token does not serve at the moment. The same request may be sent again later. Every draft that was
// under way when it appeared is lost, though: a signature may have been made.
type Unavailable struct{}

// Error says that the token is away, and why.
func (e *Unavailable) Error() string { panic("not filled") }

// Temporary is true: the state passes.
func (e *Unavailable) Temporary() bool { return true }

// RetryAfter is how long to wait before the next try.
func (e *Unavailable) RetryAfter() time.Duration { panic("not filled") }

// PINError says that a login was refused because of the PIN. The PIN is not sent again: Temporary is false.
type PINError struct{}

// Error names the token and the return value, never the PIN.
func (e *PINError) Error() string { panic("not filled") }

// Stats counts what the sessions of a token did since Open.
type Stats struct {
	Healthy    bool              // false while the token heals or its PIN is refused
	Limit      int               // sessions that may be open now
	Open       int               // sessions open
	InUse      int               // sessions in use
	Waiting    int               // callers waiting for a session
	Opened     uint64            // sessions opened
	Closed     uint64            // sessions closed, or lost with the module
	Logins     uint64            // C_Login calls
	Heals      uint64            // times that a broken token came back
	Signatures uint64            // signatures made
	Waits      uint64            // callers who had to wait for a session
	WaitTime   time.Duration     // sum of their waits
	Errors     map[string]uint64 // refused calls by name of the return value, "CKR_…"
}
