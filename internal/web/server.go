package web

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// The limits of a connection. A reader who is slower than these is cut off, so that slow ones cannot hold the server.
const (
	headerTime = 5 * time.Second  // for the headers of a request
	readTime   = 10 * time.Second // for a whole request
	writeTime  = 30 * time.Second // for the work on it and the answer
	idleTime   = time.Minute      // between two requests
	maxHeader  = 16 << 10         // octets of headers
	maxBody    = 64 << 10         // octets of a body: an OCSP request of one certificate has about 100
)

// Config is what a Server is made of. All fields are mandatory unless they say otherwise.
type Config struct {
	Handler http.Handler
	Grace   time.Duration // how long answers under way may take after the end was asked for
	// Answered hears of each answer: the route that it took, as "/issuers/" or "none", its status, and how long it took. It is for counting;
	// no request is named (TIP1-A_4234). Optional.
	Answered func(route string, status int, took time.Duration)
	Log      *slog.Logger // hears of faults of the server, never of requests
}

// Server serves a handler on one address. It runs once.
type Server struct {
	http     http.Server
	grace    time.Duration
	answered func(route string, status int, took time.Duration)
	log      *slog.Logger
	handlers sync.RWMutex // each handler under way holds it for reading; http.Server.Close does not wait for them

	ending context.Context // done when answers under way must end
	end    context.CancelFunc
}

// New makes a server. It opens nothing.
func New(cfg Config) (*Server, error) {
	if cfg.Handler == nil || cfg.Grace <= 0 || cfg.Log == nil {
		return nil, errors.New("web: a field of the configuration is not set")
	}
	s := &Server{grace: cfg.Grace, answered: cfg.Answered, log: cfg.Log}
	if s.answered == nil {
		s.answered = func(string, int, time.Duration) {}
	}
	s.ending, s.end = context.WithCancel(context.Background())
	s.http = http.Server{
		Handler:           s.guard(http.MaxBytesHandler(cfg.Handler, maxBody)),
		ReadHeaderTimeout: headerTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		BaseContext:       func(net.Listener) context.Context { return s.ending },
		ErrorLog:          log.New(acceptErrors{cfg.Log}, "", 0),
	}
	return s, nil
}

// Run serves on lis until ctx ends, then takes no new requests and gives those under way Config.Grace to finish before it cuts them
// off. It closes lis and returns after the last handler. A nil error says that it ended because ctx did.
func (s *Server) Run(ctx context.Context, lis net.Listener) error {
	defer s.wait()
	served := make(chan error, 1)
	go func() { served <- s.http.Serve(lis) }()
	select {
	case err := <-served:
		return errors.Join(fmt.Errorf("serve HTTP on %s: %w", lis.Addr(), err), s.http.Close())
	case <-ctx.Done():
	}
	err := s.stop()
	<-served // http.ErrServerClosed
	return err
}

// wait ends every handler and waits until the last one has returned. One that would begin later finds that it must not.
func (s *Server) wait() {
	s.end()
	s.handlers.Lock()
	defer s.handlers.Unlock()
}

// stop waits for the answers under way, and cuts them off where they outlast the grace.
func (s *Server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), s.grace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("answers over HTTP outlast the grace and are cut off", "grace", s.grace)
		err = s.http.Close()
	}
	if err != nil {
		return fmt.Errorf("end the HTTP server: %w", err)
	}
	return nil
}

// guard goes around every handler: it sets the headers that all answers have, and turns a panic into a line in the server's log, so that
// a fault in one answer does not end the others'. The request is not logged.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.handlers.RLock()
		defer s.handlers.RUnlock()
		if s.ending.Err() != nil {
			panic(http.ErrAbortHandler)
		}
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if p != http.ErrAbortHandler {
				s.log.Error("an answer over HTTP failed", "cause", fmt.Sprintf("panic: %v", p), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler) // cuts the connection: a part of the answer may have left
		}()
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		a, begun := &answer{ResponseWriter: w, route: noRoute, status: http.StatusOK}, time.Now()
		next.ServeHTTP(a, r)
		s.answered(a.route, a.status, time.Since(begun))
	})
}

// noRoute stands for requests that no route takes, so that made-up paths make no figures.
const noRoute = "none"

// answer notes what is counted of an answer.
type answer struct {
	http.ResponseWriter
	route  string
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// acceptErrors passes on what package http says about its listener. Everything else that it says is about one client.
type acceptErrors struct{ log *slog.Logger }

func (a acceptErrors) Write(line []byte) (int, error) {
	if text := strings.TrimSpace(string(line)); strings.HasPrefix(text, "http: Accept error") {
		a.log.Warn("no new HTTP connections for a moment", "cause", text)
	}
	return len(line), nil
}

// fail answers with a status and one line of text, which no cache keeps. The text is for everybody: it tells no cause.
func fail(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// failed answers "internal error", after the cause is in the server's log. The request is not.
func failed(w http.ResponseWriter, r *http.Request, log *slog.Logger, doing string, err error) {
	if r.Context().Err() == nil { // the reader is still there, or it does not matter
		log.Error("an answer over HTTP failed", "doing", doing, "cause", err.Error())
	}
	fail(w, http.StatusServiceUnavailable)
}
