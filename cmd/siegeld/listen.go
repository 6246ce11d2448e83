package main

import (
	"fmt"
	"net"
)

// listeners are the addresses of a server. One that is off is nil.
type listeners struct{ grpc, http, tiles, metrics net.Listener }

// addresses are where a server can be reached; empty where it is off.
type addresses struct {
	GRPC    string `json:"grpc"`
	HTTP    string `json:"http,omitempty"`
	Tiles   string `json:"tiles,omitempty"`
	Metrics string `json:"metrics,omitempty"`
}

// listen opens the addresses that the configuration names, all or none.
func listen(cfg config) (*listeners, error) {
	l := &listeners{}
	for _, a := range []struct {
		lis     *net.Listener
		address string
		what    string
	}{
		{&l.grpc, cfg.Listen, "gRPC"},
		{&l.http, cfg.HTTP.Listen, "HTTP (http.listen)"},
		{&l.tiles, cfg.Tiles.Listen, "monitors of the log (tiles.listen)"},
		{&l.metrics, cfg.Metrics.Listen, "Prometheus (metrics.listen)"},
	} {
		if a.address == off {
			continue
		}
		var err error
		if *a.lis, err = net.Listen("tcp", a.address); err != nil {
			l.close()
			return nil, fmt.Errorf("listen for %s: %w", a.what, err)
		}
	}
	return l, nil
}

// close closes them all. The servers do it too; this is for the roads that do not get to them.
func (l *listeners) close() {
	for _, lis := range []net.Listener{l.grpc, l.http, l.tiles, l.metrics} {
		if lis != nil {
			lis.Close()
		}
	}
}

func (l *listeners) addresses() addresses {
	at := func(lis net.Listener) string {
		if lis == nil {
			return ""
		}
		return lis.Addr().String()
	}
	return addresses{GRPC: at(l.grpc), HTTP: at(l.http), Tiles: at(l.tiles), Metrics: at(l.metrics)}
}
