package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// CRLs makes CRLs on demand: a *ca.CRLs.
type CRLs interface {
	Generate(ctx context.Context, actor, issuer string) (*ca.PublishedCRL, error)
}

var _ CRLs = (*ca.CRLs)(nil)

// GenerateCRL makes the next CRL of an issuer.
func (s *authority) GenerateCRL(ctx context.Context, req *siegelv1.GenerateCRLRequest) (*siegelv1.GenerateCRLResponse, error) {
	if s.crls == nil {
		return s.UnimplementedAuthorityServiceServer.GenerateCRL(ctx, req)
	}
	crl, err := s.crls.Generate(ctx, callOf(ctx).operator.Name, req.GetIssuer())
	if err != nil {
		return nil, err
	}
	return &siegelv1.GenerateCRLResponse{
		Number: crl.Number, ThisUpdate: timestamppb.New(crl.ThisUpdate), NextUpdate: timestamppb.New(crl.NextUpdate), Entries: int64(crl.Entries),
		Size: crl.Size, Sha256: crl.SHA256[:],
	}, nil
}
