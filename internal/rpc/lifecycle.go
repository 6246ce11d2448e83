package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// Lifecycle is what the handlers of LifecycleService need of ca.Authority.
type Lifecycle interface {
	CardLife(ctx context.Context, iccsn string) (*ca.CardLife, error)
	ActivateCard(ctx context.Context, actor, iccsn string, desk ca.DeskRequest) (*ca.CardLife, error)
	RevokeCard(ctx context.Context, actor, iccsn string, req ca.RevocationRequest) (*ca.CardLife, error)
	RevokeCertificate(ctx context.Context, actor string, id ca.CertificateID, req ca.RevocationRequest) (*ca.CertificateStatus, error)
	CertificateInSlot(ctx context.Context, iccsn, slot string) (ca.CertificateID, error)
	Bulks
}

var _ Lifecycle = (*ca.Authority)(nil)

// lifecycle serves LifecycleService. The interceptors have checked the caller and the shape of the request.
type lifecycle struct {
	siegelv1.UnimplementedLifecycleServiceServer
	cards Lifecycle
}

// GetCardStatus says how far a card is.
func (s *lifecycle) GetCardStatus(ctx context.Context, req *siegelv1.GetCardStatusRequest) (*siegelv1.GetCardStatusResponse, error) {
	life, err := s.cards.CardLife(ctx, req.GetIccsn())
	if err != nil {
		return nil, err
	}
	return &siegelv1.GetCardStatusResponse{Status: lifeToWire(life)}, nil
}

// ActivateCard makes a card active.
func (s *lifecycle) ActivateCard(ctx context.Context, req *siegelv1.ActivateCardRequest) (*siegelv1.ActivateCardResponse, error) {
	desk := ca.DeskRequest{Reference: req.GetReference(), At: timeFromWire(req.GetRequestedAt())}
	life, err := s.cards.ActivateCard(ctx, callOf(ctx).operator.Name, req.GetIccsn(), desk)
	if err != nil {
		return nil, err
	}
	return &siegelv1.ActivateCardResponse{Status: lifeToWire(life)}, nil
}

// RevokeCard revokes a card.
func (s *lifecycle) RevokeCard(ctx context.Context, req *siegelv1.RevokeCardRequest) (*siegelv1.RevokeCardResponse, error) {
	life, err := s.cards.RevokeCard(ctx, callOf(ctx).operator.Name, req.GetIccsn(), requestFromWire(req))
	if err != nil {
		return nil, err
	}
	return &siegelv1.RevokeCardResponse{Status: lifeToWire(life)}, nil
}

// RevokeCertificate revokes one certificate.
func (s *lifecycle) RevokeCertificate(ctx context.Context, req *siegelv1.RevokeCertificateRequest) (*siegelv1.RevokeCertificateResponse, error) {
	id, err := s.certificate(ctx, req)
	if err != nil {
		return nil, err
	}
	status, err := s.cards.RevokeCertificate(ctx, callOf(ctx).operator.Name, id, requestFromWire(req))
	if err != nil {
		return nil, err
	}
	return &siegelv1.RevokeCertificateResponse{Status: certificateStatusToWire(status)}, nil
}

func (s *lifecycle) certificate(ctx context.Context, req *siegelv1.RevokeCertificateRequest) (ca.CertificateID, error) {
	if slot := req.GetSlot(); slot != nil {
		return s.cards.CertificateInSlot(ctx, slot.GetIccsn(), slot.GetSlot())
	}
	id, err := ca.ParseCertificateID(req.GetSerial().GetIssuer(), req.GetSerial().GetSerial())
	if err != nil {
		return id, &profiles.Refusal{Violations: []profiles.Violation{shapeViolation("serial.serial", "SERIAL_NUMBER", err.Error())}}
	}
	return id, nil
}

// revocationRequest is what requests to revoke have in common.
type revocationRequest interface {
	GetRequester() string
	GetReason() string
	GetReference() string
	GetRequestedAt() *timestamppb.Timestamp
}

func requestFromWire(r revocationRequest) ca.RevocationRequest {
	return ca.RevocationRequest{
		DeskRequest: ca.DeskRequest{Reference: r.GetReference(), At: timeFromWire(r.GetRequestedAt())},
		Requester:   r.GetRequester(), Reason: r.GetReason(),
	}
}

// timeFromWire gives the zero time where there is none.
func timeFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func lifeToWire(life *ca.CardLife) *siegelv1.CardStatus {
	s := &siegelv1.CardStatus{Iccsn: life.ICCSN, CardType: life.CardType, Sector: life.Sector, State: stateToWire(life.State), Revocation: revocationToWire(life.Revocation)}
	if a := life.Activation; a != nil {
		s.Activation = changeToWire(a.RequestedAt, a.At, a.Actor)
	}
	for i := range life.Certificates {
		s.Certificates = append(s.Certificates, certificateStatusToWire(&life.Certificates[i]))
	}
	for _, c := range life.NotRevocable {
		s.NotRevocable = append(s.NotRevocable, &siegelv1.NotRevocable{Slot: c.Slot, Chr: c.CHR})
	}
	return s
}

func certificateStatusToWire(c *ca.CertificateStatus) *siegelv1.CertificateStatus {
	return &siegelv1.CertificateStatus{Slot: c.Slot, Issuer: c.Issuer, Serial: c.Serial.String(), State: stateToWire(c.State),
		Revocation: revocationToWire(c.Revocation), Alone: c.Alone, NotAfter: timestamppb.New(c.NotAfter)}
}

func revocationToWire(r *ca.Revocation) *siegelv1.Revocation {
	if r == nil {
		return nil
	}
	return &siegelv1.Revocation{Change: changeToWire(r.RequestedAt, r.At, r.Actor), Requester: r.Requester, Reason: r.Reason}
}

func changeToWire(requestedAt, at time.Time, operator string) *siegelv1.StatusChange {
	return &siegelv1.StatusChange{RequestedAt: timestamppb.New(requestedAt), EffectiveAt: timestamppb.New(at), Operator: operator}
}

func stateToWire(s ca.State) siegelv1.CardState {
	switch s {
	case ca.Issued:
		return siegelv1.CardState_CARD_STATE_ISSUED
	case ca.Active:
		return siegelv1.CardState_CARD_STATE_ACTIVE
	case ca.Revoked:
		return siegelv1.CardState_CARD_STATE_REVOKED
	}
	return siegelv1.CardState_CARD_STATE_UNSPECIFIED
}
