package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// DeskRequest is what the desk knows of a request to change the status of a card.
type DeskRequest struct {
	// Reference leads to the papers: the confirmation that the holder has the card (GS-A_4186), or the request to revoke with whoever
	// made it (GS-A_4226). It is personal data.
	Reference string
	At        time.Time // when the desk accepted it; zero: now. The log keeps it to the millisecond
}

// RevocationRequest is a request to revoke.
type RevocationRequest struct {
	DeskRequest
	Requester string // name in profiles/revocation.yaml
	Reason    string // the same
}

// CardLife is the status of a card with what has none.
type CardLife struct {
	*CardStatus
	CardType, Sector string
	// NotRevocable are the CV certificates of the card: they are used offline and end with their term (gemKPT_PKI_TIP, section 2.9.1).
	NotRevocable []CVCertificate
}

// CVCertificate names a CV certificate on a card.
type CVCertificate struct{ Slot, CHR string }

// CardLife gives the status of a card. The error is ErrNotFound where there is none.
func (a *Authority) CardLife(ctx context.Context, iccsn string) (*CardLife, error) {
	card, err := a.Card(ctx, iccsn)
	if err != nil {
		return nil, err
	}
	status, err := a.store.CardStatus(ctx, iccsn)
	if err != nil {
		return nil, readFailure("read the status of a card", err)
	}
	return lifeOf(card, status), nil
}

// CertificateStatus gives the status of a serial number of an issuer. That there is no such certificate is an answer too.
func (a *Authority) CertificateStatus(ctx context.Context, id CertificateID) (*CertificateStatus, error) {
	status, err := a.store.CertificateStatus(ctx, id)
	if err != nil {
		return nil, storeFailure("read the status of a certificate", err)
	}
	return status, nil
}

func lifeOf(card *Card, status *CardStatus) *CardLife {
	life := &CardLife{CardStatus: status, CardType: card.CardType, Sector: card.Sector}
	for _, c := range card.Certs {
		if c.Format == CVC {
			life.NotRevocable = append(life.NotRevocable, CVCertificate{c.Slot, c.CHR})
		}
	}
	return life
}

// ActivateCard makes an issued card active: OCSP knows its certificates from then on (TIP1-A_3594). It is safe to repeat, and answers then
// with the activation that there is. Errors beside those of errors.go: ErrCardRevoked.
func (a *Authority) ActivateCard(ctx context.Context, actor, iccsn string, desk DeskRequest) (*CardLife, error) {
	now := a.now()
	requestedAt, err := desk.at(now)
	if err != nil {
		return nil, err
	}
	card, err := a.Card(ctx, iccsn)
	if err != nil {
		return nil, err
	}
	entry, err := tlog.NewEntry(tlog.CardActivated, now, actor, tlog.ActivationFacts{ICCSN: iccsn, RequestedAt: tlog.Instant(requestedAt)}, desk.personal())
	if err != nil {
		return nil, err
	}
	status, err := a.store.ActivateCard(ctx, &Activation{ICCSN: iccsn, RequestedAt: requestedAt, At: now, Actor: actor}, entry)
	if err != nil {
		return nil, statusFailure("activate a card", err)
	}
	return lifeOf(card, status), nil
}

// RevokeCard revokes a card with all of its X.509 certificates, for ever, whether or not it was active (GS-A_4724, GS-A_4965). When it
// returns, no server says good any more. It is safe to repeat, and answers then with the revocation that there is. Errors beside those
// of errors.go: ErrRevokedOtherwise.
func (a *Authority) RevokeCard(ctx context.Context, actor, iccsn string, req RevocationRequest) (*CardLife, error) {
	card, err := a.Card(ctx, iccsn)
	if err != nil {
		return nil, err
	}
	r, ground, err := a.revocation(actor, card, req)
	if err != nil {
		return nil, err
	}
	entry, err := cardRevokedEntry(card, r, ground, req.personal())
	if err != nil {
		return nil, err
	}
	status, err := a.store.RevokeCard(ctx, iccsn, r, entry)
	if err != nil {
		return nil, statusFailure("revoke a card", err)
	}
	return lifeOf(card, status), nil
}

// RevokeCertificate revokes one X.509 certificate alone and leaves the card as it is. It is as safe to repeat as RevokeCard and has its
// errors.
func (a *Authority) RevokeCertificate(ctx context.Context, actor string, id CertificateID, req RevocationRequest) (*CertificateStatus, error) {
	before, err := a.CertificateStatus(ctx, id)
	if err != nil {
		return nil, err
	}
	if before.State == NotIssued {
		return nil, fmt.Errorf("certificate of issuer %q: %w", id.Issuer, ErrNotFound)
	}
	card, err := a.Card(ctx, before.ICCSN)
	if err != nil {
		return nil, err
	}
	r, ground, err := a.revocation(actor, card, req)
	if err != nil {
		return nil, err
	}
	entry, err := tlog.NewEntry(tlog.CertificateRevoked, r.At, actor, tlog.CertificateRevocationFacts{
		ICCSN: before.ICCSN, RequestedAt: tlog.Instant(r.RequestedAt), Requester: r.Requester, Reason: r.Reason, Ground: ground,
		Certificate: tlog.RevokedFacts{Slot: before.Slot, Issuer: id.Issuer, Serial: id.Serial.String()},
	}, req.personal())
	if err != nil {
		return nil, err
	}
	status, err := a.store.RevokeCertificate(ctx, id, r, entry)
	if err != nil {
		return nil, statusFailure("revoke a certificate", err)
	}
	return status, nil
}

// CertificateInSlot names the certificate in a slot of a card, for RevokeCertificate. A CV certificate is refused with the rule.
func (a *Authority) CertificateInSlot(ctx context.Context, iccsn, slot string) (CertificateID, error) {
	card, err := a.Card(ctx, iccsn)
	if err != nil {
		return CertificateID{}, err
	}
	switch c := card.inSlot(slot); {
	case c == nil:
		return CertificateID{}, refusal("slot.slot", "NO_SUCH_SLOT", "siegel.v1", "the card has no certificate in that slot")
	case c.Format == CVC:
		return CertificateID{}, refusal("slot.slot", "NOT_REVOCABLE", "gemKPT_PKI_TIP, section 2.9.1",
			"a CV certificate cannot be revoked: it is used offline and ends with its term; to revoke the card keeps it from being renewed")
	default:
		return CertificateID{Issuer: c.Issuer, Serial: c.Serial}, nil
	}
}

// revocation checks who asks for what, and gives the ground on which it may be asked for.
func (a *Authority) revocation(actor string, card *Card, req RevocationRequest) (r *Revocation, ground string, err error) {
	now := a.now()
	requestedAt, err := req.at(now)
	if err != nil {
		return nil, "", err
	}
	if ground, err = a.profiles.CheckRevocation(card.CardType, card.Sector, req.Requester, req.Reason); err != nil {
		return nil, "", err
	}
	return &Revocation{RequestedAt: requestedAt, At: now, Actor: actor, Requester: req.Requester, Reason: req.Reason}, ground, nil
}

// clockDoubt is by how much the clock of a desk may be ahead of ours.
const clockDoubt = time.Minute

// at gives the time of a request for the records.
func (d *DeskRequest) at(now time.Time) (time.Time, error) {
	switch {
	case d.At.IsZero():
		return now, nil
	case d.At.After(now.Add(clockDoubt)):
		return now, refusal("requested_at", "REQUEST_IN_THE_FUTURE", "siegel.v1", "the request was accepted in the future")
	}
	return d.At.UTC().Truncate(time.Millisecond), nil
}

func (d *DeskRequest) personal() any {
	return struct {
		Reference string `json:"reference"`
	}{d.Reference}
}

func refusal(field, rule, citation, message string) *profiles.Refusal {
	return &profiles.Refusal{Violations: []profiles.Violation{{Field: field, Rule: rule, Citation: citation, Message: message}}}
}

// cardRevokedEntry records the revocation of a card that is no part of a bulk revocation.
func cardRevokedEntry(card *Card, r *Revocation, ground string, personal any) (tlog.Entry, error) {
	facts := tlog.CardRevocationFacts{ICCSN: card.ICCSN, RequestedAt: tlog.Instant(r.RequestedAt), Requester: r.Requester, Reason: r.Reason, Ground: ground}
	for _, c := range card.Certs {
		if c.Format == X509 {
			facts.Certificates = append(facts.Certificates, tlog.RevokedFacts{Slot: c.Slot, Issuer: c.Issuer, Serial: c.Serial.String()})
		}
	}
	return tlog.NewEntry(tlog.CardRevoked, r.At, r.Actor, facts, personal)
}

// statusFailure classifies an error of a verb of the StatusStore.
func statusFailure(doing string, err error) error {
	for _, named := range []error{ErrNotFound, ErrCardRevoked, ErrRevokedOtherwise} {
		if errors.Is(err, named) {
			return fmt.Errorf("%s: %w", doing, err)
		}
	}
	return storeFailure(doing, err)
}
