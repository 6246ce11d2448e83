package main

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// crlCmd is `siegel crl`.
type crlCmd struct {
	Generate crlGenerateCmd `cmd:"" help:"Make the next CRL of an issuer at once. Role: ca-operator."`
}

// crlGenerateCmd is `siegel crl generate`.
type crlGenerateCmd struct {
	Issuer string `arg:"" help:"Name of the X.509 issuer, for example SIEGEL.SMCB-CA1."`
}

// Run asks for the CRL and says what it is.
func (c *crlGenerateCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	crl, err := call(ctx, cl.caller, "generate a CRL of "+c.Issuer, func(ctx context.Context) (*siegelv1.GenerateCRLResponse, error) {
		return cl.GenerateCRL(ctx, &siegelv1.GenerateCRLRequest{Issuer: c.Issuer})
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return t.json(crl)
	}
	fmt.Fprintf(t.out, "%s  %d entries, %d octets, from %s until %s, SHA-256 %s\n", t.bold(fmt.Sprintf("CRL %d of %s", crl.GetNumber(), c.Issuer)),
		crl.GetEntries(), crl.GetSize(), crl.GetThisUpdate().AsTime().Format(time.RFC3339), crl.GetNextUpdate().AsTime().Format(time.RFC3339),
		hex.EncodeToString(crl.GetSha256()))
	return nil
}
