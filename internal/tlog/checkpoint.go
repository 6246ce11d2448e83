package tlog

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
)

// Checkpoint is the statement that a log signs about itself (C2SP tlog-checkpoint).
type Checkpoint struct {
	Origin string // names the log: its address without scheme, as "log.example/siegel"
	Head
	Extensions []string // lines behind the root, not empty ones; this project writes none, since no monitor can check them
}

// Marshal gives the text that is signed: origin, size in decimal, root in base64 and each extension, each ended by a newline.
func (c Checkpoint) Marshal() ([]byte, error) {
	if err := c.check(); err != nil {
		return nil, fmt.Errorf("write a checkpoint: %w", err)
	}
	b := fmt.Appendf(nil, "%s\n%d\n%s\n", c.Origin, c.Size, c.Root)
	for _, line := range c.Extensions {
		b = append(append(b, line...), '\n')
	}
	return b, nil
}

func (c Checkpoint) check() error {
	for _, line := range append([]string{c.Origin}, c.Extensions...) {
		if line == "" || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
			return errors.New("origin or extension is empty or holds what a line of a note must not")
		}
	}
	return c.Head.check()
}

// ParseCheckpoint reads the text of a checkpoint, without signatures. It takes what Marshal writes, and nothing else. What it gives is
// as trustworthy as the text: see OpenCheckpoint.
func ParseCheckpoint(text []byte) (Checkpoint, error) {
	lines := strings.Split(string(text), "\n")
	if len(lines) < 4 || lines[len(lines)-1] != "" {
		return Checkpoint{}, errors.New("read a checkpoint: want three lines or more, each ended by a newline")
	}
	c := Checkpoint{Origin: lines[0]}
	var err error
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return Checkpoint{}, fmt.Errorf("read a checkpoint: size: %w", err)
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != HashSize {
		return Checkpoint{}, fmt.Errorf("read a checkpoint: the root is not the base64 of %d octets", HashSize)
	}
	c.Root = Hash(root)
	if more := lines[3 : len(lines)-1]; len(more) > 0 {
		c.Extensions = more
	}
	again, err := c.Marshal()
	if err != nil {
		return Checkpoint{}, fmt.Errorf("read a checkpoint: %w", err)
	}
	if !bytes.Equal(again, text) {
		return Checkpoint{}, errors.New("read a checkpoint: size or root is not in its one form")
	}
	return c, nil
}

// Sign gives the checkpoint as a signed note (C2SP signed-note). The signers are the log's keys, one but for the time in which one
// follows another; each must have the origin as its name. A log must never sign two checkpoints that are not consistent;
// that is the caller's to see to.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	text, err := c.Marshal()
	if err != nil {
		return nil, err
	}
	if len(signers) == 0 {
		return nil, errors.New("sign a checkpoint: no signer")
	}
	for _, s := range signers {
		if s.Name() != c.Origin {
			return nil, fmt.Errorf("sign a checkpoint: the key is of %q, the checkpoint of %q", s.Name(), c.Origin)
		}
	}
	signed, err := note.Sign(&note.Note{Text: string(text)}, signers...)
	if err != nil {
		return nil, fmt.Errorf("sign a checkpoint of %d leaves: %w", c.Size, err)
	}
	return signed, nil
}

// OpenCheckpoint reads a signed checkpoint and verifies it. One of the keys must have signed it and be named as the checkpoint's origin;
// no signature in the name of a given key may be wrong; signatures of other keys are passed over, as C2SP signed-note asks.
func OpenCheckpoint(signed []byte, keys ...*VerifierKey) (Checkpoint, error) {
	list := make([]note.Verifier, len(keys))
	for i, k := range keys {
		list[i] = k
	}
	n, err := note.Open(signed, note.VerifierList(list...))
	if err != nil {
		return Checkpoint{}, fmt.Errorf("open a checkpoint: %w", err)
	}
	c, err := ParseCheckpoint([]byte(n.Text))
	if err != nil {
		return Checkpoint{}, err
	}
	for _, sig := range n.Sigs {
		if sig.Name == c.Origin {
			return c, nil
		}
	}
	return Checkpoint{}, fmt.Errorf("open a checkpoint: it is of %q, and signed only by %q", c.Origin, n.Sigs[0].Name)
}
