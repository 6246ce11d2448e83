package main

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	stdpkix "crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// prepare makes a data directory as the ceremony leaves it, but for the token itself.
func prepare(t *testing.T) string {
	t.Helper()
	data := t.TempDir()
	saveHierarchy(t, data, func(*hierarchy.Hierarchy) {})
	cert, key := selfSigned(t)
	for _, name := range []string{"tls/ca.pem", "tls/server.pem"} {
		writeFile(t, data, name, cert)
	}
	writeFile(t, data, "tls/server.key", key)
	writeFile(t, data, "operators.yaml", "operators:\n- name: line-1\n  roles: [personalization]\n  certificate_sha256: "+strings.Repeat("a1", 32)+"\n")
	writeFile(t, data, "token/uri", "pkcs11:token=siegel?module-path=/nowhere/module.so\n")
	writeFile(t, data, "token/pin", "1234")
	return data
}

// saveHierarchy writes a hierarchy of two real certificates with one thing changed.
func saveHierarchy(t *testing.T, data string, change func(*hierarchy.Hierarchy)) {
	t.Helper()
	h := hierarchy.Hierarchy{Environment: profiles.Test, TSPID: "99", Log: hierarchy.LogKey{Name: "log", KeyID: []byte{9}},
		Issuers: []hierarchy.Issuer{issuer(t, "GEM.RCA8", profiles.RootCA, "GEM.RCA8", nil), issuer(t, "GEM.SMCB-CA57", profiles.SMCBCA, "GEM.RCA8", []byte{1})}}
	change(&h)
	dir := filepath.Join(data, "hierarchy")
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := h.Save(dir); err != nil {
		t.Fatal(err)
	}
}

func issuer(t *testing.T, name string, kind profiles.IssuerKind, above string, keyID []byte) hierarchy.Issuer {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pkix.ParseCertificates(text)
	if err != nil {
		t.Fatal(err)
	}
	return hierarchy.Issuer{KeyID: keyID, Issuer: profiles.Issuer{Name: name, Kind: kind, KeyType: sigalg.E256, X509: certs[0], IssuedBy: above}}
}

func selfSigned(t *testing.T) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: stdpkix.Name{CommonName: "server"}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(label string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	return encode("CERTIFICATE", der), encode("PRIVATE KEY", pkcs8)
}

func configOf(t *testing.T, data string) config {
	t.Helper()
	cfg, err := loadConfig("", overrides{data: data, listen: "127.0.0.1:0", http: "127.0.0.1:0", tiles: off, metrics: off})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func TestInputsOfAPreparedDirectory(t *testing.T) {
	in, err := loadInputs(configOf(t, prepare(t)))
	if err != nil {
		t.Fatal(err)
	}
	if len(in.hierarchy.Issuers) != 2 || in.operators.Len() != 1 || in.tokenURI != "pkcs11:token=siegel?module-path=/nowhere/module.so" || len(in.hash) != 32 {
		t.Errorf("inputs = %+v", in)
	}
}

// TestHashFollowsWhatCounts: operators and settings, not comments.
func TestHashFollowsWhatCounts(t *testing.T) {
	data := prepare(t)
	hash := func(change func(*config)) []byte {
		cfg := configOf(t, data)
		change(&cfg)
		in, err := loadInputs(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return in.hash
	}
	first := hash(func(*config) {})
	operators := filepath.Join(data, "operators.yaml")
	text, err := os.ReadFile(operators)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, data, "operators.yaml", "# a word\n"+string(text))
	if !bytes.Equal(hash(func(*config) {}), first) {
		t.Error("a comment in the operator file changes the hash")
	}
	if bytes.Equal(hash(func(c *config) { c.KeySession.Signatures++ }), first) {
		t.Error("another bound of the key session does not change the hash")
	}
	database := func(dsn string) []byte { return hash(func(c *config) { c.Store.Postgres = dsn }) }
	if !bytes.Equal(database("postgres://siegel:one@db/siegel"), database("postgres://siegel:another@db/siegel")) {
		t.Error("the password of the database is under the hash, from which it could be guessed")
	}
	if bytes.Equal(database("postgres://siegel@db/siegel"), database("postgres://siegel@db/other")) {
		t.Error("another database does not change the hash")
	}
	writeFile(t, data, "operators.yaml", strings.Replace(string(text), "line-1", "line-2", 1))
	if bytes.Equal(hash(func(*config) {}), first) {
		t.Error("another operator does not change the hash")
	}
}

// TestInputsThatAreMissingOrWrong changes one file of a prepared directory at a time.
func TestInputsThatAreMissingOrWrong(t *testing.T) {
	remove := func(name string) func(*testing.T, string, *config) {
		return func(t *testing.T, data string, _ *config) {
			if err := os.RemoveAll(filepath.Join(data, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	overwrite := func(name, text string) func(*testing.T, string, *config) {
		return func(t *testing.T, data string, _ *config) { writeFile(t, data, name, text) }
	}
	tests := []struct {
		name   string
		change func(t *testing.T, data string, cfg *config)
		want   string
	}{
		{"nothing prepared", remove("hierarchy"), "siegel-ceremony test-hierarchy --data "},
		{"other environment", func(_ *testing.T, _ string, c *config) { c.Environment = "production" }, "is a hierarchy for environment test, the configuration says production"},
		{"test issuers in production", func(t *testing.T, data string, c *config) {
			c.Environment = "production"
			name := filepath.Join(data, "hierarchy", hierarchy.FileName)
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, data, "hierarchy/"+hierarchy.FileName, strings.Replace(string(text), "environment: test", "environment: production", 1))
		}, `issuer "GEM.SMCB-CA57": it does not belong into environment production: CN of its subject is marked`},
		{"unknown exception", func(t *testing.T, data string, c *config) {
			path := writeFile(t, data, "siegeld.yaml", "data: .\nlegacy_exceptions:\n- legacy-cvc-g1\n- legacy-md5\n")
			var err error
			if *c, err = loadConfig(path, overrides{}); err != nil {
				t.Fatal(err)
			}
		}, `siegeld.yaml:2: legacy_exceptions: there is no legacy exception "legacy-md5"; there are legacy-rsa-2048-noqes`},
		{"broken hierarchy", overwrite("hierarchy/issuers.yaml", "issuers: 1\n"), "load the hierarchy of issuers"},
		{"no operators", remove("operators.yaml"), "read the operator file"},
		{"wrong operators", overwrite("operators.yaml", "operators:\n- name: a\n"), "operators.yaml:2: "},
		{"no TLS key", remove("tls/server.key"), "tls/server.key; set tls.key in the configuration to the place of this secret"},
		{"no client CA", remove("tls/ca.pem"), "read the CAs of the operators' TLS certificates"},
		{"empty client CA", overwrite("tls/ca.pem", ""), "holds no certificate in PEM"},
		{"no token", remove("token/uri"), "set token.uri in the configuration to the URI that its --token had, and token.pin_file to a file"},
		{"no PIN", remove("token/pin"), "token/pin; set token.pin_file in the configuration to the place of this secret"},
		{"PIN for all", func(t *testing.T, data string, _ *config) {
			if err := os.Chmod(filepath.Join(data, "token/pin"), 0o604); err != nil {
				t.Fatal(err)
			}
		}, "token/pin is a secret that others may read or change (mode 0604)"},
		{"production", func(t *testing.T, data string, c *config) {
			c.Environment = "production"
			saveHierarchy(t, data, func(h *hierarchy.Hierarchy) { h.Environment = profiles.Production })
		}, "in environment production two people open a key session"},
		{"TSP-ID", func(t *testing.T, data string, c *config) {
			text, err := os.ReadFile(filepath.Join(data, "hierarchy/issuers.yaml"))
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, data, "hierarchy/issuers.yaml", strings.Replace(string(text), `"99"`, `"9x"`, 1))
		}, "9x"},
		{"issuer bound to a profile of another kind", func(t *testing.T, data string, c *config) {
			saveHierarchy(t, data, func(h *hierarchy.Hierarchy) { h.Issuers[1].Profiles = []string{"C.SMC.AUTR_CVC"} })
		}, `issuer "GEM.SMCB-CA57": it is a smcb-ca and bound to profile "C.SMC.AUTR_CVC"`},
		{"profiles", func(t *testing.T, data string, c *config) {
			c.Profiles = filepath.Join(data, "profiles")
			writeFile(t, c.Profiles, "chat.yaml", "colour: red\n")
		}, "load the profiles in "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := prepare(t)
			cfg := configOf(t, data)
			tt.change(t, data, &cfg)
			_, err := loadInputs(cfg)
			var wrong *configError
			if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.As(err, &wrong) {
				t.Errorf("loadInputs = %v, want a configError with %q", err, tt.want)
			}
		})
	}
}

// TestServeWithoutToken goes as far as the token: files, address and database are good and are closed again.
func TestServeWithoutToken(t *testing.T) {
	cfg := configOf(t, prepare(t))
	cfg.Listen = freeAddress(t)
	err := serve(context.Background(), cfg, slog.New(slog.NewTextHandler(io.Discard, nil)), func(addresses) error {
		t.Error("the server says that it is ready")
		return nil
	})
	if err == nil || !strings.Contains(err.Error(), "open the token") {
		t.Fatalf("serve = %v, want it to fail at the token", err)
	}
	if _, err := os.Stat(cfg.Store.SQLite); err != nil {
		t.Errorf("the database was not made: %v", err)
	}
	lis, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		t.Fatalf("the address is still in use: %v", err)
	}
	lis.Close()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return lis.Addr().String()
}
