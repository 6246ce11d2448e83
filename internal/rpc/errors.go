package rpc

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
)

// errorDomain is the domain of every google.rpc.ErrorInfo of this server.
const errorDomain = "siegel"

// statusOf is the table of error kinds: what the authority's errors (package ca, errors.go) are on the wire.
//
//	kind                  code                 details                                    the caller
//	*profiles.Refusal     INVALID_ARGUMENT     BadRequest: field, text, rule; ErrorInfo   corrects the order
//	  of a good order     FAILED_PRECONDITION  the same                                   calls an operator, keeps the order
//	*malformedError       INVALID_ARGUMENT     ErrorInfo MALFORMED                        mends the program that sent it
//	ca.ErrOrderDiffers    ALREADY_EXISTS       ErrorInfo ORDER_DIFFERS                    chooses another order id
//	ca.ErrNotFound        NOT_FOUND            ErrorInfo NOT_FOUND                        looks elsewhere
//	ca.ErrCardRevoked     FAILED_PRECONDITION  ErrorInfo CARD_REVOKED                     does not activate the card
//	ca.ErrBulkMoved       FAILED_PRECONDITION  ErrorInfo BULK_MOVED                       looks how far it is
//	ca.ErrBulkDiffers     ALREADY_EXISTS       ErrorInfo BULK_DIFFERS                     chooses another id
//	ca.ErrRevokedOther... ALREADY_EXISTS       ErrorInfo REVOKED_OTHERWISE                looks why it was revoked
//	ca.ErrApprovalDiffers ALREADY_EXISTS       ErrorInfo REQUEST_DIFFERS                  chooses another request id
//	ca.ErrNotPending      FAILED_PRECONDITION  ErrorInfo NOT_PENDING                      asks anew
//	ca.ErrParametersDiff. FAILED_PRECONDITION  ErrorInfo PARAMETERS_DIFFER                looks at the request again
//	ca.ErrOwnRequest      PERMISSION_DENIED    ErrorInfo OWN_REQUEST                      finds another person
//	*ca.RoleError         PERMISSION_DENIED    ErrorInfo ROLE_MISSING                     finds one with the role
//	*ca.NoSessionError    FAILED_PRECONDITION  ErrorInfo NO_KEY_SESSION                   has a session opened, sends the same again
//	*ca.UnavailableError  UNAVAILABLE          RetryInfo, RequestInfo                     sends the same again later
//	context.Canceled      CANCELLED                                                       has left
//	context.Deadline...   DEADLINE_EXCEEDED                                               sends the same again
//	*busyError            RESOURCE_EXHAUSTED   RetryInfo, RequestInfo                     sends the same again later, and less at a time
//	*lateError            DEADLINE_EXCEEDED                                               gives the order more time
//	statuses of this package pass unchanged
//	anything else         INTERNAL             RequestInfo                                calls an operator
//
// The text of the last three kinds is fixed: causes go to the log, under the request id that the caller was told.
func statusOf(err error, requestID string) *status.Status {
	var refusal *profiles.Refusal
	var away *ca.UnavailableError
	var malformed *malformedError
	var busy *busyError
	var late *lateError
	var own statusError
	request := &errdetails.RequestInfo{RequestId: requestID}
	switch {
	case errors.As(err, &refusal):
		return refused(refusal)
	case errors.As(err, &malformed):
		return withDetails(codes.InvalidArgument, "the request is no message of the type that the method takes (siegel.v1)",
			&errdetails.ErrorInfo{Reason: "MALFORMED", Domain: errorDomain})
	case errors.Is(err, ca.ErrOrderDiffers):
		return withDetails(codes.AlreadyExists, "the order id belongs to an order of other content",
			&errdetails.ErrorInfo{Reason: "ORDER_DIFFERS", Domain: errorDomain, Metadata: map[string]string{"field": "order_id"}})
	case errors.Is(err, ca.ErrCardRevoked):
		return withDetails(codes.FailedPrecondition, "the card is revoked, and stays so",
			&errdetails.ErrorInfo{Reason: "CARD_REVOKED", Domain: errorDomain})
	case errors.Is(err, ca.ErrBulkMoved):
		return withDetails(codes.FailedPrecondition, "the bulk revocation is not in a state for that; GetBulkRevocation says how far it is",
			&errdetails.ErrorInfo{Reason: "BULK_MOVED", Domain: errorDomain})
	case errors.Is(err, ca.ErrBulkDiffers):
		return withDetails(codes.AlreadyExists, "the id belongs to another bulk revocation",
			&errdetails.ErrorInfo{Reason: "BULK_DIFFERS", Domain: errorDomain, Metadata: map[string]string{"field": "bulk_id"}})
	case errors.Is(err, ca.ErrRevokedOtherwise):
		return withDetails(codes.AlreadyExists, "it is revoked already, for another reason or another requester; GetCardStatus says which",
			&errdetails.ErrorInfo{Reason: "REVOKED_OTHERWISE", Domain: errorDomain})
	case errors.Is(err, ca.ErrNotFound):
		return withDetails(codes.NotFound, "there is no such card or certificate", &errdetails.ErrorInfo{Reason: "NOT_FOUND", Domain: errorDomain})
	case isFourEyes(err):
		return fourEyesStatus(err)
	case errors.As(err, &away):
		return withDetails(codes.Unavailable, "a part that the server needs is away for now; send the same request again later",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(away.RetryAfter)}, request)
	case errors.As(err, &busy):
		return withDetails(codes.ResourceExhausted, busy.Error()+"; nothing was recorded, send the same request again later",
			&errdetails.RetryInfo{RetryDelay: durationpb.New(busy.again)}, request)
	case errors.As(err, &late):
		return status.New(codes.DeadlineExceeded, late.Error())
	case errors.As(err, &own):
		return own.GRPCStatus()
	case errors.Is(err, context.Canceled):
		return status.New(codes.Canceled, "the caller left; sending the same request again is safe")
	case errors.Is(err, context.DeadlineExceeded):
		return status.New(codes.DeadlineExceeded, "the caller's deadline passed; sending the same request again is safe")
	}
	return withDetails(codes.Internal, "internal error; the server's log has the cause under request "+requestID, request)
}

// statusError is what status.Status.Err gives: the errors that this package makes itself. Package ca knows no gRPC.
type statusError interface {
	error
	GRPCStatus() *status.Status
}

// refused says what is wrong with an order, or with this installation where the order is good, for programs (details) and for
// persons (text).
func refused(r *profiles.Refusal) *status.Status {
	code, heading := codes.InvalidArgument, "request refused"
	if r.Configuration() {
		code, heading = codes.FailedPrecondition, "this server cannot fulfil the order, its operator must act"
	}
	if len(r.Violations) == 0 {
		return status.New(code, heading)
	}
	first := r.Violations[0]
	text := fmt.Sprintf("%s: %s: %s (%s, %s)", heading, first.Field, first.Message, first.Rule, first.Citation)
	if n := len(r.Violations) - 1; n > 0 {
		text += fmt.Sprintf("; and %d more", n)
	}
	bad := &errdetails.BadRequest{}
	for _, v := range r.Violations {
		bad.FieldViolations = append(bad.FieldViolations, &errdetails.BadRequest_FieldViolation{
			Field: v.Field, Description: v.Message + " (" + v.Citation + ")", Reason: v.Rule})
	}
	return withDetails(code, text, bad, &errdetails.ErrorInfo{
		Reason: first.Rule, Domain: errorDomain,
		Metadata: map[string]string{"field": first.Field, "rule": first.Rule, "citation": first.Citation}})
}

// withDetails makes a status. Details that cannot be encoded are left out: they explain an answer, they are not it.
func withDetails(code codes.Code, text string, details ...protoadapt.MessageV1) *status.Status {
	plain := status.New(code, text)
	full, err := plain.WithDetails(details...)
	if err != nil {
		return plain
	}
	return full
}
