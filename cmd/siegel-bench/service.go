package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// serviceResult is what a measurement of the whole service saw.
type serviceResult struct {
	store             string // name in the figures
	cards, signatures int
	elapsed           time.Duration
	serverCPU         time.Duration
	latencies         []time.Duration // one for each card, sorted
}

// quantile gives the latency that the share q of the cards did not exceed.
func (s *serviceResult) quantile(q float64) time.Duration {
	if len(s.latencies) == 0 {
		return 0
	}
	return s.latencies[int(q*float64(len(s.latencies)-1))].Round(10 * time.Microsecond)
}

func (s *serviceResult) cardRate() float64      { return float64(s.cards) / s.elapsed.Seconds() }
func (s *serviceResult) signatureRate() float64 { return float64(s.signatures) / s.elapsed.Seconds() }

// service measures siegeld, started with flags: it issues orders made beforehand, so many at a time, until time or orders are used up.
func (c *cli) service(ctx context.Context, r *rig.Rig, orders *rig.Orders, flags ...string) (*serviceResult, error) {
	fmt.Fprintf(os.Stderr, "siegel-bench: making %d orders\n", c.Orders)
	queue := make(chan *siegelv1.Order, c.Orders)
	for range c.Orders {
		queue <- orders.Next()
	}
	close(queue)
	server, err := r.Start(flags...)
	if err != nil {
		return nil, err
	}
	conn, err := r.Dial(server, "line-1")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	fmt.Fprintf(os.Stderr, "siegel-bench: issuing, %d orders at a time, %s\n", c.Workers, c.Duration)
	result, err := c.issue(ctx, siegelv1.NewIssuanceServiceClient(conn), queue)
	if stopErr := server.Stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return nil, err
	}
	result.serverCPU = server.Usage()
	slices.Sort(result.latencies)
	return result, nil
}

// issue runs the workers and adds up what they saw.
func (c *cli) issue(ctx context.Context, client siegelv1.IssuanceServiceClient, queue <-chan *siegelv1.Order) (*serviceResult, error) {
	var mu sync.Mutex
	result := &serviceResult{}
	group, ctx := errgroup.WithContext(ctx)
	start := time.Now()
	for range c.Workers {
		group.Go(func() error {
			for order := range queue {
				begun := time.Now()
				if begun.Sub(start) > c.Duration {
					return nil
				}
				answer, err := client.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: order})
				if err != nil {
					return fmt.Errorf("issue order %s: %w", order.GetOrderId(), err)
				}
				mu.Lock()
				result.cards++
				result.signatures += len(answer.GetCard().GetCertificates())
				result.latencies = append(result.latencies, time.Since(begun))
				mu.Unlock()
			}
			return nil
		})
	}
	err := group.Wait()
	result.elapsed = time.Since(start)
	return result, err
}
