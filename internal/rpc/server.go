package rpc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"buf.build/go/protovalidate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The limits of a connection.
const (
	// maxRequest bounds a request, in octets. An order of 32 keys in PKCS#10 form, each as long as it may be, has 270 kB.
	maxRequest = 512 << 10
	// maxHeader bounds the headers of a request, in octets.
	maxHeader = 16 << 10
	// maxCalls bounds the calls under way on one connection; more wait in the client.
	maxCalls = 1024
	// handshakeTime bounds the TLS and HTTP/2 handshakes.
	handshakeTime = 10 * time.Second
)

// A line may be silent for hours. The server asks after a minute whether it still lives, and takes it as a fault when a client
// asks more often than every 20 seconds. After an hour, give or take a tenth, a connection takes no new calls: the client makes
// another one, by itself, and shows its certificate anew. Calls under way then have five minutes more; a stream that would be longer
// is cut and must be one that can be resumed.
var (
	aliveServer = keepalive.ServerParameters{
		Time: time.Minute, Timeout: 20 * time.Second,
		MaxConnectionAge: time.Hour, MaxConnectionAgeGrace: 5 * time.Minute,
	}
	aliveClient = keepalive.EnforcementPolicy{MinTime: 20 * time.Second, PermitWithoutStream: true}
)

// Config is what a Server is made of. All fields are mandatory unless they say otherwise.
type Config struct {
	Authority Authority
	Lifecycle Lifecycle
	Inclusion Log // of the issuances
	LogReader *ca.LogReader
	CRLs      CRLs // nil where the server makes none: GenerateCRL is unimplemented then
	Operators *Operators
	TLS       *tls.Config // as TLS gives it
	Limits    Limits
	Grace     time.Duration    // how long calls under way may take after the end was asked for
	Now       func() time.Time // a trusted clock, for the terms of client certificates
	// Ready tells why the server cannot do its work now, nil where it can. It is asked every second, with a context that ends when
	// the answer comes too late, and must not use a key. Health follows it.
	Ready func(context.Context) error
	// Ended hears of each call that has ended: its full method name, its code, and how long it took. Optional.
	Ended func(method, code string, took time.Duration)
	Log   *slog.Logger
}

// Server serves IssuanceService, AuthorityService, ApprovalService, LogService, health and reflection. It runs once.
type Server struct {
	operators atomic.Pointer[Operators]
	validator protovalidate.Validator
	log       *slog.Logger
	grace     time.Duration
	now       func() time.Time
	ready     func(context.Context) error
	ended     func(method, code string, took time.Duration)
	grpc      *grpc.Server
	health    *health.Server

	readyPeriod time.Duration

	ending context.Context // done once the server was asked to end
	end    context.CancelFunc
}

// New makes a server. It reads and opens nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Authority == nil || cfg.Lifecycle == nil || cfg.Inclusion == nil || cfg.LogReader == nil || cfg.Operators == nil || cfg.TLS == nil || !cfg.Limits.good() || cfg.Grace <= 0 || cfg.Now == nil || cfg.Ready == nil || cfg.Log == nil {
		return nil, errors.New("rpc: a field of the configuration is not set")
	}
	s, err := newServer(cfg)
	if err != nil {
		return nil, err
	}
	services := guarded{s} // never s.grpc itself: its calls would go unchecked
	siegelv1.RegisterIssuanceServiceServer(services, &issuance{authority: cfg.Authority, log: cfg.Inclusion, queue: newQueue(cfg.Limits), observe: s.observe})
	siegelv1.RegisterAuthorityServiceServer(services, &authority{authority: cfg.Authority, crls: cfg.CRLs})
	siegelv1.RegisterApprovalServiceServer(services, &approval{authority: cfg.Authority})
	siegelv1.RegisterLogServiceServer(services, &logReading{log: cfg.LogReader})
	siegelv1.RegisterLifecycleServiceServer(services, &lifecycle{cards: cfg.Lifecycle})
	siegelv1.RegisterActivationServiceServer(services, &activation{}) // the token is open
	healthpb.RegisterHealthServer(services, s.health)
	s.reportHealth(healthpb.HealthCheckResponse_NOT_SERVING) // until Run has asked
	reflection.Register(services)
	return s, nil
}

// newServer makes a server without services.
func newServer(cfg Config, more ...grpc.ServerOption) (*Server, error) {
	validator, err := protovalidate.New(protovalidate.WithMessages(
		&siegelv1.PlanCardRequest{}, &siegelv1.IssueCardRequest{}, &siegelv1.IssueCardsRequest{}, &siegelv1.GetCardRequest{}, &siegelv1.ListCardsRequest{},
		&siegelv1.ReviewPolicyRequest{}, &siegelv1.OpenKeySessionRequest{}, &siegelv1.CloseKeySessionRequest{}, &siegelv1.ListKeySessionsRequest{},
		&siegelv1.ImportIssuerRequest{}, &siegelv1.RetireIssuerRequest{}, &siegelv1.GrantLegacyExceptionRequest{}, &siegelv1.GenerateCRLRequest{},
		&siegelv1.ListApprovalsRequest{}, &siegelv1.GetApprovalRequest{}, &siegelv1.ApproveRequest{}, &siegelv1.RejectRequest{},
		&siegelv1.ExportEntriesRequest{}, &siegelv1.GetCheckpointRequest{},
		&siegelv1.GetInclusionProofRequest{}, &siegelv1.GetConsistencyProofRequest{}, &siegelv1.GetStatisticsRequest{},
		&siegelv1.GetCardStatusRequest{}, &siegelv1.ActivateCardRequest{}, &siegelv1.RevokeCardRequest{}, &siegelv1.RevokeCertificateRequest{},
		&siegelv1.GiveShareRequest{},
		&siegelv1.PlanBulkRevocationRequest{}, &siegelv1.StartBulkRevocationRequest{}, &siegelv1.PauseBulkRevocationRequest{},
		&siegelv1.ResumeBulkRevocationRequest{}, &siegelv1.GetBulkRevocationRequest{}))
	if err != nil {
		return nil, fmt.Errorf("compile the field rules of the API: %w", err)
	}
	s := &Server{validator: validator, log: cfg.Log, grace: cfg.Grace, now: cfg.Now, ready: cfg.Ready, ended: cfg.Ended,
		health: health.NewServer(), readyPeriod: readyPeriod}
	s.operators.Store(cfg.Operators)
	if s.ended == nil {
		s.ended = func(string, string, time.Duration) {}
	}
	s.ending, s.end = context.WithCancel(context.Background())
	s.grpc = grpc.NewServer(append([]grpc.ServerOption{
		grpc.Creds(newHandshakes(cfg.TLS, cfg.Log)),
		grpc.ForceServerCodecV2(newLateCodec()),
		grpc.MaxRecvMsgSize(maxRequest),
		grpc.MaxHeaderListSize(maxHeader),
		grpc.MaxConcurrentStreams(maxCalls),
		grpc.ConnectionTimeout(handshakeTime),
		grpc.KeepaliveParams(aliveServer),
		grpc.KeepaliveEnforcementPolicy(aliveClient),
		grpc.WaitForHandlers(true), // Run returns only after the last handler
	}, more...)...)
	return s, nil
}

// SetOperators replaces the operators. It holds for every call that begins afterwards, and for every message of a stream.
func (s *Server) SetOperators(operators *Operators) { s.operators.Store(operators) }

// Run serves on lis, and reports what Config.Ready says, until ctx ends, then ends gracefully: it reports NOT_SERVING, takes no new calls, and gives those under way
// Config.Grace to finish before it cancels them. It closes lis and returns after the last handler. A nil error says that it ended
// because ctx did.
func (s *Server) Run(ctx context.Context, lis net.Listener) error {
	defer s.end()
	var followers sync.WaitGroup
	defer followers.Wait()
	followers.Go(func() { s.followReadiness(s.ending) })
	served := make(chan error, 1)
	go func() { served <- s.grpc.Serve(lis) }()
	select {
	case err := <-served:
		s.grpc.Stop()
		return fmt.Errorf("serve gRPC on %s: %w", lis.Addr(), err)
	case <-ctx.Done():
	}
	s.health.Shutdown()
	s.end()
	s.stop()
	return <-served
}

// stop waits for the calls under way, and cancels them where they outlast the grace.
func (s *Server) stop() {
	tooLong := time.AfterFunc(s.grace, func() {
		s.log.Warn("calls under way outlast the grace and are cancelled", "grace", s.grace)
		s.grpc.Stop()
	})
	defer tooLong.Stop()
	s.grpc.GracefulStop()
}
