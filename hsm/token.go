package hsm

import (
	"context"
	"log/slog"
)

// Token is an open token. Its methods are safe for concurrent use.
type Token struct{}

// Open loads the module, finds the token, logs in and opens the first session. It fails, and leaves nothing open, where the token is
// away: a program that starts should say so at once.
//
// Errors: *PINError (the PIN is wrong or locked: an operator must act), *Unavailable (the token does not answer), *Error (any
// other refusal of the token), or a plain error about the configuration.
func Open(ctx context.Context, cfg Config, log *slog.Logger) (*Token, error) { panic("not filled") }

// Close gives the sessions back and, with the last Token of a module, finalizes the module. It waits for calls that are
// running and ends the healing of a broken token. It may be called more than once.
func (t *Token) Close() error { panic("not filled") }

// Key finds the key pair whose CKA_ID is id, reads the public half from the token and checks that the private half stays
// in it (CKA_SENSITIVE, not CKA_EXTRACTABLE) and may sign (CKA_SIGN).
//
// Errors: ErrKeyNotFound, ErrKeyAmbiguous, ErrKeyUnsafe, and those of Sign.
func (t *Token) Key(ctx context.Context, id []byte) (*Key, error) { panic("not filled") }

// Info gives what the token says about itself, as read when it was opened.
func (t *Token) Info() Info { panic("not filled") }

// Stats gives the counters of the token's sessions.
func (t *Token) Stats() Stats { panic("not filled") }

// Info is what a token says about itself (CK_TOKEN_INFO, CK_INFO): for the ceremony record and for a person who looks for a fault.
type Info struct {
	Module       string   // path of the module
	Library      string   // description and version of the module, for example "Implementation of PKCS11 2.6"
	SlotID       uint     // slot that holds the token; may change when the module is initialized again
	Label        string   // CK_TOKEN_INFO.label
	Manufacturer string   // CK_TOKEN_INFO.manufacturerID
	Model        string   // CK_TOKEN_INFO.model
	Serial       string   // CK_TOKEN_INFO.serialNumber
	Hardware     string   // hardware version, major.minor
	Firmware     string   // firmware version, major.minor
	MaxSessions  int      // CK_TOKEN_INFO.ulMaxSessionCount; 0: no limit or not said
	Sessions     int      // greatest number of sessions that the Token uses
	Mechanisms   []string // mechanism names, CKM_…, sorted
}
