package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/pinshare"
)

// The sources of a PIN that token.pin names.
const (
	pinEnv        = "env:"
	pinCredential = "credential:"
	pinPrompt     = "prompt"
	pinShares     = "shares"
	pinAskShares  = "prompt-shares"
)

// checkPIN says what is wrong with a source of a PIN; "" where nothing is.
func checkPIN(source, file string, shares bool) string {
	env, isEnv := strings.CutPrefix(source, pinEnv)
	credential, isCredential := strings.CutPrefix(source, pinCredential)
	switch {
	case source != "" && file != "":
		return "pin_file is set too, and a PIN has one source"
	case source == "", source == pinPrompt, (source == pinShares || source == pinAskShares) && shares, isEnv && env != "", isCredential && credential != "":
		return ""
	case source == pinShares, source == pinAskShares:
		return "only the first token has shares; the others take its PIN or one of their own"
	}
	return fmt.Sprintf("%q is none of env:NAME, credential:NAME, prompt, shares, prompt-shares; a PIN itself does not belong here", shorten(source))
}

// shorten keeps a PIN that was written into the configuration by mistake out of the message.
func shorten(source string) string {
	if name, _, ok := strings.Cut(source, ":"); ok {
		return name + ":..."
	}
	return "..."
}

// check looks at the part of the configuration that names tokens.
func (c *tokenConfig) check(fault func(key, format string, args ...any)) {
	if c.Sessions < 0 {
		fault("token.sessions", "%d is below zero", c.Sessions)
	}
	if wrong := checkPIN(c.PIN, c.PINFile, true); wrong != "" {
		fault("token.pin", "%s", wrong)
	}
	for i, more := range c.Copies {
		switch wrong := checkPIN(more.PIN, more.PINFile, false); {
		case more.URI == "":
			fault("token.copies", "copy %d has no uri", i+1)
		case more.Sessions < 0:
			fault("token.copies", "copy %d: sessions: %d is below zero", i+1, more.Sessions)
		case wrong != "":
			fault("token.copies", "copy %d: pin: %s", i+1, wrong)
		}
	}
}

// checkSecrets looks at the files that hold PINs.
func (c *tokenConfig) checkSecrets() error {
	var errs []error
	if c.PINFile != "" {
		errs = append(errs, checkSecret("token.pin_file", c.PINFile))
	}
	for _, more := range c.Copies {
		if more.PINFile != "" {
			errs = append(errs, checkSecret("token.copies.pin_file", more.PINFile))
		}
	}
	return errors.Join(errs...)
}

// pins gathers the PINs that people give, and keeps them until the server ends.
type pins struct {
	ask  func(ctx context.Context, what string) ([]byte, error) // asks a person at the terminal
	wait func(ctx context.Context) ([]byte, error)              // waits for the shares of two operators
	kept []*hsm.KeptPIN
}

// source makes the source of a PIN. Where people give it, source waits for them.
func (p *pins) source(ctx context.Context, file, from, token string) (hsm.PINSource, error) {
	if name, ok := strings.CutPrefix(from, pinEnv); ok {
		return hsm.PINFromEnv(name), nil
	}
	if name, ok := strings.CutPrefix(from, pinCredential); ok {
		return hsm.PINFromCredential(name), nil
	}
	var pin []byte
	var err error
	switch from {
	case pinPrompt:
		pin, err = p.ask(ctx, "PIN of "+token)
	case pinShares:
		if p.wait == nil {
			return nil, wrongConfig(errors.New("token.pin: shares: operators give their shares to a server that starts; set prompt-shares to type them here"))
		}
		pin, err = p.wait(ctx)
	case pinAskShares:
		pin, err = p.join(ctx, token)
	default:
		return hsm.PINFromFile(file), nil
	}
	if err != nil {
		return nil, err
	}
	kept, err := hsm.KeepPIN(pin)
	if err != nil {
		return nil, err
	}
	p.kept = append(p.kept, kept)
	return kept.Source(), nil
}

// join asks two persons for a share each. A slip of the pen is asked for again; shares that make no PIN are not sent anywhere.
func (p *pins) join(ctx context.Context, token string) ([]byte, error) {
	var shares [2]pinshare.Share
	defer func() { shares[0].Wipe(); shares[1].Wipe() }()
	for i, who := range []string{"first", "second"} {
		for {
			text, err := p.ask(ctx, fmt.Sprintf("share of the %s operator for the PIN of %s", who, token))
			if err != nil {
				return nil, err
			}
			shares[i], err = pinshare.Parse(text)
			clear(text)
			if err == nil {
				break
			}
			if err := p.tell(err); err != nil {
				return nil, err
			}
		}
	}
	pin, err := pinshare.Join(shares[0], shares[1])
	if err != nil {
		return nil, wrongConfig(fmt.Errorf("join the shares for %s: %w", token, err))
	}
	return pin, nil
}

// tell shows a person what was wrong with what they typed.
func (p *pins) tell(wrong error) error {
	_, err := fmt.Fprintf(os.Stderr, "%v; once more\n", wrong)
	return err
}

// wipe overwrites the PINs that were kept.
func (p *pins) wipe() error {
	var errs []error
	for _, k := range p.kept {
		errs = append(errs, k.Wipe())
	}
	return errors.Join(errs...)
}

// askTerminal asks a person at the terminal of the process, without showing what they type.
func askTerminal(ctx context.Context, what string) ([]byte, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("ask for the %s: there is no terminal: %w", what, err)
	}
	fd := int(tty.Fd())
	before, err := term.GetState(fd)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("ask for the %s: %w", what, err), tty.Close())
	}
	fmt.Fprintf(tty, "%s: ", what)
	type typed struct {
		text []byte
		err  error
	}
	done := make(chan typed, 1)
	go func() { // ends with the line, or with the process: nothing interrupts the reading of a terminal
		text, err := term.ReadPassword(fd)
		done <- typed{text, err}
	}()
	select {
	case t := <-done:
		fmt.Fprintln(tty)
		return t.text, errors.Join(t.err, tty.Close())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), term.Restore(fd, before))
	}
}
