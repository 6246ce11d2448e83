package main

import (
	"context"
	"fmt"
	"os"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// serviceResult is what a measurement of the whole service saw.
type serviceResult struct {
	store string // name in the figures
	*load
}

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
	result, err := stream(ctx, siegelv1.NewIssuanceServiceClient(conn), queue, c.Workers, c.Duration)
	if stopErr := server.Stop(); err == nil {
		err = stopErr
	}
	if err != nil {
		return nil, err
	}
	return &serviceResult{load: result}, nil
}
