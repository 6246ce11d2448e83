package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// bulkCmd are the commands of bulk revocations.
type bulkCmd struct {
	Plan   bulkPlanCmd   `cmd:"" help:"Fix the list of cards that are to be revoked. It revokes none."`
	Start  bulkStartCmd  `cmd:"" help:"Ask that the cards of a plan are revoked. It begins when another person approves that very list."`
	Watch  bulkWatchCmd  `cmd:"" help:"Show how far a bulk revocation is until it has ended."`
	Pause  bulkPauseCmd  `cmd:"" help:"Stop the work for a while."`
	Resume bulkResumeCmd `cmd:"" help:"Let it go on."`
}

// bulkPlanCmd is `siegel bulk plan`.
type bulkPlanCmd struct {
	ID          string    `placeholder:"ID" help:"Id of the plan, 32 hex digits, to repeat a call (default: a new one)."`
	ICCSNFrom   string    `name:"iccsn-from" placeholder:"ICCSN" help:"First card of a range."`
	ICCSNUntil  string    `name:"iccsn-until" placeholder:"ICCSN" help:"Last card of a range."`
	CardType    string    `placeholder:"TYPE" help:"Cards of this type, which says what chip and object system they have."`
	Sector      string    `placeholder:"SECTOR" help:"Cards of this sector."`
	Issuer      string    `placeholder:"NAME" help:"Cards with a certificate of this issuer."`
	IssuedFrom  time.Time `placeholder:"TIME" help:"Cards issued at this time or later."`
	IssuedUntil time.Time `placeholder:"TIME" help:"Cards issued before this time."`
	List        string    `type:"existingfile" placeholder:"FILE" help:"Cards of this list, one ICCSN a line."`
	revocation  `embed:""`
	Out         string `type:"path" placeholder:"FILE" help:"Write the list of the plan to this file, one ICCSN a line: its sha256sum is the hash that is approved."`
}

// Run plans, prints the plan and writes its list.
func (c *bulkPlanCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	selection, err := c.selection()
	if err != nil {
		return usageError(err)
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	request := &siegelv1.PlanBulkRevocationRequest{BulkId: orDefault(c.ID, requestID()), Selection: selection, Requester: c.Requester, Reason: c.Reason,
		Reference: c.Reference, RequestedAt: timestampOf(c.Requested)}
	answer, err := call(ctx, cl.caller, "plan the bulk revocation "+request.BulkId, func(ctx context.Context) (*siegelv1.PlanBulkRevocationResponse, error) {
		return cl.PlanBulkRevocation(ctx, request)
	})
	if err != nil {
		return err
	}
	if c.Out != "" {
		if err := writeList(ctx, cl, answer.GetBulk(), c.Out); err != nil {
			return err
		}
	}
	return showBulk(g, t, answer.GetBulk())
}

func (c *bulkPlanCmd) selection() (*siegelv1.CardSelection, error) {
	s := &siegelv1.CardSelection{IccsnFrom: c.ICCSNFrom, IccsnUntil: c.ICCSNUntil, CardType: c.CardType, Sector: c.Sector, Issuer: c.Issuer,
		IssuedFrom: timestampOf(c.IssuedFrom), IssuedUntil: timestampOf(c.IssuedUntil)}
	if c.List == "" {
		return s, nil
	}
	text, err := os.ReadFile(c.List)
	if err != nil {
		return nil, err
	}
	if s.Iccsns = strings.Fields(string(text)); len(s.Iccsns) == 0 {
		return nil, fmt.Errorf("%s names no card", c.List)
	}
	return s, nil
}

// listPage is how many cards of a list are asked for at a time, the most that the server gives.
const listPage = 10_000

// writeList writes the list of a plan.
func writeList(ctx context.Context, cl *client, bulk *siegelv1.BulkRevocation, path string) (err error) {
	f, err := os.Create(path)
	if err != nil {
		return usageError(err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	w := bufio.NewWriter(f)
	for from := int64(0); from < bulk.GetCards(); {
		request := &siegelv1.GetBulkRevocationRequest{BulkId: bulk.GetBulkId(), From: from, PageSize: listPage}
		page, err := call(ctx, cl.caller, "read the list", func(ctx context.Context) (*siegelv1.GetBulkRevocationResponse, error) {
			return cl.GetBulkRevocation(ctx, request)
		})
		if err != nil {
			return err
		}
		if len(page.GetCards()) == 0 {
			return fmt.Errorf("the list ends after %d of %d cards", from, bulk.GetCards())
		}
		for _, card := range page.GetCards() {
			w.WriteString(card.GetIccsn() + "\n") // an error comes with Flush
		}
		from += int64(len(page.GetCards()))
	}
	if err := w.Flush(); err != nil {
		return usageError(err)
	}
	return nil
}

// bulkStartCmd is `siegel bulk start`.
type bulkStartCmd struct {
	ID   string `arg:"" help:"Id of the plan."`
	Hash string `required:"" placeholder:"SHA-256" help:"SHA-256 of the list that you have seen, in hex."`
	For  string `required:"" name:"reason" placeholder:"TEXT" help:"Why, for the person who approves."`
}

// Run asks for the approval.
func (c *bulkStartCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	hash, err := hex.DecodeString(c.Hash)
	if err != nil {
		return usageError(fmt.Errorf("--hash: %w", err))
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	request := &siegelv1.StartBulkRevocationRequest{RequestId: requestID(), BulkId: c.ID, ListSha256: hash, Reason: c.For}
	answer, err := call(ctx, cl.caller, "ask for the bulk revocation "+c.ID, func(ctx context.Context) (*siegelv1.StartBulkRevocationResponse, error) {
		return cl.StartBulkRevocation(ctx, request)
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return t.json(answer.GetRequest())
	}
	r := answer.GetRequest()
	fmt.Fprintf(t.out, "%s  waits until %s for another person to approve it\n%s\nhash to approve: %x\n", t.bold("request "+r.GetId()),
		r.GetExpires().AsTime().Format(time.RFC3339), r.GetSummary(), r.GetParametersSha256())
	return nil
}

// bulkWatchCmd is `siegel bulk watch`.
type bulkWatchCmd struct {
	ID    string        `arg:"" help:"Id of the plan."`
	Every time.Duration `default:"1s" help:"Time between two looks."`
	Once  bool          `help:"Look once."`
}

// Run looks until it has ended.
func (c *bulkWatchCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	if c.Every <= 0 {
		return usageError(errors.New("--every must be more than nothing"))
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	for {
		answer, err := call(ctx, cl.caller, "look at the bulk revocation "+c.ID, func(ctx context.Context) (*siegelv1.GetBulkRevocationResponse, error) {
			return cl.GetBulkRevocation(ctx, &siegelv1.GetBulkRevocationRequest{BulkId: c.ID})
		})
		if err != nil {
			return err
		}
		if c.Once || answer.GetBulk().GetState() == siegelv1.BulkState_BULK_STATE_ENDED {
			return showBulk(g, t, answer.GetBulk())
		}
		fmt.Fprintf(t.err, "%s  %s: %d of %d\n", c.ID, bulkWord(answer.GetBulk()), answer.GetBulk().GetDone(), answer.GetBulk().GetCards())
		if !sleep(ctx, c.Every) {
			return ctx.Err()
		}
	}
}

// bulkPauseCmd is `siegel bulk pause`.
type bulkPauseCmd struct {
	ID string `arg:"" help:"Id of the plan."`
}

// Run stops the work.
func (c *bulkPauseCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "pause the bulk revocation "+c.ID, func(ctx context.Context) (*siegelv1.PauseBulkRevocationResponse, error) {
		return cl.PauseBulkRevocation(ctx, &siegelv1.PauseBulkRevocationRequest{BulkId: c.ID})
	})
	if err != nil {
		return err
	}
	return showBulk(g, t, answer.GetBulk())
}

// bulkResumeCmd is `siegel bulk resume`.
type bulkResumeCmd struct {
	ID string `arg:"" help:"Id of the plan."`
}

// Run lets it go on.
func (c *bulkResumeCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "resume the bulk revocation "+c.ID, func(ctx context.Context) (*siegelv1.ResumeBulkRevocationResponse, error) {
		return cl.ResumeBulkRevocation(ctx, &siegelv1.ResumeBulkRevocationRequest{BulkId: c.ID})
	})
	if err != nil {
		return err
	}
	return showBulk(g, t, answer.GetBulk())
}

// showBulk prints a bulk revocation.
func showBulk(g *globals, t *terminal, b *siegelv1.BulkRevocation) error {
	if g.JSON {
		return t.json(b)
	}
	fmt.Fprintf(t.out, "%s  %s: %d of %s through, %d revoked by it\n%s, asked for by %s, planned by %s\nlist sha256 %x\n", t.bold("bulk revocation "+b.GetBulkId()), bulkWord(b),
		b.GetDone(), count(int(b.GetCards()), "card", "cards"), b.GetRevoked(), b.GetReason(), b.GetRequester(), b.GetPlannedBy(), b.GetListSha256())
	return nil
}

// bulkWord is a state as people say it.
func bulkWord(b *siegelv1.BulkRevocation) string {
	return strings.ToLower(strings.TrimPrefix(b.GetState().String(), "BULK_STATE_"))
}
