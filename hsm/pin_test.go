package hsm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPINSources reads PINs from where they may lie.
func TestPINSources(t *testing.T) {
	dir := t.TempDir()
	for name, content := range map[string]string{"plain": "1234", "line": "1234\n", "crlf": "1234\r\n", "space": " 12 34 \n", "empty": "\n",
		"long": strings.Repeat("1", maxPIN)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("SIEGEL_TEST_PIN", "1234")
	for _, c := range []struct {
		name   string
		source PINSource
		want   string // "" is an error
	}{
		{"file", PINFromFile(filepath.Join(dir, "plain")), "1234"},
		{"file with line end", PINFromFile(filepath.Join(dir, "line")), "1234"},
		{"file with CR LF", PINFromFile(filepath.Join(dir, "crlf")), "1234"},
		{"spaces are part of it", PINFromFile(filepath.Join(dir, "space")), " 12 34 "},
		{"empty file", PINFromFile(filepath.Join(dir, "empty")), ""},
		{"long file", PINFromFile(filepath.Join(dir, "long")), ""},
		{"no file", PINFromFile(filepath.Join(dir, "nothing")), ""},
		{"environment", PINFromEnv("SIEGEL_TEST_PIN"), "1234"},
		{"not in the environment", PINFromEnv("SIEGEL_TEST_NO_PIN"), ""},
		{"credential", PINFromCredential("line"), "1234"},
		{"credential elsewhere", PINFromCredential("../" + filepath.Base(dir) + "/line"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := c.source(t.Context())
			if string(got) != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v, want %q", string(got), err, c.want)
			}
		})
	}
	t.Run("no credentials", func(t *testing.T) {
		t.Setenv("CREDENTIALS_DIRECTORY", "")
		if _, err := PINFromCredential("line")(t.Context()); err == nil {
			t.Error("got no error")
		}
	})
}

// TestPINIsNotShown prints and logs a PIN in every way.
func TestPINIsNotShown(t *testing.T) {
	pin := PIN("31415926")
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%c", "%T: %v"} {
		args := []any{pin, pin}[:strings.Count(verb, "%")]
		fmt.Fprintf(&out, verb+"\n", args...)
	}
	fmt.Fprintln(&out, struct{ P PIN }{pin}, []PIN{pin})
	text, err := json.Marshal(map[string]any{"pin": pin})
	if err != nil {
		t.Fatal(err)
	}
	out.Write(text)
	slog.New(slog.NewTextHandler(&out, nil)).Info("login", "pin", pin, "in a struct", struct{ P PIN }{pin})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("login", "pin", pin, "in a struct", struct{ P PIN }{pin})
	for _, shown := range []string{"31415926", "3331343135393236", "51 49 52", "MzE0MTU5MjY"} {
		if strings.Contains(out.String(), shown) {
			t.Errorf("the PIN is shown as %s in\n%s", shown, out.String())
		}
	}
}
