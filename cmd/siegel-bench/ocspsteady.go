package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/clone"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// steadily measures how long answers take at a steady rate: with no card revoked, with one in a hundred, and while a wave of cards is revoked.
func (b *ocspBench) steadily(ctx context.Context) error {
	return b.serve(ca.MaxStatusCache, func(s *rig.Server) error {
		calm := func(name string) error {
			progress("%d questions a second for %s: %s", b.Rate, b.Steady, name)
			r, err := steady(ctx, s.HTTP, b.Rate, b.all, b.Steady)
			if err != nil {
				return err
			}
			r.report(b.out, name)
			return nil
		}
		if err := calm("ocsp-steady"); err != nil {
			return err
		}
		progress("%d cards are revoked", max(1, b.Cards/100))
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
	progress("%d cards are revoked beside %d questions a second", wave, b.Rate)
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
	fmt.Fprintf(b.out, "bench ocsp-wave-revocations %.0f\n", float64(wave)/took.Seconds())
	r.report(b.out, "ocsp-wave")
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
				_, err := desk.RevokeCard(ctx, &siegelv1.RevokeCardRequest{Iccsn: clone.ICCSN(first + i - 1), Requester: "holder", Reason: "lost", Reference: "bench"})
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
