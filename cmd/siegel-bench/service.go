package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// serviceResult is what a measurement of the whole service saw.
type serviceResult struct {
	store string // name in the figures
	*load
	budget      budget // of the stream
	sweep       []point
	idle, amid  []time.Duration // latencies of single cards, sorted: on an idle server, and amid a stream
	behind      *behind         // nil where it was not measured
	rss, rssEnd int64           // memory of the server before and after the stream, in octets
}

// urgentTo is the p99 of single cards amid a stream as a multiple of a quantile of those on an idle server.
func (s *serviceResult) urgentTo(q float64) float64 {
	idle := quantile(s.idle, q)
	if idle == 0 {
		return 0
	}
	return float64(quantile(s.amid, 0.99)) / float64(idle)
}

// point is the throughput and latency of a stream with so many orders at a time.
type point struct {
	atOnce int
	*load
}

// The measurements beside the main one.
const (
	pause = 100 * time.Millisecond // between two single cards, on an idle server and amid a stream
)

// atOnces are the steps of the sweep.
var atOnces = []int{1, 2, 4, 8, 16, 32}

// orders is how many are made: what streams of this length can use, with one more Duration for single cards and rounding.
func (c *cli) orders() int {
	const perSecond = 200 // cards for each CPU
	streams := 2.0
	if c.Sweep {
		streams += 1 + float64(len(atOnces))/4 + 0.5 // amid, sweep, behind
	}
	if c.Orders > 0 {
		return c.Orders
	}
	return int(streams * c.Duration.Seconds() * perSecond * float64(runtime.NumCPU()))
}

// service measures siegeld, started with flags, with orders made beforehand.
func (c *cli) service(ctx context.Context, r *rig.Rig, orders *rig.Orders, flags ...string) (*serviceResult, error) {
	n := c.orders()
	fmt.Fprintf(os.Stderr, "siegel-bench: making %d orders\n", n)
	queue := make(chan *siegelv1.Order, n)
	for range n {
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
	client := siegelv1.NewIssuanceServiceClient(conn)
	result, err := c.measure(ctx, server, client, queue)
	if err == nil && c.Sweep {
		result.behind, err = c.measureBehind(ctx, r, server, client, queue)
	}
	if stopErr := server.Stop(); err == nil {
		err = stopErr
	}
	return result, err
}

// measure makes the measurements on a running server.
func (c *cli) measure(ctx context.Context, server *rig.Server, client siegelv1.IssuanceServiceClient, queue <-chan *siegelv1.Order) (*serviceResult, error) {
	s := &serviceResult{}
	var err error
	singles := max(1, int(c.Duration/pause))
	fmt.Fprintf(os.Stderr, "siegel-bench: %d single cards, %s apart\n", singles, pause)
	if s.idle, err = one(ctx, client, queue, singles, pause); err != nil {
		return nil, err
	}
	fmt.Fprintf(os.Stderr, "siegel-bench: a stream with %d orders at a time, %s\n", c.Workers, c.Duration)
	s.rss = serverMemory()
	if err := c.watched(ctx, s, server, client, queue); err != nil {
		return nil, err
	}
	s.rssEnd = serverMemory()
	if !c.Sweep {
		return s, nil
	}
	fmt.Fprintf(os.Stderr, "siegel-bench: single cards amid a stream, %s\n", c.Duration)
	var group errgroup.Group
	group.Go(func() error {
		_, err := stream(ctx, client, queue, c.Workers, c.Duration)
		return err
	})
	s.amid, err = one(ctx, client, queue, singles, pause)
	if waitErr := group.Wait(); err == nil {
		err = waitErr
	}
	for _, n := range atOnces {
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(os.Stderr, "siegel-bench: a stream with %d orders at a time, %s\n", n, c.Duration/4)
		var l *load
		l, err = stream(ctx, client, queue, n, c.Duration/4)
		s.sweep = append(s.sweep, point{n, l})
	}
	return s, err
}

// watched is the measurement of the stream, with a profile of the server over the same time.
func (c *cli) watched(ctx context.Context, s *serviceResult, server *rig.Server, client siegelv1.IssuanceServiceClient, queue <-chan *siegelv1.Order) error {
	var group errgroup.Group
	group.Go(func() (err error) {
		s.load, err = stream(ctx, client, queue, c.Workers, c.Duration)
		return err
	})
	p, err := takeProfile(ctx, server.Metrics, c.Duration)
	if err := errors.Join(err, group.Wait()); err != nil {
		return err
	}
	s.budget, err = budgetOf(p)
	return err
}

// one issues single cards one after the other, with a pause before each, and gives their latencies, sorted.
func one(ctx context.Context, client siegelv1.IssuanceServiceClient, queue <-chan *siegelv1.Order, n int, pause time.Duration) ([]time.Duration, error) {
	var latencies []time.Duration
	for range n {
		time.Sleep(pause)
		order, ok := <-queue
		if !ok {
			break
		}
		begun := time.Now()
		if _, err := client.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: order}); err != nil {
			return nil, fmt.Errorf("issue order %s by itself: %w", order.GetOrderId(), err)
		}
		latencies = append(latencies, time.Since(begun))
	}
	slices.Sort(latencies)
	return latencies, nil
}
