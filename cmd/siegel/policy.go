package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// policyCmd is `siegel policy`.
type policyCmd struct {
	Print  policyPrintCmd `cmd:"" offline:"" help:"Print the policy that is built in: a copy of it can be changed and given to what-if. Offline."`
	Grant  policyGrantCmd `cmd:"" help:"Ask that an exception which the configuration names takes effect in production. A security officer approves it."`
	WhatIf whatIfCmd      `cmd:"" help:"Say what a changed policy would refuse from a day on, and how many certificates would outlive their algorithm."`
}

// policyPrintCmd is `siegel policy print`.
type policyPrintCmd struct{}

// Run prints the file.
func (policyPrintCmd) Run(t *terminal) error {
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	_, err = t.out.Write(set.PolicyFile())
	return err
}

// whatIfCmd is `siegel policy what-if`.
type whatIfCmd struct {
	File    string `arg:"" help:"Changed policy (algorithms.yaml), or - for standard input."`
	At      string `placeholder:"YYYY-MM-DD" help:"Day of issue for which it is judged (default: today, in UTC)."`
	All     bool   `help:"Show also what the change does not touch."`
	Offline bool   `help:"Ask no server: look at card types and slots alone."`
}

// maxPolicy bounds a policy, in octets: what the server takes.
const maxPolicy = 1 << 18

// Help tells what --json prints.
func (*whatIfCmd) Help() string {
	return `The changed policy is compared with the one in force. What is new to be refused gives exit code 1.

As JSON it is one object: {"day", "card_types": [{"card_type", "refused_now", "refused_then", "slots": [{"slot", "now", "then"}]}],
"server": a siegel.v1.ReviewPolicyResponse in the Protobuf JSON mapping, without --offline}; now and then are
{"refused", "last_day", "algorithm", "exception"}, of which the last three are absent where there is no end.`
}

// Run compares the policies. What differs for card types and slots follows from the built-in catalogue; which orders wait and which certificates
// are in the field only the server knows.
func (c *whatIfCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	at := time.Now().UTC()
	if c.At != "" {
		var err error
		if at, err = time.Parse(time.DateOnly, c.At); err != nil {
			return usageError(fmt.Errorf("--at %s: the day is YYYY-MM-DD", c.At))
		}
	}
	text, err := readInput(t, c.File, maxPolicy)
	if err != nil {
		return usageError(fmt.Errorf("read the policy: %w", err))
	}
	builtin, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	changed, err := builtin.WithPolicy(c.File, text)
	if err != nil {
		return usageError(err)
	}
	report := &policyReport{Day: at.Format(time.DateOnly), all: c.All}
	if !c.Offline {
		if report.server, err = c.ask(ctx, g, t, text, report.Day); err != nil {
			return err
		}
		hash := builtin.Hash()
		report.otherCatalogue = !bytes.Equal(hash[:], report.server.GetCatalogueSha256())
	}
	report.addCards(builtin.Compare(changed, profiles.Review{At: at, Exceptions: report.server.GetLegacyExceptions()}))
	if g.JSON {
		err = report.printJSON(t)
	} else {
		report.print(t, c.File)
	}
	return errors.Join(err, report.verdict())
}

// ask has the server look at its orders and certificates.
func (c *whatIfCmd) ask(ctx context.Context, g *globals, t *terminal, text []byte, day string) (*siegelv1.ReviewPolicyResponse, error) {
	cl, err := connect(g, t)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	return call(ctx, cl.caller, "review the policy (--offline asks no server)", func(ctx context.Context) (*siegelv1.ReviewPolicyResponse, error) {
		return cl.ReviewPolicy(ctx, &siegelv1.ReviewPolicyRequest{Algorithms: text, Day: day})
	})
}
