package main

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// activateCmd is `siegel activate`.
type activateCmd struct {
	ICCSN     string    `arg:"" name:"iccsn" help:"Serial number of the chip, 20 digits."`
	Reference string    `required:"" placeholder:"TEXT" help:"Where the holder's confirmation is filed, for example B-4711 (GS-A_4186)."`
	Requested time.Time `placeholder:"TIME" help:"When the desk was told, for example 2026-11-24T09:00:00Z (default: now)."`
}

// Run activates the card and prints its status.
func (c *activateCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	request := &siegelv1.ActivateCardRequest{Iccsn: c.ICCSN, Reference: c.Reference, RequestedAt: timestampOf(c.Requested)}
	answer, err := call(ctx, cl.caller, "activate the card "+c.ICCSN, func(ctx context.Context) (*siegelv1.ActivateCardResponse, error) {
		return cl.ActivateCard(ctx, request)
	})
	if err != nil {
		return err
	}
	return showStatus(g, t, answer.GetStatus())
}

// timestampOf gives nil for the zero time.
func timestampOf(at time.Time) *timestamppb.Timestamp {
	if at.IsZero() {
		return nil
	}
	return timestamppb.New(at)
}
