package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// approvalsCmd is `siegel approvals`.
type approvalsCmd struct {
	List approvalsListCmd `cmd:"" default:"withargs" help:"List the requests that wait for a second person (the default command)."`
	Show approvalsShowCmd `cmd:"" help:"Show a request: exactly what would be done, who asked and how long it is good."`
}

// approvalsListCmd is `siegel approvals list`.
type approvalsListCmd struct {
	All bool `help:"Show also those that have ended, oldest first."`
}

// Run prints the requests.
func (c *approvalsListCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	list := &siegelv1.ListApprovalsResponse{}
	for token, first := "", true; first || token != ""; first = false {
		answer, err := call(ctx, cl.caller, "list requests", func(ctx context.Context) (*siegelv1.ListApprovalsResponse, error) {
			return cl.ListApprovals(ctx, &siegelv1.ListApprovalsRequest{All: c.All, PageToken: token})
		})
		if err != nil {
			return err
		}
		list.Requests, token = append(list.Requests, answer.GetRequests()...), answer.GetNextPageToken()
	}
	if g.JSON {
		return t.json(list)
	}
	rows := [][]string{{"ID", "STATE", "ASKED BY", "EXPIRES", "WHAT"}}
	for _, r := range list.GetRequests() {
		rows = append(rows, []string{r.GetId(), stateName(r.GetState()), r.GetRequestedBy(), moment(r.GetExpires()), r.GetSummary()})
	}
	t.table(rows)
	return nil
}

// stateName is the word for a state, for example "pending".
func stateName(s siegelv1.ApprovalState) string {
	return strings.ToLower(strings.TrimPrefix(s.String(), "APPROVAL_STATE_"))
}

// approvalsShowCmd is `siegel approvals show`.
type approvalsShowCmd struct {
	ID string `arg:"" name:"id" help:"Id of the request."`
}

// Run prints the request.
func (c *approvalsShowCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	r, err := getRequest(ctx, cl, c.ID)
	if err != nil {
		return err
	}
	if g.JSON {
		return t.json(r)
	}
	t.request(r)
	return nil
}

// getRequest reads a request, and makes sure that the hash is that of the parameters which are shown.
func getRequest(ctx context.Context, cl *client, id string) (*siegelv1.ActRequest, error) {
	answer, err := call(ctx, cl.caller, "look at request "+id, func(ctx context.Context) (*siegelv1.GetApprovalResponse, error) {
		return cl.GetApproval(ctx, &siegelv1.GetApprovalRequest{Id: id})
	})
	if err != nil {
		return nil, err
	}
	r := answer.GetRequest()
	if sum := sha256.Sum256(r.GetParameters()); !bytes.Equal(sum[:], r.GetParametersSha256()) {
		return nil, fmt.Errorf("request %s: the hash that the server names is not that of its parameters: do not approve it", id)
	}
	return r, nil
}

// request prints a request as a person must see it before deciding.
func (t *terminal) request(r *siegelv1.ActRequest) {
	fmt.Fprintf(t.out, "%s  %s\n", t.bold("request "+r.GetId()), stateName(r.GetState()))
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(t.out, "  %-11s %s\n", name, value)
		}
	}
	line("act", r.GetAct())
	line("means", r.GetSummary())
	line("reason", r.GetReason())
	line("asked by", who(r.GetRequestedBy(), r.GetRequestedPerson())+" at "+moment(r.GetRequestedAt()))
	if r.GetDecidedBy() != "" {
		line("decided by", who(r.GetDecidedBy(), r.GetDecidedPerson())+" at "+moment(r.GetDecidedAt()))
	}
	switch left := time.Until(r.GetExpires().AsTime()).Round(time.Second); {
	case r.GetEndedAt() != nil:
		line("ended", moment(r.GetEndedAt()))
	case left > 0:
		line("expires", fmt.Sprintf("%s, in %s", moment(r.GetExpires()), left))
	default:
		line("expired", moment(r.GetExpires()))
	}
	var indented bytes.Buffer
	if err := json.Indent(&indented, r.GetParameters(), "    ", "  "); err != nil {
		indented.Reset()
		fmt.Fprintf(&indented, "%q", r.GetParameters())
	}
	fmt.Fprintf(t.out, "  parameters, SHA-256 %s\n    %s\n", hex.EncodeToString(r.GetParametersSha256()), indented.String())
}

// who names an operator, and the person behind him where that is another name.
func who(operator, person string) string {
	if person == operator || person == "" {
		return operator
	}
	return operator + " (person " + person + ")"
}

// decision are the flags of the commands that decide on a request.
type decision struct {
	ID     string `arg:"" name:"id" help:"Id of the request, as siegel approvals shows it."`
	SHA256 string `name:"sha256" placeholder:"HEX" help:"SHA-256 of the parameters that you have seen; decides without asking. For scripts."`
}

// Help tells how the person is asked.
func (*decision) Help() string {
	return `Shows exactly what is decided on and asks for "yes", or takes the hash of the parameters with --sha256. Of any other parameters nothing is
decided. The one who asked cannot approve, with whichever certificate, but may reject. Repeating an approval is safe: the act is done once.`
}

// confirm shows the request and has the person say yes. It gives the hash of what was shown.
func (d *decision) confirm(ctx context.Context, g *globals, t *terminal, cl *client, verb string) ([]byte, error) {
	if d.SHA256 != "" {
		sum, err := hex.DecodeString(d.SHA256)
		if err != nil || len(sum) != sha256.Size {
			return nil, usageError(errors.New("--sha256: want 64 hex digits"))
		}
		return sum, nil
	}
	if f, ok := t.in.(*os.File); g.JSON || ok && !term.IsTerminal(int(f.Fd())) {
		return nil, usageError(errors.New("there is nobody to ask: look at the request with siegel approvals show, and say what you decide on with --sha256"))
	}
	r, err := getRequest(ctx, cl, d.ID)
	if err != nil {
		return nil, err
	}
	t.request(r)
	fmt.Fprintf(t.out, "%s this? Type yes: ", verb)
	answer, err := bufio.NewReader(t.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, usageError(fmt.Errorf("read the answer: %w", err))
	}
	if strings.TrimSpace(answer) != "yes" {
		return nil, invalid(errors.New("nothing was decided"))
	}
	return r.GetParametersSha256(), nil
}

// approveCmd is `siegel approve`.
type approveCmd struct{ decision }

// Run approves, and prints what became of the request.
func (c *approveCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	sum, err := c.confirm(ctx, g, t, cl, "Approve")
	if err != nil {
		return err
	}
	answer, err := call(ctx, cl.caller, "approve "+c.ID, func(ctx context.Context) (*siegelv1.ApproveResponse, error) {
		return cl.Approve(ctx, &siegelv1.ApproveRequest{Id: c.ID, ParametersSha256: sum})
	})
	if err != nil {
		return err
	}
	return decided(g, t, answer.GetRequest())
}

// rejectCmd is `siegel reject`.
type rejectCmd struct {
	decision
	Reason string `required:"" placeholder:"TEXT" help:"Why; the log keeps it."`
}

// Run rejects, and prints what became of the request.
func (c *rejectCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	sum, err := c.confirm(ctx, g, t, cl, "Reject")
	if err != nil {
		return err
	}
	answer, err := call(ctx, cl.caller, "reject "+c.ID, func(ctx context.Context) (*siegelv1.RejectResponse, error) {
		return cl.Reject(ctx, &siegelv1.RejectRequest{Id: c.ID, ParametersSha256: sum, Reason: c.Reason})
	})
	if err != nil {
		return err
	}
	return decided(g, t, answer.GetRequest())
}

func decided(g *globals, t *terminal, r *siegelv1.ActRequest) error {
	if g.JSON {
		return t.json(r)
	}
	fmt.Fprintf(t.out, "%s  %s: %s\n", t.bold("request "+r.GetId()), stateName(r.GetState()), r.GetSummary())
	return nil
}
