package main

import (
	"context"
	"log/slog"
	"net"
	"net/http"

	"github.com/siegel-pki/siegel/internal/web"
	"github.com/siegel-pki/siegel/profiles"
)

// publicHandler is what relying parties see.
func publicHandler(issuers []*profiles.Issuer, ready func(context.Context) error, log *slog.Logger) http.Handler {
	cfg := web.PublicConfig{Ready: ready, Log: log}
	for _, iss := range issuers {
		cfg.Issuers = append(cfg.Issuers, web.IssuerCertificate{Name: iss.Name, CVC: iss.X509 == nil, Octets: iss.Raw()})
	}
	return web.Public(cfg)
}

// service is a server with the address on which it serves until its context ends.
type service struct {
	run func(context.Context, net.Listener) error
	lis net.Listener
}

// handlers are those of the addresses for HTTP.
type handlers struct{ http, tiles, metrics http.Handler }

// httpServices makes the servers over HTTP, but for those whose addresses are off.
func httpServices(cfg config, log *slog.Logger, lis *listeners, serve handlers) ([]service, error) {
	var services []service
	for _, s := range []struct {
		lis     net.Listener
		handler http.Handler
	}{
		{lis.http, serve.http}, {lis.tiles, serve.tiles}, {lis.metrics, serve.metrics},
	} {
		if s.lis == nil {
			continue
		}
		server, err := web.New(web.Config{Handler: s.handler, Grace: cfg.Grace, Log: log})
		if err != nil {
			return nil, err
		}
		services = append(services, service{server.Run, s.lis})
	}
	return services, nil
}
