// Command siegeld is the server: it takes card orders over gRPC and issues cards with keys in a PKCS#11 token.
//
// Where to look:
//
//   - main.go: commands and exit codes
//   - config.go: the configuration file, every key documented at its field
//   - inputs.go: the files that the configuration names
//   - authority.go: what the authority is made of, and a rehearsal of it without token and database
//   - token.go: the tokens and the issuers' keys; pin.go: where their PINs come from; pinsplit.go: shares of a PIN; activation.go: waiting for them
//   - checkhsm.go: siegeld check-hsm
//   - store.go: the database, and siegeld migrate; backup.go: siegeld backup
//   - line.go: what personalization lines can ask for at a time
//   - serve.go: wiring, from the configuration to a running server and back
//   - status.go: OCSP and CRLs; ocsp.go: siegeld ocsp, a responder alone
//   - sequencer.go: the log's sequencer, and the checkpoint that is kept outside the database
//   - reload.go: SIGHUP reads the operator file again
//   - health.go: whether the server is ready for orders
//   - listen.go: the addresses
//   - web.go: what is served over HTTP
//   - memory.go: how the garbage collector is set
//   - log.go, ready.go: the log; the files that scripts wait for
//
// The server creates no keys, no certificates and no operators: the ceremony does (siegel-ceremony).
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1 // the server could not start or go on; trying again may help
	exitConfig = 2 // flags, configuration, a file that it names, the PIN, a key or the log are wrong; a person must act
)

// cli are the commands and flags.
type cli struct {
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`

	Serve       serveCmd       `cmd:"" default:"withargs" help:"Serve until SIGINT or SIGTERM (the default command)."`
	OCSP        ocspCmd        `cmd:"" name:"ocsp" help:"Answer for the status of certificates, and serve CRLs, in a process of its own."`
	Migrate     migrateCmd     `cmd:"" help:"Bring the schema of a PostgreSQL database up to this program."`
	Backup      backupCmd      `cmd:"" help:"Copy an SQLite database, while the server works on it or not."`
	CheckHSM    checkHSMCmd    `cmd:"" name:"check-hsm" help:"Tell what a PKCS#11 module and token can and cannot do for this program."`
	PIN         pinCmd         `cmd:"" name:"pin" help:"Prepare PINs that no one person knows."`
	CheckConfig checkConfigCmd `cmd:"" help:"Check a configuration file and every file that it names, and say what is wrong."`
	Version     versionCmd     `cmd:"" help:"Print the version."`
}

const description = `Siegel's server: issues smart-card certificates over gRPC.

Without a configuration file everything is under one data directory, which the ceremony prepares:
  siegel-ceremony test-hierarchy --data ./data

SIGHUP reads the operator file again; all else needs a new start.

Exit codes: 0 ended in order; 1 could not start or go on; 2 flags, configuration, PIN, keys or the log are wrong, do not start again.`

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run is the program without the process around it.
func run(args []string, stdout, stderr *os.File) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	exited := -1
	parser, err := kong.New(&cli{}, kong.Name("siegeld"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.BindTo(stdout, (*io.Writer)(nil)), kong.Bind(stderr),
		kong.Exit(func(code int) { exited = code }), kong.Vars{"version": "siegeld " + build.Version()})
	if err != nil {
		fmt.Fprintf(stderr, "siegeld: %v\n", err)
		return exitFailed
	}
	command, err := parser.Parse(args)
	switch {
	case exited >= 0: // --help, --version
		return exited
	case err != nil:
		fmt.Fprintf(stderr, "siegeld: %v; see siegeld --help\n", err)
		return exitConfig
	}
	if err := command.Run(); err != nil {
		fmt.Fprintf(stderr, "siegeld: %v\n", err)
		return exitCode(err)
	}
	return exitOK
}

// exitCode tells the errors that a person must mend from those that may pass. A supervisor must not start the server again after the
// former: a wrong PIN, tried again and again, locks the token.
func exitCode(err error) int {
	var wrong *configError
	var pin *hsm.PINError
	if errors.As(err, &wrong) || errors.As(err, &pin) {
		return exitConfig
	}
	for _, fatal := range []error{hsm.ErrKeyNotFound, hsm.ErrKeyAmbiguous, hsm.ErrKeyUnsafe, hsm.ErrKeyDiffers, sqlite.ErrNotSiegel, sqlite.ErrNewerSchema,
		postgres.ErrOlderSchema, postgres.ErrNewerSchema, ca.ErrLogChanged} {
		if errors.Is(err, fatal) {
			return exitConfig
		}
	}
	return exitFailed
}

// configError marks an error that a person must mend before the server can start.
type configError struct{ err error }

func (e *configError) Error() string { return e.err.Error() }
func (e *configError) Unwrap() error { return e.err }

// wrongConfig marks an error as a configError; nil stays nil.
func wrongConfig(err error) error {
	if err == nil {
		return nil
	}
	return &configError{err}
}

// serveCmd is `siegeld serve`.
type serveCmd struct {
	Config        string `type:"existingfile" env:"SIEGELD_CONFIG" help:"Configuration file (YAML)."`
	Data          string `type:"path" env:"SIEGELD_DATA" help:"Data directory; overrides the configuration (default ./data)."`
	Listen        string `env:"SIEGELD_LISTEN" placeholder:"HOST:PORT" help:"Address for gRPC; overrides the configuration. Port 0 takes a free one."`
	HTTPListen    string `name:"http-listen" env:"SIEGELD_HTTP_LISTEN" placeholder:"HOST:PORT" help:"Address for relying parties, or off; overrides the configuration."`
	TilesListen   string `env:"SIEGELD_TILES_LISTEN" placeholder:"HOST:PORT" help:"Address for monitors of the log, or off; overrides the configuration."`
	MetricsListen string `env:"SIEGELD_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Address for Prometheus, or off; overrides the configuration."`
	ReadyFile     string `type:"path" help:"File that holds the address for gRPC, in one line, as long as the server serves."`
	AddressesFile string `type:"path" help:"File that holds all addresses, as a JSON object with grpc, http, tiles and metrics, as long as the server serves."`
}

// Run serves until the process is told to end.
func (c *serveCmd) Run(ctx context.Context, stderr *os.File) error {
	cfg, err := loadConfig(c.Config, overrides{data: c.Data, listen: c.Listen, http: c.HTTPListen, tiles: c.TilesListen, metrics: c.MetricsListen})
	if err != nil {
		return err
	}
	tuneMemory()
	tuneProcessors()
	log := newLogger(cfg.Log, stderr)
	log.Info("siegeld starts", "version", build.Version(), "environment", cfg.Environment, "config", c.Config, "data", cfg.Data)
	files, err := newReadyFiles(c.ReadyFile, c.AddressesFile)
	if err != nil {
		return err
	}
	return errors.Join(serve(ctx, cfg, log, files.write), files.remove())
}

// checkConfigCmd is `siegeld check-config`.
type checkConfigCmd struct {
	File string `arg:"" type:"existingfile" help:"Configuration file (YAML)."`
}

// Run makes every check that serve makes before it opens token and database: both call loadInputs.
func (c *checkConfigCmd) Run(out io.Writer) error {
	cfg, err := loadConfig(c.File, overrides{})
	if err != nil {
		return err
	}
	in, err := loadInputs(cfg)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s is good: environment %s, %d issuers and roots, %d operators\n",
		c.File, cfg.Environment, len(in.hierarchy.Issuers), in.operators.Len())
	return nil
}

// versionCmd is `siegeld version`.
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(out io.Writer) error {
	fmt.Fprintln(out, "siegeld", build.Version())
	return nil
}
