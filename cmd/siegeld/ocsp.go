package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/metrics"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/web"
	"github.com/siegel-pki/siegel/profiles"
)

// ocspCmd is `siegeld ocsp`: the part of the server that relying parties talk to, as a process of its own. It needs the keys of OCSP signers
// and no others, and reads the database without writing to it: see docs/ocsp.md.
type ocspCmd struct {
	Config        string `type:"existingfile" env:"SIEGELD_CONFIG" help:"Configuration file (YAML). Of the server's keys it uses environment, hierarchy, store.postgres, token, standing_sessions, http, ocsp, metrics, log and grace."`
	Data          string `type:"path" env:"SIEGELD_DATA" help:"Data directory; overrides the configuration (default ./data)."`
	HTTPListen    string `name:"http-listen" env:"SIEGELD_HTTP_LISTEN" placeholder:"HOST:PORT" help:"Address for relying parties; overrides the configuration."`
	MetricsListen string `env:"SIEGELD_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Address for Prometheus, or off; overrides the configuration."`
	AddressesFile string `type:"path" help:"File that holds the addresses, as a JSON object with http and metrics, as long as the responder answers."`
}

// Run answers until the process is told to end.
func (c *ocspCmd) Run(ctx context.Context, stderr *os.File) error {
	cfg, err := loadConfig(c.Config, overrides{data: c.Data, http: c.HTTPListen, metrics: c.MetricsListen})
	if err != nil {
		return err
	}
	if err := cfg.checkResponder(); err != nil {
		return err
	}
	log := newLogger(cfg.Log, stderr)
	log.Info("siegeld ocsp starts", "version", build.Version(), "environment", cfg.Environment, "config", c.Config)
	files, err := newReadyFiles("", c.AddressesFile)
	if err != nil {
		return err
	}
	return errors.Join(serveResponder(ctx, cfg, log, files.write), files.remove())
}

// checkResponder looks at what makes no sense for a responder alone.
func (c *config) checkResponder() error {
	switch {
	case c.Store.Postgres == "":
		return wrongConfig(errors.New("siegeld ocsp needs store.postgres: an SQLite file lets one server in at a time, and that one (siegeld serve) " +
			"answers OCSP itself"))
	case c.HTTP.Listen == off:
		return wrongConfig(errors.New("siegeld ocsp with http.listen off would answer nobody"))
	}
	return wrongConfig(standing(*c).MaySign(ca.ForOCSP))
}

// serveResponder runs a responder until ctx ends.
func serveResponder(ctx context.Context, cfg config, log *slog.Logger, ready func(addresses) error) (err error) {
	h, uri, err := responderInputs(cfg)
	if err != nil {
		return err
	}
	cfg.Listen, cfg.Tiles.Listen = off, off
	lis, err := listen(cfg)
	if err != nil {
		return err
	}
	defer lis.close()
	store, err := postgres.Open(ctx, cfg.Store.Postgres, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := checkServed(ctx, h, store); err != nil {
		return err
	}
	given := &pins{ask: askTerminal}
	defer func() { err = errors.Join(err, given.wipe()) }()
	tokens, err := openTokens(ctx, cfg, uri, given, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tokens.Close()) }()
	keyed, err := signers(ctx, h, tokens)
	if err != nil {
		return err
	}
	responder, err := ca.NewResponder(ca.ResponderConfig{
		Store: store, Issuers: keyed, Standing: standing(cfg), Cache: cfg.OCSP.Cache, Now: time.Now, Log: log,
	})
	if err != nil {
		return wrongConfig(err)
	}
	services, err := responderServices(cfg, log, lis, responder, store, keyed, tokens)
	if err != nil {
		return err
	}
	return serveAll(ctx, log, services, ready, lis.addresses())
}

// responderInputs reads the files that a responder needs: neither operators nor TLS keys nor profiles are among them.
func responderInputs(cfg config) (*hierarchy.Hierarchy, string, error) {
	if _, err := os.Stat(filepath.Join(cfg.Hierarchy, hierarchy.FileName)); errors.Is(err, fs.ErrNotExist) {
		return nil, "", wrongConfig(fmt.Errorf("there is no hierarchy of issuers in %s; copy it from the server: it holds no secret", cfg.Hierarchy))
	}
	h, err := loadHierarchy(cfg)
	uri, uriErr := loadTokenURI(cfg)
	if err := errors.Join(err, uriErr, cfg.Token.checkSecrets()); err != nil {
		return nil, "", wrongConfig(err)
	}
	return h, uri, nil
}

// signers joins the issuers of the hierarchy with the keys of OCSP signers. No other key is looked for: it should not be in the token.
func signers(ctx context.Context, h *hierarchy.Hierarchy, tokens *hsm.Tokens) ([]ca.Issuer, error) {
	only := *h
	only.Issuers = nil
	for _, iss := range h.Issuers {
		if iss.Kind != profiles.OCSPSigner {
			iss.Profiles = nil
		}
		only.Issuers = append(only.Issuers, iss)
	}
	return issuers(ctx, &only, tokens)
}

// checkServed makes sure that the names of issuers mean the same in the database.
func checkServed(ctx context.Context, h *hierarchy.Hierarchy, store ca.Store) error {
	known, err := store.Issuers(ctx)
	if err != nil {
		return fmt.Errorf("read the issuers of the database: %w", err)
	}
	certificates := map[string][]byte{}
	for _, iss := range known {
		certificates[iss.Name] = iss.Certificate
	}
	for i := range h.Issuers {
		iss := &h.Issuers[i]
		if was, ok := certificates[iss.Name]; ok && !bytes.Equal(was, iss.Raw()) {
			return wrongConfig(fmt.Errorf("issuer %q: %w: copy the hierarchy of the server that belongs to this database", iss.Name, ca.ErrIssuerDiffers))
		}
	}
	return nil
}

// responderServices makes the servers over HTTP.
func responderServices(cfg config, log *slog.Logger, lis *listeners, responder *ca.Responder, store *postgres.Store, keyed []ca.Issuer,
	tokens *hsm.Tokens) ([]service, error) {
	var public []*profiles.Issuer
	for _, iss := range keyed {
		public = append(public, iss.Issuer)
	}
	ready := func(ctx context.Context) error {
		_, err := store.StatusEpoch(ctx)
		return errors.Join(responder.Ready(), err)
	}
	figures := metrics.New(build.Version())
	figures.WatchTokens(tokens.Stats)
	figures.WatchStatus(responder.Counts())
	var services []service
	for _, a := range []struct {
		name    string
		lis     net.Listener
		handler http.Handler
	}{
		{"http", lis.http, publicHandler(cfg, public, responder, store, ready, log)},
		{"metrics", lis.metrics, web.Internal(ready, figures.Handler(log), cfg.Metrics.Profiles)},
	} {
		if a.lis == nil {
			continue
		}
		server, err := web.New(web.Config{Handler: a.handler, Grace: cfg.Grace, Answered: figures.Request(a.name), Log: log})
		if err != nil {
			return nil, err
		}
		services = append(services, service{server.Run, a.lis})
	}
	return services, nil
}
