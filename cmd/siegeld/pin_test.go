package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/hsm/pinshare"
)

// TestPINConfig takes each source of a PIN, and refuses what is none without repeating it: it may be a PIN.
func TestPINConfig(t *testing.T) {
	const copies = "token:\n  copies:\n    - {uri: \"pkcs11:token=x\", "
	for _, c := range []struct {
		name, text, wrong string
	}{
		{"environment", "token: {pin: \"env:PIN\"}", ""},
		{"credential", "token: {pin: \"credential:pin\"}", ""},
		{"prompt", "token: {pin: prompt}", ""},
		{"shares", "token: {pin: shares}", ""},
		{"shares at the terminal", "token: {pin: prompt-shares}", ""},
		{"copy with the same PIN", copies + "sessions: 3}", ""},
		{"copy that is asked for", copies + "pin: prompt}", ""},
		{"a PIN", "token: {pin: \"31415926\"}", "is none of env:NAME"},
		{"a PIN with a colon", "token: {pin: \"file:31415926\"}", "is none of env:NAME"},
		{"no name", "token: {pin: \"env:\"}", "is none of env:NAME"},
		{"two sources", "token: {pin: prompt, pin_file: x}", "a PIN has one source"},
		{"copy without a URI", "token:\n  copies: [{sessions: 1}]", "copy 1 has no uri"},
		{"copy with shares", copies + "pin: shares}", "only the first token has shares"},
		{"copy with too few sessions", copies + "sessions: -1}", "below zero"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := loadConfig(writeFile(t, t.TempDir(), "siegeld.yaml", c.text), overrides{})
			if c.wrong == "" {
				if err != nil {
					t.Error(err)
				}
				if cfg.Token.PIN != "" && cfg.Token.PINFile != "" {
					t.Errorf("there are two sources: %q and %q", cfg.Token.PIN, cfg.Token.PINFile)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.wrong) || !strings.Contains(err.Error(), "siegeld.yaml:") {
				t.Errorf("got %v, want an error with a line and %q", err, c.wrong)
			}
			if err != nil && strings.Contains(err.Error(), "31415926") {
				t.Errorf("the error repeats the PIN: %v", err)
			}
		})
	}
}

// answers plays the people at the terminal.
func answers(texts ...string) func(context.Context, string) ([]byte, error) {
	return func(context.Context, string) ([]byte, error) {
		if len(texts) == 0 {
			return nil, errors.New("nobody answers")
		}
		text := texts[0]
		texts = texts[1:]
		return []byte(text), nil
	}
}

// TestShares splits a PIN as siegeld pin split does, and joins it as siegeld serve does, with a slip of the pen.
func TestShares(t *testing.T) {
	dir := t.TempDir()
	cmd := pinSplitCmd{First: filepath.Join(dir, "1"), Second: filepath.Join(dir, "2")}
	if err := cmd.split([]byte("31415926")); err != nil {
		t.Fatal(err)
	}
	if err := cmd.split([]byte("31415926")); !errors.Is(err, os.ErrExist) {
		t.Errorf("a share was overwritten: %v", err)
	}
	read := func(path string) string {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("%s: %v, %v", path, info.Mode(), err)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	first, second := read(cmd.First), read(cmd.Second)
	slip := strings.Replace(first, first[10:11], map[bool]string{true: "B", false: "A"}[first[10] == 'A'], 1)
	p := &pins{ask: answers(slip, first, second)}
	source, err := p.source(t.Context(), "", pinAskShares, "the token")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // each login asks
		if pin, err := source(t.Context()); err != nil || string(pin) != "31415926" {
			t.Errorf("got %q, %v", []byte(pin), err)
		}
	}
	if err := p.wipe(); err != nil {
		t.Error(err)
	}
	if _, err := source(t.Context()); err == nil {
		t.Error("there is a PIN after the end")
	}
	p = &pins{ask: answers(first, first)}
	if _, err := p.source(t.Context(), "", pinAskShares, "the token"); !errors.Is(err, pinshare.ErrSame) || exitCode(err) != exitConfig {
		t.Errorf("one operator gave both shares: %v", err)
	}
}

// TestAskTwice takes a PIN that was typed the same way twice.
func TestAskTwice(t *testing.T) {
	if pin, err := askTwice(t.Context(), answers("1234", "1234")); err != nil || string(pin) != "1234" {
		t.Errorf("got %q, %v", pin, err)
	}
	if _, err := askTwice(t.Context(), answers("1234", "1235")); err == nil {
		t.Error("two PINs that differ were taken")
	}
}
