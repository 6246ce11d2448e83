package rpc

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/tls"
	"crypto/x509"
	"errors"
)

// errClientKey ends a handshake. The client sees a TLS alert, the server's log the text.
var errClientKey = errors.New("the client certificate's key is not on P-256")

// TLS gives the server's side of the connection (TIP1-A_3554, TIP1-A_3557): TLS 1.3 with the server's certificate, and a client
// certificate on P-256 that chains to clientCAs, is within its validity and is meant for client authentication. That is the outer
// door; the inner one is the operator file, which pins the certificate itself.
//
// Sessions are not resumed, so that every connection shows a certificate.
func TLS(server tls.Certificate, clientCAs *x509.CertPool) *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS13,
		Certificates:           []tls.Certificate{server},
		ClientAuth:             tls.RequireAndVerifyClientCert,
		ClientCAs:              clientCAs,
		SessionTicketsDisabled: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			key, ok := state.PeerCertificates[0].PublicKey.(*ecdsa.PublicKey)
			if !ok || key.Curve != elliptic.P256() {
				return errClientKey
			}
			return nil
		},
	}
}
