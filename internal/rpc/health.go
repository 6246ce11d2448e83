package rpc

import (
	"context"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// How often the server asks whether it is ready, and how long the answer may take: a part that does not answer is not ready.
const (
	readyPeriod = time.Second
	readyTime   = 5 * time.Second
)

// healthNames are the services whose health can be asked for; the empty name is the server's as a whole.
var healthNames = []string{"", siegelv1.IssuanceService_ServiceDesc.ServiceName, siegelv1.AuthorityService_ServiceDesc.ServiceName,
	siegelv1.ApprovalService_ServiceDesc.ServiceName,
	siegelv1.LogService_ServiceDesc.ServiceName, siegelv1.LifecycleService_ServiceDesc.ServiceName}

// reportHealth sets the health of all services.
func (s *Server) reportHealth(status healthpb.HealthCheckResponse_ServingStatus) {
	for _, name := range healthNames {
		s.health.SetServingStatus(name, status)
	}
}

// followReadiness keeps the health that the server reports at what Config.Ready says, until ctx ends. Every change is logged.
func (s *Server) followReadiness(ctx context.Context) {
	tick := time.NewTicker(s.readyPeriod)
	defer tick.Stop()
	for was := s.checkReadiness(ctx, nil); ; was = s.checkReadiness(ctx, was) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// checkReadiness asks once, reports, and logs where the answer differs from the one before. A nil one says that there was none.
func (s *Server) checkReadiness(ctx context.Context, was *bool) *bool {
	ask, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	err := s.ready(ask)
	if ctx.Err() != nil {
		return was // the server ends and says so itself
	}
	is := err == nil
	if is {
		s.reportHealth(healthpb.HealthCheckResponse_SERVING)
	} else {
		s.reportHealth(healthpb.HealthCheckResponse_NOT_SERVING)
	}
	switch {
	case !is && (was == nil || *was):
		s.log.Error("the server is not ready", "cause", err.Error())
	case is && was != nil && !*was:
		s.log.Info("the server is ready again")
	}
	return &is
}
