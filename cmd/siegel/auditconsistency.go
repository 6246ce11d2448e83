package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/internal/audit"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// auditConsistencyCmd is `siegel audit consistency`.
type auditConsistencyCmd struct {
	Old        string `arg:"" type:"path" help:"The earlier one: folder of an export, or file with a checkpoint."`
	New        string `arg:"" type:"path" help:"The later one: folder of an export, or file with a checkpoint."`
	logKeyFlag `embed:""`
	Online     bool `help:"Ask the server for the proof where the later export does not have it. The proof is checked here all the same."`
}

// Help explains the command.
func (c *auditConsistencyCmd) Help() string {
	return "An export of the whole log shows by itself that it begins with the leaves of every earlier head. Otherwise a proof of the server is needed (--online). " +
		"Exit code 1 says that the log went backwards, was changed, or is another."
}

// consistencyReport is what --json prints.
type consistencyReport struct {
	Log        string `json:"log"`
	OldSize    int64  `json:"old_size"`
	NewSize    int64  `json:"new_size"`
	Consistent bool   `json:"consistent"`
	By         string `json:"by,omitempty"` // what shows it
	Wrong      string `json:"wrong,omitempty"`
}

// Run compares.
func (c *auditConsistencyCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	key, err := c.load()
	if err != nil {
		return err
	}
	var shown [2]*audit.Shown
	for i, path := range []string{c.Old, c.New} {
		var unsigned *audit.UnsignedError
		if shown[i], err = audit.OpenShown(path, key); errors.As(err, &unsigned) {
			return invalid(err)
		} else if err != nil {
			return usageError(err)
		}
	}
	earlier, later := shown[0], shown[1]
	r := consistencyReport{Log: later.Origin, OldSize: earlier.Size, NewSize: later.Size, By: "the tiles of " + c.New}
	err = audit.CheckGrown(ctx, earlier, later)
	if errors.Is(err, audit.ErrNoProof) {
		if !c.Online {
			return usageError(fmt.Errorf("%w; ask the server for a proof (--online), or compare with an export of the whole log", err))
		}
		r.By = "a proof of the server"
		err = c.ask(ctx, g, t, earlier, later)
		var failed *callError
		if errors.As(err, &failed) {
			return err
		}
	}
	r.Consistent = err == nil
	if err != nil {
		r.By, r.Wrong = "", err.Error()
	}
	if g.JSON {
		if err := t.jsonOf(r); err != nil {
			return err
		}
	} else if r.Consistent {
		fmt.Fprintf(t.out, "%s: the log %s of %d leaves begins with the %d leaves of the earlier head, shown by %s\n", t.green("consistent"), r.Log, r.NewSize, r.OldSize, r.By)
	}
	if err != nil {
		return invalid(fmt.Errorf("not consistent: %w", err))
	}
	return nil
}

// ask has the server prove it, and checks the proof.
func (c *auditConsistencyCmd) ask(ctx context.Context, g *globals, t *terminal, earlier, later *audit.Shown) error {
	cl, err := connectAuditor(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "ask for a consistency proof", func(ctx context.Context) (*siegelv1.GetConsistencyProofResponse, error) {
		return cl.GetConsistencyProof(ctx, &siegelv1.GetConsistencyProofRequest{OldSize: earlier.Size, NewSize: later.Size})
	})
	if err != nil {
		return err
	}
	var proof tlog.Proof
	for _, h := range answer.GetProof() {
		if len(h) != tlog.HashSize {
			return fmt.Errorf("the server's proof: %w", tlog.ErrProof)
		}
		proof = append(proof, tlog.Hash(h))
	}
	return tlog.CheckConsistency(proof, earlier.Head, later.Head)
}
