package storetest

import (
	"context"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The verbs of ca.SessionStore.
const (
	OpenSessions   Verb = "OpenSessions"
	DrawSignatures Verb = "DrawSignatures"
	CloseSession   Verb = "CloseSession"
	Session        Verb = "Session"
	OpenSession    Verb = "OpenSession"
	OpenedSessions Verb = "OpenedSessions"
	Sessions       Verb = "Sessions"
)

// OpenSessions implements ca.SessionStore.
func (f *FaultyStore) OpenSessions(ctx context.Context, sessions []ca.KeySession, use *ca.ApprovalUse, entries []tlog.Entry) error {
	return passError(f, OpenSessions, func() error { return f.inner.OpenSessions(ctx, sessions, use, entries) })
}

// DrawSignatures implements ca.SessionStore.
func (f *FaultyStore) DrawSignatures(ctx context.Context, d *ca.Draw, entry tlog.Entry) error {
	return passError(f, DrawSignatures, func() error { return f.inner.DrawSignatures(ctx, d, entry) })
}

// CloseSession implements ca.SessionStore.
func (f *FaultyStore) CloseSession(ctx context.Context, end *ca.SessionEnd, entry tlog.Entry) error {
	return passError(f, CloseSession, func() error { return f.inner.CloseSession(ctx, end, entry) })
}

// Session implements ca.SessionStore.
func (f *FaultyStore) Session(ctx context.Context, id ca.SessionID) (*ca.KeySession, error) {
	return pass(f, Session, func() (*ca.KeySession, error) { return f.inner.Session(ctx, id) })
}

// OpenSession implements ca.SessionStore.
func (f *FaultyStore) OpenSession(ctx context.Context, issuer string) (*ca.KeySession, error) {
	return pass(f, OpenSession, func() (*ca.KeySession, error) { return f.inner.OpenSession(ctx, issuer) })
}

// OpenedSessions implements ca.SessionStore.
func (f *FaultyStore) OpenedSessions(ctx context.Context) ([]ca.KeySession, error) {
	return pass(f, OpenedSessions, func() ([]ca.KeySession, error) { return f.inner.OpenedSessions(ctx) })
}

// Sessions implements ca.SessionStore.
func (f *FaultyStore) Sessions(ctx context.Context, before int64, limit int) ([]ca.KeySession, error) {
	return pass(f, Sessions, func() ([]ca.KeySession, error) { return f.inner.Sessions(ctx, before, limit) })
}
