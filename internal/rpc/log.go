package rpc

import (
	"context"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// logReading serves LogService. The interceptors have checked the caller and the shape of the request.
type logReading struct {
	siegelv1.UnimplementedLogServiceServer
	log *ca.LogReader
}

// ExportEntries streams an export. It goes at the pace of who reads: a message is made when the one before has left.
func (s *logReading) ExportEntries(req *siegelv1.ExportEntriesRequest, stream grpc.ServerStreamingServer[siegelv1.ExportEntriesResponse]) error {
	ctx := stream.Context()
	export, err := s.log.Export(ctx, ca.ExportQuery{
		Size: req.GetTreeSize(), First: req.GetFirst(), End: req.GetEnd(), Filter: filterFromWire(req.GetFilter()),
		Personal: req.GetPersonal(), Certificates: req.GetCertificates(),
	})
	if err != nil {
		return noCheckpoint(err)
	}
	if err := stream.Send(&siegelv1.ExportEntriesResponse{Head: headToWire(export), Next: req.GetFirst()}); err != nil {
		return err
	}
	for part, err := range export.Parts(ctx) {
		if err != nil {
			return err
		}
		if err := stream.Send(partToWire(part)); err != nil {
			return err
		}
	}
	return nil
}

// GetCheckpoint gives a signed head.
func (s *logReading) GetCheckpoint(ctx context.Context, req *siegelv1.GetCheckpointRequest) (*siegelv1.GetCheckpointResponse, error) {
	head, err := s.log.Checkpoint(ctx, req.GetTreeSize())
	if err != nil {
		return nil, noCheckpoint(err)
	}
	return &siegelv1.GetCheckpointResponse{Checkpoint: string(head.Checkpoint), RecordedAt: timestamppb.New(head.At)}, nil
}

// GetInclusionProof proves that an entry is in the log.
func (s *logReading) GetInclusionProof(ctx context.Context, req *siegelv1.GetInclusionProofRequest) (*siegelv1.GetInclusionProofResponse, error) {
	var ref ca.EntryRef
	switch by := req.GetEntry().(type) {
	case *siegelv1.GetInclusionProofRequest_LeafIndex:
		ref.Leaf = &by.LeafIndex
	case *siegelv1.GetInclusionProofRequest_EntryId:
		ref.ID = by.EntryId
	case *siegelv1.GetInclusionProofRequest_Iccsn:
		ref.ICCSN = by.Iccsn
	case *siegelv1.GetInclusionProofRequest_OrderId:
		ref.OrderID = by.OrderId
	}
	p, err := s.log.ProveInclusion(ctx, ref)
	if err != nil {
		return nil, absent(err, "the log has no such entry, or no checkpoint over it yet")
	}
	return &siegelv1.GetInclusionProofResponse{
		LeafIndex: p.Index, Leaf: p.Leaf, Proof: proofToWire(p.Proof), Checkpoint: string(p.Head.Checkpoint),
	}, nil
}

// GetConsistencyProof proves that the log has only grown.
func (s *logReading) GetConsistencyProof(ctx context.Context, req *siegelv1.GetConsistencyProofRequest) (*siegelv1.GetConsistencyProofResponse, error) {
	p, err := s.log.ProveConsistency(ctx, req.GetOldSize(), req.GetNewSize())
	if err != nil {
		return nil, noCheckpoint(err)
	}
	return &siegelv1.GetConsistencyProofResponse{Proof: proofToWire(p.Proof), Checkpoint: string(p.Head.Checkpoint)}, nil
}

// GetStatistics counts.
func (s *logReading) GetStatistics(ctx context.Context, req *siegelv1.GetStatisticsRequest) (*siegelv1.GetStatisticsResponse, error) {
	stats, head, err := s.log.Statistics(ctx, instantFromWire(req.GetFrom()), instantFromWire(req.GetUntil()))
	if err != nil {
		return nil, noCheckpoint(err)
	}
	answer := &siegelv1.GetStatisticsResponse{Checkpoint: string(head.Checkpoint)}
	for _, c := range stats.Cards() {
		answer.Cards = append(answer.Cards, &siegelv1.CardCount{
			Day: c.Day, Kind: string(c.Kind), CardType: c.CardType, Sector: c.Sector, Count: c.Count})
	}
	for _, c := range stats.Certificates() {
		answer.Certificates = append(answer.Certificates, &siegelv1.CertificateCount{
			Day: c.Day, Kind: string(c.Kind), Sector: c.Sector, Profile: c.Profile, Issuer: c.Issuer, Count: c.Count})
	}
	return answer, nil
}

// noCheckpoint says what ca.ErrNotFound means where a head was asked for.
func noCheckpoint(err error) error {
	return absent(err, "the log has no signed head of this size, or none at all yet")
}

// absent gives ca.ErrNotFound a text of its own. Other errors pass.
func absent(err error, text string) error {
	if !errors.Is(err, ca.ErrNotFound) {
		return err
	}
	return withDetails(codes.NotFound, text, &errdetails.ErrorInfo{Reason: "NOT_FOUND", Domain: errorDomain}).Err()
}

func filterFromWire(w *siegelv1.LogFilter) tlog.Filter {
	f := tlog.Filter{
		From: instantFromWire(w.GetFrom()), Until: instantFromWire(w.GetUntil()), Issuers: w.GetIssuers(), Profiles: w.GetProfiles(),
		CardTypes: w.GetCardTypes(), Sectors: w.GetSectors(), ICCSNs: w.GetIccsns(),
	}
	for _, k := range w.GetKinds() {
		f.Kinds = append(f.Kinds, tlog.Kind(k))
	}
	return f
}

// instantFromWire gives the zero time where there is none.
func instantFromWire(t *timestamppb.Timestamp) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.AsTime()
}

func headToWire(x *ca.Export) *siegelv1.ExportHead {
	head := &siegelv1.ExportHead{
		Checkpoint: string(x.Head.Checkpoint), TreeSize: x.Head.Size, First: x.First, End: x.End, Edge: tilesToWire(x.Edge),
	}
	for _, i := range x.Issuers {
		head.Issuers = append(head.Issuers, issuerToWire(i))
	}
	return head
}

func partToWire(p *ca.ExportPart) *siegelv1.ExportEntriesResponse {
	w := &siegelv1.ExportEntriesResponse{Tiles: tilesToWire(p.Tiles), Next: p.Next}
	for _, l := range p.Leaves {
		w.Leaves = append(w.Leaves, &siegelv1.LogLeaf{
			Index: l.Index, Leaf: l.Leaf, Personal: l.Personal, Salt: l.Salt, Erased: l.Erased, Certificates: l.Certificates})
	}
	return w
}

func tilesToWire(tiles []tlog.Tile) (list []*siegelv1.LogTile) {
	for _, t := range tiles {
		list = append(list, &siegelv1.LogTile{Level: int32(t.Level), Index: t.Index, Hashes: t.Hashes})
	}
	return list
}

func proofToWire(p tlog.Proof) (list [][]byte) {
	for i := range p {
		list = append(list, p[i][:])
	}
	return list
}
