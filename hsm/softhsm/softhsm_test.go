package softhsm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm/softhsm"
)

// TestToken makes a token, finds it again and does not make it twice.
func TestToken(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "token dir") // missing parents, and a space for the URI
	made, err := softhsm.New(dir, "My token")
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := softhsm.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	if loaded.URI() != made.URI() || loaded.PIN != made.PIN || loaded.Env() != made.Env() || loaded.Label != "My token" {
		t.Errorf("loaded %+v, made %+v", loaded, made)
	}
	if strings.ContainsAny(made.URI(), " +") || !strings.Contains(made.URI(), "token=My%20token?module-path=/") {
		t.Errorf("URI: got %s", made.URI())
	}
	for _, path := range []string{dir, made.Conf, made.PINFile()} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: got %v, %v, want nothing for others", path, info.Mode(), err)
		}
	}
	if _, err := softhsm.New(dir, "Another"); err == nil || !strings.Contains(err.Error(), "has a token already") {
		t.Errorf("second token: got %v", err)
	}
}

// TestRefusals: no token, and labels that no token can have.
func TestRefusals(t *testing.T) {
	if _, err := softhsm.Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "no token in") {
		t.Errorf("empty directory: got %v", err)
	}
	for _, label := range []string{"", strings.Repeat("x", 33)} {
		if _, err := softhsm.New(t.TempDir(), label); err == nil {
			t.Errorf("label of %d octets: got no error", len(label))
		}
	}
}
