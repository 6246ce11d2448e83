package e2e

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestTokenGoesAndComesBack takes the token's files away from a running server and puts them back. Orders are answered UNAVAILABLE
// meanwhile, and afterwards the same order gives its card without a restart.
func TestTokenGoesAndComesBack(t *testing.T) {
	r := newRig(t)
	server := start(t, r)
	defer stop(t, server)
	client := dial(t, r, server, "line-1")
	source := newOrders(t, true)
	if _, err := issue(t.Context(), client, source.Next()); err != nil {
		t.Fatal(err)
	}
	tokens := filepath.Join(r.Data, "token", "tokens")
	if err := os.Rename(tokens, tokens+".away"); err != nil {
		t.Fatal(err)
	}
	order := source.Next()
	for range 3 {
		if _, err := issue(t.Context(), client, order); status.Code(err) != codes.Unavailable {
			t.Errorf("without the token: %v, want UNAVAILABLE", err)
		}
	}
	if err := os.Rename(tokens+".away", tokens); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	var err error
	for err = status.Error(codes.Unavailable, ""); status.Code(err) == codes.Unavailable && time.Since(back) < 20*time.Second; time.Sleep(50 * time.Millisecond) {
		_, err = issue(t.Context(), client, order)
	}
	if err != nil {
		t.Errorf("after the token is back: %v", err)
	}
	t.Logf("the card came %s after the token was back", time.Since(back).Round(10*time.Millisecond))
}
