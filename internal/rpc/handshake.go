package rpc

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

// Refused handshakes are a stranger's to cause, as many as he likes: the log takes so many of them in such a time.
const (
	refusalsLogged = 30
	refusalsPeriod = time.Minute
)

// loggedHandshakes are the server's TLS credentials, which log every handshake that fails. gRPC tells nobody.
type loggedHandshakes struct {
	credentials.TransportCredentials
	log   *slog.Logger
	quota *quota
}

func newHandshakes(config *tls.Config, log *slog.Logger) *loggedHandshakes {
	return &loggedHandshakes{credentials.NewTLS(config), log, &quota{limit: refusalsLogged, period: refusalsPeriod}}
}

// ServerHandshake makes a handshake. A connection that ends before it says anything is not logged as a warning: load balancers and
// port scanners do that all day.
func (h *loggedHandshakes) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	secured, info, err := h.TransportCredentials.ServerHandshake(conn)
	if err == nil {
		return secured, info, nil
	}
	if errors.Is(err, io.EOF) {
		h.log.Debug("connection ended before its TLS handshake", "peer", conn.RemoteAddr().String())
		return nil, nil, err
	}
	if pass, left := h.quota.take(time.Now()); pass {
		attrs := []any{"peer", conn.RemoteAddr().String(), "cause", err.Error()}
		var refused *tls.CertificateVerificationError
		if errors.As(err, &refused) && len(refused.UnverifiedCertificates) > 0 {
			attrs = append(attrs, "certificate_sha256", Fingerprint(refused.UnverifiedCertificates[0].Raw))
		}
		if left > 0 {
			attrs = append(attrs, "not_logged_before", left)
		}
		h.log.Warn("TLS handshake failed", attrs...)
	}
	return nil, nil, err
}

// Clone gives a copy that shares log and quota.
func (h *loggedHandshakes) Clone() credentials.TransportCredentials {
	return &loggedHandshakes{h.TransportCredentials.Clone(), h.log, h.quota}
}

// quota lets so many events pass in each period. It is safe for concurrent use.
type quota struct {
	limit  int
	period time.Duration

	mu    sync.Mutex
	ends  time.Time // of the period
	taken int       // in it
	held  int       // events that did not pass and that nobody was told of
}

// take tells whether an event passes, and how many were held back since the last that did.
func (q *quota) take(now time.Time) (pass bool, held int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if now.After(q.ends) {
		q.ends, q.taken = now.Add(q.period), 0
	}
	if q.taken == q.limit {
		q.held++
		return false, 0
	}
	q.taken++
	held, q.held = q.held, 0
	return true, held
}
