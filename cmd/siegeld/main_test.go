package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/profiles"
)

// siegeld runs the program and gives exit code and output.
func siegeld(t *testing.T, args ...string) (code int, out, errOut string) {
	t.Helper()
	open := func(name string) *os.File {
		f, err := os.Create(filepath.Join(t.TempDir(), name))
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	stdout, stderr := open("out"), open("err")
	code = run(args, stdout, stderr)
	read := func(f *os.File) string {
		text, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		return string(text)
	}
	return code, read(stdout), read(stderr)
}

func TestProgram(t *testing.T) {
	data := prepare(t)
	const quiet = "http: {listen: off}\ntiles: {listen: off}\nmetrics: {listen: off}\n" // whatever else runs on this machine
	good := writeFile(t, data, "siegeld.yaml", "data: .\n"+quiet)
	bad := writeFile(t, data, "bad.yaml", "data: .\nlog: {level: loud}\n")
	away := writeFile(t, data, "away.yaml", "data: .\nstore: {postgres: 'postgres://siegel:s3cret@127.0.0.1:1/cards'}\n"+quiet)
	empty := t.TempDir()
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"good configuration", []string{"check-config", good}, exitOK, "is good: environment test, 2 issuers and roots, 1 operators"},
		{"bad configuration", []string{"check-config", bad}, exitConfig, "bad.yaml:2: log.level: "},
		{"production", []string{"check-config", production(t)}, exitConfig, "siegeld.yaml:3: key_session.opened_by: in environment production operators open key sessions"},
		{"no configuration", []string{"check-config", filepath.Join(empty, "none.yaml")}, exitConfig, "see siegeld --help"},
		{"not prepared", []string{"--data", empty}, exitConfig, "siegel-ceremony test-hierarchy --data " + empty},
		{"not prepared, by name of the command", []string{"serve", "--data", empty}, exitConfig, "siegel-ceremony test-hierarchy"},
		{"token away", []string{"--config", good, "--listen", "127.0.0.1:0"}, exitFailed, "open the token"},
		{"nothing to migrate", []string{"migrate", "--config", good}, exitOK, "the server itself brings " + filepath.Join(data, "siegel.db")},
		{"migrate a database that is away", []string{"migrate", "--config", away}, exitFailed, "migrate database siegel@127.0.0.1:1/cards"},
		{"serve from a database that is away", []string{"--config", away, "--listen", "127.0.0.1:0"}, exitFailed, "open database siegel@127.0.0.1:1/cards"},
		{"back up what is not there", []string{"backup", filepath.Join(empty, "b.db"), "--data", empty}, exitFailed, "back up " + filepath.Join(empty, "siegel.db")},
		{"back up PostgreSQL", []string{"backup", filepath.Join(empty, "b.db"), "--config", away}, exitConfig, "pg_dump"},
		{"unknown flag", []string{"--colour"}, exitConfig, "unknown flag --colour"},
		{"help", []string{"--help"}, exitOK, "Exit codes:"},
		{"version", []string{"version"}, exitOK, "siegeld " + build.Version() + "\n"},
		{"version, as a flag", []string{"--version"}, exitOK, "siegeld " + build.Version() + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errOut := siegeld(t, tt.args...)
			if code != tt.code || !strings.Contains(out+errOut, tt.want) {
				t.Errorf("exit code %d, want %d; output lacks %q:\n%s%s", code, tt.code, tt.want, out, errOut)
			}
		})
	}
}

// production is a configuration file of a prepared directory for production, in which the server would open key sessions alone.
func production(t *testing.T) string {
	t.Helper()
	data := prepare(t)
	saveHierarchy(t, data, func(h *hierarchy.Hierarchy) { h.Environment = profiles.Production })
	return writeFile(t, data, "siegeld.yaml", "data: .\nenvironment: production\nkey_session: {opened_by: server}\nstanding_sessions: [log]\n")
}

// TestExitCode tells what a supervisor may try again from what it must not.
func TestExitCode(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{errors.New("address in use"), exitFailed},
		{&hsm.Unavailable{}, exitFailed},
		{wrongConfig(errors.New("log.level")), exitConfig},
		{fmt.Errorf("open the token: %w", &hsm.PINError{}), exitConfig},
		{fmt.Errorf("find the key: %w", hsm.ErrKeyNotFound), exitConfig},
		{errors.Join(fmt.Errorf("open: %w", sqlite.ErrNewerSchema), nil), exitConfig},
		{fmt.Errorf("open: %w", postgres.ErrOlderSchema), exitConfig},
		{fmt.Errorf("open: %w", postgres.ErrNewerSchema), exitConfig},
		{fmt.Errorf("compare: %w", ca.ErrLogChanged), exitConfig},
	}
	for _, tt := range tests {
		if got := exitCode(tt.err); got != tt.want {
			t.Errorf("exitCode(%T) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

// TestReadyFiles are there with the addresses while the server serves, and old ones are removed first.
func TestReadyFiles(t *testing.T) {
	dir := t.TempDir()
	ready, all := writeFile(t, dir, "ready", "of a server that was killed"), writeFile(t, dir, "addresses", "too")
	gone := func(when string) {
		t.Helper()
		if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
			t.Errorf("%s there are %v, %v", when, files, err)
		}
	}
	r, err := newReadyFiles(ready, all)
	if err != nil {
		t.Fatal(err)
	}
	gone("before the server is ready")
	if err := r.write(addresses{GRPC: "127.0.0.1:42", Tiles: "[::1]:43"}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{ready: "127.0.0.1:42\n", all: `{"grpc":"127.0.0.1:42","tiles":"[::1]:43"}` + "\n"} {
		if text, err := os.ReadFile(path); err != nil || string(text) != want {
			t.Errorf("%s holds %q, %v, want %q", path, text, err, want)
		}
	}
	if err := r.remove(); err != nil {
		t.Fatal(err)
	}
	gone("after the end")
	var none readyFiles
	if err := errors.Join(none.write(addresses{}), none.remove()); err != nil {
		t.Errorf("without files: %v", err)
	}
}
