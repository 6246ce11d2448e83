package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
)

// oneCRL has a CRL of an issuer in more than two parts.
type oneCRL struct {
	octets []byte
	err    error
	parts  int // that were read
	broken int // part that is not there; 0 for none
}

func (c *oneCRL) NewestCRL(_ context.Context, issuer string) (*ca.CRLState, error) {
	if c.err != nil || issuer != "SIEGEL.SMCB-CA1" {
		return &ca.CRLState{}, c.err
	}
	return &ca.CRLState{Recorded: 1, Published: &ca.PublishedCRL{
		CRLDraft: ca.CRLDraft{Issuer: issuer, Number: 1, ThisUpdate: time.Date(2026, 3, 2, 9, 30, 15, 0, time.UTC)},
		SHA256:   sha256.Sum256(c.octets), Size: int64(len(c.octets)),
	}}, nil
}

func (c *oneCRL) CRLPart(_ context.Context, _ string, _ int64, part int) ([]byte, error) {
	if c.broken != 0 && part == c.broken {
		return nil, ca.ErrNotFound
	}
	c.parts++
	from := part * ca.CRLPartLen
	return c.octets[from:min(len(c.octets), from+ca.CRLPartLen)], nil
}

// TestCRL has the answers about CRLs: whole, a part, not changed, not there, broken.
func TestCRL(t *testing.T) {
	store := &oneCRL{octets: bytes.Repeat([]byte("0123456789a"), 2*ca.CRLPartLen/10)}
	r := run(t, Public(PublicConfig{
		CRLs:  store,
		Ready: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler),
		CRLIssuers: []CRLIssuer{{"SIEGEL.SMCB-CA1", "http://crl.example/smcb/SIEGEL.SMCB-CA1.crl"}, {"SIEGEL.SMCB-qCA1", ""}},
	}), time.Second)
	sum := sha256.Sum256(store.octets)
	etag := `"` + hex.EncodeToString(sum[:]) + `"`
	for _, c := range []struct {
		name, method, path string
		header             [2]string
		status, octets     int
	}{
		{"its own path", "GET", "/crl/SIEGEL.SMCB-CA1.crl", [2]string{}, 200, len(store.octets)},
		{"the path of certificates", "GET", "/smcb/SIEGEL.SMCB-CA1.crl", [2]string{}, 200, len(store.octets)},
		{"head", "HEAD", "/crl/SIEGEL.SMCB-CA1.crl", [2]string{}, 200, 0},
		{"not changed", "GET", "/crl/SIEGEL.SMCB-CA1.crl", [2]string{"If-None-Match", etag}, 304, 0},
		{"not changed since", "GET", "/crl/SIEGEL.SMCB-CA1.crl", [2]string{"If-Modified-Since", "Mon, 02 Mar 2026 09:30:15 GMT"}, 304, 0},
		{"another", "GET", "/crl/SIEGEL.SMCB-CA1.crl", [2]string{"If-None-Match", `"x"`}, 200, len(store.octets)},
		{"a range over two parts", "GET", "/crl/SIEGEL.SMCB-CA1.crl", [2]string{"Range", "bytes=1048570-1048579"}, 206, 10},
		{"none is made", "GET", "/crl/SIEGEL.SMCB-qCA1.crl", [2]string{}, 404, 10},
		{"no such issuer", "GET", "/crl/nobody.crl", [2]string{}, 404, 10},
		{"post", "POST", "/crl/SIEGEL.SMCB-CA1.crl", [2]string{}, 405, 19},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, r.url+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if c.header[0] != "" {
			req.Header.Set(c.header[0], c.header[1])
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != c.status || len(body) != c.octets {
			t.Errorf("%s: %s, %d octets, %v, want %d, %d", c.name, resp.Status, len(body), err, c.status, c.octets)
		}
		h := resp.Header
		if good := h.Get("ETag") == etag && h.Get("Cache-Control") == crlAge && (c.status == 304 || h.Get("Content-Type") == "application/pkix-crl"); c.status < 400 && !good {
			t.Errorf("%s: headers %v", c.name, h)
		}
		if c.status == 206 && !bytes.Equal(body, store.octets[1048570:1048580]) {
			t.Errorf("%s: %q", c.name, body)
		}
		if c.status == 200 && c.octets > 0 && !bytes.Equal(body, store.octets) {
			t.Errorf("%s: the octets are others", c.name)
		}
	}
	store.broken = 2
	if resp, err := http.Get(r.url + "/crl/SIEGEL.SMCB-CA1.crl"); err == nil {
		if _, err := io.ReadAll(resp.Body); err == nil {
			t.Error("a CRL that breaks off looks whole")
		}
		resp.Body.Close()
	}
	store.err = errors.New("connection refused")
	if resp, body := get(t, "GET", r.url+"/crl/SIEGEL.SMCB-CA1.crl"); resp.StatusCode != http.StatusServiceUnavailable || len(body) > 30 {
		t.Errorf("without a database: %s, %q", resp.Status, body)
	}
}
