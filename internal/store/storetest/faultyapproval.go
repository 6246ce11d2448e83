package storetest

import (
	"context"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The verbs of ca.ApprovalStore.
const (
	RequestApproval  Verb = "RequestApproval"
	DecideApproval   Verb = "DecideApproval"
	UseApproval      Verb = "UseApproval"
	ExpireApproval   Verb = "ExpireApproval"
	Approval         Verb = "Approval"
	Approvals        Verb = "Approvals"
	UsedApprovals    Verb = "UsedApprovals"
	WaitingApprovals Verb = "WaitingApprovals"
)

// RequestApproval implements ca.ApprovalStore.
func (f *FaultyStore) RequestApproval(ctx context.Context, r *ca.ApprovalRequest, entry tlog.Entry) (*ca.Approval, error) {
	return pass(f, RequestApproval, func() (*ca.Approval, error) { return f.inner.RequestApproval(ctx, r, entry) })
}

// DecideApproval implements ca.ApprovalStore.
func (f *FaultyStore) DecideApproval(ctx context.Context, d *ca.Decision, entry tlog.Entry) error {
	return passError(f, DecideApproval, func() error { return f.inner.DecideApproval(ctx, d, entry) })
}

// UseApproval implements ca.ApprovalStore.
func (f *FaultyStore) UseApproval(ctx context.Context, use *ca.ApprovalUse) error {
	return passError(f, UseApproval, func() error { return f.inner.UseApproval(ctx, use) })
}

// ExpireApproval implements ca.ApprovalStore.
func (f *FaultyStore) ExpireApproval(ctx context.Context, id ca.ApprovalID, at time.Time, entry tlog.Entry) error {
	return passError(f, ExpireApproval, func() error { return f.inner.ExpireApproval(ctx, id, at, entry) })
}

// Approval implements ca.ApprovalStore.
func (f *FaultyStore) Approval(ctx context.Context, id ca.ApprovalID) (*ca.Approval, error) {
	return pass(f, Approval, func() (*ca.Approval, error) { return f.inner.Approval(ctx, id) })
}

// Approvals implements ca.ApprovalStore.
func (f *FaultyStore) Approvals(ctx context.Context, after int64, limit int) ([]ca.Approval, error) {
	return pass(f, Approvals, func() ([]ca.Approval, error) { return f.inner.Approvals(ctx, after, limit) })
}

// WaitingApprovals implements ca.ApprovalStore.
func (f *FaultyStore) WaitingApprovals(ctx context.Context) ([]ca.Approval, error) {
	return pass(f, WaitingApprovals, func() ([]ca.Approval, error) { return f.inner.WaitingApprovals(ctx) })
}

// UsedApprovals implements ca.ApprovalStore.
func (f *FaultyStore) UsedApprovals(ctx context.Context, acts []ca.ActKind) ([]ca.Approval, error) {
	return pass(f, UsedApprovals, func() ([]ca.Approval, error) { return f.inner.UsedApprovals(ctx, acts) })
}
