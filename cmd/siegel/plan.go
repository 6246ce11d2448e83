package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// planCmd is `siegel plan`.
type planCmd struct {
	Order string `arg:"" help:"Order file, or - for standard input."`
	Hex   bool   `help:"Print also the octets of each draft: what would be signed."`
}

// Run asks for the plan and prints it.
func (c *planCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	order, err := readOrder(t, c.Order)
	if err != nil {
		return err
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	plan, err := call(ctx, cl.caller, "plan the card of "+c.Order, func(ctx context.Context) (*siegelv1.PlanCardResponse, error) {
		return cl.PlanCard(ctx, &siegelv1.PlanCardRequest{Order: order})
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return t.json(plan)
	}
	fmt.Fprintln(t.out, t.bold("plan of order "+order.GetOrderId()+", card "+order.GetIccsn()+": nothing was issued"))
	t.table(planRows(plan), "OCTETS")
	if c.Hex {
		for _, p := range plan.GetCertificates() {
			fmt.Fprintf(t.out, "\n%s\n%s", t.bold("draft of "+p.GetSlot()), hex.Dump(p.GetDraft()))
		}
	}
	t.warn(plan.GetWarnings())
	return nil
}

func planRows(plan *siegelv1.PlanCardResponse) [][]string {
	rows := [][]string{{"SLOT", "PROFILE", "ISSUER", "FROM", "UNTIL", "OCTETS"}}
	for _, p := range plan.GetCertificates() {
		rows = append(rows, []string{p.GetSlot(), p.GetProfile(), p.GetIssuer(), day(p.GetNotBefore()), day(p.GetNotAfter()),
			strconv.Itoa(len(p.GetDraft()))})
	}
	return rows
}
