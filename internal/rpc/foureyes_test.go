package rpc

import (
	"context"
	"sync"

	"github.com/siegel-pki/siegel/ca"
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
