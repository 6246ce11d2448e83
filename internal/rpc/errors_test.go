package rpc

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

var twoRules = &profiles.Refusal{Violations: []profiles.Violation{
	{Field: "keys[2].spki", Rule: "RSA_MODULUS", Citation: "gemSpec_Krypt, GS-A_4357", Message: "modulus has 1024 bits, want 2048"},
	{Field: "valid_until", Rule: "TERM_EXCEEDS_FIVE_YEARS", Citation: "gemSpec_PKI, GS-A_4352", Message: "at most five years"},
}}

// noIssuer is what the planner says of a good order that this installation cannot fulfil.
var noIssuer = profiles.Violation{Field: "keys[0]", Rule: "NO_ISSUER", Citation: "configuration", Message: "no issuer signs C.HCI.AUT", Configuration: true}

const secret = "C_Sign at 10.0.0.7 for Dr. Muster"

// TestErrorTable sends each kind of error through a real call.
func TestErrorTable(t *testing.T) {
	anyRequest := &errdetails.RequestInfo{} // its id is random, see below
	tests := []struct {
		name    string
		err     error
		code    codes.Code
		text    string
		details []proto.Message
	}{
		{"refusal", fmt.Errorf("plan: %w", twoRules), codes.InvalidArgument,
			"request refused: keys[2].spki: modulus has 1024 bits, want 2048 (RSA_MODULUS, gemSpec_Krypt, GS-A_4357); and 1 more",
			[]proto.Message{
				&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
					{Field: "keys[2].spki", Description: "modulus has 1024 bits, want 2048 (gemSpec_Krypt, GS-A_4357)", Reason: "RSA_MODULUS"},
					{Field: "valid_until", Description: "at most five years (gemSpec_PKI, GS-A_4352)", Reason: "TERM_EXCEEDS_FIVE_YEARS"},
				}},
				&errdetails.ErrorInfo{Reason: "RSA_MODULUS", Domain: "siegel", Metadata: map[string]string{
					"field": "keys[2].spki", "rule": "RSA_MODULUS", "citation": "gemSpec_Krypt, GS-A_4357"}},
			}},
		{"no key session", fmt.Errorf("issuer: %w", &ca.NoSessionError{Issuer: "CA1"}), codes.FailedPrecondition, (&ca.NoSessionError{Issuer: "CA1"}).Error(),
			[]proto.Message{&errdetails.ErrorInfo{Reason: "NO_KEY_SESSION", Domain: "siegel", Metadata: map[string]string{"issuer": "CA1"}}}},
		{"own request", fmt.Errorf("decide: %w", ca.ErrOwnRequest), codes.PermissionDenied,
			"whoever asks cannot approve, with whichever certificate: another person must",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "OWN_REQUEST", Domain: "siegel"}}},
		{"not pending", fmt.Errorf("decide: %w", ca.ErrNotPending), codes.FailedPrecondition,
			"the request does not wait for a decision any more: it is decided or has expired; siegel approvals show tells which",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "NOT_PENDING", Domain: "siegel"}}},
		{"other parameters", fmt.Errorf("decide: %w", ca.ErrParametersDiffer), codes.FailedPrecondition,
			"the parameters are not those of the request: look at it again",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "PARAMETERS_DIFFER", Domain: "siegel"}}},
		{"another request", fmt.Errorf("ask: %w", ca.ErrApprovalDiffers), codes.AlreadyExists, "the request id belongs to another request",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "REQUEST_DIFFERS", Domain: "siegel"}}},
		{"not the role of the act", &ca.RoleError{Act: "open-key-sessions", Doing: "decide on", Allowed: []ca.Role{ca.RoleCAOperator}}, codes.PermissionDenied,
			"no role of the operator may decide on open-key-sessions; roles that may: ca-operator",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "ROLE_MISSING", Domain: "siegel", Metadata: map[string]string{"act": "open-key-sessions", "roles": "ca-operator"}}}},
		{"installation", &profiles.Refusal{Violations: []profiles.Violation{noIssuer}}, codes.FailedPrecondition,
			"this server cannot fulfil the order, its operator must act: keys[0]: no issuer signs C.HCI.AUT (NO_ISSUER, configuration)",
			[]proto.Message{
				&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
					{Field: "keys[0]", Description: "no issuer signs C.HCI.AUT (configuration)", Reason: "NO_ISSUER"}}},
				&errdetails.ErrorInfo{Reason: "NO_ISSUER", Domain: "siegel", Metadata: map[string]string{
					"field": "keys[0]", "rule": "NO_ISSUER", "citation": "configuration"}},
			}},
		{"refusal without violations", &profiles.Refusal{}, codes.InvalidArgument, "request refused", nil},
		{"order differs", fmt.Errorf("record: %w", ca.ErrOrderDiffers), codes.AlreadyExists, "the order id belongs to an order of other content",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "ORDER_DIFFERS", Domain: "siegel", Metadata: map[string]string{"field": "order_id"}}}},
		{"not found", ca.ErrNotFound, codes.NotFound, "there is no such card",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "NOT_FOUND", Domain: "siegel"}}},
		{"card revoked", fmt.Errorf("activate: %w", ca.ErrCardRevoked), codes.FailedPrecondition, "the card is revoked, and stays so",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "CARD_REVOKED", Domain: "siegel"}}},
		{"revoked otherwise", fmt.Errorf("revoke: %w", ca.ErrRevokedOtherwise), codes.AlreadyExists,
			"it is revoked already, for another reason or another requester; GetCardStatus says which",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "REVOKED_OTHERWISE", Domain: "siegel"}}},
		{"bulk moved", fmt.Errorf("hold: %w", ca.ErrBulkMoved), codes.FailedPrecondition,
			"the bulk revocation is not in a state for that; GetBulkRevocation says how far it is",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "BULK_MOVED", Domain: "siegel"}}},
		{"another bulk", fmt.Errorf("plan: %w", ca.ErrBulkDiffers), codes.AlreadyExists, "the id belongs to another bulk revocation",
			[]proto.Message{&errdetails.ErrorInfo{Reason: "BULK_DIFFERS", Domain: "siegel", Metadata: map[string]string{"field": "bulk_id"}}}},
		{"unavailable", &ca.UnavailableError{Err: errors.New(secret), RetryAfter: 1500 * time.Millisecond}, codes.Unavailable,
			"a part that the server needs is away for now; send the same request again later",
			[]proto.Message{&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)}, anyRequest}},
		{"cancelled", fmt.Errorf("sign: %w", context.Canceled), codes.Canceled, "the caller left; sending the same request again is safe", nil},
		{"too late", fmt.Errorf("sign: %w", context.DeadlineExceeded), codes.DeadlineExceeded,
			"the caller's deadline passed; sending the same request again is safe", nil},
		{"unknown", errors.New(secret), codes.Internal, "internal error; the server's log has the cause under request ", []proto.Message{anyRequest}},
		{"a context error behind an unavailable part", &ca.UnavailableError{Err: context.DeadlineExceeded}, codes.Unavailable,
			"a part that the server needs is away for now; send the same request again later",
			[]proto.Message{&errdetails.RetryInfo{RetryDelay: durationpb.New(0)}, anyRequest}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := start(t, &fakeAuthority{issue: func(context.Context, string, *profiles.Order) (*ca.Card, error) { return nil, tt.err }})
			_, err := h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: goodOrder()})
			st := status.Convert(err)
			if st.Code() != tt.code || !strings.HasPrefix(st.Message(), tt.text) {
				t.Errorf("IssueCard = %v: %q, want %v: %q", st.Code(), st.Message(), tt.code, tt.text)
			}
			compareDetails(t, st, tt.details)
			if strings.Contains(prototext.Format(st.Proto()), secret) {
				t.Errorf("the cause left the server: %v", st.Proto())
			}
			if !strings.Contains(strings.ReplaceAll(h.log.String(), `\"`, `"`), tt.err.Error()) {
				t.Errorf("the cause is not in the log:\n%s", h.log)
			}
		})
	}
}

// compareDetails compares details; an empty RequestInfo stands for one whose id is in the message or at least set.
func compareDetails(t *testing.T, st *status.Status, want []proto.Message) {
	t.Helper()
	got := st.Details()
	if len(got) != len(want) {
		t.Fatalf("%d details, want %d: %v", len(got), len(want), got)
	}
	for i := range want {
		if r, ok := got[i].(*errdetails.RequestInfo); ok {
			if len(r.GetRequestId()) != 16 || st.Code() == codes.Internal && !strings.Contains(st.Message(), r.GetRequestId()) {
				t.Errorf("request id %q; message %q", r.GetRequestId(), st.Message())
			}
			r.RequestId = ""
		}
		if m, ok := got[i].(proto.Message); !ok || !proto.Equal(m, want[i]) {
			t.Errorf("detail %d = %v, want %v", i, got[i], want[i])
		}
	}
}

// TestInstallationIsTheServersFault: its operator must see it, and a bad order stays the sender's business even where the
// installation has a gap as well.
func TestInstallationIsTheServersFault(t *testing.T) {
	tests := []struct {
		name       string
		violations []profiles.Violation
		code       codes.Code
		level      string
	}{
		{"installation", []profiles.Violation{noIssuer}, codes.FailedPrecondition, "ERROR"},
		{"order", twoRules.Violations, codes.InvalidArgument, "INFO"},
		{"both", append([]profiles.Violation{noIssuer}, twoRules.Violations...), codes.InvalidArgument, "INFO"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := start(t, &fakeAuthority{issue: func(context.Context, string, *profiles.Order) (*ca.Card, error) {
				return nil, &profiles.Refusal{Violations: tt.violations}
			}})
			_, err := h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: goodOrder()})
			if got := status.Code(err); got != tt.code {
				t.Errorf("IssueCard = %v, want %v", got, tt.code)
			}
			if log := h.log.String(); !strings.Contains(log, `"level":"`+tt.level+`","msg":"call failed"`) {
				t.Errorf("the call is not logged at level %s:\n%s", tt.level, log)
			}
		})
	}
}

// TestPanicIsAnInternalError shows that a fault in one call ends neither the server nor another call.
func TestPanicIsAnInternalError(t *testing.T) {
	h := start(t, &fakeAuthority{
		issue: func(context.Context, string, *profiles.Order) (*ca.Card, error) { panic(secret) },
		cards: func(int64, int) ([]ca.CardSummary, error) { return nil, nil },
	})
	_, err := h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: goodOrder()})
	if status.Code(err) != codes.Internal || strings.Contains(err.Error(), secret) {
		t.Errorf("IssueCard = %v, want INTERNAL without the cause", err)
	}
	if log := h.log.String(); !strings.Contains(log, "panic: "+secret) || !strings.Contains(log, "issuance.go") {
		t.Errorf("panic and its stack are not in the log:\n%s", log)
	}
	if _, err := h.line().ListCards(testContext(t), &siegelv1.ListCardsRequest{}); err != nil {
		t.Errorf("ListCards after the panic: %v", err)
	}
}
