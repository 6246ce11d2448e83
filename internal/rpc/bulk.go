package rpc

import (
	"context"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// Bulks is what the handlers of bulk revocations need of ca.Authority.
type Bulks interface {
	PlanBulk(ctx context.Context, actor string, id ca.BulkID, selection ca.CardSelection, req ca.RevocationRequest) (*ca.Bulk, error)
	RequestBulk(ctx context.Context, who ca.Actor, id ca.ApprovalID, bulk ca.BulkID, list [32]byte, reason string) (*ca.Approval, error)
	HoldBulk(ctx context.Context, actor string, id ca.BulkID, hold bool) (*ca.Bulk, error)
	Bulk(ctx context.Context, id ca.BulkID) (*ca.Bulk, error)
	BulkCards(ctx context.Context, id ca.BulkID, from, limit int) ([]ca.BulkCard, error)
}

// PlanBulkRevocation fixes a list.
func (s *lifecycle) PlanBulkRevocation(ctx context.Context, req *siegelv1.PlanBulkRevocationRequest) (*siegelv1.PlanBulkRevocationResponse, error) {
	bulk, err := s.cards.PlanBulk(ctx, callOf(ctx).operator.Name, ca.BulkID(req.GetBulkId()), selectionFromWire(req.GetSelection()), requestFromWire(req))
	if err != nil {
		return nil, err
	}
	return &siegelv1.PlanBulkRevocationResponse{Bulk: bulkToWire(bulk)}, nil
}

// StartBulkRevocation asks for the approval of a plan.
func (s *lifecycle) StartBulkRevocation(ctx context.Context, req *siegelv1.StartBulkRevocationRequest) (*siegelv1.StartBulkRevocationResponse, error) {
	approval, err := s.cards.RequestBulk(ctx, actorOf(ctx), ca.ApprovalID(req.GetRequestId()), ca.BulkID(req.GetBulkId()), [32]byte(req.GetListSha256()), req.GetReason())
	if err != nil {
		return nil, err
	}
	return &siegelv1.StartBulkRevocationResponse{Request: approvalToWire(approval)}, nil
}

// PauseBulkRevocation stops the work.
func (s *lifecycle) PauseBulkRevocation(ctx context.Context, req *siegelv1.PauseBulkRevocationRequest) (*siegelv1.PauseBulkRevocationResponse, error) {
	bulk, err := s.cards.HoldBulk(ctx, callOf(ctx).operator.Name, ca.BulkID(req.GetBulkId()), true)
	if err != nil {
		return nil, err
	}
	return &siegelv1.PauseBulkRevocationResponse{Bulk: bulkToWire(bulk)}, nil
}

// ResumeBulkRevocation lets it go on.
func (s *lifecycle) ResumeBulkRevocation(ctx context.Context, req *siegelv1.ResumeBulkRevocationRequest) (*siegelv1.ResumeBulkRevocationResponse, error) {
	bulk, err := s.cards.HoldBulk(ctx, callOf(ctx).operator.Name, ca.BulkID(req.GetBulkId()), false)
	if err != nil {
		return nil, err
	}
	return &siegelv1.ResumeBulkRevocationResponse{Bulk: bulkToWire(bulk)}, nil
}

// GetBulkRevocation says how far it is.
func (s *lifecycle) GetBulkRevocation(ctx context.Context, req *siegelv1.GetBulkRevocationRequest) (*siegelv1.GetBulkRevocationResponse, error) {
	bulk, err := s.cards.Bulk(ctx, ca.BulkID(req.GetBulkId()))
	if err != nil {
		return nil, err
	}
	answer := &siegelv1.GetBulkRevocationResponse{Bulk: bulkToWire(bulk)}
	if req.GetPageSize() == 0 {
		return answer, nil
	}
	cards, err := s.cards.BulkCards(ctx, bulk.ID, int(req.GetFrom()), int(req.GetPageSize()))
	if err != nil {
		return nil, err
	}
	for _, c := range cards {
		answer.Cards = append(answer.Cards, &siegelv1.BulkCard{Iccsn: c.ICCSN, Revoked: c.Revoked})
	}
	return answer, nil
}

func selectionFromWire(s *siegelv1.CardSelection) ca.CardSelection {
	return ca.CardSelection{ICCSNFrom: s.GetIccsnFrom(), ICCSNUntil: s.GetIccsnUntil(), CardType: s.GetCardType(), Sector: s.GetSector(), Issuer: s.GetIssuer(),
		IssuedFrom: timeFromWire(s.GetIssuedFrom()), IssuedUntil: timeFromWire(s.GetIssuedUntil()), ICCSNs: s.GetIccsns()}
}

var bulkStates = map[ca.BulkState]siegelv1.BulkState{
	ca.BulkPlanned: siegelv1.BulkState_BULK_STATE_PLANNED, ca.BulkRunning: siegelv1.BulkState_BULK_STATE_RUNNING,
	ca.BulkPaused: siegelv1.BulkState_BULK_STATE_PAUSED, ca.BulkEnded: siegelv1.BulkState_BULK_STATE_ENDED,
}

func bulkToWire(b *ca.Bulk) *siegelv1.BulkRevocation {
	return &siegelv1.BulkRevocation{BulkId: string(b.ID), State: bulkStates[b.State], Cards: int64(b.Cards), ListSha256: b.ListSHA256[:],
		Requester: b.Requester, Reason: b.Reason, RequestedAt: timestamppb.New(b.RequestedAt), PlannedBy: b.PlannedBy, PlannedAt: timestamppb.New(b.PlannedAt),
		StartedBy: b.StartedBy, StartedAt: timeToWire(b.StartedAt), EndedAt: timeToWire(b.EndedAt), Done: int64(b.Done), Revoked: int64(b.Revoked)}
}
