package rpc

import (
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestHandshake lists who does not get past TLS, and the alert that tells them so.
func TestHandshake(t *testing.T) {
	h := start(t, &fakeAuthority{})
	stranger := newTestCA(t)
	good := h.operators["line-1"]
	client := func(cert tls.Certificate) *tls.Config { return &tls.Config{Certificates: []tls.Certificate{cert}} }
	tests := []struct {
		name   string
		config *tls.Config
		alert  string
		logged string // part of the server's log
	}{
		{"no certificate", &tls.Config{}, "certificate required", "didn't provide a certificate"},
		// A client sends no certificate that the server's list of CAs does not fit, unless it is made to.
		{"certificate of another CA", &tls.Config{GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			cert := stranger.certify("line-1", elliptic.P256(), nil)
			return &cert, nil
		}}, "unknown certificate authority", "signed by unknown authority"},
		{"key on P-384", client(h.ca.certify("line-1", elliptic.P384(), nil)), "bad certificate", "the client certificate's key is not on P-256"},
		{"expired", client(h.ca.certify("line-1", elliptic.P256(), func(c *x509.Certificate) {
			c.NotAfter = time.Now().Add(-time.Minute)
		})), "expired certificate", "has expired or is not yet valid"},
		{"not for client authentication", client(h.ca.certify("line-1", elliptic.P256(), func(c *x509.Certificate) {
			c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		})), "bad certificate", "incompatible key usage"},
		{"TLS 1.2", &tls.Config{Certificates: []tls.Certificate{good}, MaxVersion: tls.VersionTLS12}, "protocol version not supported", "unsupported versions"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.config.RootCAs, tt.config.NextProtos = h.ca.pool(), []string{"h2"}
			if err := handshake(h.address, tt.config); err == nil || !strings.Contains(err.Error(), "remote error: tls: "+tt.alert) {
				t.Errorf("handshake = %v, want alert %q", err, tt.alert)
			}
			_, err := siegelv1.NewIssuanceServiceClient(h.dial(tt.config)).ListCards(testContext(t), &siegelv1.ListCardsRequest{})
			if status.Code(err) != codes.Unavailable {
				t.Errorf("ListCards = %v, want UNAVAILABLE", err)
			}
			h.waitForLog(`"msg":"TLS handshake failed","peer":"127.0.0.1:`)
			h.waitForLog(tt.logged)
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

// TestRefusedCertificateIsNamed: without its fingerprint nobody could tell whose it is.
func TestRefusedCertificateIsNamed(t *testing.T) {
	h := start(t, &fakeAuthority{})
	expired := h.ca.certify("line-1", elliptic.P256(), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) })
	config := &tls.Config{RootCAs: h.ca.pool(), NextProtos: []string{"h2"}, Certificates: []tls.Certificate{expired}}
	if err := handshake(h.address, config); err == nil {
		t.Fatal("the handshake succeeds")
	}
	h.waitForLog(`"certificate_sha256":"` + Fingerprint(expired.Certificate[0]) + `"`)
}

// TestSilentConnectionsAreNoWarning connects as a load balancer does.
func TestSilentConnectionsAreNoWarning(t *testing.T) {
	h := start(t, &fakeAuthority{})
	conn, err := net.Dial("tcp", h.address)
	if err != nil {
		t.Fatal(err)
	}
	conn.Close()
	h.stop()
	<-h.ended // after the last handshake
	if log := h.log.String(); strings.Contains(log, "TLS handshake failed") {
		t.Errorf("the log warns:\n%s", log)
	}
}

// TestQuota counts what it holds back and tells with the next event that passes.
func TestQuota(t *testing.T) {
	q := &quota{limit: 2, period: time.Minute}
	begin := time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)
	for i, want := range []struct {
		after time.Duration
		pass  bool
		held  int
	}{{0, true, 0}, {1, true, 0}, {2, false, 0}, {3, false, 0}, {time.Minute + 1, true, 2}, {time.Minute + 2, true, 0}, {time.Minute + 3, false, 0}} {
		if pass, held := q.take(begin.Add(want.after)); pass != want.pass || held != want.held {
			t.Errorf("event %d: take = %v, %d, want %v, %d", i, pass, held, want.pass, want.held)
		}
	}
}

// handshake connects and reads the server's first octet: in TLS 1.3 a client learns only then that it was refused.
func handshake(address string, config *tls.Config) error {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Read(make([]byte, 1))
	return err
}
