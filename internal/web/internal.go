package web

import (
	"context"
	"net/http"
)

// Internal gives the handler of the address for the operator's own tools: figures at /metrics, and health.
func Internal(ready func(context.Context) error, metrics http.Handler) http.Handler {
	var rs routes
	health(&rs, ready)
	rs.read("/metrics", metrics.ServeHTTP)
	return rs
}
