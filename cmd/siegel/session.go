package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// sessionCmd is `siegel session`.
type sessionCmd struct {
	Open  sessionOpenCmd  `cmd:"" help:"Ask for a key session: the window in which issuers' keys may sign. Another CA operator approves it with siegel approve."`
	Close sessionCloseCmd `cmd:"" help:"Close a key session before its time. One person is enough."`
	List  sessionListCmd  `cmd:"" help:"List key sessions, the newest first."`
}

// Help tells the two steps.
func (*sessionCmd) Help() string {
	return `An issuer's key signs only in a key session, which two CA operators open together:

  siegel session open --operator ca-operator-1 --issuer NAME --signatures 50000 --for 12h --reason "night of the 24th"
  siegel approve ID   --operator ca-operator-2

It ends by time, by number of signatures, by siegel session close, and when the last server stops that has signed in it.`
}

// requestID draws the id of a request, so that trying the call again makes no second one.
func requestID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(b[:])
}

// sessionOpenCmd is `siegel session open`.
type sessionOpenCmd struct {
	Issuer     []string      `required:"" placeholder:"NAME" help:"Issuer whose key may sign; may be given more than once. Each gets a session of its own."`
	Signatures int64         `required:"" placeholder:"N" help:"At most so many signatures for each issuer."`
	For        time.Duration `required:"" placeholder:"DURATION" help:"At most so long after the approval, for example 12h."`
	Reason     string        `required:"" placeholder:"TEXT" help:"Why; the log keeps it."`
}

// Run asks and prints the request.
func (c *sessionOpenCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	request := &siegelv1.OpenKeySessionRequest{RequestId: requestID(), Issuers: c.Issuer, MaxSignatures: c.Signatures,
		MaxDuration: durationpb.New(c.For), Reason: c.Reason}
	return ask(ctx, g, t, "ask for a key session", func(ctx context.Context, cl *client) (*siegelv1.ActRequest, error) {
		answer, err := cl.OpenKeySession(ctx, request)
		return answer.GetRequest(), err
	})
}

// ask makes a request for an act that needs two people, and prints it with the command of the second person.
func ask(ctx context.Context, g *globals, t *terminal, doing string, try func(context.Context, *client) (*siegelv1.ActRequest, error)) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	made, err := call(ctx, cl.caller, doing, func(ctx context.Context) (*siegelv1.ActRequest, error) { return try(ctx, cl) })
	if err != nil {
		return err
	}
	if g.JSON {
		return t.json(made)
	}
	t.request(made)
	fmt.Fprintf(t.out, "Another person approves it with:\n  siegel approve %s\n", made.GetId())
	return nil
}

// sessionCloseCmd is `siegel session close`.
type sessionCloseCmd struct {
	ID string `arg:"" name:"session" help:"Id of the session, as siegel session list shows it."`
}

// Run closes and prints the session.
func (c *sessionCloseCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "close key session "+c.ID, func(ctx context.Context) (*siegelv1.CloseKeySessionResponse, error) {
		return cl.CloseKeySession(ctx, &siegelv1.CloseKeySessionRequest{SessionId: c.ID})
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return t.json(answer.GetSession())
	}
	t.table(sessionRows([]*siegelv1.KeySession{answer.GetSession()}), "SIGNATURES", "OF")
	return nil
}

// sessionListCmd is `siegel session list`.
type sessionListCmd struct {
	Limit int32 `default:"20" help:"At most this many, 1 to 1000."`
}

// Run prints the newest sessions.
func (c *sessionListCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "list key sessions", func(ctx context.Context) (*siegelv1.ListKeySessionsResponse, error) {
		return cl.ListKeySessions(ctx, &siegelv1.ListKeySessionsRequest{PageSize: c.Limit})
	})
	if err != nil {
		return err
	}
	if g.JSON {
		return t.json(answer)
	}
	t.table(sessionRows(answer.GetSessions()), "SIGNATURES", "OF")
	return nil
}

func sessionRows(sessions []*siegelv1.KeySession) [][]string {
	rows := [][]string{{"SESSION", "ISSUER", "OPENED", "ENDS", "SIGNATURES", "OF", "STATE", "APPROVAL"}}
	for _, s := range sessions {
		state, ends := "open", s.GetEnds()
		if s.GetClosedAt() != nil {
			state, ends = "closed: "+s.GetClosedReason(), s.GetClosedAt()
		}
		rows = append(rows, []string{s.GetId(), s.GetIssuer(), moment(s.GetOpenedAt()), moment(ends),
			strconv.FormatInt(s.GetDrawnSignatures(), 10), strconv.FormatInt(s.GetMaxSignatures(), 10), state, s.GetApprovalId()})
	}
	return rows
}

// moment writes a time to the second, and nothing where there is none.
func moment(ts *timestamppb.Timestamp) string {
	if ts == nil {
		return ""
	}
	return ts.AsTime().Format(time.RFC3339)
}
