package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"google.golang.org/protobuf/encoding/protojson"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// planCmd is `siegel plan`.
type planCmd struct {
	Order string `arg:"" help:"Order file, or - for standard input."`
	Full  bool   `help:"Print also what each certificate would say, field by field."`
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
		return ofOrder(err)
	}
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	if g.JSON {
		return c.printJSON(t, set, plan)
	}
	fmt.Fprintln(t.out, t.bold("plan of order "+order.GetOrderId()+", card "+order.GetIccsn()+": nothing was issued"))
	t.table(planRows(plan), "OCTETS")
	for _, p := range plan.GetCertificates() {
		if c.Full {
			fmt.Fprintf(t.out, "\n%s\n", t.bold(p.GetSlot()))
			if err := describeDraft(t.out, set, p); err != nil {
				return fmt.Errorf("read the draft of %s: %w", p.GetSlot(), err)
			}
		}
		if c.Hex {
			fmt.Fprintf(t.out, "\n%s\n%s", t.bold("draft of "+p.GetSlot()), hex.Dump(p.GetDraft()))
		}
	}
	t.warn(plan.GetWarnings())
	return nil
}

// printJSON prints the plan as the server gave it, and with --full each certificate with the lines of its description beside it.
func (c *planCmd) printJSON(t *terminal, set *profiles.Set, plan *siegelv1.PlanCardResponse) error {
	if !c.Full {
		return t.json(plan)
	}
	full := fullPlan{Warnings: plan.GetWarnings()}
	for _, p := range plan.GetCertificates() {
		text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(p)
		if err != nil {
			return fmt.Errorf("encode the plan of %s: %w", p.GetSlot(), err)
		}
		var words bytes.Buffer
		if err := describeDraft(&words, set, p); err != nil {
			return fmt.Errorf("read the draft of %s: %w", p.GetSlot(), err)
		}
		lines := strings.Split(strings.TrimSuffix(words.String(), "\n"), "\n")
		full.Certificates = append(full.Certificates, fullCertificate{Planned: text, Says: lines})
	}
	return t.jsonOf(full)
}

// fullPlan is what `siegel plan --full --json` prints.
type fullPlan struct {
	Certificates []fullCertificate `json:"certificates"`
	Warnings     []string          `json:"warnings,omitempty"`
}

type fullCertificate struct {
	Planned json.RawMessage `json:"planned"` // siegel.v1.PlannedCertificate in the Protobuf JSON mapping
	Says    []string        `json:"says"`    // its draft in words, line by line
}

// describeDraft prints what a certificate would say: nothing is signed yet.
func describeDraft(w io.Writer, set *profiles.Set, p *siegelv1.PlannedCertificate) error {
	if p.GetFormat() == siegelv1.Format_FORMAT_X509 {
		return describeX509Draft(w, set, p.GetDraft())
	}
	return cvc.AnnotateDraft(w, p.GetDraft())
}

func planRows(plan *siegelv1.PlanCardResponse) [][]string {
	rows := [][]string{{"SLOT", "PROFILE", "ISSUER", "FROM", "UNTIL", "OCTETS"}}
	for _, p := range plan.GetCertificates() {
		rows = append(rows, []string{p.GetSlot(), p.GetProfile(), p.GetIssuer(), firstDay(p), lastDay(p),
			strconv.Itoa(len(p.GetDraft()))})
	}
	return rows
}
