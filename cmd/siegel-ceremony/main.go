// Command siegel-ceremony creates the keys of a CA and what belongs to them: certificates of roots and issuers, the log key and
// the operators. It is the only program that can create a key in a token; the server cannot (promise 8 of the design).
//
// Ceremonies by a reviewed file, on package internal/ceremony:
//
//	runcmd.go          check and run: the file is confirmed, performed, and recorded; dryrun.go says what would happen
//	perform.go         steps: begun, done, found again; steproots.go, stepkeys.go, steprequest.go, stepcertificates.go, steplist.go: each of them
//	signrequest.go     what the operator of a root does, for test roots
//	vault.go           the tokens; pin.go: their PINs
//
// The test hierarchy of the quick start, all at once:
//
//	testhierarchy.go   from token to operator file
//	x509issuers.go     the X.509 issuers of it; x509ca.go makes one certificate
//	cvcissuers.go      the CVC issuers of it; cvcca.go makes one certificate, also those with which roots vouch for each other
//	cvcg1.go           the same of generation 1
//	tls.go             TLS certificates of the server and the operators
//	record.go          its record
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/siegel-pki/siegel/internal/build"
)

// The exit codes, as --help says.
const (
	exitFailed = 1
	exitUsage  = 2
	exitExists = 3
	exitWaits  = 4
)

// cli is the command line.
type cli struct {
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`

	Check         checkCmd         `cmd:"" help:"Check a ceremony file, and print its SHA-256 for the review."`
	Run           runCmd           `cmd:"" help:"Do what a ceremony file says, as far as it goes; run again, it goes on."`
	SignRequest   signRequestCmd   `cmd:"" help:"Sign a request with a test root, as the operator of the root would."`
	TestHierarchy testHierarchyCmd `cmd:"" help:"Create a complete test hierarchy: token, keys, certificates, operators."`
	TestOperators testOperatorsCmd `cmd:"" help:"Create operators for tests: TLS certificates and the operator file."`
	Version       versionCmd       `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("siegel-ceremony", build.Version())
	return nil
}

const description = `Creates the keys and certificates of a Siegel CA in a PKCS#11 token.

A ceremony: write a ceremony file; "check" it and print its SHA-256 with it; review it; rehearse it with "run --dry-run"; perform it with "run". The
certificate requests go to the root; when the certificates are back, the same "run" goes on. docs/ceremony.md has every step.

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 refused to overwrite what is there, 4 waits for certificates from the root.`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var c cli
	parser, err := kong.New(&c, kong.Name("siegel-ceremony"), kong.Description(description), kong.UsageOnError(),
		kong.Vars{"version": "siegel-ceremony " + build.Version()})
	if err != nil {
		fmt.Fprintln(os.Stderr, "siegel-ceremony:", err)
		return exitUsage
	}
	parsed, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "siegel-ceremony:", err)
		return exitUsage
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "siegel-ceremony:", err)
		return exitCode(err)
	}
	return 0
}

// exitCode tells what a script does next.
func exitCode(err error) int {
	var waits *waitingError
	switch {
	case isExists(err):
		return exitExists
	case errors.As(err, &waits):
		return exitWaits
	}
	return exitFailed
}
