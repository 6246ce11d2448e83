package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// issueCmd is `siegel issue`.
type issueCmd struct {
	Orders   []string `arg:"" help:"Order files, or - for standard input."`
	Out      string   `type:"path" placeholder:"DIR" help:"Write the certificates of each card below DIR/ICCSN."`
	Parallel int      `default:"4" help:"Orders sent at the same time."`
}

// issued is the fate of one order.
type issued struct {
	card *siegelv1.Card
	err  error
}

// Run sends all orders and prints their cards in the order of the files. A refused order does not hold up the others; the exit
// code is that of the first order that failed.
func (c *issueCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	if c.Parallel < 1 {
		return usageError(errors.New("--parallel must be at least 1"))
	}
	if err := onceFromStdin(c.Orders); err != nil {
		return err
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	var first error
	failed := 0
	for i, fate := range c.send(ctx, cl, t) {
		f := <-fate
		if f.err == nil && i > 0 && !g.JSON {
			fmt.Fprintln(t.out)
		}
		if f.err == nil {
			f.err = showCard(g, t, f.card, c.Out)
		}
		if f.err == nil {
			continue
		}
		failed++
		first = cmp.Or(first, f.err)
		if len(c.Orders) > 1 {
			t.explain(f.err)
		}
	}
	if failed == 0 || len(c.Orders) == 1 {
		return first
	}
	return &exitError{exitCode(first), fmt.Errorf("%d of %d orders failed", failed, len(c.Orders))}
}

// send issues every order, some at the same time, and gives a channel for each, in their order.
func (c *issueCmd) send(ctx context.Context, cl *client, t *terminal) []chan issued {
	fates := make([]chan issued, len(c.Orders))
	for i := range fates {
		fates[i] = make(chan issued, 1)
	}
	go func() {
		var g errgroup.Group
		g.SetLimit(c.Parallel)
		for i, name := range c.Orders {
			g.Go(func() error {
				card, err := issueOne(ctx, cl, t, name)
				fates[i] <- issued{card, err}
				return nil
			})
		}
		_ = g.Wait() // each fate has its own error
	}()
	return fates
}

func issueOne(ctx context.Context, cl *client, t *terminal, name string) (*siegelv1.Card, error) {
	order, err := readOrder(t, name)
	if err != nil {
		return nil, err
	}
	answer, err := call(ctx, cl.caller, "issue the card of "+name, func(ctx context.Context) (*siegelv1.IssueCardResponse, error) {
		return cl.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: order})
	})
	return answer.GetCard(), ofOrder(err)
}
