package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// shareCmd is `siegel give-share`.
type shareCmd struct{}

// Help explains the command.
func (shareCmd) Help() string {
	return `A server with token.pin: shares in its configuration waits at its start until two CA operators have each given their share of the
token's PIN. The share is typed at the terminal, where it is not shown, or comes in one line on standard input. Shares that do not belong
together are forgotten, and nothing is sent to the token.`
}

// Run reads the share and sends it.
func (shareCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	share, err := readShare(t)
	if err != nil {
		return usageError(err)
	}
	cl, err := connect(g, t)
	if err != nil {
		return err
	}
	defer cl.Close()
	activation := siegelv1.NewActivationServiceClient(cl.conn)
	answer, err := call(ctx, cl.caller, "give the share", func(ctx context.Context) (*siegelv1.GiveShareResponse, error) {
		return activation.GiveShare(ctx, &siegelv1.GiveShareRequest{Share: share})
	})
	if err != nil {
		return err
	}
	switch {
	case g.JSON:
		return t.json(answer)
	case answer.GetMissing() > 0:
		fmt.Fprintln(t.out, "the server has your share and waits for that of another operator")
	default:
		fmt.Fprintln(t.out, "the shares are complete, and the server opens its token; its health tells when it serves")
	}
	return nil
}

// readShare reads one line, which a terminal does not show.
func readShare(t *terminal) (string, error) {
	if f, ok := t.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(t.err, "your share: ")
		line, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(t.err)
		return strings.TrimSpace(string(line)), err
	}
	in := bufio.NewScanner(t.in)
	if !in.Scan() {
		return "", errors.Join(errors.New("there is no share on standard input"), in.Err())
	}
	return strings.TrimSpace(in.Text()), nil
}
