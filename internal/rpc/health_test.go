package rpc

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/siegel-pki/siegel/ca"
)

// waitForHealth reads a watcher's stream until it says so.
func waitForHealth(t *testing.T, stream healthpb.Health_WatchClient, want healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	for {
		got, err := stream.Recv()
		if err != nil {
			t.Fatalf("the stream ends with %v before it says %v", err, want)
		}
		if got.GetStatus() == want {
			return
		}
	}
}

// TestHealthFollowsReadiness takes a part away and gives it back, and looks at every name under which health is asked for.
func TestHealthFollowsReadiness(t *testing.T) {
	h := start(t, &fakeAuthority{})
	health := healthpb.NewHealthClient(h.as("auditor"))
	streams := map[string]healthpb.Health_WatchClient{}
	for _, name := range healthNames {
		stream, err := health.Watch(testContext(t), &healthpb.HealthCheckRequest{Service: name})
		if err != nil {
			t.Fatal(err)
		}
		streams[name] = stream
	}
	expect := func(want healthpb.HealthCheckResponse_ServingStatus) {
		t.Helper()
		for name, stream := range streams {
			waitForHealth(t, stream, want)
			if got, err := health.Check(testContext(t), &healthpb.HealthCheckRequest{Service: name}); err != nil || got.GetStatus() != want {
				t.Errorf("Check(%q) = %v, %v, want %v", name, got, err, want)
			}
		}
	}
	expect(healthpb.HealthCheckResponse_SERVING)
	away := errors.New("no key session is open")
	h.unready.Store(&away)
	expect(healthpb.HealthCheckResponse_NOT_SERVING)
	h.unready.Store(nil)
	expect(healthpb.HealthCheckResponse_SERVING)
	h.waitForLog(`"level":"INFO","msg":"the server is ready again"`)
	log := h.log.String()
	if n := strings.Count(log, `"level":"ERROR","msg":"the server is not ready","cause":"no key session is open"`); n != 1 {
		t.Errorf("the log tells %d times that the server is not ready, want once:\n%s", n, log)
	}
}

// TestHealthBeforeTheFirstAnswer: nothing is known, so nothing is promised.
func TestHealthBeforeTheFirstAnswer(t *testing.T) {
	h := start(t, &fakeAuthority{})
	h.stop()
	<-h.ended
	s, err := New(Config{Authority: &fakeAuthority{}, Lifecycle: &fakeAuthority{}, Inclusion: &fakeAuthority{}, LogReader: ca.NewLogReader(emptyLog{}), Operators: h.server.operators.Load(), Limits: testLimits, TLS: TLS(h.operators["line-1"], h.ca.pool()),
		Grace: time.Second, Now: time.Now, Ready: func(context.Context) error { return nil }, Log: h.server.log})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range healthNames {
		got, err := s.health.Check(context.Background(), &healthpb.HealthCheckRequest{Service: name})
		if err != nil || got.GetStatus() != healthpb.HealthCheckResponse_NOT_SERVING {
			t.Errorf("Check(%q) = %v, %v, want NOT_SERVING", name, got, err)
		}
	}
}
