package storetest

import (
	"context"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The verbs of ca.BulkStore.
const (
	SelectCards  Verb = "SelectCards"
	PlanBulk     Verb = "PlanBulk"
	StartBulk    Verb = "StartBulk"
	HoldBulk     Verb = "HoldBulk"
	AdvanceBulk  Verb = "AdvanceBulk"
	EndBulk      Verb = "EndBulk"
	Bulk         Verb = "Bulk"
	RunningBulks Verb = "RunningBulks"
	BulkCards    Verb = "BulkCards"
	LeadBulks    Verb = "LeadBulks"
)

// SelectCards implements ca.BulkStore.
func (f *FaultyStore) SelectCards(ctx context.Context, q *ca.CardSelection, after int64, limit int) ([]ca.SelectedCard, error) {
	return pass(f, SelectCards, func() ([]ca.SelectedCard, error) { return f.inner.SelectCards(ctx, q, after, limit) })
}

// PlanBulk implements ca.BulkStore.
func (f *FaultyStore) PlanBulk(ctx context.Context, p *ca.BulkPlan, cards []int64, entry tlog.Entry) (*ca.Bulk, error) {
	return pass(f, PlanBulk, func() (*ca.Bulk, error) { return f.inner.PlanBulk(ctx, p, cards, entry) })
}

// StartBulk implements ca.BulkStore.
func (f *FaultyStore) StartBulk(ctx context.Context, id ca.BulkID, at time.Time, entry tlog.Entry, use *ca.ApprovalUse) error {
	return passError(f, StartBulk, func() error { return f.inner.StartBulk(ctx, id, at, entry, use) })
}

// HoldBulk implements ca.BulkStore.
func (f *FaultyStore) HoldBulk(ctx context.Context, id ca.BulkID, hold bool, at time.Time, entry tlog.Entry) error {
	return passError(f, HoldBulk, func() error { return f.inner.HoldBulk(ctx, id, hold, at, entry) })
}

// AdvanceBulk implements ca.BulkStore.
func (f *FaultyStore) AdvanceBulk(ctx context.Context, step *ca.BulkStep, entries []tlog.Entry) (*ca.Bulk, error) {
	return pass(f, AdvanceBulk, func() (*ca.Bulk, error) { return f.inner.AdvanceBulk(ctx, step, entries) })
}

// EndBulk implements ca.BulkStore.
func (f *FaultyStore) EndBulk(ctx context.Context, id ca.BulkID, at time.Time, entry tlog.Entry) error {
	return passError(f, EndBulk, func() error { return f.inner.EndBulk(ctx, id, at, entry) })
}

// Bulk implements ca.BulkStore.
func (f *FaultyStore) Bulk(ctx context.Context, id ca.BulkID) (*ca.Bulk, error) {
	return pass(f, Bulk, func() (*ca.Bulk, error) { return f.inner.Bulk(ctx, id) })
}

// RunningBulks implements ca.BulkStore.
func (f *FaultyStore) RunningBulks(ctx context.Context) ([]ca.Bulk, error) {
	return pass(f, RunningBulks, func() ([]ca.Bulk, error) { return f.inner.RunningBulks(ctx) })
}

// BulkCards implements ca.BulkStore.
func (f *FaultyStore) BulkCards(ctx context.Context, id ca.BulkID, from, limit int) ([]ca.BulkCard, error) {
	return pass(f, BulkCards, func() ([]ca.BulkCard, error) { return f.inner.BulkCards(ctx, id, from, limit) })
}

// LeadBulks implements ca.BulkStore.
func (f *FaultyStore) LeadBulks(ctx context.Context, work func(context.Context) error) error {
	return passError(f, LeadBulks, func() error { return f.inner.LeadBulks(ctx, work) })
}
