package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm/hsmtest"
)

// TestWrongPINOverRestarts starts the server with a wrong PIN again and again, as a supervisor would: the token sees it once. The right
// PIN is not sent either until a person has removed the note; then the server serves.
func TestWrongPINOverRestarts(t *testing.T) {
	r := newRig(t)
	token := loadToken(t, r)
	counter, err := hsmtest.NewCounter(t.TempDir(), token.Module)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range counter.Env() {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
	uri := strings.Replace(token.URI(), token.Module, counter.Module, 1)
	if err := os.WriteFile(filepath.Join(r.Data, "token", "uri"), []byte(uri+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	setPIN := func(pin string) {
		if err := os.WriteFile(token.PINFile(), []byte(pin), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, pin := range []string{"wrong-31415926", "wrong-31415926", "wrong-27182818", "wrong-31415926", token.PIN} {
		setPIN(pin)
		s, err := r.Start()
		if err == nil {
			stop(t, s)
			t.Fatal("the server started")
		}
		if text := err.Error(); !strings.Contains(text, "exit status 2") || strings.Contains(text, pin) {
			t.Errorf("got %v, want an end with 2 and no PIN in the text", err)
		}
	}
	calls, err := counter.Calls()
	if err != nil {
		t.Fatal(err)
	}
	if n := hsmtest.Count(calls, "C_Login"); n != 1 {
		t.Errorf("the token saw %d logins, want one", n)
	}
	notes, err := filepath.Glob(filepath.Join(r.Data, "pin-refused-*"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("notes are %v, %v; want one", notes, err)
	}
	if err := os.Remove(notes[0]); err != nil {
		t.Fatal(err)
	}
	server := start(t, r)
	defer stop(t, server)
	if _, err := issue(t.Context(), dial(t, r, server, "line-1"), newOrders(t, true).Next()); err != nil {
		t.Error(err)
	}
}
