package web

import (
	"context"
	"net/http"
	"net/http/pprof"
)

// Internal gives the handler of the address for the operator's own tools: figures at /metrics, and health. With profiles it also says what the
// process computes (/debug/pprof/profile?seconds=N, N below 30), what fills its memory (heap) and what waits (goroutine), as `go tool pprof`
// reads it.
func Internal(ready func(context.Context) error, metrics http.Handler, profiles bool) http.Handler {
	var rs routes
	health(&rs, ready)
	rs.read("/metrics", metrics.ServeHTTP)
	if profiles {
		rs.read("/debug/pprof/profile", pprof.Profile)
		rs.read("/debug/pprof/heap", pprof.Handler("heap").ServeHTTP)
		rs.read("/debug/pprof/goroutine", pprof.Handler("goroutine").ServeHTTP)
	}
	return rs
}
