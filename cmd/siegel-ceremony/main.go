// Command siegel-ceremony creates the keys of a CA and what belongs to them: certificates of roots and issuers, the log key and
// the operators. It is the only program that can create a key in a token; the server cannot (promise 8 of the design).
//
//	testhierarchy.go   the test hierarchy of the quick start, from token to operator file
//	x509issuers.go     the X.509 issuers of it; x509ca.go makes one certificate
//	cvcissuers.go      the CVC issuers of it; cvcca.go makes one certificate, also those with which roots vouch for each other
//	cvcg1.go           the same of generation 1
//	tls.go             TLS certificates of the server and the operators
//	record.go          the ceremony record
package main

import (
	"context"
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
)

// cli is the command line.
type cli struct {
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`

	TestHierarchy testHierarchyCmd `cmd:"" help:"Create a complete test hierarchy: token, keys, certificates, operators."`
	Version       versionCmd       `cmd:"" help:"Print the version."`
}

type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run() error {
	fmt.Println("siegel-ceremony", build.Version())
	return nil
}

const description = `Creates the keys and certificates of a Siegel CA in a PKCS#11 token.

Exit codes: 0 done, 1 failed, 2 wrong command line, 3 refused to overwrite what is there.`

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
		if isExists(err) {
			return exitExists
		}
		return exitFailed
	}
	return 0
}
