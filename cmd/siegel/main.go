// Command siegel is the client for people and personalization lines: it plans and issues cards, lists them, and reads and verifies
// certificates offline. It is pure Go and needs no token.
//
// Where to look:
//
//   - main.go: commands and global flags
//   - exit.go: exit codes; failure.go: what an error of the server means and what to do
//   - connect.go, retry.go: the connection, and calls that are tried again
//   - order.go: ORDER.json
//   - plan.go, issue.go, cards.go, profiles.go, policy.go: the commands, one file each; policyreport.go: what policy what-if prints
//   - activate.go, revoke.go, bulk.go: the commands that change the status of cards
//   - folder.go, manifest.go: the folder that --out writes, and its card.json
//   - batch.go: the command for many orders; batchinput.go, batchcsv.go: its file; batchcheck.go: what is wrong with it, without a server;
//     batchsend.go: orders to the server and cards back; batchjournal.go: what is done; cardfiles.go: cards for the personalization system;
//     batchprogress.go, batcherrors.go: what it says and what it leaves to correct; batchtemplate.go: empty files to fill in
//   - verify.go: what verify reads; verifyx509.go, verifycvc.go, verifyg1.go: chains; verifycard.go: whether the certificates belong
//     into their slots and together; verifyreport.go: what it prints
//   - status.go, ocspclient.go: questions to an OCSP responder; crl.go: CRLs on demand
//   - inspect.go, inspectx509.go: certificates in words
//   - audit.go, auditexport.go, auditverify.go, auditconsistency.go, auditstatistics.go: the commands of auditors; auditparquet.go: tables
//   - output.go: tables, colours, JSON
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/siegel-pki/siegel/internal/build"
)

// cli are the commands and global flags.
type cli struct {
	globals
	ShowVersion kong.VersionFlag `name:"version" help:"Print the version."`

	Plan     planCmd     `cmd:"" help:"Show the certificates that an order would give, without issuing them."`
	Issue    issueCmd    `cmd:"" help:"Issue the cards of orders. Sending an order again gives the same card."`
	Batch    batchCmd    `cmd:"" help:"Issue the cards of a file of orders, from one to a night's work. The same command goes on where it was stopped."`
	Card     cardCmd     `cmd:"" help:"Show an issued card."`
	Cards    cardsCmd    `cmd:"" help:"List issued cards, oldest first."`
	Activate activateCmd `cmd:"" help:"Say that the holder has the card: its certificates are good from then on."`
	Revoke   revokeCmd   `cmd:"" help:"Revoke a card with all of its X.509 certificates, or one of them alone, for ever."`
	Bulk     bulkCmd     `cmd:"" help:"Revoke many cards: plan a list, have another person approve it, watch the work."`
	Status   statusCmd   `cmd:"" help:"Ask OCSP for the status of a card's certificates, check the answers and show them."`
	CRL      crlCmd      `cmd:"" name:"crl" help:"Make lists of revoked certificates."`
	Inspect  inspectCmd  `cmd:"" offline:"" help:"Show what certificates say: X.509 (DER, PEM) and CV certificates. Offline."`
	Verify   verifyCmd   `cmd:"" offline:"" help:"Verify a folder that --out wrote: every chain, and that its certificates make one card. Offline."`
	Profiles profilesCmd `cmd:"" offline:"" help:"List card types, sectors and profiles as built in, or explain one with its sources. Offline."`
	Audit    auditCmd    `cmd:"" help:"Export the issuance log and verify it without the server: for auditors."`
	Policy   policyCmd   `cmd:"" help:"Look at the algorithm policy: until which day each algorithm may be used."`

	Session   sessionCmd   `cmd:"" help:"Open, close and list key sessions, without which no issuer's key signs: for CA operators."`
	Approvals approvalsCmd `cmd:"" help:"Look at requests for acts that need two people."`
	Approve   approveCmd   `cmd:"" help:"Approve a request of another person. The act is done at once."`
	Reject    rejectCmd    `cmd:"" help:"Reject a request, or take an own one back."`
	Share     shareCmd     `cmd:"" name:"give-share" help:"Give your share of the PIN to a server that starts: for CA operators."`
	Issuer    issuerCmd    `cmd:"" help:"Bring in and retire issuers, by two people."`

	Version versionCmd `cmd:"" offline:"" help:"Print the version."`
}

// connection is the group of flags that are about the server, as the tags of globals name it.
const connection = "Connection:"

// globals are the flags of every command.
type globals struct {
	Server   string        `group:"Connection:" default:"127.0.0.1:7443" env:"SIEGEL_SERVER" placeholder:"HOST:PORT" help:"Address of siegeld."`
	Data     string        `group:"Connection:" default:"data" type:"path" env:"SIEGEL_DATA" help:"Data directory; the operator's TLS files are below its tls/."`
	Operator string        `group:"Connection:" default:"line-1" env:"SIEGEL_OPERATOR" help:"Operator in whose name to call: takes tls/NAME.pem and tls/NAME.key."`
	Cert     string        `group:"Connection:" type:"path" env:"SIEGEL_CERT" help:"TLS client certificate, PEM, in place of the operator's."`
	Key      string        `group:"Connection:" type:"path" env:"SIEGEL_KEY" help:"Its private key, PEM."`
	CA       string        `group:"Connection:" name:"ca" type:"path" env:"SIEGEL_CA" help:"Certificate of the server's CA, PEM (default tls/ca.pem below the data directory)."`
	JSON     bool          `name:"json" help:"Print answers as JSON: the Protobuf JSON mapping or, of commands that are offline, what their help says."`
	Timeout  time.Duration `group:"Connection:" default:"30s" env:"SIEGEL_TIMEOUT" help:"How long to try each call. While the server is away it is tried again, which is safe."`
}

const description = `Siegel's client: issues and checks smart-card certificates.

An order is a JSON file (siegel.v1.Order in the Protobuf JSON mapping); "-" reads standard input.

Exit codes:
  0  done
  1  refused or invalid: the order, or a certificate that does not verify; correct it. Or a changed policy would refuse something
  2  wrong flags, or a file that cannot be read or written
  3  the server is away or the time ran out; the same command may be run again
  4  not allowed: certificate unknown, or role missing
  5  a fault of the server; its operator must look
  6  batch was told to stop; the same command goes on`

func main() { os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) }

// run is the program without the process around it.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	exited := -1
	c := &cli{}
	t := newTerminal(stdin, stdout, stderr)
	parser, err := kong.New(c, kong.Name("siegel"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(t, &c.globals), kong.Exit(func(code int) { exited = code }),
		kong.Help(printHelp), kong.Vars{"version": "siegel " + build.Version()})
	if err != nil {
		return t.fail(err)
	}
	command, err := parser.Parse(args)
	switch {
	case exited >= 0: // --help, --version
		return exited
	case err != nil:
		return t.fail(usageError(fmt.Errorf("%w; see siegel --help", err)))
	}
	if err := command.Run(); err != nil {
		return t.fail(err)
	}
	return exitOK
}

// versionCmd is `siegel version`.
type versionCmd struct{}

// Run prints the version.
func (versionCmd) Run(t *terminal) error {
	fmt.Fprintln(t.out, "siegel", build.Version())
	return nil
}

// printHelp leaves the connection out of the help of commands that make none.
func printHelp(options kong.HelpOptions, ctx *kong.Context) error {
	if command := ctx.Selected(); command != nil && command.Tag != nil && command.Tag.Has("offline") {
		for _, f := range ctx.Model.Flags {
			f.Hidden = f.Hidden || f.Group != nil && f.Group.Key == connection
		}
	}
	return kong.DefaultHelpPrinter(options, ctx)
}
