package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// echo answers with the request that it got, or says malformedRequest where there is none.
type echo struct{}

func (echo) Respond(_ context.Context, request []byte) *ca.StatusAnswer {
	if len(request) == 0 {
		return &ca.StatusAnswer{DER: pkix.OCSPMalformedRequest.Encode()}
	}
	return &ca.StatusAnswer{DER: request, ProducedAt: time.Date(2026, 3, 2, 9, 30, 15, 0, time.UTC)}
}

func ocspOnly(rate int, urls ...string) http.Handler {
	return Public(PublicConfig{OCSP: echo{}, OCSPURLs: urls, Rate: rate, Ready: func(context.Context) error { return nil }, Log: slog.New(slog.DiscardHandler)})
}

// TestOCSPForms has the forms in which clients ask: paths, methods, digits of base64, padding.
func TestOCSPForms(t *testing.T) {
	r := run(t, ocspOnly(0, "http://ocsp.example/SIEGEL.SMCB-CA1", "http://ocsp.example", "http://ocsp.example/slash/"), time.Second)
	request := []byte("0n\xff\xff\xff\xff\xfb\xef\xbe0") // base64 with "/", "//", "+" and padding
	std, safe := base64.StdEncoding.EncodeToString(request), base64.URLEncoding.EncodeToString(request)
	if !strings.Contains(std, "//") || !strings.Contains(std, "+") || !strings.HasSuffix(std, "=") {
		t.Fatalf("the sample %s shows too little", std)
	}
	for _, path := range []string{
		"/ocsp/" + std, "/ocsp/" + safe, "/ocsp/" + url.PathEscape(std), "/ocsp/" + url.QueryEscape(std), "/ocsp/" + strings.TrimRight(std, "="),
		"/ocsp//" + std, "/SIEGEL.SMCB-CA1/" + std, "/slash/" + std, "/" + std,
	} {
		resp, body := get(t, "GET", r.url+path)
		if resp.StatusCode != http.StatusOK || body != string(request) {
			t.Errorf("GET %s: %s, %q", path, resp.Status, body)
		}
		h := resp.Header
		if h.Get("Content-Type") != "application/ocsp-response" || h.Get("Cache-Control") != ocspAge || h.Get("Last-Modified") != "Mon, 02 Mar 2026 09:30:15 GMT" {
			t.Errorf("GET %s: headers %v", path, h)
		}
	}
	for path, want := range map[string]int{"/ocsp": 200, "/ocsp/": 200, "/SIEGEL.SMCB-CA1": 200, "/slash": 200, "/slash/": 200, "/": 200, "/issuers": 405, "/healthz": 405} {
		resp, body := post(t, r.url+path, "application/ocsp-request", request)
		if resp.StatusCode != want || want == 200 && body != string(request) {
			t.Errorf("POST %s: %s, %q, want %d", path, resp.Status, body, want)
		}
	}
	for media, want := range map[string]int{"application/ocsp-request": 200, "Application/OCSP-Request; x=y": 200, "application/json": 415, "": 415} {
		if resp, _ := post(t, r.url+"/ocsp", media, request); resp.StatusCode != want {
			t.Errorf("POST of %q: %s, want %d", media, resp.Status, want)
		}
	}
	malformed := string(pkix.OCSPMalformedRequest.Encode())
	for _, path := range []string{"/ocsp/%21", "/ocsp/MA=A", "/ocsp/M", "/ocsp/MAB", "/ocsp/%00"} {
		if resp, body := get(t, "GET", r.url+path); resp.StatusCode != 200 || body != malformed || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("GET %s: %s, %x, %v", path, resp.Status, body, resp.Header)
		}
	}
}

func post(t *testing.T, url, media string, body []byte) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(text)
}

// countingListener counts what is read from its connections.
type countingListener struct {
	net.Listener
	octets atomic.Int64
}

type countingConn struct {
	net.Conn
	l *countingListener
}

func (l *countingListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return countingConn{conn, l}, err
}

func (c countingConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.l.octets.Add(int64(n))
	return n, err
}

// TestOCSPBodyLimit: of a body that is too long, no more than 4 KiB are read beyond the limit, with a length said before and without, and
// the client is told all the same.
func TestOCSPBodyLimit(t *testing.T) {
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counting := &countingListener{Listener: lis}
	s, err := New(Config{Handler: ocspOnly(0), Grace: time.Second, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, counting) }()
	defer func() { end(); <-done }()
	for _, octets := range []int{pkix.MaxOCSPRequestLen, pkix.MaxOCSPRequestLen + 1, 20 << 10, 60 << 10, 200 << 10} {
		for _, chunked := range []bool{false, true} {
			counting.octets.Store(0)
			got := rawPost(t, lis.Addr().String(), octets, chunked)
			within := octets <= pkix.MaxOCSPRequestLen
			if (len(got) == octets) != within || !within && !bytes.Equal(got, pkix.OCSPMalformedRequest.Encode()) {
				t.Errorf("%d octets, chunked %t: the answer has %d octets", octets, chunked, len(got))
			}
			if read := counting.octets.Load(); read > pkix.MaxOCSPRequestLen+4<<10+512 { // 512 for the headers
				t.Errorf("%d octets, chunked %t: %d were read", octets, chunked, read)
			}
		}
	}
}

// rawPost sends a body and gives that of the answer. It goes on reading where the server does not take it all.
func rawPost(t *testing.T, addr string, octets int, chunked bool) []byte {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	head := "POST /ocsp HTTP/1.1\r\nHost: x\r\nContent-Type: application/ocsp-request\r\n"
	go func() {
		if chunked {
			fmt.Fprintf(conn, "%sTransfer-Encoding: chunked\r\n\r\n%x\r\n", head, octets)
		} else {
			fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n", head, octets)
		}
		conn.Write(bytes.Repeat([]byte{0x30}, octets))
		io.WriteString(conn, "\r\n0\r\n\r\n")
	}()
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%d octets, chunked %t: %v", octets, chunked, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// TestLimiter: a client has its rate, others have theirs, and memory has a bound.
func TestLimiter(t *testing.T) {
	l := newLimiter(10)
	now := time.Unix(1_000_000, 0)
	l.now = func() time.Time { return now }
	from := func(addr string) *http.Request {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = addr
		return r
	}
	allowed := func(addr string) (n int) {
		for range 100 {
			if l.allow(from(addr)) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		after time.Duration
		addr  string
		want  int
	}{
		{0, "192.0.2.1:1000", 20}, // the burst
		{0, "192.0.2.1:2000", 0},  // another port is the same client
		{0, "[::ffff:192.0.2.1]:1", 0},
		{0, "192.0.2.2:1000", 20},
		{500 * time.Millisecond, "192.0.2.1:1000", 5},
		{time.Second, "192.0.2.1:1000", 10},
		{3 * time.Second, "192.0.2.1:1000", 20},
		{0, "[2001:db8::1]:1", 20},
		{0, "[2001:db8::2]:1", 0}, // the same network of 64 bits
		{0, "[2001:db8:0:1::2]:1", 20},
		{0, "not an address", 100},
	} {
		now = now.Add(c.after)
		if got := allowed(c.addr); got != c.want {
			t.Errorf("%s after %s: %d of 100 requests, want %d", c.addr, c.after, got, c.want)
		}
	}
	addr := netip.MustParseAddr("10.0.0.0")
	for range 3 * maxClients {
		addr = addr.Next()
		l.allow(from(addr.String() + ":1"))
	}
	if n := len(l.halves[0]) + len(l.halves[1]); n > 2*maxClients {
		t.Errorf("%d clients are remembered", n)
	}
	if l := newLimiter(0); !l.allow(from("192.0.2.1:1")) {
		t.Error("without a rate, a request was refused")
	}
}

// TestOCSPBusy: a client that asks too often is told so in the words of OCSP.
func TestOCSPBusy(t *testing.T) {
	r := run(t, ocspOnly(1), time.Second)
	var last string
	for range 3 {
		_, last = post(t, r.url+"/ocsp", "application/ocsp-request", []byte{0x30, 0})
	}
	if last != string(pkix.OCSPTryLater.Encode()) {
		t.Errorf("the third request of a second is answered %x, want tryLater", last)
	}
}
