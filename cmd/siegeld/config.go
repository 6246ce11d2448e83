package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/strictyaml"
	"github.com/siegel-pki/siegel/profiles"
)

// config is the configuration file. Every key may be left out. Relative paths are relative to the file's directory. Paths
// that are left out are below data, where the ceremony puts things.
type config struct {
	// Data directory. Default: data, relative to the working directory where there is no file.
	Data string `yaml:"data"`
	// Where the certificates are used: test or production. The hierarchy must say the same. Default: test.
	Environment string `yaml:"environment"`
	// Address for gRPC, host:port. Port 0 takes a free one. Default: 127.0.0.1:7443.
	Listen string `yaml:"listen"`
	// The server's side of the TLS connection.
	TLS tlsConfig `yaml:"tls"`
	// HTTP for relying parties: OCSP, CRLs, issuer certificates and health (/healthz, /readyz). Without TLS: what it says is signed.
	HTTP httpConfig `yaml:"http"`
	// OCSP, which is answered over HTTP for relying parties.
	OCSP ocspConfig `yaml:"ocsp"`
	// CRLs, which are served there too.
	CRL crlConfig `yaml:"crl"`
	// HTTP for monitors of the log: checkpoint, tiles and entries in the format C2SP tlog-tiles. Entries name cards by ICCSN and orders by
	// id, but hold no personal data: give the address to auditors and not to everybody.
	Tiles tilesConfig `yaml:"tiles"`
	// HTTP for the operator's Prometheus: figures at /metrics, and health.
	Metrics metricsConfig `yaml:"metrics"`
	// Operator file: who may call, and what for. Default: operators.yaml below data.
	Operators string `yaml:"operators"`
	// Directory of the issuers' certificates (issuers.yaml). Default: hierarchy below data.
	Hierarchy string `yaml:"hierarchy"`
	// Directory of the catalogue of card types, sectors and profiles. Default: the one built in.
	Profiles string `yaml:"profiles"`
	// Exceptions to the algorithm policy, by name, for example [legacy-cvc-g1]: algorithms that may be used in environment production after
	// their last day, once two people have granted them (siegel policy grant). `siegel profiles algorithms` lists algorithms, days and names. Each start of the server records them in the log, and
	// so does each card that depends on one. Default: none.
	LegacyExceptions []string `yaml:"legacy_exceptions"`
	// Where orders, cards and the log are kept.
	Store storeConfig `yaml:"store"`
	// The token that holds the issuers' keys.
	Token tokenConfig `yaml:"token"`
	// What personalization lines can ask for at a time.
	Line lineConfig `yaml:"line"`
	// How long and how often an issuer key may sign before it must be opened again, and who opens it.
	KeySession keySessionConfig `yaml:"key_session"`
	// How long a request for an act that needs two people may wait to be approved, for example 1h. Default: 1h.
	ApprovalTime time.Duration `yaml:"approval_time"`
	// What keys sign as long as the server runs, without a key session that two people opened: log (checkpoints), ocsp (answers about status), crl
	// (revocation lists). Each start of the server records it in the log. Default: all three in environment test; in production it must be
	// said, and log must be among them.
	StandingSessions []string `yaml:"standing_sessions"`
	// The server's log, on standard error. (The log of issuances is in the store.)
	Log logConfig `yaml:"log"`
	// How long calls under way may take after the end was asked for, for example 20s. Default: 20s.
	Grace time.Duration `yaml:"grace"`

	exceptionsAt string // place of legacy_exceptions in the file; which names there are is for the catalogue to say
}

// tlsConfig is the server's side of the TLS connection.
type tlsConfig struct {
	// Server certificate, PEM. Default: tls/server.pem below data.
	Certificate string `yaml:"certificate"`
	// Its private key, PEM; not for others to read. Default: tls/server.key below data.
	Key string `yaml:"key"`
	// Certificates of the CAs that certify operators, PEM. Default: tls/ca.pem below data.
	ClientCA string `yaml:"client_ca"`
}

// off is what stands in place of an address that is not to be served.
const off = "off"

// httpConfig is the address for relying parties.
type httpConfig struct {
	// host:port, or off. Port 0 takes a free one. Default: 127.0.0.1:7480.
	Listen string `yaml:"listen"`
	// Requests for status that one client may make in a second, and twice as many at once; 0 for any number. A client is an IPv4 address or an
	// IPv6 network of 64 bits: behind a proxy all clients are one, so bound them there and set 0 here. Default: 500.
	Rate int `yaml:"rate"`
}

// tilesConfig is the address for monitors of the log.
type tilesConfig struct {
	// host:port, or off. Port 0 takes a free one. Default: 127.0.0.1:7481.
	Listen string `yaml:"listen"`
}

// metricsConfig is the address for Prometheus.
type metricsConfig struct {
	// host:port, or off. Port 0 takes a free one. Default: 127.0.0.1:7482.
	Listen string `yaml:"listen"`
	// Whether profiles of the running process are served below /debug/pprof/, to whoever reaches the address: where it spends its time, what
	// fills its memory. They name functions of the program and hold no keys and no orders; taking one slows the server a little. Default: false.
	Profiles bool `yaml:"profiles"`
}

// storeConfig says where orders, cards and the log are kept: in an SQLite file, for one server, or in a PostgreSQL database, for any
// number of them.
type storeConfig struct {
	// SQLite file, on a local file system; made where it does not exist. Default: siegel.db below data, where postgres is not set.
	SQLite string `yaml:"sqlite"`
	// PostgreSQL database (15 or newer) as a URL, for example postgres://siegel@db.example/siegel?sslmode=verify-full, or in
	// libpq's key=value words. The password comes from a file (passfile=PATH, or ~/.pgpass). Each server uses at most 16 connections,
	// or pool_max_conns=N, and one more, straight to the database and through no pooler that shares them. siegeld migrate prepares the
	// database, and must be run again for a release with a newer schema.
	Postgres string `yaml:"postgres"`
}

// tokenConfig says which token holds the issuers' keys.
type tokenConfig struct {
	// Token and module in one PKCS#11 URI (RFC 7512), for example
	// pkcs11:token=siegel-1?module-path=/usr/lib/softhsm/libsofthsm2.so. Default: the content of token/uri below data.
	URI string `yaml:"uri"`
	// File of the user PIN; not for others to read. Default: token/pin below data, where pin is not set.
	PINFile string `yaml:"pin_file"`
	// Another source of the user PIN than a file, one of:
	//
	//	env:NAME         an environment variable; every process of the same user can read it there
	//	credential:NAME  a credential that systemd passes (LoadCredential=, LoadCredentialEncrypted=)
	//	prompt           a person types it on the terminal at each start
	//	shares           two operators send one share each (siegel give-share); siegeld pin split makes shares
	//	prompt-shares    two persons type one share each on the terminal
	//
	// A PIN that people gave is kept in memory until the server ends, so that a token that was away can be used again.
	PIN string `yaml:"pin"`
	// Greatest number of sessions, and so of signatures made at the same time; for an HSM of its own, as many as it works on at a time, for
	// example 16. Default: 0, one more than there are CPUs, which is right for a token in software.
	Sessions int `yaml:"sessions"`
	// Text for C_Initialize (pReserved), for modules that read their parameters from it, such as that of NSS. Default: none.
	Reserved string `yaml:"reserved"`
	// Family of tokens whose quirks are kept: softhsm2, utimaco, luna, ncipher, aws-cloudhsm, nss, p11-kit or generic, or the path of a
	// file of your own, with a slash in it, in the form of hsm/quirks/*.yaml. Default: what token and module say of themselves.
	Quirks string `yaml:"quirks"`
	// Further tokens that hold copies of the same keys (cloned HSMs). All of them sign, and the loss of one is survived. The server
	// checks that their public keys are the same. Default: none.
	Copies []tokenCopyConfig `yaml:"copies"`
	// Configuration of SoftHSM2, for a token that is one. It is used where the environment has no SOFTHSM2_CONF. Default:
	// token/softhsm2.conf below data, if it is there.
	SoftHSM2 string `yaml:"softhsm2_conf"`
}

// tokenCopyConfig is a further token with the same keys. Its keys mean what they mean for the first.
type tokenCopyConfig struct {
	// Token and module. No default.
	URI string `yaml:"uri"`
	// File of the user PIN. Default: the PIN of the first token, whatever its source.
	PINFile string `yaml:"pin_file"`
	// Another source of the user PIN: env:NAME, credential:NAME or prompt. Default: the PIN of the first token.
	PIN string `yaml:"pin"`
	// Greatest number of sessions. Default: 0, one more than there are CPUs.
	Sessions int `yaml:"sessions"`
	// Text for C_Initialize. Default: none.
	Reserved string `yaml:"reserved"`
	// Family of tokens whose quirks are kept. Default: what token and module say of themselves.
	Quirks string `yaml:"quirks"`
}

// keySessionConfig bounds key sessions, the windows in which an issuer's key may sign.
type keySessionConfig struct {
	// At most this many signatures for each issuer. Default: 1000000.
	Signatures int64 `yaml:"signatures"`
	// At most this long, for example 12h. Default: 24h.
	Lifetime time.Duration `yaml:"lifetime"`
	// Who opens them: operators, two of them together (siegel session open), each time within the bounds above; or server, which opens one
	// by itself whenever it needs one. Default: server in environment test; in production it is operators.
	OpenedBy string `yaml:"opened_by"`
}

// Who opens key sessions.
const (
	openedByServer    = "server"
	openedByOperators = "operators"
)

// lineConfig bounds what personalization lines can ask for at a time. A single card (IssueCard) has places of its own and its certificates are
// signed first, so that it is answered within its deadline while a night's batch runs.
type lineConfig struct {
	// Orders of streams (IssueCards) that are worked at at a time, of all lines together. As many single cards are worked at beside them.
	// Default: 0, two for each session of the token.
	AtOnce int `yaml:"at_once"`
	// How many of them one operator may have, by name, for example {line-2: 4}. Operators without a quota may have all, and take turns. Default:
	// none.
	Quotas map[string]int `yaml:"quotas"`
	// Single cards that may wait. More are refused with RESOURCE_EXHAUSTED and a hint when to try again. Default: 256.
	Waiting int `yaml:"waiting"`
	// Streams that may be open; the same goes for more. Each holds twice at_once orders at most. Default: 64.
	Streams int `yaml:"streams"`
}

// logConfig says how the server's log looks.
type logConfig struct {
	// text, json, or auto: text on a terminal, json otherwise. Default: auto.
	Format string `yaml:"format"`
	// debug, info, warn or error. Default: info.
	Level string `yaml:"level"`
}

// defaultData is the data directory where nothing else is said.
const defaultData = "data"

// defaults is the configuration without a file. Paths are filled in later, since they depend on data.
func defaults() config {
	return config{
		Data: defaultData, Environment: string(profiles.Test), Listen: "127.0.0.1:7443",
		HTTP: httpConfig{"127.0.0.1:7480", 500}, Tiles: tilesConfig{"127.0.0.1:7481"}, Metrics: metricsConfig{Listen: "127.0.0.1:7482"},
		KeySession:   keySessionConfig{Signatures: 1_000_000, Lifetime: 24 * time.Hour},
		ApprovalTime: time.Hour,
		OCSP:         ocspConfig{ca.MaxStatusCache},
		CRL:          crlConfig{24 * time.Hour, 7 * 24 * time.Hour, 10 * time.Minute},
		Line:         lineConfig{Waiting: 256, Streams: 64},
		Log:          logConfig{Format: "auto", Level: "info"},
		Grace:        20 * time.Second,
	}
}

// overrides are the flags that take the place of a key in the file; empty ones do not.
type overrides struct{ data, listen, http, tiles, metrics string }

// apply puts the flags in place of the keys.
func (o overrides) apply(cfg *config) {
	for _, f := range []struct {
		key  *string
		flag string
	}{{&cfg.Data, o.data}, {&cfg.Listen, o.listen}, {&cfg.HTTP.Listen, o.http}, {&cfg.Tiles.Listen, o.tiles}, {&cfg.Metrics.Listen, o.metrics}} {
		if f.flag != "" {
			*f.key = f.flag
		}
	}
}

// loadConfig reads the file at path, or takes the defaults where path is empty. The error names every fault with its line.
func loadConfig(path string, over overrides) (config, error) {
	cfg := defaults()
	lines := strictyaml.Lines{}
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return config{}, wrongConfig(fmt.Errorf("read the configuration: %w", err))
		}
		if lines, err = strictyaml.Decode(path, text, &cfg); err != nil {
			return config{}, wrongConfig(err)
		}
	}
	cfg.resolve(filepath.Dir(path))
	over.apply(&cfg)
	if err := cfg.check(lines); err != nil {
		return config{}, wrongConfig(err)
	}
	cfg.derive()
	cfg.exceptionsAt = lines.At("legacy_exceptions")
	return cfg, nil
}

// paths lists the fields that hold paths.
func (c *config) paths() []*string {
	list := []*string{&c.Data, &c.Operators, &c.Hierarchy, &c.Profiles, &c.TLS.Certificate, &c.TLS.Key, &c.TLS.ClientCA,
		&c.Store.SQLite, &c.Token.PINFile, &c.Token.SoftHSM2}
	families := []*string{&c.Token.Quirks}
	for i := range c.Token.Copies {
		list = append(list, &c.Token.Copies[i].PINFile)
		families = append(families, &c.Token.Copies[i].Quirks)
	}
	for _, f := range families {
		if strings.ContainsRune(*f, '/') { // a file, and not the name of a family
			list = append(list, f)
		}
	}
	return list
}

// resolve makes relative paths relative to dir.
func (c *config) resolve(dir string) {
	for _, p := range c.paths() {
		if *p != "" && !filepath.IsAbs(*p) {
			*p = filepath.Join(dir, *p)
		}
	}
}

// derive fills in the paths that depend on the data directory.
func (c *config) derive() {
	for _, d := range []struct {
		path *string
		name string
	}{
		{&c.Operators, "operators.yaml"},
		{&c.Hierarchy, "hierarchy"},
		{&c.TLS.Certificate, "tls/server.pem"},
		{&c.TLS.Key, "tls/server.key"},
		{&c.TLS.ClientCA, "tls/ca.pem"},
		{&c.Token.SoftHSM2, "token/softhsm2.conf"},
	} {
		if *d.path == "" {
			*d.path = filepath.Join(c.Data, d.name)
		}
	}
	isTest := c.Environment == string(profiles.Test)
	if c.KeySession.OpenedBy == "" {
		c.KeySession.OpenedBy = openedByOperators
		if isTest {
			c.KeySession.OpenedBy = openedByServer
		}
	}
	if c.StandingSessions == nil && isTest {
		c.StandingSessions = []string{string(ca.ForLog), string(ca.ForOCSP), string(ca.ForCRL)}
	}
	if c.Token.PINFile == "" && c.Token.PIN == "" {
		c.Token.PINFile = filepath.Join(c.Data, "token", "pin")
	}
	if c.Store.Postgres == "" && c.Store.SQLite == "" {
		c.Store.SQLite = filepath.Join(c.Data, "siegel.db")
	}
}

// check looks at the values; the files are looked at when they are read.
func (c *config) check(lines strictyaml.Lines) error {
	var errs []error
	fault := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf("%s%s: %s", lines.At(key), key, fmt.Sprintf(format, args...)))
	}
	if e := profiles.Environment(c.Environment); e != profiles.Test && e != profiles.Production {
		fault("environment", "%q is neither test nor production", c.Environment)
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		fault("listen", "%q is not host:port", c.Listen)
	}
	for key, address := range map[string]string{"http.listen": c.HTTP.Listen, "tiles.listen": c.Tiles.Listen, "metrics.listen": c.Metrics.Listen} {
		if _, _, err := net.SplitHostPort(address); err != nil && address != off {
			fault(key, "%q is neither host:port nor %s", address, off)
		}
	}
	if c.KeySession.Signatures <= 0 {
		fault("key_session.signatures", "%d is not above zero", c.KeySession.Signatures)
	}
	if c.KeySession.Lifetime < time.Second {
		fault("key_session.lifetime", "%s is less than a second", c.KeySession.Lifetime)
	}
	switch isTest := c.Environment == string(profiles.Test); {
	case c.KeySession.OpenedBy == openedByServer && !isTest:
		fault("key_session.opened_by", "in environment production operators open key sessions, two of them together")
	case c.KeySession.OpenedBy != "" && c.KeySession.OpenedBy != openedByServer && c.KeySession.OpenedBy != openedByOperators:
		fault("key_session.opened_by", "%q is neither server nor operators", c.KeySession.OpenedBy)
	case (c.StandingSessions != nil || !isTest) && !slices.Contains(c.StandingSessions, string(ca.ForLog)):
		fault("standing_sessions", "must name log, or no entry would get its place in the log: for example [log, ocsp, crl]")
	}
	if c.ApprovalTime <= 0 {
		fault("approval_time", "%s is not above zero", c.ApprovalTime)
	}
	if c.Store.Postgres != "" && c.Store.SQLite != "" {
		fault("store.postgres", "store.sqlite is set too, and there is one store")
	}
	if c.Store.Postgres != "" {
		if _, err := postgres.Describe(c.Store.Postgres); err != nil {
			fault("store.postgres", "%v", err)
		}
	}
	c.Token.check(fault)
	c.checkStatus(fault)
	if c.Line.AtOnce < 0 {
		fault("line.at_once", "%d is below zero", c.Line.AtOnce)
	}
	for name, quota := range c.Line.Quotas {
		if quota < 1 {
			fault("line.quotas", "%d of %s is not above zero", quota, name)
		}
	}
	if c.Line.Waiting < 1 {
		fault("line.waiting", "%d is not above zero", c.Line.Waiting)
	}
	if c.Line.Streams < 1 {
		fault("line.streams", "%d is not above zero", c.Line.Streams)
	}
	if c.Grace <= 0 {
		fault("grace", "%s is not above zero", c.Grace)
	}
	if f := c.Log.Format; f != "auto" && f != "text" && f != "json" {
		fault("log.format", "%q is none of auto, text, json", f)
	}
	if err := new(slog.Level).UnmarshalText([]byte(c.Log.Level)); err != nil {
		fault("log.level", "%q is none of debug, info, warn, error", c.Log.Level)
	}
	return errors.Join(errs...)
}
