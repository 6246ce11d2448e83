package hsm

import (
	"errors"
	"log/slog"
	"runtime"
	"strings"
	"testing"
)

// TestURI reads RFC 7512 URIs, good and bad.
func TestURI(t *testing.T) {
	for _, c := range []struct {
		name, uri string
		label     string // of the token, where the URI is good
		pin       string // path of the PIN file
		wrong     string // part of the error, where it is not
	}{
		{name: "all in the path", uri: "pkcs11:token=siegel-1;module-path=/m.so;pin-source=/p", label: "siegel-1", pin: "/p"},
		{name: "as RFC 7512 has it", uri: "pkcs11:token=siegel-1?module-path=/m.so&pin-source=file:/p", label: "siegel-1", pin: "/p"},
		{name: "escaped", uri: "pkcs11:token=The%20token%3B?module-path=/m.so", label: "The token;"},
		{name: "plus is a plus", uri: "pkcs11:token=a+b?module-path=/m.so", label: "a+b"},
		{name: "no module", uri: "pkcs11:token=x", wrong: "module-path"},
		{name: "other scheme", uri: "https://example.org", wrong: "not a pkcs11: URI"},
		{name: "not a URI", uri: "pkcs11:%zz", wrong: "not a pkcs11: URI"},
		{name: "empty", uri: "", wrong: "not a pkcs11: URI"},
		{name: "PIN in the URI", uri: "pkcs11:token=x?module-path=/m.so&pin-value=geheim", wrong: "pin-value is not accepted"},
		{name: "escaped PIN attribute", uri: "pkcs11:token=x?module-path=/m.so&pin%2Dvalue=geheim", wrong: "pin-value is not accepted"},
		{name: "PIN in a bad URI", uri: "pkcs11:token=%zz?pin-value=geheim", wrong: "not a pkcs11: URI"},
		{name: "misspelt attribute", uri: "pkcs11:tokem=x?module-path=/m.so", wrong: `"tokem"`},
		{name: "slot is no number", uri: "pkcs11:slot-id=one?module-path=/m.so", wrong: "slot-id"},
		{name: "slot is negative", uri: "pkcs11:slot-id=-1?module-path=/m.so", wrong: "slot-id"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt, pin, err := parseURI(c.uri)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Errorf("got %v, want an error with %q", err, c.wrong)
				}
				if err != nil && strings.Contains(err.Error(), "geheim") {
					t.Errorf("the error shows the PIN: %v", err)
				}
				return
			}
			if err != nil || opt.Match.Label != c.label || pin != c.pin || opt.Module != "/m.so" {
				t.Errorf("got label %q, PIN file %q, module %q, %v; want %q, %q, /m.so", opt.Match.Label, pin, opt.Module, err, c.label, c.pin)
			}
		})
	}
}

// FuzzURI: a PIN in the URI is refused, whatever it is and wherever it stands, and no error shows it.
func FuzzURI(f *testing.F) {
	for _, pin := range []string{"geheim", "%zz", "a;b", "a&b", "?", "#", "\x00"} {
		f.Add(pin)
	}
	f.Fuzz(func(t *testing.T, pin string) {
		for _, uri := range []string{"pkcs11:token=x?module-path=/m.so&pin-value=" + pin, "pkcs11:pin-value=" + pin + ";module-path=/m.so"} {
			_, _, err := parseURI(uri)
			if err == nil {
				t.Fatalf("accepted %q", uri)
			}
			if text := err.Error(); !strings.HasPrefix(text, "pin-value is not accepted") && text != "not a pkcs11: URI (RFC 7512)" {
				t.Errorf("%q: got %q", uri, text)
			}
		}
	})
}

// TestConfigBounds checks what is not in the URI.
func TestConfigBounds(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	for _, c := range []struct {
		name  string
		cfg   Config
		wrong string
	}{
		{"no PIN", Config{URI: "pkcs11:token=x?module-path=/m.so"}, "PIN"},
		{"negative", Config{URI: "pkcs11:token=x?module-path=/m.so&pin-source=/p", Sessions: -1}, "-1 sessions"},
		{"too many", Config{URI: "pkcs11:token=x?module-path=/m.so&pin-source=/p", Sessions: maxSessions + 1}, "1025 sessions"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.cfg.options(log); err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("got %v, want an error with %q", err, c.wrong)
			}
		})
	}
	opt, err := Config{URI: "pkcs11:token=x?module-path=/m.so&pin-source=/p"}.options(log)
	if want := runtime.NumCPU() + 1; err != nil || opt.Sessions != want {
		t.Errorf("default: got %d sessions, %v, want %d", opt.Sessions, err, want)
	}
}

// TestModuleIsMissing names the file.
func TestModuleIsMissing(t *testing.T) {
	for path, wrong := range map[string]string{"/nowhere/module.so": "/nowhere/module.so", "config_test.go": "not a PKCS#11 module"} {
		cfg := Config{URI: "pkcs11:token=x?module-path=" + path, PIN: PINFromEnv("NOT_ASKED")}
		_, err := Open(t.Context(), cfg, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), wrong) || errors.Is(err, ErrNoToken) {
			t.Errorf("%s: got %v, want an error with %q", path, err, wrong)
		}
	}
}
