package main

import (
	"context"
	"errors"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Exit codes, as --help lists them.
const (
	exitOK      = 0
	exitInvalid = 1
	exitUsage   = 2
	exitRetry   = 3
	exitDenied  = 4
	exitFault   = 5
	exitStopped = 6 // batch only: told to stop; the same command goes on
)

// exitError is an error that knows its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// usageError marks wrong flags and files that cannot be read or written.
func usageError(err error) error { return &exitError{exitUsage, err} }

// invalid marks an order or certificate that is not good.
func invalid(err error) error { return &exitError{exitInvalid, err} }

// exitCode gives the exit code of an error.
func exitCode(err error) int {
	var own *exitError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &own):
		return own.code
	case errors.Is(err, context.Canceled):
		return exitRetry
	}
	st, ok := status.FromError(err)
	if !ok {
		return exitFault
	}
	switch detail[*errdetails.ErrorInfo](st).GetReason() {
	case "CARD_REVOKED", "BULK_MOVED":
		return exitInvalid
	}
	switch st.Code() {
	case codes.InvalidArgument, codes.AlreadyExists, codes.NotFound:
		return exitInvalid
	case codes.Unavailable, codes.DeadlineExceeded, codes.Canceled, codes.ResourceExhausted, codes.Aborted:
		return exitRetry
	case codes.Unauthenticated, codes.PermissionDenied:
		return exitDenied
	}
	switch detail[*errdetails.ErrorInfo](st).GetReason() {
	case "NOT_PENDING", "PARAMETERS_DIFFER":
		return exitInvalid
	}
	return exitFault // FailedPrecondition among them: the installation lacks something
}
