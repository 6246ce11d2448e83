package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// client is a connection to siegeld.
type client struct {
	siegelv1.IssuanceServiceClient
	*caller
	conn *grpc.ClientConn
}

// connect prepares a connection with the operator's TLS files. The network is used with the first call.
func connect(g *globals, t *terminal) (*client, error) {
	config, err := g.tls()
	if err != nil {
		return nil, usageError(err)
	}
	conn, err := grpc.NewClient(g.Server, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	if err != nil {
		return nil, usageError(fmt.Errorf("connect to %s: %w", g.Server, err))
	}
	return &client{siegelv1.NewIssuanceServiceClient(conn), &caller{timeout: g.Timeout, waiting: t.waiting}, conn}, nil
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
