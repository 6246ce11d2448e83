package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// reconnect is how often the connection itself is tried again. gRPC's own pauses grow to two minutes, longer than a call is tried.
var reconnect = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: firstPause, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
	MinConnectTimeout: 5 * time.Second,
}

// client is a connection to siegeld.
type client struct {
	siegelv1.IssuanceServiceClient
	siegelv1.AuthorityServiceClient
	siegelv1.LogServiceClient
	siegelv1.LifecycleServiceClient
	siegelv1.ApprovalServiceClient
	*caller
	conn *grpc.ClientConn
}

// connect prepares a connection with the operator's TLS files. The network is used with the first call.
func connect(g *globals, t *terminal, options ...grpc.DialOption) (*client, error) {
	config, err := g.tls()
	if err != nil {
		return nil, usageError(err)
	}
	options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(config)), grpc.WithConnectParams(reconnect))
	conn, err := grpc.NewClient(g.Server, options...)
	if err != nil {
		return nil, usageError(fmt.Errorf("connect to %s: %w", g.Server, err))
	}
	tries := &caller{timeout: g.Timeout, waiting: t.waiting, distrust: func(ctx context.Context) error {
		return distrust(ctx, g.Server, config)
	}}
	return &client{siegelv1.NewIssuanceServiceClient(conn), siegelv1.NewAuthorityServiceClient(conn), siegelv1.NewLogServiceClient(conn),
		siegelv1.NewLifecycleServiceClient(conn), siegelv1.NewApprovalServiceClient(conn), tries, conn}, nil
}

// distrust makes a TLS connection of its own to find out whether the two sides refuse each other. A server says so with an alert,
// which in TLS 1.3 comes after the client's part of the handshake, in place of the first octet. nil means that the two get on, or
// that there is nobody to ask.
func distrust(ctx context.Context, address string, config *tls.Config) error {
	config = config.Clone()
	config.NextProtos = []string{"h2"}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := (&tls.Dialer{Config: config}).DialContext(ctx, "tcp", address)
	if err == nil {
		defer conn.Close()
		defer context.AfterFunc(ctx, func() { conn.Close() })()
		_, err = conn.Read(make([]byte, 1))
	}
	var server *tls.CertificateVerificationError
	var alert *net.OpError
	var speech tls.RecordHeaderError
	switch {
	case errors.As(err, &server), errors.As(err, &speech):
		return fmt.Errorf("the server's side of TLS is not accepted: %w", err)
	case errors.As(err, &alert) && alert.Op == "remote error":
		return fmt.Errorf("the server does not accept the client certificate: %w", alert.Err)
	}
	return nil
}

// Close ends the connection.
func (c *client) Close() error { return c.conn.Close() }

// tls gives the client's side of the connection: TLS 1.3, the operator's certificate, and the one CA that may certify the server.
func (g *globals) tls() (*tls.Config, error) {
	name := filepath.Base(g.Operator) // an operator is no path
	certFile := orDefault(g.Cert, filepath.Join(g.Data, "tls", name+".pem"))
	keyFile := orDefault(g.Key, filepath.Join(g.Data, "tls", name+".key"))
	caFile := orDefault(g.CA, filepath.Join(g.Data, "tls", "ca.pem"))
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load the TLS certificate and key of the operator (--operator, --data, or --cert and --key): %w", err)
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate of the server's CA (--ca, or --data): %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", caFile)
	}
	return &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, RootCAs: pool}, nil
}

func orDefault(value, otherwise string) string {
	if value != "" {
		return value
	}
	return otherwise
}
