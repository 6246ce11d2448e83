package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// tlsYears is the term of the TLS certificates of server and operators.
const tlsYears = 1

// tlsAuthority signs the TLS certificates of a test hierarchy. Its key lives only while the ceremony runs, so that nobody
// can add an operator afterwards: a new one needs a line in the operator file in any case.
type tlsAuthority struct {
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	now  time.Time
}

// newTLSAuthority makes the authority and writes its certificate to ca.pem in dir.
func newTLSAuthority(dir string, now time.Time) (*tlsAuthority, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of TLS certificates: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the key of the TLS authority: %w", err)
	}
	template := tlsTemplate("Siegel operators TEST-ONLY", now)
	template.IsCA, template.BasicConstraintsValid, template.MaxPathLenZero = true, true, true
	template.KeyUsage = x509.KeyUsageCertSign
	a := &tlsAuthority{dir: dir, key: key, now: now, cert: template}
	if a.cert, err = a.sign(template, &key.PublicKey); err != nil {
		return nil, err
	}
	return a, a.write("ca.pem", "CERTIFICATE", a.cert.Raw, 0o644)
}

// server writes server.pem and server.key for a server on the loopback addresses.
func (a *tlsAuthority) server() error {
	template := tlsTemplate("siegeld TEST-ONLY", a.now)
	template.DNSNames = []string{"localhost"}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	_, err := a.issue("server", template)
	return err
}

// operator writes <name>.pem and <name>.key and gives the SHA-256 of the certificate in hex, by which the operator file knows it.
func (a *tlsAuthority) operator(name string) (string, error) {
	template := tlsTemplate(name, a.now)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	cert, err := a.issue(name, template)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(cert.Raw)
	return hex.EncodeToString(sum[:]), nil
}

func (a *tlsAuthority) issue(file string, template *x509.Certificate) (*x509.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the TLS key of %s: %w", file, err)
	}
	template.KeyUsage = x509.KeyUsageDigitalSignature
	cert, err := a.sign(template, &key.PublicKey)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode the TLS key of %s: %w", file, err)
	}
	if err := a.write(file+".key", "PRIVATE KEY", der, 0o600); err != nil {
		return nil, err
	}
	return cert, a.write(file+".pem", "CERTIFICATE", cert.Raw, 0o644)
}

func (a *tlsAuthority) sign(template *x509.Certificate, pub *ecdsa.PublicKey) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, pub, a.key)
	if err != nil {
		return nil, fmt.Errorf("sign the TLS certificate of %s: %w", template.Subject.CommonName, err)
	}
	return x509.ParseCertificate(der)
}

func (a *tlsAuthority) write(name, kind string, der []byte, mode os.FileMode) error {
	err := os.WriteFile(filepath.Join(a.dir, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
	if err != nil {
		return fmt.Errorf("write TLS material: %w", err)
	}
	return nil
}

func tlsTemplate(name string, now time.Time) *x509.Certificate {
	serial := make([]byte, serialOctets)
	rand.Read(serial) // never fails: crypto/rand ends the program instead
	serial[0] = serial[0]&0x3f | 0x40
	return &x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      pkix.Name{Country: []string{"DE"}, Organization: []string{"Siegel NOT-VALID"}, CommonName: name},
		NotBefore:    now.Add(-time.Minute), // clocks of clients may be a little slow
		NotAfter:     now.AddDate(tlsYears, 0, 0),
	}
}
