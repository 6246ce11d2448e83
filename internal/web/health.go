package web

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// How often a server is asked whether it is ready, however often readers ask, and how long its answer may take: a part that does not
// answer is not ready.
const (
	readyPeriod = time.Second
	readyTime   = 5 * time.Second
)

// health adds the two questions that a supervisor asks: whether the process lives (/healthz: if not, start it again), and whether it can do
// its work now (/readyz: if not, send requests elsewhere). The answers tell no cause, which is in the server's log.
func health(rs *routes, ready func(context.Context) error) {
	rs.read("/healthz", func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "alive\n") })
	latest := &readiness{ask: ready, now: time.Now}
	rs.read("/readyz", func(w http.ResponseWriter, r *http.Request) {
		if latest.ready(r.Context()) {
			say(w, http.StatusOK, "ready\n")
		} else {
			say(w, http.StatusServiceUnavailable, "not ready\n")
		}
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // an error says that the reader is gone
}

// readiness keeps an answer for a period, so that questions from outside cost nothing.
type readiness struct {
	ask func(context.Context) error
	now func() time.Time

	mu  sync.Mutex // guards what is below, and lets one ask at a time
	at  time.Time
	was bool
}

func (r *readiness) ready(ctx context.Context) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at.IsZero() || r.now().Sub(r.at) >= readyPeriod {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readyTime) // the answer is for other readers too
		defer cancel()
		r.was, r.at = r.ask(ctx) == nil, r.now()
	}
	return r.was
}
