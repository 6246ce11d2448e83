package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/pinshare"
	"github.com/siegel-pki/siegel/internal/ceremony"
)

// asker asks a person for a secret, and gives what was typed.
type asker func(what string) ([]byte, error)

// askTerminal asks at the terminal, which does not show what is typed.
func askTerminal(what string) ([]byte, error) {
	terminal, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("ask for the %s: there is no terminal: %w", what, err)
	}
	defer terminal.Close()
	fmt.Fprintf(terminal, "%s: ", what)
	typed, err := term.ReadPassword(int(terminal.Fd()))
	fmt.Fprintln(terminal)
	if err != nil {
		return nil, fmt.Errorf("read the %s: %w", what, err)
	}
	return typed, nil
}

// pinSource is where a token's PIN comes from.
func pinSource(f *ceremony.File, t ceremony.Token, ask asker) hsm.PINSource {
	if path, ok := strings.CutPrefix(t.PIN, "file:"); ok {
		return hsm.PINFromFile(f.Resolve(path))
	}
	if t.PIN != ceremony.PINShares {
		return func(context.Context) (hsm.PIN, error) { return ask("user PIN of token " + t.Name) }
	}
	return func(context.Context) (hsm.PIN, error) { return joinShares(f, t, ask) }
}

// joinShares asks two CA operators for a share each, and makes the PIN of them: nobody opens the token alone. Shares that make no PIN are not sent to
// the token.
func joinShares(f *ceremony.File, t ceremony.Token, ask asker) (hsm.PIN, error) {
	var shares [2]pinshare.Share
	defer func() { shares[0].Wipe(); shares[1].Wipe() }()
	for i, name := range f.CAOperators()[:2] {
		text, err := ask(fmt.Sprintf("share of %s for the PIN of token %s", name, t.Name))
		if err != nil {
			return nil, err
		}
		shares[i], err = pinshare.Parse(text)
		clear(text)
		if err != nil {
			return nil, fmt.Errorf("the share of %s: %w", name, err)
		}
	}
	pin, err := pinshare.Join(shares[0], shares[1])
	if err != nil {
		return nil, fmt.Errorf("join the shares for token %s: %w", t.Name, err)
	}
	return pin, nil
}
