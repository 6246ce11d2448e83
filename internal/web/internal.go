package web

import (
	"context"
	"net/http"
)

// Internal gives the handler of the address for the operator's own tools.
func Internal(ready func(context.Context) error) http.Handler {
	var rs routes
	health(&rs, ready)
	return rs
}
