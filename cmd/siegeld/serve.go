package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/metrics"
	"github.com/siegel-pki/siegel/internal/rpc"
)

// serve runs the server until ctx ends. It opens in the order in which a fault is cheapest: files, addresses, database, token;
// and closes in the reverse order. When it serves, it calls ready with the addresses.
func serve(ctx context.Context, cfg config, log *slog.Logger, ready func(addresses) error) (err error) {
	in, err := loadInputs(cfg)
	if err != nil {
		return err
	}
	lis, err := listen(cfg)
	if err != nil {
		return err
	}
	defer lis.close()
	store, err := openStore(ctx, cfg.Store, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	given := &pins{ask: askTerminal, wait: func(ctx context.Context) ([]byte, error) { return awaitShares(ctx, in, lis.grpc, log) }}
	defer func() { err = errors.Join(err, given.wipe()) }()
	tokens, err := openTokens(ctx, cfg, in.tokenURI, given, log)
	if ctx.Err() != nil && errors.Is(err, context.Cause(ctx)) {
		return nil // told to end while it waited for people
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tokens.Close()) }()
	keyed, err := issuers(ctx, in.hierarchy, tokens)
	if err != nil {
		return err
	}
	sequencer, err := newSequencer(ctx, cfg, log, in.hierarchy, store, tokens)
	if err != nil {
		return err
	}
	open := parts{store: store, keyed: keyed, sessions: tokens.Sessions(), sequencer: sequencer, figures: newFigures(store, tokens), lis: lis}
	return besideSequencer(ctx, sequencer, func(ctx context.Context) error {
		return serveAuthority(ctx, cfg, log, in, open, ready)
	})
}

// parts are what is open while the server serves.
type parts struct {
	store     closableStore
	keyed     []ca.Issuer
	sessions  int // of the tokens
	sequencer *ca.Sequencer
	figures   *metrics.Metrics
	lis       *listeners
}

// serveAuthority starts the authority on an open store and open keys, serves it, and closes it. What is under way when ctx
// ends may finish.
func serveAuthority(ctx context.Context, cfg config, log *slog.Logger, in *inputs, open parts, ready func(addresses) error) (err error) {
	made := authorityConfig(cfg, in, open.figures.Counting(open.store), open.keyed, log)
	made.SignAtOnce = open.sessions
	authority, err := ca.New(made)
	if err != nil {
		return wrongConfig(err)
	}
	crls, err := newCRLs(cfg, authority, open.store)
	if err != nil {
		return err
	}
	isReady := readiness{authority, open.store}.ready
	server, err := rpc.New(rpc.Config{
		Authority: authority, Lifecycle: authority, Inclusion: open.sequencer, LogReader: ca.NewLogReader(open.store), CRLs: crls, Operators: in.operators, TLS: in.tls,
		Limits: cfg.Line.limits(open.sessions), Grace: cfg.Grace, Now: time.Now, Ready: isReady, Ended: open.figures.Call, Log: log,
	})
	if err != nil {
		return err
	}
	if err := authority.Start(ctx); err != nil {
		return fmt.Errorf("start the authority: %w", err)
	}
	defer func() { err = errors.Join(err, closeAuthority(authority, cfg.Grace)) }()
	if unbound := authority.Unbound(); len(unbound) > 0 {
		log.Warn("no issuer signs these profiles; orders that need them are refused", "profiles", unbound)
	}
	responder, err := newResponder(cfg, log, open.store, open.keyed)
	if err != nil {
		return err
	}
	if responder != nil {
		open.figures.WatchStatus(responder.Counts())
	}
	services, err := httpServices(cfg, log, open, publicHandler(cfg, authority.Issuers(), responder, open.store, isReady, log), isReady)
	if err != nil {
		return err
	}
	services = append(services, crlService(crls), service{server.Run, open.lis.grpc})
	own := []func(context.Context) error{authority.Run, authority.RunBulks, reloader{cfg.Operators, authority, server, log}.run}
	return beside(ctx, own, func(ctx context.Context) error {
		return serveAll(ctx, log, services, ready, open.lis.addresses())
	})
}

// beside runs what the server does by itself as long as serve runs.
func beside(ctx context.Context, own []func(context.Context) error, serve func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	working, stop := context.WithCancel(ctx)
	for _, work := range own {
		group.Go(func() error { return work(working) })
	}
	group.Go(func() error {
		defer stop()
		return serve(ctx)
	})
	return group.Wait()
}

// serveAll announces the servers and runs them until ctx ends. Where one fails, all end.
func serveAll(ctx context.Context, log *slog.Logger, services []service, ready func(addresses) error, at addresses) error {
	if err := ready(at); err != nil {
		return err
	}
	log.Info("siegeld is ready", "grpc", at.GRPC, "http", at.HTTP, "tiles", at.Tiles, "metrics", at.Metrics)
	group, serving := errgroup.WithContext(ctx)
	for _, s := range services {
		group.Go(func() error { return s.run(serving, s.lis) })
	}
	err := group.Wait()
	log.Info("siegeld ends", "reason", context.Cause(ctx))
	return err
}

// closeAuthority waits for attempts under way. The context that told the server to end is of no use here: it has ended.
func closeAuthority(authority *ca.Authority, grace time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	if err := authority.Close(ctx); err != nil {
		return fmt.Errorf("close the authority: %w", err)
	}
	return nil
}
