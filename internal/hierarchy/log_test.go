package hierarchy

import (
	"crypto/ed25519"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// TestLogKey: the line that auditors configure comes back, and one of another log does not.
func TestLogKey(t *testing.T) {
	verifier, err := tlog.NewVerifierKey("example/log", make(ed25519.PublicKey, ed25519.PublicKeySize))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "hierarchy")
	h := Hierarchy{Environment: profiles.Test, TSPID: "16", Log: LogKey{Name: "example/log", KeyID: []byte{3}, Verifier: verifier}}
	if err := h.Save(dir); err != nil {
		t.Fatal(err)
	}
	loaded, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded.Log.Verifier; got == nil || got.String() != verifier.String() {
		t.Errorf("the key is %v, want %s", got, verifier)
	}
	path := filepath.Join(dir, logFileName)
	other, err := tlog.NewVerifierKey("example/other", make(ed25519.PublicKey, ed25519.PublicKeySize))
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{other.String(): `is of the log "example/other"`, "example/log+0+AA==": "read the key of a log"} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want an error with %q", text, err, want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if loaded, err := Load(dir); err != nil || loaded.Log.Verifier != nil {
		t.Errorf("without the file: key %v, %v, want none", loaded.Log.Verifier, err)
	}
}
