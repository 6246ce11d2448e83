package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// ocspCmd is `siegel-bench ocsp`. It fills a throwaway PostgreSQL with active cards and measures the OCSP responder over HTTP on loopback, beside
// the raw C_Sign rate of the signers' keys in the same run. Token, database, server and client share the cores.
type ocspCmd struct {
	Cards    int64         `default:"200000" help:"Cards in the database, all active."`
	Duration time.Duration `default:"10s" help:"How long each measurement takes."`
	Steady   time.Duration `default:"60s" help:"How long the steady load takes."`
	Rate     int           `default:"1870" help:"Requests per second of the steady load: the peak of 210,000 cards (gemSpec_Perf)."`
	Sample   int           `default:"5000" help:"Cards that are asked about, taken at random."`
	Wave     int           `default:"20000" help:"Cards that are revoked while the steady load goes on."`
	Clients  int           `default:"16" help:"Connections of the measurements that go as fast as they can."`
	Data     string        `type:"path" placeholder:"DIR" help:"Data directory that siegel-bench fill has filled together with --postgres, in place of new ones that are thrown away. Its cards are made active, and some are revoked."`
	Postgres string        `placeholder:"DSN" help:"Database that siegel-bench fill has filled."`
}

// ocspBench is a run.
type ocspBench struct {
	*ocspCmd
	rig   *rig.Rig
	dsn   string
	store *postgres.Store
	iccsn []string                     // of the sample
	ask   map[string][][]byte          // questions about the sample, by key generation: "RSA", "ECC"
	all   [][]byte                     // all questions
	host  map[string]*pkix.Certificate // issuers by name
}

// Run measures and prints lines `bench NAME VALUE`.
func (c *ocspCmd) Run(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "siegel-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &ocspBench{ocspCmd: c, rig: &rig.Rig{Bin: dir, Data: c.Data}, dsn: c.Postgres}
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
		fill := &fillCmd{Cards: c.Cards, Data: b.rig.Data, Postgres: b.dsn, Workers: 64}
		if err := fill.Run(ctx); err != nil {
			return err
		}
	}
	if b.store, err = postgres.Open(ctx, b.dsn, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	defer b.store.Close()
	for _, step := range []func(context.Context) error{b.activate, b.sample, b.peaks, b.steadily} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// filledICCSN is the chip of card number n of fill.
func filledICCSN(n int64) string { return fmt.Sprintf("8027600199%010d", n) }

// activate makes every card active, through the verb of the store.
func (b *ocspBench) activate(ctx context.Context) error {
	begin := time.Now()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range 32 {
		group.Go(func() error {
			for n := next.Add(1); n <= b.Cards && ctx.Err() == nil; n = next.Add(1) {
				at := time.Now().UTC().Truncate(time.Millisecond)
				entry, err := tlog.NewEntry(tlog.CardActivated, at, "desk-1", tlog.ActivationFacts{ICCSN: filledICCSN(n), RequestedAt: tlog.Instant(at)}, rawJSON(`{"reference":"bench"}`))
				if err != nil {
					return err
				}
				if _, err := b.store.ActivateCard(ctx, &ca.Activation{ICCSN: filledICCSN(n), RequestedAt: at, At: at, Actor: "desk-1"}, entry); err != nil && !errors.Is(err, ca.ErrCardRevoked) { // by an earlier run
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Printf("bench ocsp-activations %.0f\n", float64(b.Cards)/time.Since(begin).Seconds())
	return nil
}

// sample takes cards at random and makes the questions about their certificates.
func (b *ocspBench) sample(ctx context.Context) error {
	h, err := hierarchy.Load(filepath.Join(b.rig.Data, "hierarchy"))
	if err != nil {
		return err
	}
	b.host, b.ask = map[string]*pkix.Certificate{}, map[string][][]byte{}
	generation := map[string]string{}
	for i := range h.Issuers {
		b.host[h.Issuers[i].Name], generation[h.Issuers[i].Name] = h.Issuers[i].X509, string(h.Issuers[i].KeyType.Generation())
	}
	for _, n := range rand.Perm(int(b.Cards))[:min(b.Sample, int(b.Cards))] {
		iccsn := filledICCSN(int64(n) + 1)
		status, err := b.store.CardStatus(ctx, iccsn)
		if err != nil {
			return err
		}
		b.iccsn = append(b.iccsn, iccsn)
		for _, c := range status.Certificates {
			id, err := pkix.NewCertID(b.host[c.Issuer], c.Serial, crypto.SHA1)
			if err != nil {
				return err
			}
			raw, err := (&pkix.OCSPRequest{IDs: []pkix.CertID{id}}).Encode()
			if err != nil {
				return err
			}
			b.ask[generation[c.Issuer]] = append(b.ask[generation[c.Issuer]], post(raw))
			b.all = append(b.all, post(raw))
		}
	}
	return nil
}

// serve runs f beside a server whose answers are kept for so long.
func (b *ocspBench) serve(cache time.Duration, f func(s *rig.Server) error) (err error) {
	config := filepath.Join(b.rig.Data, "ocsp.yaml")
	text := fmt.Appendf(nil, "store: {postgres: %q}\nhttp: {rate: 0}\nocsp: {cache: %s}\n", b.dsn, cache)
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

// peaks measures answers per second: all of them signed, beside the raw rate before and after, and all of them kept.
func (b *ocspBench) peaks(ctx context.Context) error {
	for _, generation := range []sigalg.Generation{sigalg.RSA, sigalg.ECC} {
		before, err := b.raw(ctx, generation)
		if err != nil {
			return err
		}
		var live *loadResult
		err = b.serve(0, func(s *rig.Server) error {
			live, err = hammer(ctx, s.HTTP, b.Clients, b.ask[string(generation)], b.Duration)
			return err
		})
		if err != nil {
			return err
		}
		after, err := b.raw(ctx, generation)
		if err != nil {
			return err
		}
		raw := (before.PerSecond() + after.PerSecond()) / 2
		rawCPU := 1e3 * perCard(before.cpu+after.cpu, before.Signatures+after.Signatures)
		name := "ocsp-" + strings.ToLower(string(generation))
		fmt.Printf("bench %s-raw %.0f\nbench %s-uncached %.0f\nbench %s-ratio %.2f\n", name, raw, name, live.perSecond(), name, live.perSecond()/raw)
		fmt.Printf("bench %s-raw-cpu-us %.0f\nbench %s-ratio-cpu %.2f\n", name, rawCPU, name, rawCPU/(1e3*perCard(live.used.total(), live.signed)))
		live.report(name + "-uncached")
	}
	return b.serve(ca.MaxStatusCache, func(s *rig.Server) error {
		few := b.all[:min(1000, len(b.all))]
		if _, err := hammer(ctx, s.HTTP, b.Clients, few, 2*time.Second); err != nil { // fills the cache
			return err
		}
		kept, err := hammer(ctx, s.HTTP, 4*b.Clients, few, b.Duration)
		if err != nil {
			return err
		}
		fmt.Printf("bench ocsp-cached %.0f\n", kept.perSecond())
		kept.report("ocsp-cached")
		return nil
	})
}

// raw is the C_Sign rate of the key of an OCSP signer, and the processor time of a signature.
func (b *ocspBench) raw(ctx context.Context, generation sigalg.Generation) (rate rawRate, err error) {
	h, err := hierarchy.Load(filepath.Join(b.rig.Data, "hierarchy"))
	if err != nil {
		return rate, err
	}
	soft, err := softhsm.Load(filepath.Join(b.rig.Data, "token"))
	if err != nil {
		return rate, err
	}
	if err := soft.Use(); err != nil {
		return rate, err
	}
	token, err := hsm.Open(ctx, hsm.Config{URI: soft.URI(), Sessions: runtime.NumCPU()}, slog.New(slog.DiscardHandler))
	if err != nil {
		return rate, err
	}
	defer token.Close()
	for i := range h.Issuers {
		iss := &h.Issuers[i]
		if iss.Kind != profiles.OCSPSigner || iss.KeyType.Generation() != generation {
			continue
		}
		key, err := token.Key(ctx, iss.KeyID)
		if err != nil {
			return rate, err
		}
		scheme, err := sigalg.X509Scheme(iss.KeyType)
		if err != nil {
			return rate, err
		}
		used := useOfCPU().client
		rate.Rate, err = token.Measure(ctx, []hsm.Share{{Key: key, Scheme: scheme, Count: 1}}, runtime.NumCPU(), b.Duration)
		rate.cpu = useOfCPU().client - used
		return rate, err
	}
	return rate, fmt.Errorf("there is no OCSP signer of key generation %s", generation)
}

// steadily measures how long answers take at a steady rate: with no card revoked, with one in a hundred, and while a wave of cards is revoked.
func (b *ocspBench) steadily(ctx context.Context) error {
	return b.serve(ca.MaxStatusCache, func(s *rig.Server) error {
		calm := func(name string) error {
			r, err := steady(ctx, s.HTTP, b.Rate, b.all, b.Steady)
			if err != nil {
				return err
			}
			r.report(name)
			return nil
		}
		if err := calm("ocsp-steady"); err != nil {
			return err
		}
		if _, err := b.revoke(ctx, s, 1, max(1, b.Cards/100)); err != nil {
			return err
		}
		if err := calm("ocsp-steady-1-percent-revoked"); err != nil {
			return err
		}
		return b.wave(ctx, s)
	})
}

// wave revokes cards while the steady load goes on.
func (b *ocspBench) wave(ctx context.Context, s *rig.Server) error {
	first := b.Cards/100 + 1
	wave := min(int64(b.Wave), b.Cards-first+1)
	loading, stop := context.WithCancel(ctx)
	group, loading := errgroup.WithContext(loading)
	var took time.Duration
	group.Go(func() (err error) {
		defer stop()
		time.Sleep(time.Second)
		took, err = b.revoke(ctx, s, first, wave)
		return err
	})
	var r *loadResult
	group.Go(func() (err error) {
		r, err = steady(loading, s.HTTP, b.Rate, b.all, time.Hour)
		if errors.Is(err, context.Canceled) {
			err = nil
		}
		return err
	})
	if err := group.Wait(); err != nil {
		return err
	}
	fmt.Printf("bench ocsp-wave-revocations %.0f\n", float64(wave)/took.Seconds())
	r.report("ocsp-wave")
	return nil
}

// revoke revokes cards over gRPC, as a desk does, from number first on.
func (b *ocspBench) revoke(ctx context.Context, s *rig.Server, first, n int64) (time.Duration, error) {
	conn, err := b.rig.Dial(s, "revocation-1")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	desk := siegelv1.NewLifecycleServiceClient(conn)
	begin := time.Now()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range 16 {
		group.Go(func() error {
			for i := next.Add(1); i <= n && ctx.Err() == nil; i = next.Add(1) {
				_, err := desk.RevokeCard(ctx, &siegelv1.RevokeCardRequest{Iccsn: filledICCSN(first + i - 1), Requester: "holder", Reason: "lost", Reference: "bench"})
				if err != nil {
					return fmt.Errorf("revoke card %d: %w", first+i-1, err)
				}
			}
			return nil
		})
	}
	err = group.Wait()
	return time.Since(begin), err
}

// report prints what a load took: times, and the processor time of an answer.
func (r *loadResult) report(name string) {
	us := func(d time.Duration) float64 { return 1e3 * perCard(d, len(r.latencies)) }
	fmt.Printf("bench %s-cpu-us %.0f\nbench %s-cpu-server-us %.0f\nbench %s-cpu-database-us %.0f\nbench %s-cpu-client-us %.0f\n",
		name, us(r.used.total()), name, us(r.used.server), name, us(r.used.database), name, us(r.used.client))
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Printf("bench %s-answers %d\nbench %s-errors %d\nbench %s-p50-ms %.2f\nbench %s-p99-ms %.2f\nbench %s-p999-ms %.2f\n",
		name, r.signed, name, r.errors, name, ms(r.quantile(0.5)), name, ms(r.quantile(0.99)), name, ms(r.quantile(0.999)))
}
