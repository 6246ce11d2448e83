package rig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

// Dial connects to a server as one of the operators of the test hierarchy, for example "line-1".
func (r *Rig) Dial(s *Server, operator string, opts ...grpc.DialOption) (*grpc.ClientConn, error) {
	dir := filepath.Join(r.Data, "tls")
	cert, err := tls.LoadX509KeyPair(filepath.Join(dir, operator+".pem"), filepath.Join(dir, operator+".key"))
	if err != nil {
		return nil, fmt.Errorf("load the TLS material of %s: %w", operator, err)
	}
	ca, err := os.ReadFile(filepath.Join(dir, "ca.pem"))
	if err != nil {
		return nil, fmt.Errorf("load the TLS authority: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("the TLS authority's file holds no certificate")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{cert}, RootCAs: pool}
	return grpc.NewClient(s.Addr, append(opts, grpc.WithTransportCredentials(credentials.NewTLS(config)))...)
}
