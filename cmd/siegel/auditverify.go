package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/siegel-pki/siegel/internal/audit"
)

// auditVerifyCmd is `siegel audit verify`.
type auditVerifyCmd struct {
	Export       string `arg:"" type:"existingdir" help:"Folder that siegel audit export wrote."`
	logKeyFlag   `embed:""`
	NoSignatures bool `help:"Do not check that issuers signed the certificates, which takes most of the time. Their hashes are checked all the same."`
	Whole        bool `help:"Find it wrong where the export is not of the whole log."`
	Workers      int  `default:"0" help:"Leaves checked at the same time; 0 for one on each CPU."`
}

// Help explains the command.
func (c *auditVerifyCmd) Help() string {
	return "Needs no server and trusts none: only the export, and the public key of the log. It prints what was checked, what was not and why, and what is wrong: file, leaf, kind of entry, " +
		"and what differs. Exit code 0: nothing is wrong; 1: something is; 2: there is no export, or no key. With --json the same as one JSON document."
}

// Run verifies.
func (c *auditVerifyCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	key, err := c.load()
	if err != nil {
		return err
	}
	m := newMeter(t, "leaves")
	workers := c.Workers
	if workers <= 0 {
		workers = runtime.NumCPU()
	}
	r, err := audit.Verify(ctx, c.Export, key, audit.Options{NoSignatures: c.NoSignatures, Whole: c.Whole, Workers: workers,
		Tables: []audit.Table{audit.CSV, parquetTable}, Progress: m.show})
	m.end()
	if err != nil {
		return usageError(err)
	}
	if g.JSON {
		if err := t.jsonOf(r); err != nil {
			return err
		}
	} else {
		printAudit(t, r)
	}
	if !r.Good() {
		return &exitError{exitInvalid, errors.New(auditVerdict(r))}
	}
	return nil
}

func auditVerdict(r *audit.Report) string {
	return fmt.Sprintf("%s is not good: %s", r.Export, count(int(r.Wrong), "thing is wrong", "things are wrong"))
}

// printAudit prints a report for people: the findings last, where they are seen.
func printAudit(t *terminal, r *audit.Report) {
	if r.Size > 0 {
		fmt.Fprintf(t.out, "%s: leaves %d to %d of %d\n", t.bold("log "+r.Log), r.First, r.End-1, r.Size)
	}
	fmt.Fprintln(t.out, t.bold("\nchecked"))
	for _, c := range r.Checks {
		fmt.Fprintf(t.out, "  %9d  %s\n", c.Count, c.What)
	}
	if len(r.Not) > 0 {
		fmt.Fprintln(t.out, t.bold("\nnot checked"))
		for _, o := range r.Not {
			fmt.Fprintf(t.out, "  %s: %s\n", t.yellow(o.What), o.Why)
		}
	}
	if r.Good() {
		fmt.Fprintln(t.out, "\n"+t.green("nothing is wrong with what was checked"))
		return
	}
	fmt.Fprintln(t.out, t.bold("\nwrong"))
	for _, f := range r.Findings {
		fmt.Fprintf(t.out, "  %s\n", t.red(f.String()))
	}
	if more := r.Wrong - int64(len(r.Findings)); more > 0 {
		fmt.Fprintf(t.out, "  and %d more\n", more)
	}
}
