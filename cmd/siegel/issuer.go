package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// issuerCmd is `siegel issuer`.
type issuerCmd struct {
	Import issuerImportCmd `cmd:"" help:"Ask that servers in production may start with a new issuer. Another CA operator approves it."`
	Retire issuerRetireCmd `cmd:"" help:"Ask that an issuer's key signs for cards no more, for ever. Another CA operator approves it."`
}

// issuerImportCmd is `siegel issuer import`.
type issuerImportCmd struct {
	Name   string `arg:"" help:"Name of the issuer in the hierarchy."`
	SHA256 string `name:"sha256" required:"" placeholder:"HEX" help:"SHA-256 of its certificate (DER, or data object 7F21), as the record of the ceremony has it."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; the log keeps it."`
}

// Run asks and prints the request.
func (c *issuerImportCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	sum, err := hex.DecodeString(c.SHA256)
	if err != nil || len(sum) != sha256.Size {
		return usageError(errors.New("--sha256: want 64 hex digits"))
	}
	request := &siegelv1.ImportIssuerRequest{RequestId: requestID(), Issuer: c.Name, CertificateSha256: sum, Reason: c.Reason}
	return ask(ctx, g, t, "ask to import issuer "+c.Name, func(ctx context.Context, cl *client) (*siegelv1.ActRequest, error) {
		answer, err := cl.ImportIssuer(ctx, request)
		return answer.GetRequest(), err
	})
}

// issuerRetireCmd is `siegel issuer retire`.
type issuerRetireCmd struct {
	Name   string `arg:"" help:"Name of the issuer."`
	Reason string `required:"" placeholder:"TEXT" help:"Why; the log keeps it."`
}

// Run asks and prints the request.
func (c *issuerRetireCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	request := &siegelv1.RetireIssuerRequest{RequestId: requestID(), Issuer: c.Name, Reason: c.Reason}
	return ask(ctx, g, t, "ask to retire issuer "+c.Name, func(ctx context.Context, cl *client) (*siegelv1.ActRequest, error) {
		answer, err := cl.RetireIssuer(ctx, request)
		return answer.GetRequest(), err
	})
}

// policyGrantCmd is `siegel policy grant`.
type policyGrantCmd struct {
	Exception string `arg:"" help:"Name of the exception, as siegel profiles algorithms lists it."`
	Reason    string `required:"" placeholder:"TEXT" help:"Why; the log keeps it."`
}

// Run asks and prints the request.
func (c *policyGrantCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	request := &siegelv1.GrantLegacyExceptionRequest{RequestId: requestID(), Exception: c.Exception, Reason: c.Reason}
	return ask(ctx, g, t, "ask for exception "+c.Exception, func(ctx context.Context, cl *client) (*siegelv1.ActRequest, error) {
		answer, err := cl.GrantLegacyException(ctx, request)
		return answer.GetRequest(), err
	})
}
