// Command siegel-bench measures the whole service beside its limit: cards per second over gRPC with mTLS on loopback, and the raw
// C_Sign rate of the same keys in the same mix, both in one run. `make bench` runs it.
//
// The software token, the server, the database and the client share the machine's cores, so that the ratio of the two rates says what
// everything but the signatures costs. On a machine that others use too, the share of the processor time that signs says the same and
// depends less on them.
//
// Where to look:
//
//   - main.go: the commands, and the token by itself
//   - service.go, load.go: the service under a stream, amid it and idle; behind.go: how far the log is behind; store.go: with which database
//   - delayed.go, shim/delay.c: a token that is bound by latency
//   - cpu.go: whose processor time it is; budget.go: what the server spends it on
//   - line.go: the server's memory over a large batch
//   - report.go: tables, lines for programs, the report with its plots
//   - log.go, logexport.go, logcost.go: the log of a large database, and what a card costs there
//   - ocsp.go: OCSP; ocsppeaks.go, ocspopenssl.go, ocspsteady.go: its measurements; ocspload.go: its client
//   - fill.go, template.go, point.go, copy.go: large databases
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// commands are the measurements, and what they need.
type commands struct {
	Service cli     `cmd:"" default:"withargs" help:"Measure the whole service beside the raw signature rate of the same keys (the default command)."`
	OCSP    ocspCmd `cmd:"" name:"ocsp" help:"Measure the OCSP responder on a database with many cards."`
	Line    lineCmd `cmd:"" help:"Issue a night's batch over one stream and watch the server's memory."`
	Log     logCmd  `cmd:"" help:"Measure export and verification of a large log, and the cost of a card on an empty and on a full database."`
	Fill    fillCmd `cmd:"" help:"Make a database with many cards, on which siegeld can be started."`
}

// cli is the command line of service.
type cli struct {
	Duration time.Duration `default:"10s" help:"How long each measurement takes."`
	Workers  int           `default:"16" help:"Orders of the stream that are under way at a time."`
	Sweep    bool          `default:"true" negatable:"" help:"Measure also single cards amid a stream, and streams with 1 to 32 orders at a time."`
	Delayed  bool          `default:"true" negatable:"" help:"Measure also with a token bound by latency."`
	Report   string        `type:"path" placeholder:"FILE" help:"Write a report with plots (Markdown) to this file."`
	Sessions int           `default:"0" help:"Sessions of the server's token (token.sessions); 0 leaves the choice to it."`
	Signers  int           `default:"0" help:"Sessions of the raw measurement; 0 means the number of CPUs."`
	Orders   int           `default:"0" help:"Orders made before the clock starts; 0 means enough for 200 cards a second and CPU. A measurement ends early when they are used up."`
	Store    string        `default:"both" enum:"sqlite,postgres,both" help:"Databases to measure with: sqlite, postgres (a throwaway one), or both."`
}

// The signatures of one G2.1 card, by key of the issuer: three certificates each from the RSA and the ECC issuer, two from the CVC-CA and
// one from that of generation 1.
const (
	rsaSignatures   = 3
	eccSignatures   = 3
	cvcSignatures   = 2
	cvcG1Signatures = 1
	signatures      = rsaSignatures + eccSignatures + cvcSignatures + cvcG1Signatures
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	command := kong.Parse(&commands{}, kong.Name("siegel-bench"), kong.Description("Measures Siegel, and makes large databases to measure with."),
		kong.BindTo(ctx, (*context.Context)(nil)))
	if err := command.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "siegel-bench:", err)
		os.Exit(1)
	}
}

// Run is the command.
func (c *cli) Run(ctx context.Context) error { return c.run(ctx, os.Stdout) }

// run measures and prints.
func (c *cli) run(ctx context.Context, out io.Writer) error {
	dir, err := os.MkdirTemp("", "siegel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(os.Stderr, "siegel-bench: building the programs and performing a ceremony\n")
	if err := rig.Build(ctx, dir); err != nil {
		return err
	}
	r, err := rig.New(ctx, dir, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	if c.Signers == 0 {
		c.Signers = runtime.NumCPU()
	}
	orders, err := rig.NewOrders("hospital-pharmacy", rand.Reader, false)
	if err != nil {
		return err
	}
	before, err := c.raw(ctx, r)
	if err != nil {
		return err
	}
	var delayed *delayedResult
	if c.Delayed { // before PostgreSQL takes the place of the database
		if delayed, err = c.delayed(ctx, r, orders); err != nil {
			return fmt.Errorf("measure with a delayed token: %w", err)
		}
	}
	services, err := c.services(ctx, r, orders)
	if err != nil {
		return err
	}
	after, err := c.raw(ctx, r)
	if err != nil {
		return err
	}
	f := &findings{cli: c, before: before, after: after, services: services, delayed: delayed}
	f.print(out)
	if c.Report == "" {
		return nil
	}
	return f.write(c.Report)
}

// services measures the whole service with each database that is asked for.
func (c *cli) services(ctx context.Context, r *rig.Rig, orders *rig.Orders) (results []*serviceResult, err error) {
	err = onEach(ctx, r, c.Store, fmt.Sprintf("token: {sessions: %d}\n", c.Sessions), func(store string, flags ...string) error {
		result, err := c.service(ctx, r, orders, flags...)
		if err == nil {
			result.store = store
			results = append(results, result)
		}
		return err
	})
	return results, err
}

// rawRate is what the token gives by itself, and the processor time for it.
type rawRate struct {
	hsm.Rate
	cpu time.Duration
}

// raw measures the token alone: the mix of one card's signatures with the issuers' keys.
func (c *cli) raw(ctx context.Context, r *rig.Rig) (rawRate, error) {
	fmt.Fprintf(os.Stderr, "siegel-bench: raw C_Sign rate, %d sessions, %s\n", c.Signers, c.Duration)
	soft, err := softhsm.Load(filepath.Join(r.Data, "token"))
	if err != nil {
		return rawRate{}, fmt.Errorf("find the token: %w", err)
	}
	if err := soft.Use(); err != nil {
		return rawRate{}, err
	}
	token, err := hsm.Open(ctx, hsm.Config{URI: soft.URI(), Sessions: c.Signers}, slog.New(slog.DiscardHandler))
	if err != nil {
		return rawRate{}, err
	}
	defer token.Close()
	mix, err := cardMix(ctx, r, token)
	if err != nil {
		return rawRate{}, err
	}
	used := useOfCPU().client
	rate, err := token.Measure(ctx, mix, c.Signers, c.Duration)
	return rawRate{rate, useOfCPU().client - used}, err
}

// cardMix finds the issuers' keys and says how often each signs for one card.
func cardMix(ctx context.Context, r *rig.Rig, token *hsm.Token) ([]hsm.Share, error) {
	h, err := hierarchy.Load(filepath.Join(r.Data, "hierarchy"))
	if err != nil {
		return nil, err
	}
	var mix []hsm.Share
	for i := range h.Issuers {
		share := hsm.Share{Scheme: sigalg.ECDSASHA256, Count: eccSignatures}
		switch iss := &h.Issuers[i]; {
		case iss.Kind == profiles.CVCSubCA && iss.KeyType.Generation() == sigalg.RSA:
			share.Scheme, share.Count = sigalg.ISO9796SHA256, cvcG1Signatures
		case iss.Kind == profiles.CVCSubCA && slices.ContainsFunc(mix, func(s hsm.Share) bool { return s.Count == cvcSignatures }):
			continue // the first is for the cards that are measured; the other is for KTR-AdV alone
		case iss.Kind == profiles.CVCSubCA:
			share.Count = cvcSignatures
		case iss.Kind == profiles.SMCBCA && iss.KeyType.Generation() == sigalg.RSA:
			share.Scheme, share.Count = sigalg.RSAPKCS1SHA256, rsaSignatures
		case iss.Kind != profiles.SMCBCA:
			continue
		}
		if share.Key, err = token.Key(ctx, h.Issuers[i].KeyID); err != nil {
			return nil, err
		}
		mix = append(mix, share)
	}
	return mix, nil
}
