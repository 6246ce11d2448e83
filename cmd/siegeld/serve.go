package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/rpc"
)

// serve runs the server until ctx ends. It opens in the order in which a fault is cheapest: files, address, database, token;
// and closes in the reverse order. When it serves, it calls ready with the address.
func serve(ctx context.Context, cfg config, log *slog.Logger, ready func(net.Addr) error) (err error) {
	in, err := loadInputs(cfg)
	if err != nil {
		return err
	}
	lis, err := net.Listen("tcp", cfg.Listen)
	if err != nil {
		return fmt.Errorf("listen for gRPC: %w", err)
	}
	defer lis.Close() // the server closes it too; this is for the roads that do not get there
	store, err := openStore(ctx, cfg.Store, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	token, err := openToken(ctx, cfg.Token, in.tokenURI, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, token.Close()) }()
	info := token.Info()
	log.Info("token is open", "label", info.Label, "manufacturer", info.Manufacturer, "serial", info.Serial, "sessions", info.Sessions)
	keyed, err := issuers(ctx, in.hierarchy, token)
	if err != nil {
		return err
	}
	sequencer, err := newSequencer(ctx, cfg, log, in.hierarchy, store, token)
	if err != nil {
		return err
	}
	return besideSequencer(ctx, sequencer, func(ctx context.Context) error {
		return serveAuthority(ctx, cfg, log, in, store, keyed, sequencer, lis, ready)
	})
}

// serveAuthority starts the authority on an open store and open keys, serves it, and closes it. What is under way when ctx
// ends may finish.
func serveAuthority(ctx context.Context, cfg config, log *slog.Logger, in *inputs, store ca.Store, keyed []ca.Issuer,
	sequencer *ca.Sequencer, lis net.Listener, ready func(net.Addr) error) (err error) {
	authority, err := ca.New(authorityConfig(cfg, in, store, keyed, log))
	if err != nil {
		return wrongConfig(err)
	}
	server, err := rpc.New(rpc.Config{
		Authority: authority, Inclusion: sequencer, Operators: in.operators, TLS: in.tls, Grace: cfg.Grace, Now: time.Now,
		Ready: readiness{authority, store}.ready, Log: log,
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
	return serveCalls(ctx, server, lis, log, ready)
}

// serveCalls announces the server and runs it.
func serveCalls(ctx context.Context, server *rpc.Server, lis net.Listener, log *slog.Logger, ready func(net.Addr) error) error {
	if err := ready(lis.Addr()); err != nil {
		return err
	}
	log.Info("siegeld is ready", "address", lis.Addr().String())
	err := server.Run(ctx, lis)
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
