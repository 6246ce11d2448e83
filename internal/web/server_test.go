package web

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a server of a test.
type running struct {
	url  string
	log  *strings.Builder // to be read after end
	end  context.CancelFunc
	done chan error
}

// run serves a handler until the test ends, or end is called.
func run(t *testing.T, h http.Handler, grace time.Duration) *running {
	t.Helper()
	r := &running{log: new(strings.Builder), done: make(chan error, 1)}
	s, err := New(Config{Handler: h, Grace: grace, Log: slog.New(slog.NewTextHandler(r.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r.url = "http://" + lis.Addr().String()
	var ctx context.Context
	ctx, r.end = context.WithCancel(context.Background())
	go func() { r.done <- s.Run(ctx, lis); close(r.done) }()
	t.Cleanup(func() { r.end(); <-r.done; http.DefaultClient.CloseIdleConnections() })
	return r
}

// get reads a whole answer.
func get(t *testing.T, method, url string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

// TestServerEnds: an answer under way is finished, no new request is taken, and the end is no error.
func TestServerEnds(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	r := run(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "whole")
	}), time.Minute)
	answered := make(chan string, 1)
	go func() {
		resp, err := http.Get(r.url)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		answered <- string(body)
	}()
	<-begun
	r.end()
	for deadline := time.Now().Add(10 * time.Second); ; {
		conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
		if err != nil {
			break
		}
		conn.Close()
		if time.Now().After(deadline) {
			t.Fatal("connections are taken after the end was asked for")
		}
	}
	close(finish)
	if got := <-answered; got != "whole" {
		t.Errorf("the answer under way is %q", got)
	}
	if err := <-r.done; err != nil {
		t.Errorf("the server ended with %v", err)
	}
}

// TestServerCutsOff an answer that outlasts the grace: its context ends, and Run waits for the handler all the same.
func TestServerCutsOff(t *testing.T) {
	begun := make(chan struct{})
	var left bool
	r := run(t, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(begun)
		<-r.Context().Done()
		time.Sleep(20 * time.Millisecond)
		left = true
	}), 50*time.Millisecond)
	go func() {
		if resp, err := http.Get(r.url); err == nil {
			resp.Body.Close()
		}
	}()
	<-begun
	r.end()
	if err := <-r.done; err != nil {
		t.Errorf("the server ended with %v", err)
	}
	if !left || !strings.Contains(r.log.String(), "outlast the grace") {
		t.Errorf("the handler has ended: %v; the log says %q", left, r.log)
	}
}

// TestServerGivesUp where its listener fails.
func TestServerGivesUp(t *testing.T) {
	s, err := New(Config{Handler: routes{}, Grace: time.Second, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	lis.Close()
	if err := s.Run(t.Context(), lis); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Run on a closed listener = %v, want net.ErrClosed", err)
	}
	if _, err := New(Config{}); err == nil {
		t.Error("a server was made of nothing")
	}
}

// TestPanic in a handler reaches the log without a word of the request, cuts the connection, and leaves the server alive.
func TestPanic(t *testing.T) {
	r := run(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			panic("a fault")
		}
	}), time.Second)
	if _, err := http.Get(r.url + "/8027600101"); err == nil {
		t.Error("a panic was answered")
	}
	if resp, _ := get(t, "GET", r.url); resp.StatusCode != http.StatusOK {
		t.Errorf("after a panic the server says %s", resp.Status)
	}
	r.end()
	<-r.done
	if log := r.log.String(); !strings.Contains(log, "panic: a fault") || strings.Contains(log, "8027600101") || strings.Contains(log, "127.0.0.1") {
		t.Errorf("the log says %q, want the fault and nothing of the request", log)
	}
}

// TestLimits of a request: headers, body.
func TestLimits(t *testing.T) {
	var rs routes
	rs.add("/echo", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			fail(w, http.StatusRequestEntityTooLarge)
		}
	}), http.MethodPost)
	r := run(t, rs, time.Second)
	post := func(octets int) int {
		resp, err := http.Post(r.url+"/echo", "application/octet-stream", strings.NewReader(strings.Repeat("x", octets)))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	if got := post(maxBody); got != http.StatusOK {
		t.Errorf("a body of %d octets: %d", maxBody, got)
	}
	if got := post(maxBody + 1); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of %d octets: %d", maxBody+1, got)
	}
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\n\r\n", strings.Repeat("x", maxHeader+8<<10))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil || resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header of %d octets: %v, %v", maxHeader+8<<10, resp, err)
	}
}

// TestAnswered counts answers by their routes, and made-up paths as one.
func TestAnswered(t *testing.T) {
	var mu sync.Mutex
	var got []string
	s, err := New(Config{Grace: time.Second, Log: slog.New(slog.DiscardHandler),
		Handler: Public(PublicConfig{Issuers: []IssuerCertificate{{Name: "CA1"}}, Ready: func(context.Context) error { return errors.New("away") }}),
		Answered: func(route string, status int, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, fmt.Sprintf("%s %d", route, status))
		}})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/issuers/CA1.der", "/issuers/80276001011699990002", "/80276001011699990002", "/readyz"} {
		s.http.Handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	if want := []string{"/issuers/ 200", "/issuers/ 404", "none 404", "/readyz 503"}; !slices.Equal(got, want) {
		t.Errorf("answers are counted as %q, want %q", got, want)
	}
}
