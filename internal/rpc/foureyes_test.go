package rpc

import (
	"bytes"
	"context"
	"crypto/sha256"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// fakeFourEyes answers as told, and keeps what it was asked.
type fakeFourEyes struct {
	mu    sync.Mutex
	asked []any // who asked, and what for

	err      error
	approval *ca.Approval
	list     []ca.Approval
	session  *ca.KeySession
	sessions []ca.KeySession
}

func (f *fakeFourEyes) note(what ...any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, what...)
	return f.err
}

func (f *fakeFourEyes) one(what ...any) (*ca.Approval, error) {
	if err := f.note(what...); err != nil {
		return nil, err
	}
	if f.approval == nil {
		return nil, errNotAsked
	}
	return f.approval, nil
}

func (f *fakeFourEyes) RequestSessions(_ context.Context, who ca.Actor, id ca.ApprovalID, r ca.SessionRequest, reason string) (*ca.Approval, error) {
	return f.one(who, id, r, reason)
}

func (f *fakeFourEyes) RequestImport(_ context.Context, who ca.Actor, id ca.ApprovalID, p ca.IssuerImport, reason string) (*ca.Approval, error) {
	return f.one(who, id, p, reason)
}

func (f *fakeFourEyes) RequestRetirement(_ context.Context, who ca.Actor, id ca.ApprovalID, p ca.IssuerRetirement, reason string) (*ca.Approval, error) {
	return f.one(who, id, p, reason)
}

func (f *fakeFourEyes) RequestGrant(_ context.Context, who ca.Actor, id ca.ApprovalID, p ca.LegacyGrant, reason string) (*ca.Approval, error) {
	return f.one(who, id, p, reason)
}

func (f *fakeFourEyes) Approve(_ context.Context, who ca.Actor, id ca.ApprovalID, hash [32]byte) (*ca.Approval, error) {
	return f.one(who, id, hash)
}

func (f *fakeFourEyes) Reject(_ context.Context, who ca.Actor, id ca.ApprovalID, hash [32]byte, reason string) (*ca.Approval, error) {
	return f.one(who, id, hash, reason)
}

func (f *fakeFourEyes) Approval(_ context.Context, id ca.ApprovalID) (*ca.Approval, error) {
	return f.one(id)
}

func (f *fakeFourEyes) Approvals(_ context.Context, after int64, limit int) ([]ca.Approval, error) {
	return f.list, f.note(after, limit)
}

func (f *fakeFourEyes) WaitingApprovals(context.Context) ([]ca.Approval, error) { return f.list, f.err }

func (f *fakeFourEyes) CloseKeySession(_ context.Context, who ca.Actor, id ca.SessionID) (*ca.KeySession, error) {
	if err := f.note(who, id); err != nil {
		return nil, err
	}
	if f.session == nil {
		return nil, errNotAsked
	}
	return f.session, nil
}

func (f *fakeFourEyes) KeySessions(_ context.Context, before int64, limit int) ([]ca.KeySession, error) {
	return f.sessions, f.note(before, limit)
}

const sampleRequest = "00112233445566778899aabbccddeeff"

// sampleApproval is a request as package ca gives it.
func sampleApproval() *ca.Approval {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	parameters := []byte(`{"issuers":["CA1"]}`)
	return &ca.Approval{
		ApprovalRequest: ca.ApprovalRequest{ID: sampleRequest, Act: "open-key-sessions", Summary: "open", Parameters: parameters, Hash: sha256.Sum256(parameters),
			Reason: "night", RequestedBy: ca.Person{Operator: "a", Person: "anna"}, RequestedAt: at, Expires: at.Add(time.Hour)},
		Number: 7, State: ca.Used, DecidedBy: ca.Person{Operator: "b", Person: "bert"}, DecidedAt: at.Add(time.Minute), EndedAt: at.Add(2 * time.Minute),
	}
}

// TestFourEyesOverTheWire makes each call and looks at what the authority was asked, by whom, and at the answer.
func TestFourEyesOverTheWire(t *testing.T) {
	known := sampleApproval()
	fake := &fakeAuthority{fakeFourEyes: fakeFourEyes{approval: known}}
	h := start(t, fake)
	conn := h.as("ca-operator")
	approvals, authority := siegelv1.NewApprovalServiceClient(conn), siegelv1.NewAuthorityServiceClient(conn)
	who := ca.Actor{Person: ca.Person{Operator: "ca-operator", Person: "ca-operator"}, Roles: []Role{CAOperator}}
	sum := bytes.Repeat([]byte{0xab}, 32)
	for _, c := range []struct {
		name string
		call func(ctx context.Context) (*siegelv1.ActRequest, error)
		want []any
	}{
		{"OpenKeySession", func(ctx context.Context) (*siegelv1.ActRequest, error) {
			r, err := authority.OpenKeySession(ctx, &siegelv1.OpenKeySessionRequest{RequestId: sampleRequest, Issuers: []string{"CA1"}, MaxSignatures: 5,
				MaxDuration: durationpb.New(90 * time.Second), Reason: "night"})
			return r.GetRequest(), err
		}, []any{who, ca.ApprovalID(sampleRequest), ca.SessionRequest{Issuers: []string{"CA1"}, Signatures: 5, Seconds: 90}, "night"}},
		{"ImportIssuer", func(ctx context.Context) (*siegelv1.ActRequest, error) {
			r, err := authority.ImportIssuer(ctx, &siegelv1.ImportIssuerRequest{RequestId: sampleRequest, Issuer: "CA2", CertificateSha256: sum, Reason: "new"})
			return r.GetRequest(), err
		}, []any{who, ca.ApprovalID(sampleRequest), ca.IssuerImport{Issuer: "CA2", CertificateSHA256: strings.Repeat("ab", 32)}, "new"}},
		{"RetireIssuer", func(ctx context.Context) (*siegelv1.ActRequest, error) {
			r, err := authority.RetireIssuer(ctx, &siegelv1.RetireIssuerRequest{RequestId: sampleRequest, Issuer: "CA1", Reason: "old"})
			return r.GetRequest(), err
		}, []any{who, ca.ApprovalID(sampleRequest), ca.IssuerRetirement{Issuer: "CA1"}, "old"}},
		{"GrantLegacyException", func(ctx context.Context) (*siegelv1.ActRequest, error) {
			r, err := authority.GrantLegacyException(ctx, &siegelv1.GrantLegacyExceptionRequest{RequestId: sampleRequest, Exception: "e", Reason: "x"})
			return r.GetRequest(), err
		}, []any{who, ca.ApprovalID(sampleRequest), ca.LegacyGrant{Exception: "e"}, "x"}},
		{"Approve", func(ctx context.Context) (*siegelv1.ActRequest, error) {
			r, err := approvals.Approve(ctx, &siegelv1.ApproveRequest{Id: sampleRequest, ParametersSha256: sum})
			return r.GetRequest(), err
		}, []any{who, ca.ApprovalID(sampleRequest), [32]byte(sum)}},
		{"Reject", func(ctx context.Context) (*siegelv1.ActRequest, error) {
			r, err := approvals.Reject(ctx, &siegelv1.RejectRequest{Id: sampleRequest, ParametersSha256: sum, Reason: "no"})
			return r.GetRequest(), err
		}, []any{who, ca.ApprovalID(sampleRequest), [32]byte(sum), "no"}},
		{"GetApproval", func(ctx context.Context) (*siegelv1.ActRequest, error) {
			r, err := approvals.GetApproval(ctx, &siegelv1.GetApprovalRequest{Id: sampleRequest})
			return r.GetRequest(), err
		}, []any{ca.ApprovalID(sampleRequest)}},
	} {
		fake.asked = nil
		got, err := c.call(testContext(t))
		if err != nil {
			t.Errorf("%s = %v", c.name, err)
			continue
		}
		if !reflect.DeepEqual(fake.asked, c.want) {
			t.Errorf("%s asked %+v\nwant %+v", c.name, fake.asked, c.want)
		}
		if got.GetId() != sampleRequest || got.GetState() != siegelv1.ApprovalState_APPROVAL_STATE_USED || !bytes.Equal(got.GetParameters(), known.Parameters) ||
			!bytes.Equal(got.GetParametersSha256(), known.Hash[:]) || got.GetDecidedPerson() != "bert" || !got.GetExpires().AsTime().Equal(known.Expires) {
			t.Errorf("%s = %+v", c.name, got)
		}
	}
}

// TestListsComeInPages of key sessions and requests.
func TestListsComeInPages(t *testing.T) {
	at := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	fake := &fakeAuthority{fakeFourEyes: fakeFourEyes{
		sessions: []ca.KeySession{{Number: 9, ID: "b", OpenedAt: at, Ends: at}, {Number: 8, ID: "a", OpenedAt: at, Ends: at, ClosedAt: at, Reason: "count"}},
		list:     []ca.Approval{*sampleApproval(), *sampleApproval()},
	}}
	h := start(t, fake)
	conn := h.as("ca-operator")
	sessions, err := siegelv1.NewAuthorityServiceClient(conn).ListKeySessions(testContext(t), &siegelv1.ListKeySessionsRequest{PageSize: 1})
	if err != nil || len(sessions.GetSessions()) != 1 || sessions.GetNextPageToken() != pageToken(9) || sessions.GetSessions()[0].GetClosedAt() != nil {
		t.Errorf("ListKeySessions = %+v, %v", sessions, err)
	}
	approvals := siegelv1.NewApprovalServiceClient(conn)
	all, err := approvals.ListApprovals(testContext(t), &siegelv1.ListApprovalsRequest{All: true, PageSize: 1})
	if err != nil || len(all.GetRequests()) != 1 || all.GetNextPageToken() != pageToken(7) {
		t.Errorf("ListApprovals = %+v, %v", all, err)
	}
	waiting, err := approvals.ListApprovals(testContext(t), &siegelv1.ListApprovalsRequest{})
	if err != nil || len(waiting.GetRequests()) != 2 || waiting.GetNextPageToken() != "" {
		t.Errorf("ListApprovals of those that wait = %+v, %v", waiting, err)
	}
}

// TestRemovedOperatorIsRefused at the next call of an open connection, and at the next message of a stream.
func TestRemovedOperatorIsRefused(t *testing.T) {
	h := start(t, &fakeAuthority{issue: func(context.Context, string, *profiles.Order) (*ca.Card, error) { return &ca.Card{}, nil }})
	stream, err := h.line().IssueCards(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	send := func() error {
		if err := stream.Send(&siegelv1.IssueCardsRequest{Order: goodOrder()}); err != nil {
			return err
		}
		_, err := stream.Recv()
		return err
	}
	if err := send(); err != nil {
		t.Fatal(err)
	}
	var kept []Operator
	for _, op := range h.server.operators.Load().list {
		if op.Name != "line-1" {
			kept = append(kept, op)
		}
	}
	operators, err := NewOperators(kept)
	if err != nil {
		t.Fatal(err)
	}
	h.server.SetOperators(operators)
	if err := send(); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the next message of a stream gave %v, want UNAUTHENTICATED", err)
	}
	if _, err := h.line().ListCards(testContext(t), &siegelv1.ListCardsRequest{}); status.Code(err) != codes.Unauthenticated {
		t.Errorf("the next call gave %v, want UNAUTHENTICATED", err)
	}
}
