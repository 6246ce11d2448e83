package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/metrics"
	"github.com/siegel-pki/siegel/internal/web"
)

// service is a server with the address on which it serves until its context ends; nil for one that serves nobody.
type service struct {
	run func(context.Context, net.Listener) error
	lis net.Listener
}

// httpServices makes the servers over HTTP, but for those whose addresses are off. public is the handler for relying parties.
func httpServices(cfg config, log *slog.Logger, open parts, public http.Handler, ready func(context.Context) error) ([]service, error) {
	var services []service
	for _, s := range []struct {
		name    string
		lis     net.Listener
		handler http.Handler
	}{
		{"http", open.lis.http, public},
		{"tiles", open.lis.tiles, web.Tiles(open.store, log)},
		{"metrics", open.lis.metrics, web.Internal(ready, open.figures.Handler(log), cfg.Metrics.Profiles)},
	} {
		if s.lis == nil {
			continue
		}
		server, err := web.New(web.Config{Handler: s.handler, Grace: cfg.Grace, Answered: open.figures.Request(s.name), Log: log})
		if err != nil {
			return nil, err
		}
		services = append(services, service{server.Run, s.lis})
	}
	return services, nil
}

// newFigures makes the figures for Prometheus.
func newFigures(store closableStore, tokens *hsm.Tokens) *metrics.Metrics {
	m := metrics.New(build.Version())
	m.WatchLog(store, time.Now)
	m.WatchTokens(tokens.Stats)
	return m
}
