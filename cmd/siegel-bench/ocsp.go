package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/clone"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
)

// ocspCmd is `siegel-bench ocsp`. It fills a throwaway PostgreSQL with active cards and measures the OCSP responder over HTTP on loopback, beside
// the raw C_Sign rate of the signers' keys in the same run. Token, database, server and client share the cores, so that the processor time of
// an answer says more than the rate where others use the machine, too.
type ocspCmd struct {
	Cards    int64         `default:"200000" help:"Cards in the database, all active: clones of one (see fill --copy)."`
	Duration time.Duration `default:"10s" help:"How long each measurement takes."`
	Steady   time.Duration `default:"60s" help:"How long the steady load takes."`
	Rate     int           `default:"1870" help:"Requests per second of the steady load: the peak of 210,000 cards (gemSpec_Perf)."`
	Sample   int           `default:"5000" help:"Cards that are asked about, taken at random."`
	Wave     int           `default:"20000" help:"Cards that are revoked while the steady load goes on."`
	Clients  int           `default:"32" help:"Connections of the measurements that go as fast as they can."`
	Data     string        `type:"path" placeholder:"DIR" help:"Data directory of siegel-bench fill --copy --active --postgres, in place of one that is made and thrown away. Some of its cards are revoked."`
	Postgres string        `placeholder:"DSN" help:"Database of that fill."`
}

// ocspBench is a run.
type ocspBench struct {
	*ocspCmd
	out     io.Writer // lines for programs
	rig     *rig.Rig
	dsn     string
	store   *postgres.Store
	ask     map[string][][]byte          // questions about the sample, by key generation: "RSA", "ECC"
	all     [][]byte                     // all questions
	serials map[string][]pkix.Serial     // of the certificates in ask
	host    map[string]*pkix.Certificate // issuers by name
}

// Run measures and prints lines `bench NAME VALUE`.
func (c *ocspCmd) Run(ctx context.Context) error { return c.run(ctx, os.Stdout) }

func (c *ocspCmd) run(ctx context.Context, out io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "siegel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &ocspBench{ocspCmd: c, out: out, rig: &rig.Rig{Bin: dir, Data: c.Data}, dsn: c.Postgres}
	if err := rig.Build(ctx, dir); err != nil {
		return err
	}
	if c.Data == "" {
		cluster, err := pgtest.Start()
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, cluster.Stop()) }()
		b.rig.Data, b.dsn = filepath.Join(dir, "data"), cluster.DSN("")
		fill := &fillCmd{Cards: c.Cards, Data: b.rig.Data, Postgres: b.dsn, Copy: true, Active: true, Chunk: 20_000}
		if err := fill.Run(ctx); err != nil {
			return err
		}
	}
	if b.store, err = postgres.Open(ctx, b.dsn, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	defer b.store.Close()
	for _, step := range []func(context.Context) error{b.sample, b.peaks, b.steadily} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// progress says on standard error what is measured now.
func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "siegel-bench: "+format+"\n", args...)
}

// sample takes cards at random and makes the questions about their certificates.
func (b *ocspBench) sample(ctx context.Context) error {
	h, err := hierarchy.Load(filepath.Join(b.rig.Data, "hierarchy"))
	if err != nil {
		return err
	}
	b.host, b.ask, b.serials = map[string]*pkix.Certificate{}, map[string][][]byte{}, map[string][]pkix.Serial{}
	generation := map[string]string{}
	for i := range h.Issuers {
		b.host[h.Issuers[i].Name], generation[h.Issuers[i].Name] = h.Issuers[i].X509, string(h.Issuers[i].KeyType.Generation())
	}
	for _, n := range rand.Perm(int(b.Cards))[:min(b.Sample, int(b.Cards))] {
		status, err := b.store.CardStatus(ctx, clone.ICCSN(int64(n)+1))
		if err != nil {
			return fmt.Errorf("card %d, which siegel-bench fill --copy makes: %w", n+1, err)
		}
		if status.State == ca.Issued {
			return fmt.Errorf("card %d is not active; siegel-bench fill --copy --active makes it so", n+1)
		}
		for _, c := range status.Certificates {
			id, err := pkix.NewCertID(b.host[c.Issuer], c.Serial, crypto.SHA1)
			if err != nil {
				return err
			}
			raw, err := (&pkix.OCSPRequest{IDs: []pkix.CertID{id}}).Encode()
			if err != nil {
				return err
			}
			g := generation[c.Issuer]
			b.ask[g], b.serials[g] = append(b.ask[g], post(raw)), append(b.serials[g], c.Serial)
			b.all = append(b.all, post(raw))
		}
	}
	return nil
}

// serve runs f beside a server whose answers are kept for so long.
func (b *ocspBench) serve(cache time.Duration, f func(s *rig.Server) error) (err error) {
	config := filepath.Join(b.rig.Data, "ocsp.yaml")
	// A CRL that is made meanwhile would be measured, too.
	text := fmt.Appendf(nil, "store: {postgres: %q}\nhttp: {rate: 0}\nocsp: {cache: %s}\ncrl: {interval: 24h, after_revocation: 24h}\n", b.dsn, cache)
	if err := os.WriteFile(config, text, 0o600); err != nil {
		return err
	}
	s, err := b.rig.Start("--config", config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	return f(s)
}
