package storetest

import (
	"context"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// The verbs of ca.StatusStore.
const (
	ActivateCard        Verb = "ActivateCard"
	RevokeCard          Verb = "RevokeCard"
	RevokeCertificate   Verb = "RevokeCertificate"
	CertificateStatus   Verb = "CertificateStatus"
	CertificateStates   Verb = "CertificateStates"
	CardStatus          Verb = "CardStatus"
	RevokedCertificates Verb = "RevokedCertificates"
	StatusEpoch         Verb = "StatusEpoch"
	StatusChanges       Verb = "StatusChanges"
	WatchStatus         Verb = "WatchStatus"
)

// ActivateCard implements ca.StatusStore.
func (f *FaultyStore) ActivateCard(ctx context.Context, a *ca.Activation, entry tlog.Entry) (*ca.CardStatus, error) {
	return pass(f, ActivateCard, func() (*ca.CardStatus, error) { return f.inner.ActivateCard(ctx, a, entry) })
}

// RevokeCard implements ca.StatusStore.
func (f *FaultyStore) RevokeCard(ctx context.Context, iccsn string, r *ca.Revocation, entry tlog.Entry) (*ca.CardStatus, error) {
	return pass(f, RevokeCard, func() (*ca.CardStatus, error) { return f.inner.RevokeCard(ctx, iccsn, r, entry) })
}

// RevokeCertificate implements ca.StatusStore.
func (f *FaultyStore) RevokeCertificate(ctx context.Context, id ca.CertificateID, r *ca.Revocation, entry tlog.Entry) (*ca.CertificateStatus, error) {
	return pass(f, RevokeCertificate, func() (*ca.CertificateStatus, error) { return f.inner.RevokeCertificate(ctx, id, r, entry) })
}

// CertificateStatus implements ca.StatusReader.
func (f *FaultyStore) CertificateStatus(ctx context.Context, id ca.CertificateID) (*ca.CertificateStatus, error) {
	return pass(f, CertificateStatus, func() (*ca.CertificateStatus, error) { return f.inner.CertificateStatus(ctx, id) })
}

// CertificateStates implements ca.StatusReader.
func (f *FaultyStore) CertificateStates(ctx context.Context, ids []ca.CertificateID) ([]ca.CertificateState, error) {
	return pass(f, CertificateStates, func() ([]ca.CertificateState, error) { return f.inner.CertificateStates(ctx, ids) })
}

// CardStatus implements ca.StatusReader.
func (f *FaultyStore) CardStatus(ctx context.Context, iccsn string) (*ca.CardStatus, error) {
	return pass(f, CardStatus, func() (*ca.CardStatus, error) { return f.inner.CardStatus(ctx, iccsn) })
}

// RevokedCertificates implements ca.StatusReader.
func (f *FaultyStore) RevokedCertificates(ctx context.Context, q ca.RevokedQuery) ([]ca.RevokedCertificate, error) {
	return pass(f, RevokedCertificates, func() ([]ca.RevokedCertificate, error) { return f.inner.RevokedCertificates(ctx, q) })
}

// StatusEpoch implements ca.StatusReader.
func (f *FaultyStore) StatusEpoch(ctx context.Context) (int64, error) {
	return pass(f, StatusEpoch, func() (int64, error) { return f.inner.StatusEpoch(ctx) })
}

// StatusChanges implements ca.StatusReader.
func (f *FaultyStore) StatusChanges(ctx context.Context, after int64, limit int) ([]ca.StatusChange, error) {
	return pass(f, StatusChanges, func() ([]ca.StatusChange, error) { return f.inner.StatusChanges(ctx, after, limit) })
}

// WatchStatus implements ca.StatusReader.
func (f *FaultyStore) WatchStatus(ctx context.Context, changed func()) error {
	return passError(f, WatchStatus, func() error { return f.inner.WatchStatus(ctx, changed) })
}
