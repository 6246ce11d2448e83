package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/rpc"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/profiles"
)

// inputs is what the files say that the configuration names. Reading them opens no token and no database.
type inputs struct {
	hierarchy *hierarchy.Hierarchy
	operators *rpc.Operators
	profiles  *profiles.Set
	tls       *tls.Config
	tokenURI  string
	hash      []byte // SHA-256 of configuration and operator file, for the log

	operatorsHash [32]byte // of the operator file alone
}

// loadInputs reads them all and reports everything that is wrong, in each of them and then in what they are together.
func loadInputs(cfg config) (*inputs, error) {
	if _, err := os.Stat(filepath.Join(cfg.Hierarchy, hierarchy.FileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, wrongConfig(fmt.Errorf("there is no hierarchy of issuers in %s; to make one for tests, run: "+
			"siegel-ceremony test-hierarchy --data %s", cfg.Hierarchy, cfg.Data))
	}
	var in inputs
	var errs [6]error
	in.hierarchy, errs[0] = loadHierarchy(cfg)
	in.operators, errs[1] = rpc.LoadOperators(cfg.Operators)
	in.profiles, errs[2] = loadProfiles(cfg)
	in.tls, errs[3] = loadTLS(cfg.TLS)
	in.tokenURI, errs[4] = loadTokenURI(cfg)
	errs[5] = errors.Join(checkSecret("tls.key", cfg.TLS.Key), cfg.Token.checkSecrets())
	if err := errors.Join(errs[:]...); err != nil {
		return nil, wrongConfig(err)
	}
	if err := in.profiles.Policy().CheckExceptions(cfg.LegacyExceptions); err != nil {
		return nil, wrongConfig(fmt.Errorf("%slegacy_exceptions: %w", cfg.exceptionsAt, err))
	}
	var err error
	if in.hash, err = configHash(cfg, in.operators); err != nil {
		return nil, err
	}
	if in.operatorsHash, err = in.operators.Hash(); err != nil {
		return nil, err
	}
	return &in, rehearse(cfg, &in)
}

// loadHierarchy reads the issuers and refuses those of another environment: test and production do not mix (GS-A_4694,
// GS-A_4697).
func loadHierarchy(cfg config) (*hierarchy.Hierarchy, error) {
	h, err := hierarchy.Load(cfg.Hierarchy)
	if err != nil {
		return nil, fmt.Errorf("load the hierarchy of issuers: %w", err)
	}
	if string(h.Environment) != cfg.Environment {
		return nil, fmt.Errorf("%s is a hierarchy for environment %s, the configuration says %s", cfg.Hierarchy, h.Environment, cfg.Environment)
	}
	return h, nil
}

func loadProfiles(cfg config) (*profiles.Set, error) {
	if cfg.Profiles == "" {
		return profiles.Builtin()
	}
	set, err := profiles.Load(os.DirFS(cfg.Profiles))
	if err != nil {
		return nil, fmt.Errorf("load the profiles in %s: %w", cfg.Profiles, err)
	}
	return set, nil
}

func loadTLS(cfg tlsConfig) (*tls.Config, error) {
	server, err := tls.LoadX509KeyPair(cfg.Certificate, cfg.Key)
	if err != nil {
		return nil, fmt.Errorf("load the server's TLS certificate and key: %w", err)
	}
	pem, err := os.ReadFile(cfg.ClientCA)
	if err != nil {
		return nil, fmt.Errorf("read the CAs of the operators' TLS certificates: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", cfg.ClientCA)
	}
	return rpc.TLS(server, pool), nil
}

// checkSecret refuses a file that everybody on the machine may read or change. That a group may is for the operator to decide.
func checkSecret(key, path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no file %s; set %s in the configuration to the place of this secret", path, key)
	case err != nil:
		return fmt.Errorf("look at a secret, %s: %w", key, err)
	case info.Mode().Perm()&0o007 != 0:
		return fmt.Errorf("%s is a secret that others may read or change (mode %04o); run: chmod 600 %s", path, info.Mode().Perm(), path)
	}
	return nil
}

// configHash is the SHA-256 over the configuration in force and the operator file, both in the form in which this program writes
// them, so that comments and the order of keys do not count. Of the database it covers the place alone: a password could be
// guessed from the hash, which is in the log.
func configHash(cfg config, operators *rpc.Operators) ([]byte, error) {
	if cfg.Store.Postgres != "" {
		var err error
		if cfg.Store.Postgres, err = postgres.Describe(cfg.Store.Postgres); err != nil {
			return nil, err
		}
	}
	configText, err := yaml.Marshal(cfg)
	if err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	operatorText, err := operators.Encode()
	if err != nil {
		return nil, err
	}
	h := sha256.New()
	for _, text := range [][]byte{configText, operatorText} {
		fmt.Fprintf(h, "%d\n", len(text))
		h.Write(text)
	}
	return h.Sum(nil), nil
}
