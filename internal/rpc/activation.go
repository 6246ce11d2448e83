package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// RefusedShare says what is wrong with a share, in words for its owner.
type RefusedShare struct{ Message string }

// Error is the message.
func (e *RefusedShare) Error() string { return e.Message }

// ActivationConfig is what the waiting for shares is made of. All fields are mandatory.
type ActivationConfig struct {
	Operators *Operators
	TLS       *tls.Config // as TLS gives it
	Now       func() time.Time
	Log       *slog.Logger
	// Give takes a share from a person and says how many are missing still. It may be called by several at once. Its error is a
	// *RefusedShare where the person can do something about it.
	Give func(ctx context.Context, person string, share []byte) (missing int, err error)
}

// waiting is why a server that waits for shares does nothing else.
var waiting = &ca.UnavailableError{Err: errors.New("the server waits for the shares of its token's PIN"), RetryAfter: 5 * time.Second}

// ServeActivation serves ActivationService on lis, and says NOT_SERVING to who asks for health, until ctx ends. Any other call is told
// to come again. It closes lis.
func ServeActivation(ctx context.Context, cfg ActivationConfig, lis net.Listener) error {
	s, err := newServer(Config{Operators: cfg.Operators, TLS: cfg.TLS, Grace: time.Second, Now: cfg.Now, Log: cfg.Log,
		Ready: func(context.Context) error { return waiting }},
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return statusOf(waiting, "").Err() }))
	if err != nil {
		return err
	}
	services := guarded{s}
	siegelv1.RegisterActivationServiceServer(services, &activation{give: cfg.Give})
	healthpb.RegisterHealthServer(services, s.health)
	s.reportHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	reflection.Register(services)
	return s.Run(ctx, lis)
}

// activation serves ActivationService.
type activation struct {
	siegelv1.UnimplementedActivationServiceServer
	give func(ctx context.Context, person string, share []byte) (int, error) // nil once the token is open
}

// GiveShare is the method of that name.
func (a *activation) GiveShare(ctx context.Context, req *siegelv1.GiveShareRequest) (*siegelv1.GiveShareResponse, error) {
	if a.give == nil {
		return &siegelv1.GiveShareResponse{}, nil // perhaps the answer to the second share was lost
	}
	share := []byte(req.GetShare())
	defer clear(share)
	missing, err := a.give(ctx, callOf(ctx).operator.person(), share)
	if refused, ok := errors.AsType[*RefusedShare](err); ok {
		return nil, withDetails(codes.InvalidArgument, refused.Message, &errdetails.ErrorInfo{Reason: "SHARE_REFUSED", Domain: errorDomain}).Err()
	}
	if err != nil {
		return nil, fmt.Errorf("take a share: %w", err)
	}
	return &siegelv1.GiveShareResponse{Missing: int32(missing)}, nil
}
