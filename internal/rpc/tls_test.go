package rpc

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestHandshake lists who does not get past TLS. gRPC reports it as UNAVAILABLE; no handler and no interceptor is reached.
func TestHandshake(t *testing.T) {
	h := start(t, &fakeAuthority{})
	stranger := newTestCA(t)
	good := h.operators["line-1"]
	tests := []struct {
		name   string
		config *tls.Config
	}{
		{"no certificate", &tls.Config{}},
		{"certificate of another CA", &tls.Config{Certificates: []tls.Certificate{stranger.certify("line-1", elliptic.P256(), nil)}}},
		{"key on P-384", &tls.Config{Certificates: []tls.Certificate{h.ca.certify("line-1", elliptic.P384(), nil)}}},
		{"expired", &tls.Config{Certificates: []tls.Certificate{h.ca.certify("line-1", elliptic.P256(), func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		})}}},
		{"not for client authentication", &tls.Config{Certificates: []tls.Certificate{h.ca.certify("line-1", elliptic.P256(), func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})}}},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.RootCAs = h.ca.pool()
			_, err := siegelv1.NewIssuanceServiceClient(h.dial(tt.config)).ListCards(testContext(t), &siegelv1.ListCardsRequest{})
			if status.Code(err) != codes.Unavailable || !strings.Contains(err.Error(), "tls: ") {
				t.Errorf("ListCards = %v, want UNAVAILABLE from TLS", err)
			}
		})
	}
	if log := h.log.String(); strings.Contains(log, "ListCards") {
		t.Errorf("a call got past the handshake:\n%s", log)
	}
	// The same server serves the good certificate, so that the refusals above say something.
	if _, err := h.line().ListCards(testContext(t), &siegelv1.ListCardsRequest{}); status.Code(err) != codes.Internal {
		t.Errorf("ListCards with the good certificate = %v, want INTERNAL from the fake authority", err)
	}
}
