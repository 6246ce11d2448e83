package hsm_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/hsmtest"
)

// TestRefusedPINIsNoted: a refused PIN leaves a note that says what to do and nothing of the PIN. While it is there, no PIN is sent, not
// even the right one; when a person has removed it, the token opens.
func TestRefusedPINIsNoted(t *testing.T) {
	twin, err := hsmtest.Copy(soft, filepath.Join(t.TempDir(), "copy"))
	if err != nil {
		t.Fatal(err)
	}
	counter, err := hsmtest.NewCounter(t.TempDir(), twin.Module)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range append(counter.Env(), twin.Env()) {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
	dir := t.TempDir()
	cfg := hsm.Config{URI: strings.Replace(twin.URI(), twin.Module, counter.Module, 1), Latch: dir}
	wrong := cfg
	wrong.PIN = func(context.Context) (hsm.PIN, error) { return hsm.PIN("27182818"), nil }
	if _, err := hsm.Open(t.Context(), wrong, nil); err == nil {
		t.Fatal("opened with a wrong PIN")
	}
	notes, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(notes) != 1 {
		t.Fatalf("notes are %v, %v; want one", notes, err)
	}
	text, err := os.ReadFile(notes[0])
	if err != nil || !strings.Contains(string(text), "remove this file") || strings.Contains(string(text), "27182818") {
		t.Errorf("the note says %q, %v", text, err)
	}
	_, err = hsm.Open(t.Context(), cfg, nil)
	if _, ok := errors.AsType[*hsm.PINError](err); !ok || !strings.Contains(err.Error(), notes[0]) {
		t.Errorf("with the note: %v, want *PINError that names %s", err, notes[0])
	}
	calls, err := counter.Calls()
	if err != nil {
		t.Fatal(err)
	}
	if n := hsmtest.Count(calls, "C_Login"); n != 1 {
		t.Errorf("the token saw %d logins, want one", n)
	}
	if err := os.Remove(notes[0]); err != nil {
		t.Fatal(err)
	}
	openToken(t, cfg)
}
