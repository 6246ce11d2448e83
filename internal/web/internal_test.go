package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/pprof/profile"
)

// TestProfiles asks for profiles of a process that gives them and of one that does not.
func TestProfiles(t *testing.T) {
	for _, on := range []bool{true, false} {
		r := run(t, Internal(func(context.Context) error { return nil }, http.NotFoundHandler(), on), time.Second)
		for _, path := range []string{"/debug/pprof/profile?seconds=1", "/debug/pprof/heap", "/debug/pprof/goroutine"} {
			resp, body := get(t, "GET", r.url+path)
			if (resp.StatusCode == http.StatusOK) != on {
				t.Errorf("with profiles %v, GET %s = %d", on, path, resp.StatusCode)
			}
			if !on {
				continue
			}
			if _, err := profile.Parse(strings.NewReader(body)); err != nil {
				t.Errorf("GET %s gives no profile: %v", path, err)
			}
		}
	}
}
