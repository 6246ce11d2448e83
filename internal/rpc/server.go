package rpc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
)

// Authority is what the handlers need of ca.Authority.
type Authority interface {
	Plan(ctx context.Context, order *profiles.Order) (*ca.Plan, error)
	Issue(ctx context.Context, actor string, order *profiles.Order) (*ca.Card, error)
	Card(ctx context.Context, iccsn string) (*ca.Card, error)
	CardByOrder(ctx context.Context, orderID string) (*ca.Card, error)
	Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error)
	Issuers() []*profiles.Issuer
}

var _ Authority = (*ca.Authority)(nil)

// Config is what a Server is made of. All fields are mandatory.
type Config struct {
	Authority Authority
	Operators *Operators
	TLS       *tls.Config   // as TLS gives it
	Grace     time.Duration // how long calls under way may take after the end was asked for
	Log       *slog.Logger
}

// Server serves IssuanceService, health and reflection. It is safe for concurrent use.
type Server struct{}

// New makes a server.
func New(cfg Config) (*Server, error) { panic("not written") }

// Run serves on lis until ctx ends, then ends gracefully: it reports NOT_SERVING, takes no new calls, and gives those under way
// Config.Grace to finish before it cancels them. It closes lis. A nil error says that everything ended in order.
func (s *Server) Run(ctx context.Context, lis net.Listener) error { panic("not written") }

// TLS gives the server's side of the connection: TLS 1.3 with the server's certificate, and a client certificate on P-256 that
// chains to clientCAs and is meant for client authentication.
func TLS(server tls.Certificate, clientCAs *x509.CertPool) *tls.Config { panic("not written") }
