package rpc

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// FourEyes is what the handlers of acts that need two people need of ca.Authority.
type FourEyes interface {
	RequestSessions(ctx context.Context, who ca.Actor, id ca.ApprovalID, r ca.SessionRequest, reason string) (*ca.Approval, error)
	RequestImport(ctx context.Context, who ca.Actor, id ca.ApprovalID, p ca.IssuerImport, reason string) (*ca.Approval, error)
	RequestRetirement(ctx context.Context, who ca.Actor, id ca.ApprovalID, p ca.IssuerRetirement, reason string) (*ca.Approval, error)
	RequestGrant(ctx context.Context, who ca.Actor, id ca.ApprovalID, p ca.LegacyGrant, reason string) (*ca.Approval, error)
	Approve(ctx context.Context, who ca.Actor, id ca.ApprovalID, hash [32]byte) (*ca.Approval, error)
	Reject(ctx context.Context, who ca.Actor, id ca.ApprovalID, hash [32]byte, reason string) (*ca.Approval, error)
	Approval(ctx context.Context, id ca.ApprovalID) (*ca.Approval, error)
	Approvals(ctx context.Context, after int64, limit int) ([]ca.Approval, error)
	WaitingApprovals(ctx context.Context) ([]ca.Approval, error)
	CloseKeySession(ctx context.Context, who ca.Actor, id ca.SessionID) (*ca.KeySession, error)
	KeySessions(ctx context.Context, before int64, limit int) ([]ca.KeySession, error)
}

// approval serves ApprovalService. The interceptors have checked the caller and the shape of the request.
type approval struct {
	siegelv1.UnimplementedApprovalServiceServer
	authority FourEyes
}

// ListApprovals lists requests.
func (s *approval) ListApprovals(ctx context.Context, req *siegelv1.ListApprovalsRequest) (*siegelv1.ListApprovalsResponse, error) {
	answer := &siegelv1.ListApprovalsResponse{}
	if !req.GetAll() {
		waiting, err := s.authority.WaitingApprovals(ctx)
		if err != nil {
			return nil, err
		}
		for i := range waiting {
			answer.Requests = append(answer.Requests, approvalToWire(&waiting[i]))
		}
		return answer, nil
	}
	list, next, err := page(req, func(after int64, limit int) ([]ca.Approval, error) { return s.authority.Approvals(ctx, after, limit) },
		func(a *ca.Approval) int64 { return a.Number })
	if err != nil {
		return nil, err
	}
	for i := range list {
		answer.Requests = append(answer.Requests, approvalToWire(&list[i]))
	}
	answer.NextPageToken = next
	return answer, nil
}

// GetApproval gives a request.
func (s *approval) GetApproval(ctx context.Context, req *siegelv1.GetApprovalRequest) (*siegelv1.GetApprovalResponse, error) {
	a, err := s.authority.Approval(ctx, ca.ApprovalID(req.GetId()))
	if err != nil {
		return nil, missing(err, "request")
	}
	return &siegelv1.GetApprovalResponse{Request: approvalToWire(a)}, nil
}

// Approve approves a request.
func (s *approval) Approve(ctx context.Context, req *siegelv1.ApproveRequest) (*siegelv1.ApproveResponse, error) {
	a, err := s.authority.Approve(ctx, actorOf(ctx), ca.ApprovalID(req.GetId()), [32]byte(req.GetParametersSha256()))
	if err != nil {
		return nil, missing(err, "request")
	}
	return &siegelv1.ApproveResponse{Request: approvalToWire(a)}, nil
}

// Reject ends a request without the act.
func (s *approval) Reject(ctx context.Context, req *siegelv1.RejectRequest) (*siegelv1.RejectResponse, error) {
	a, err := s.authority.Reject(ctx, actorOf(ctx), ca.ApprovalID(req.GetId()), [32]byte(req.GetParametersSha256()), req.GetReason())
	if err != nil {
		return nil, missing(err, "request")
	}
	return &siegelv1.RejectResponse{Request: approvalToWire(a)}, nil
}

// OpenKeySession asks for key sessions.
func (s *authority) OpenKeySession(ctx context.Context, req *siegelv1.OpenKeySessionRequest) (*siegelv1.OpenKeySessionResponse, error) {
	seconds := int64(req.GetMaxDuration().AsDuration() / time.Second)
	a, err := s.authority.RequestSessions(ctx, actorOf(ctx), ca.ApprovalID(req.GetRequestId()),
		ca.SessionRequest{Issuers: req.GetIssuers(), Signatures: req.GetMaxSignatures(), Seconds: seconds}, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &siegelv1.OpenKeySessionResponse{Request: approvalToWire(a)}, nil
}

// ImportIssuer asks that servers may start with a new issuer.
func (s *authority) ImportIssuer(ctx context.Context, req *siegelv1.ImportIssuerRequest) (*siegelv1.ImportIssuerResponse, error) {
	p := ca.IssuerImport{Issuer: req.GetIssuer(), CertificateSHA256: hex.EncodeToString(req.GetCertificateSha256())}
	a, err := s.authority.RequestImport(ctx, actorOf(ctx), ca.ApprovalID(req.GetRequestId()), p, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &siegelv1.ImportIssuerResponse{Request: approvalToWire(a)}, nil
}

// RetireIssuer asks that an issuer signs no more.
func (s *authority) RetireIssuer(ctx context.Context, req *siegelv1.RetireIssuerRequest) (*siegelv1.RetireIssuerResponse, error) {
	a, err := s.authority.RequestRetirement(ctx, actorOf(ctx), ca.ApprovalID(req.GetRequestId()), ca.IssuerRetirement{Issuer: req.GetIssuer()}, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &siegelv1.RetireIssuerResponse{Request: approvalToWire(a)}, nil
}

// GrantLegacyException asks that an exception takes effect.
func (s *authority) GrantLegacyException(ctx context.Context, req *siegelv1.GrantLegacyExceptionRequest) (*siegelv1.GrantLegacyExceptionResponse, error) {
	a, err := s.authority.RequestGrant(ctx, actorOf(ctx), ca.ApprovalID(req.GetRequestId()), ca.LegacyGrant{Exception: req.GetException()}, req.GetReason())
	if err != nil {
		return nil, err
	}
	return &siegelv1.GrantLegacyExceptionResponse{Request: approvalToWire(a)}, nil
}

// CloseKeySession ends a key session.
func (s *authority) CloseKeySession(ctx context.Context, req *siegelv1.CloseKeySessionRequest) (*siegelv1.CloseKeySessionResponse, error) {
	k, err := s.authority.CloseKeySession(ctx, actorOf(ctx), ca.SessionID(req.GetSessionId()))
	if err != nil {
		return nil, missing(err, "key session")
	}
	return &siegelv1.CloseKeySessionResponse{Session: sessionToWire(k)}, nil
}

// ListKeySessions lists key sessions, the newest first.
func (s *authority) ListKeySessions(ctx context.Context, req *siegelv1.ListKeySessionsRequest) (*siegelv1.ListKeySessionsResponse, error) {
	list, next, err := page(req, func(before int64, limit int) ([]ca.KeySession, error) {
		return s.authority.KeySessions(ctx, before, limit)
	},
		func(k *ca.KeySession) int64 { return k.Number })
	if err != nil {
		return nil, err
	}
	answer := &siegelv1.ListKeySessionsResponse{NextPageToken: next}
	for i := range list {
		answer.Sessions = append(answer.Sessions, sessionToWire(&list[i]))
	}
	return answer, nil
}

// page reads the page of a list for which a client asks, and gives the token of the next one.
func page[T any](req interface {
	GetPageSize() int32
	GetPageToken() string
}, read func(from int64, limit int) ([]T, error), number func(*T) int64) (list []T, next string, err error) {
	from, err := parsePageToken(req.GetPageToken())
	if err != nil {
		return nil, "", err
	}
	size := int(req.GetPageSize())
	if size == 0 {
		size = defaultPage
	}
	if list, err = read(from, size+1); err != nil || len(list) <= size {
		return list, "", err
	}
	return list[:size], pageToken(number(&list[size-1])), nil
}

// states are the states of requests on the wire.
var states = map[ca.ApprovalState]siegelv1.ApprovalState{
	ca.Pending:  siegelv1.ApprovalState_APPROVAL_STATE_PENDING,
	ca.Approved: siegelv1.ApprovalState_APPROVAL_STATE_APPROVED,
	ca.Rejected: siegelv1.ApprovalState_APPROVAL_STATE_REJECTED,
	ca.Used:     siegelv1.ApprovalState_APPROVAL_STATE_USED,
	ca.Expired:  siegelv1.ApprovalState_APPROVAL_STATE_EXPIRED,
}

func approvalToWire(a *ca.Approval) *siegelv1.ActRequest {
	return &siegelv1.ActRequest{
		Id: string(a.ID), Act: string(a.Act), Summary: a.Summary, Parameters: a.Parameters, ParametersSha256: a.Hash[:], Reason: a.Reason,
		RequestedBy: a.RequestedBy.Operator, RequestedPerson: a.RequestedBy.Person, RequestedAt: timestamppb.New(a.RequestedAt),
		Expires: timestamppb.New(a.Expires), State: states[a.State], DecidedBy: a.DecidedBy.Operator, DecidedPerson: a.DecidedBy.Person,
		DecidedAt: timeToWire(a.DecidedAt), EndedAt: timeToWire(a.EndedAt),
	}
}

func sessionToWire(k *ca.KeySession) *siegelv1.KeySession {
	return &siegelv1.KeySession{
		Id: string(k.ID), Issuer: k.Issuer, ApprovalId: string(k.Approval), MaxSignatures: k.Signatures, DrawnSignatures: k.Drawn,
		OpenedAt: timestamppb.New(k.OpenedAt), Ends: timestamppb.New(k.Ends), ClosedAt: timeToWire(k.ClosedAt), ClosedReason: k.Reason,
	}
}

// timeToWire leaves out what did not happen.
func timeToWire(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// missing says what it is that there is none of.
func missing(err error, what string) error {
	if !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	return withDetails(codes.NotFound, "there is no such "+what, &errdetails.ErrorInfo{Reason: "NOT_FOUND", Domain: errorDomain}).Err()
}

// fourEyesErrors are the errors of acts that need two people: see the table of statusOf.
var fourEyesErrors = []struct {
	err    error
	code   codes.Code
	reason string
	text   string
}{
	{ca.ErrApprovalDiffers, codes.AlreadyExists, "REQUEST_DIFFERS", "the request id belongs to another request"},
	{ca.ErrNotPending, codes.FailedPrecondition, "NOT_PENDING", "the request does not wait for a decision any more: it is decided or has expired; siegel approvals show tells which"},
	{ca.ErrParametersDiffer, codes.FailedPrecondition, "PARAMETERS_DIFFER", "the parameters are not those of the request: look at it again"},
	{ca.ErrOwnRequest, codes.PermissionDenied, "OWN_REQUEST", "whoever asks cannot approve, with whichever certificate: another person must"},
}

// isFourEyes tells the errors of fourEyesStatus.
func isFourEyes(err error) bool { return fourEyesStatus(err) != nil }

// fourEyesStatus is the status of an error of an act that needs two people; nil for any other.
func fourEyesStatus(err error) *status.Status {
	for _, known := range fourEyesErrors {
		if errors.Is(err, known.err) {
			return withDetails(known.code, known.text, &errdetails.ErrorInfo{Reason: known.reason, Domain: errorDomain})
		}
	}
	var role *ca.RoleError
	if errors.As(err, &role) {
		return withDetails(codes.PermissionDenied, role.Error(), &errdetails.ErrorInfo{Reason: "ROLE_MISSING", Domain: errorDomain,
			Metadata: map[string]string{"act": string(role.Act), "roles": joinRoles(role.Allowed)}})
	}
	var closed *ca.NoSessionError
	if errors.As(err, &closed) {
		return withDetails(codes.FailedPrecondition, closed.Error(), &errdetails.ErrorInfo{Reason: "NO_KEY_SESSION", Domain: errorDomain,
			Metadata: map[string]string{"issuer": closed.Issuer}})
	}
	return nil
}
