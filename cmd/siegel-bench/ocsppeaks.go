package main

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// peaks measures answers per second: all of them signed, beside the raw rate before and after, and all of them kept.
func (b *ocspBench) peaks(ctx context.Context) error {
	for _, generation := range []sigalg.Generation{sigalg.RSA, sigalg.ECC} {
		if err := b.signed(ctx, generation); err != nil {
			return err
		}
	}
	return b.kept(ctx)
}

// kept measures answers that are given again.
func (b *ocspBench) kept(ctx context.Context) error {
	progress("OCSP answers that are kept, %s", b.Duration)
	return b.serve(ca.MaxStatusCache, func(s *rig.Server) error {
		few := b.all[:min(1000, len(b.all))]
		if _, err := hammer(ctx, s.HTTP, b.Clients, few, 2*time.Second); err != nil { // fills the cache
			return err
		}
		kept, err := hammer(ctx, s.HTTP, 2*b.Clients, few, b.Duration)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "bench ocsp-cached %.0f\n", kept.perSecond())
		kept.report(b.out, "ocsp-cached")
		return nil
	})
}

// signed measures answers each of which is signed with a key of a generation.
func (b *ocspBench) signed(ctx context.Context, generation sigalg.Generation) error {
	progress("OCSP answers of generation %s, each signed, and the raw rate before and after: 3 times %s", generation, b.Duration)
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
	fmt.Fprintf(b.out, "bench %s-raw %.0f\nbench %s-uncached %.0f\nbench %s-ratio %.2f\n", name, raw, name, live.perSecond(), name, live.perSecond()/raw)
	fmt.Fprintf(b.out, "bench %s-raw-cpu-us %.0f\nbench %s-ratio-cpu %.2f\n", name, rawCPU, name, rawCPU/(1e3*perCard(live.used.total(), live.signed)))
	live.report(b.out, name+"-uncached")
	return b.opensslResponder(ctx, generation)
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
