package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/siegel-pki/siegel/internal/strictyaml"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestDefaults is the manual's word: what holds where nothing is said.
func TestDefaults(t *testing.T) {
	got, err := loadConfig("", overrides{})
	if err != nil {
		t.Fatal(err)
	}
	want := config{
		Data: "data", Environment: "test", Listen: "127.0.0.1:7443",
		TLS:  tlsConfig{"data/tls/server.pem", "data/tls/server.key", "data/tls/ca.pem"},
		HTTP: httpConfig{"127.0.0.1:7480", 500}, Tiles: tilesConfig{"127.0.0.1:7481"}, Metrics: metricsConfig{Listen: "127.0.0.1:7482"},
		OCSP: ocspConfig{20 * time.Second}, CRL: crlConfig{24 * time.Hour, 168 * time.Hour, 10 * time.Minute},
		Operators: "data/operators.yaml", Hierarchy: "data/hierarchy",
		Store:      storeConfig{SQLite: "data/siegel.db"},
		Token:      tokenConfig{PINFile: "data/token/pin", SoftHSM2: "data/token/softhsm2.conf"},
		KeySession: keySessionConfig{1_000_000, 24 * time.Hour, "server"}, ApprovalTime: time.Hour,
		StandingSessions: []string{"log", "ocsp", "crl"},
		Line:             lineConfig{Waiting: 256, Streams: 64},
		Log:              logConfig{"auto", "info"},
		Grace:            20 * time.Second,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("defaults = %+v\nwant %+v", got, want)
	}
}

const full = `
data: d
environment: production
listen: "[::1]:0"
http: {listen: "[::1]:80", rate: 7}
ocsp: {cache: 10s}
crl: {interval: 12h, validity: 72h, after_revocation: 1m}
tiles: {listen: "127.0.0.1:0"}
metrics: {listen: off, profiles: true}
tls: {certificate: c.pem, key: /k.pem, client_ca: ca.pem}
operators: o.yaml
hierarchy: h
profiles: p
legacy_exceptions: [legacy-cvc-g1, legacy-rsa-2048-noqes]
store: {sqlite: s.db}
token:
  {uri: "pkcs11:token=x?module-path=/m.so", pin_file: pin, sessions: 8, softhsm2_conf: soft, reserved: "a=b", quirks: luna,
   copies: [{uri: "pkcs11:token=y?module-path=/n.so", pin_file: pin2, sessions: 4, reserved: "c=d", quirks: generic}, {uri: "pkcs11:token=z?module-path=/n.so", pin: "env:Z"}]}
key_session: {signatures: 5, lifetime: 90m, opened_by: operators}
standing_sessions: [log, ocsp]
line: {at_once: 9, quotas: {line-2: 4}, waiting: 10, streams: 3}
approval_time: 30m
log: {format: json, level: warn}
grace: 1m30s
`

// TestEveryKey sets every key of the file, but for one of two that exclude each other (TestPostgres). A key that is added to the
// struct and not here makes the test fail.
func TestEveryKey(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, dir, "siegeld.yaml", full)
	got, err := loadConfig(path, overrides{})
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	want := config{
		Data: in("d"), Environment: "production", Listen: "[::1]:0", TLS: tlsConfig{in("c.pem"), "/k.pem", in("ca.pem")},
		Operators: in("o.yaml"), Hierarchy: in("h"), Profiles: in("p"), Store: storeConfig{SQLite: in("s.db")},
		LegacyExceptions: []string{"legacy-cvc-g1", "legacy-rsa-2048-noqes"}, exceptionsAt: path + ":14: ",
		HTTP: httpConfig{"[::1]:80", 7}, Tiles: tilesConfig{"127.0.0.1:0"}, Metrics: metricsConfig{"off", true},
		OCSP: ocspConfig{10 * time.Second}, CRL: crlConfig{12 * time.Hour, 72 * time.Hour, time.Minute},
		Token: tokenConfig{URI: "pkcs11:token=x?module-path=/m.so", PINFile: in("pin"), Sessions: 8, SoftHSM2: in("soft"), Reserved: "a=b", Quirks: "luna",
			Copies: []tokenCopyConfig{
				{URI: "pkcs11:token=y?module-path=/n.so", PINFile: in("pin2"), Sessions: 4, Reserved: "c=d", Quirks: "generic"},
				{URI: "pkcs11:token=z?module-path=/n.so", PIN: "env:Z"},
			}},
		KeySession: keySessionConfig{5, 90 * time.Minute, "operators"}, ApprovalTime: 30 * time.Minute, StandingSessions: []string{"log", "ocsp"},
		Line: lineConfig{9, map[string]int{"line-2": 4}, 10, 3}, Log: logConfig{"json", "warn"}, Grace: 90 * time.Second,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("config = %+v\nwant %+v", got, want)
	}
	got.Store.Postgres, got.Token.PIN = "see TestPostgres", "see TestPINConfig"
	requireFilled(t, "config", reflect.ValueOf(got))

	over, err := loadConfig(path, overrides{data: "/elsewhere", listen: "127.0.0.1:1", http: "127.0.0.1:2", tiles: "127.0.0.1:3", metrics: "127.0.0.1:4"})
	if err != nil {
		t.Fatal(err)
	}
	if over.Data != "/elsewhere" || over.Listen != "127.0.0.1:1" || over.Hierarchy != in("h") ||
		over.HTTP.Listen != "127.0.0.1:2" || over.Tiles.Listen != "127.0.0.1:3" || over.Metrics.Listen != "127.0.0.1:4" {
		t.Errorf("with flags: %+v", over)
	}
}

// TestPostgres takes the place of the SQLite file, which must then not be made up.
func TestPostgres(t *testing.T) {
	const dsn = "postgres://siegel@db.example/siegel?pool_max_conns=8"
	got, err := loadConfig(writeFile(t, t.TempDir(), "siegeld.yaml", "store:\n  postgres: "+dsn+"\n"), overrides{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (storeConfig{Postgres: dsn}); got.Store != want {
		t.Errorf("store is %+v, want %+v", got.Store, want)
	}
}

func requireFilled(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	for i := range v.NumField() {
		field := name + "." + v.Type().Field(i).Name
		if v.Field(i).Kind() == reflect.Struct {
			requireFilled(t, field, v.Field(i))
		} else if v.Field(i).IsZero() {
			t.Errorf("the test does not set %s", field)
		}
	}
}

func TestBadConfigurations(t *testing.T) {
	tests := []struct {
		name, text string
		want       []string
	}{
		{"unknown key", "data: x\ndatabase: y\n", []string{`siegeld.yaml:2: unknown key "database"`}},
		{"unknown key below", "log:\n  colour: red\n", []string{`siegeld.yaml:2: unknown key "colour"`}},
		{"two faults", "a: 1\nlog:\n  b: 2\n", []string{`siegeld.yaml:1: unknown key "a"`, `siegeld.yaml:3: unknown key "b"`}},
		{"key twice", "data: x\ndata: y\n", []string{"siegeld.yaml:2: ", `"data" already defined`}},
		{"wrong type", "\ntoken:\n  sessions: many\n", []string{"siegeld.yaml:3: cannot unmarshal"}},
		{"not a duration", "grace: 20\n", []string{"siegeld.yaml:1: cannot unmarshal"}},
		{"broken", "data: [\n", []string{"siegeld.yaml:"}},
		{"two documents", "data: x\n---\ndata: y\n", []string{"more than one YAML document"}},
		{"environment", "data: x\nenvironment: staging\n", []string{`siegeld.yaml:2: environment: "staging" is neither test nor production`}},
		{"listen", "listen: '7443'\n", []string{`siegeld.yaml:1: listen: "7443" is not host:port`}},
		{"status", "http: {rate: -1}\nocsp: {cache: 21s}\ncrl: {interval: 25h, validity: 25h, after_revocation: 0s}\n", []string{"siegeld.yaml:1: http.rate: -1",
			"siegeld.yaml:2: ocsp.cache: 21s", "siegeld.yaml:3: crl.interval: 25h", "siegeld.yaml:3: crl.validity: 25h", "siegeld.yaml:3: crl.after_revocation: 0s"}},
		{"HTTP", "http:\n  listen: ''\ntiles: {listen: '7481'}\nmetrics: {listen: yes}\n", []string{`siegeld.yaml:2: http.listen: "" is neither host:port nor off`,
			`siegeld.yaml:3: tiles.listen: "7481" is neither`, `siegeld.yaml:4: metrics.listen: "yes" is neither`}},
		{"line", "line:\n  at_once: -1\n  quotas: {a: 0}\n  waiting: 0\n  streams: 0\n", []string{"siegeld.yaml:2: line.at_once: -1 is below zero",
			"siegeld.yaml:3: line.quotas: 0 of a is not above zero", "siegeld.yaml:4: line.waiting: 0 is not above zero", "siegeld.yaml:5: line.streams: 0 is not above zero"}},
		{"key session", "key_session:\n  signatures: 0\n  lifetime: -1h\n", []string{
			"siegeld.yaml:2: key_session.signatures: 0 is not above zero", "siegeld.yaml:3: key_session.lifetime: -1h0m0s is less than a second"}},
		{"two stores", "store:\n  sqlite: a\n  postgres: host=b\n", []string{"siegeld.yaml:3: store.postgres: store.sqlite is set too"}},
		{"no DSN", "store: {postgres: 'postgres://siegel:s3cret@h:none/'}\n", []string{"siegeld.yaml:1: store.postgres: ", "port"}},
		{"no connections", "store: {postgres: 'pool_max_conns=0'}\n", []string{"siegeld.yaml:1: store.postgres: ", "pool_max_conns"}},
		{"sessions", "token: {sessions: -1}\n", []string{"siegeld.yaml:1: token.sessions: -1 is below zero"}},
		{"grace", "grace: 0s\n", []string{"siegeld.yaml:1: grace: 0s is not above zero"}},
		{"log", "log:\n  format: xml\n  level: loud\n", []string{`siegeld.yaml:2: log.format: "xml" is none of`, `siegeld.yaml:3: log.level: "loud" is none of`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := loadConfig(writeFile(t, t.TempDir(), "siegeld.yaml", tt.text), overrides{})
			if err == nil {
				t.Fatalf("loadConfig = nil, want errors %q", tt.want)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("loadConfig = %v, want an error with %q", err, part)
				}
			}
		})
	}
}

func FuzzDecodeStrict(f *testing.F) {
	f.Add([]byte(full))
	f.Add([]byte("log: &a {level: info}\ntls: {<<: *a}\n"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cfg := defaults()
		lines, err := strictyaml.Decode("f", text, &cfg)
		if err != nil {
			if err.Error() == "" {
				t.Error("the error says nothing")
			}
			return
		}
		_ = cfg.check(lines)
	})
}

func writeFile(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
