package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestPublic has the answers of the address for relying parties: found and not found, by every method.
func TestPublic(t *testing.T) {
	r := run(t, Public(PublicConfig{
		Issuers: []IssuerCertificate{{Name: "SIEGEL.SMCB-CA1", Octets: []byte("der")}, {Name: "DESGX-8-1", CVC: true, Octets: []byte("cvc")}},
		Ready:   func(context.Context) error { return nil },
		Log:     slog.New(slog.DiscardHandler),
	}), time.Second)
	for _, c := range []struct {
		method, path string
		status       int
		media, body  string
	}{
		{"GET", "/issuers/SIEGEL.SMCB-CA1.der", 200, "application/pkix-cert", "der"},
		{"HEAD", "/issuers/SIEGEL.SMCB-CA1.der", 200, "application/pkix-cert", ""},
		{"GET", "/issuers/DESGX-8-1.cvc", 200, "application/octet-stream", "cvc"},
		{"GET", "/issuers/DESGX-8-1.der", 404, "text/plain; charset=utf-8", "Not Found\n"},
		{"GET", "/issuers/", 404, "text/plain; charset=utf-8", "Not Found\n"},
		{"GET", "/issuers//SIEGEL.SMCB-CA1.der", 404, "text/plain; charset=utf-8", "Not Found\n"},
		{"GET", "/", 404, "text/plain; charset=utf-8", "Not Found\n"},
		{"POST", "/issuers/DESGX-8-1.cvc", 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
		{"GET", "/healthz", 200, "text/plain; charset=utf-8", "alive\n"},
		{"GET", "/readyz", 200, "text/plain; charset=utf-8", "ready\n"},
		{"DELETE", "/readyz", 405, "text/plain; charset=utf-8", "Method Not Allowed\n"},
	} {
		resp, body := get(t, c.method, r.url+c.path)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Type") != c.media || body != c.body {
			t.Errorf("%s %s = %d %q %q, want %d %q %q", c.method, c.path, resp.StatusCode, resp.Header.Get("Content-Type"), body, c.status, c.media, c.body)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Cache-Control") == "" {
			t.Errorf("%s %s has headers %v", c.method, c.path, resp.Header)
		}
		if allow := resp.Header.Get("Allow"); (c.status == 405) != (allow == "GET, HEAD") {
			t.Errorf("%s %s allows %q", c.method, c.path, allow)
		}
	}
}

// TestRoutesTakePathsAsTheyAre: what is below a route reaches its handler octet by octet, and the longest name wins by standing first.
func TestRoutesTakePathsAsTheyAre(t *testing.T) {
	var rs routes
	var got string
	rs.add("/ocsp/", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = r.URL.Path }), http.MethodGet)
	for _, c := range []struct{ path, want string }{
		{"/ocsp/MEU//x+y/../=", "MEU//x+y/../="},
		{"/ocsp/MEU%2F%2Fx%2By%3D", "MEU//x+y="},
		{"/ocsp//", "/"},
		{"/ocsp/", "none"},
		{"/ocsp", "none"},
	} {
		got = "none"
		rs.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", c.path, nil))
		if got != c.want {
			t.Errorf("%s: the handler got %q, want %q", c.path, got, c.want)
		}
	}
}

// TestReadiness asks once a period, and says no more than yes or no.
func TestReadiness(t *testing.T) {
	now := time.Unix(1000, 0)
	asked := 0
	answer := error(nil)
	r := &readiness{now: func() time.Time { return now }, ask: func(context.Context) error { asked++; return answer }}
	for range 5 {
		if !r.ready(t.Context()) {
			t.Error("a server that is ready is not")
		}
	}
	answer = errors.New("the token is away")
	now = now.Add(readyPeriod)
	if r.ready(t.Context()) || asked != 2 {
		t.Errorf("a server that is not ready is, after %d questions", asked)
	}

	var rs routes
	health(&rs, func(context.Context) error { return errors.New("secret.db is away") })
	w := httptest.NewRecorder()
	rs.ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != http.StatusServiceUnavailable || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("/readyz = %d %q", w.Code, w.Body)
	}
}
