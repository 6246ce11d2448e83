package ca

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The errors of Authority, one kind for each thing that the caller may do about it:
//
//	*profiles.Refusal    the order breaks rules; correct it and send it under a new id or, as nothing was recorded, the same
//	ErrOrderDiffers      the id belongs to an order of other content
//	ErrNotFound          there is no such card or order
//	*NoSessionError      nothing is wrong with the order; two CA operators must open a key session, then send it again, unchanged
//	*UnavailableError    nothing is wrong with the order; send it again later, unchanged
//	context errors       the caller left
//	any other            a fault of this server or its configuration; an operator must look
//
// Whatever the error, sending the same order again is safe.

// UnavailableError says that a part that the authority needs is away for now: token, database, key session. What was asked
// may or may not have happened; asking again gives the answer.
type UnavailableError struct {
	Err        error
	RetryAfter time.Duration // a hint
}

// Error says what is away.
func (e *UnavailableError) Error() string { return "unavailable: " + e.Err.Error() }

// Unwrap gives the cause.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Temporary tells that the same call may succeed later.
func (e *UnavailableError) Temporary() bool { return true }

// retryAfter is the hint given where nothing better is known: longer than a token or database takes to heal from a lost
// connection, short beside a night's batch.
const retryAfter = time.Second

// unavailable wraps an error after which the same call may succeed.
func unavailable(err error) error { return &UnavailableError{Err: err, RetryAfter: retryAfter} }

// storeFailure classifies an error of a Store's verb that is none of its named ones. Whether the verb happened is not known,
// and every road that uses it can be taken again, so the caller may.
func storeFailure(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	if isContext(err) {
		return err
	}
	return unavailable(err)
}

// keyFailure classifies an error of a Key.
func keyFailure(doing string, err error) error {
	err = fmt.Errorf("%s: %w", doing, err)
	var t interface{ Temporary() bool }
	if isContext(err) || !errors.As(err, &t) || !t.Temporary() {
		return err
	}
	var hint interface{ RetryAfter() time.Duration }
	if errors.As(err, &hint) {
		return &UnavailableError{Err: err, RetryAfter: max(retryAfter, hint.RetryAfter())}
	}
	return unavailable(err)
}

// signsElsewhere tells that a token was lost while it signed, and that another one has the key: a new attempt need not wait.
func signsElsewhere(err error) bool {
	var lost interface{ Elsewhere() bool }
	return errors.As(err, &lost) && lost.Elsewhere()
}

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}
