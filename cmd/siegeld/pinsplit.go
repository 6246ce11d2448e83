package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/siegel-pki/siegel/hsm/pinshare"
)

// pinCmd are the commands about PINs.
type pinCmd struct {
	Split pinSplitCmd `cmd:"" help:"Split a PIN into two shares, one for each of two operators."`
}

// pinSplitCmd is `siegeld pin split`.
type pinSplitCmd struct {
	First  string `required:"" type:"path" placeholder:"FILE" help:"File for the share of the first operator; it must not exist."`
	Second string `required:"" type:"path" placeholder:"FILE" help:"File for the share of the second operator; it must not exist."`
}

// Help explains the command.
func (pinSplitCmd) Help() string {
	return `The PIN is typed twice at the terminal and stored nowhere. Each share goes into a file of its own: give each operator one,
on a medium of their own, and destroy the files. A share alone says nothing about the PIN. With token.pin: shares in its
configuration, siegeld waits at its start until two operators have sent theirs (siegel give-share), and holds the PIN in memory only.`
}

// Run asks for the PIN and writes the shares.
func (c *pinSplitCmd) Run(ctx context.Context, stderr *os.File) error {
	pin, err := askTwice(ctx, askTerminal)
	if err != nil {
		return err
	}
	defer clear(pin)
	if err := c.split(pin); err != nil {
		return err
	}
	fmt.Fprintf(stderr, "the shares are in %s and %s; give each operator theirs, and destroy the files\n", c.First, c.Second)
	return nil
}

// split writes the shares of a PIN.
func (c *pinSplitCmd) split(pin []byte) error {
	first, second, err := pinshare.Split(pin)
	if err != nil {
		return wrongConfig(err)
	}
	defer func() { first.Wipe(); second.Wipe() }()
	for _, w := range []struct {
		path  string
		share pinshare.Share
	}{{c.First, first}, {c.Second, second}} {
		if err := writeNew(w.path, w.share.Text()+"\n"); err != nil {
			return fmt.Errorf("write a share: %w", err)
		}
	}
	return nil
}

// askTwice asks for a PIN until it was typed the same way twice.
func askTwice(ctx context.Context, ask func(context.Context, string) ([]byte, error)) ([]byte, error) {
	pin, err := ask(ctx, "PIN to split")
	if err != nil {
		return nil, err
	}
	again, err := ask(ctx, "the same PIN again")
	defer clear(again)
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(pin, again) {
		clear(pin)
		return nil, wrongConfig(errors.New("the two PINs differ"))
	}
	return pin, nil
}

// writeNew writes a file for the user alone, and never over another.
func writeNew(path, text string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Sync(), f.Close())
}
