package p11

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/miekg/pkcs11"
)

// What is wrong with a key, or with the pool. Package hsm documents those that it passes on.
var (
	ErrKeyNotFound  = errors.New("no such key in the token")
	ErrKeyAmbiguous = errors.New("more than one key of this CKA_ID in the token")
	ErrClosed       = errors.New("token is closed")
)

// Error is a PKCS#11 call that the token refused.
type Error struct {
	Call string // name of the function, for example "C_SignInit"
	Code uint   // return value
}

// Error gives call and name of the return value, for example "C_SignInit: CKR_KEY_HANDLE_INVALID".
func (e *Error) Error() string { return e.Call + ": " + e.Name() }

// Name is the return value's name in the standard, for example "CKR_KEY_HANDLE_INVALID", or its number where it has none.
func (e *Error) Name() string {
	text := pkcs11.Error(e.Code).Error()
	if i := strings.LastIndex(text, "CKR_"); i >= 0 {
		return text[i:]
	}
	return fmt.Sprintf("CKR 0x%08X", e.Code)
}

// Code gives the return value that has a name in the standard, for example "CKR_ARGUMENTS_BAD".
func Code(name string) (uint, bool) {
	for code := uint(1); code <= pkcs11.CKR_FUNCTION_REJECTED; code++ {
		if (&Error{Code: code}).Name() == name {
			return code, true
		}
	}
	return 0, false
}

// wrap makes an *Error of what the binding gave, and leaves any other error alone.
func wrap(call string, err error) error {
	if code, ok := errors.AsType[pkcs11.Error](err); ok {
		return &Error{Call: call, Code: uint(code)}
	}
	return err
}

// Unavailable says that the token does not serve at the moment.
type Unavailable struct {
	cause error
	after time.Duration
}

// Error says that the token is away, and why.
func (e *Unavailable) Error() string { return fmt.Sprintf("token is not available: %v", e.cause) }

// Unwrap gives the cause.
func (e *Unavailable) Unwrap() error { return e.cause }

// Temporary is true: the same request may be sent again.
func (e *Unavailable) Temporary() bool { return true }

// RetryAfter is how long to wait before the next try; more than zero.
func (e *Unavailable) RetryAfter() time.Duration { return e.after }

// PINError says that the token refused the user PIN. The PIN is not sent again by this process.
type PINError struct {
	token string
	cause error
}

// Error names the token and the return value, never the PIN.
func (e *PINError) Error() string {
	return fmt.Sprintf("token %q refused the PIN, which is not sent again: %v", e.token, e.cause)
}

// Unwrap gives the cause.
func (e *PINError) Unwrap() error { return e.cause }

// Temporary is false: an operator must act.
func (e *PINError) Temporary() bool { return false }

// code gives the return value that an error carries.
func code(err error) (uint, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code, true
	}
	return 0, false
}

func oneOf(err error, codes []uint) bool {
	c, ok := code(err)
	return ok && slices.Contains(codes, c)
}

// Return values by what they mean for a caller (PKCS #11 v3.1, Section 5.1).
var (
	// The token, the module or the session went away. It may come back, so the caller may try again. CKR_GENERAL_ERROR and
	// CKR_FUNCTION_FAILED say nothing; network HSMs give them when the line is down.
	awayCodes = []uint{
		pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_COUNT, pkcs11.CKR_SESSION_HANDLE_INVALID,
		pkcs11.CKR_DEVICE_ERROR, pkcs11.CKR_DEVICE_MEMORY, pkcs11.CKR_DEVICE_REMOVED,
		pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_SLOT_ID_INVALID,
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_USER_NOT_LOGGED_IN,
		pkcs11.CKR_GENERAL_ERROR, pkcs11.CKR_FUNCTION_FAILED, pkcs11.CKR_HOST_MEMORY,
	}
	// What the session knows may be out of date: another session may do better.
	staleCodes = []uint{
		pkcs11.CKR_KEY_HANDLE_INVALID, pkcs11.CKR_OBJECT_HANDLE_INVALID,
		pkcs11.CKR_OPERATION_ACTIVE, pkcs11.CKR_OPERATION_NOT_INITIALIZED,
	}
	// The session does not exist any more.
	goneCodes = []uint{
		pkcs11.CKR_SESSION_CLOSED, pkcs11.CKR_SESSION_HANDLE_INVALID, pkcs11.CKR_DEVICE_REMOVED,
		pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED,
	}
	// No session was opened.
	unopenedCodes = []uint{
		pkcs11.CKR_SESSION_COUNT, pkcs11.CKR_TOKEN_NOT_PRESENT, pkcs11.CKR_TOKEN_NOT_RECOGNIZED, pkcs11.CKR_SLOT_ID_INVALID,
		pkcs11.CKR_CRYPTOKI_NOT_INITIALIZED, pkcs11.CKR_DEVICE_REMOVED, pkcs11.CKR_ARGUMENTS_BAD,
		pkcs11.CKR_TOKEN_WRITE_PROTECTED,
	}
	// The PIN was looked at and refused, or the token takes none any more.
	pinCodes = []uint{
		pkcs11.CKR_PIN_INCORRECT, pkcs11.CKR_PIN_LOCKED, pkcs11.CKR_PIN_EXPIRED, pkcs11.CKR_PIN_INVALID,
		pkcs11.CKR_PIN_LEN_RANGE,
	}
)
