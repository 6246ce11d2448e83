package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/atomicfile"
	"github.com/siegel-pki/siegel/internal/build"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/profiles"
)

// checkCmd is `siegel-ceremony check`.
type checkCmd struct {
	File string `arg:"" type:"existingfile" help:"Ceremony file (YAML)."`
}

// Run reads the file as run does, and prints what people compare.
func (c *checkCmd) Run() error {
	f, _, err := readFile(c.File)
	if err != nil {
		return err
	}
	fmt.Printf("%s is good: %s, environment %s, %d steps\nSHA-256 %x\n", c.File, f.Title, f.Environment, len(f.Steps()), f.SHA256())
	return nil
}

// readFile reads a ceremony file and holds it against the built-in catalogue.
func readFile(path string) (*ceremony.File, *profiles.Set, error) {
	set, err := profiles.Builtin()
	if err != nil {
		return nil, nil, err
	}
	f, err := ceremony.Read(path, set)
	return f, set, err
}

// runCmd is `siegel-ceremony run`.
type runCmd struct {
	File           string   `arg:"" type:"existingfile" help:"Ceremony file (YAML) that was reviewed."`
	Dir            string   `required:"" type:"path" help:"Folder of this ceremony: journal, requests, returned certificates, record. One ceremony, one folder."`
	Hierarchy      string   `type:"path" help:"Folder of the server's list of issuers. Default: hierarchy below --dir."`
	DryRun         bool     `help:"Check everything, say what would be done, and touch nothing."`
	Confirm        string   `placeholder:"SHA256" help:"SHA-256 of the reviewed file, as check prints it. Without it: typed at the terminal."`
	ConfirmDestroy []string `sep:"none" placeholder:"LABEL" help:"Label of a key that the file destroys; once for each."`
}

// Run performs the ceremony as far as it goes, and prints its record.
func (c *runCmd) Run(ctx context.Context) error {
	f, set, err := readFile(c.File)
	if err != nil {
		return err
	}
	if c.Hierarchy == "" {
		c.Hierarchy = filepath.Join(c.Dir, "hierarchy")
	}
	if c.DryRun {
		return c.rehearse(ctx, f)
	}
	how, err := confirm(f, c.Confirm, os.Stdin, os.Stderr)
	if err != nil {
		return err
	}
	if err := confirmDestruction(f, c.ConfirmDestroy); err != nil {
		return err
	}
	return c.perform(ctx, f, set, how)
}

func (c *runCmd) perform(ctx context.Context, f *ceremony.File, set *profiles.Set, how string) (err error) {
	return inFolder(c.Dir, f, how, func(j *ceremony.Journal) error {
		vault, err := openTokens(ctx, f, true, askTerminal)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, vault.close()) }()
		p := &performer{file: f, catalogue: set, dir: c.Dir, hierarchy: c.Hierarchy, journal: j, vault: vault, now: time.Now, progress: os.Stderr}
		missing, err := p.perform(ctx)
		if err == nil && len(missing) > 0 {
			return &waitingError{missing}
		}
		return err
	})
}

// waitingError says that the ceremony goes on when certificates have come back.
type waitingError struct{ missing []string }

func (e *waitingError) Error() string {
	return "the ceremony waits for the certificates that the root makes of the requests. Put them there and run it again:\n  " + strings.Join(e.missing, "\n  ")
}

// inFolder opens the journal of a folder for a confirmed file, acts, and writes the record, however the act ended.
func inFolder(dir string, f *ceremony.File, how string, act func(*ceremony.Journal) error) (err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the ceremony's folder: %w", err)
	}
	j, err := ceremony.OpenJournal(dir, f.SHA256())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	sum := f.SHA256()
	run := &ceremony.RunFacts{File: sum[:], Confirmed: how, Program: "siegel-ceremony " + build.Version()}
	if err := j.Append("run", ceremony.Done, ceremony.Facts{Run: run}, time.Now()); err != nil {
		return err
	}
	return errors.Join(act(j), writeRecord(dir, f, j))
}

// writeRecord writes the record anew from the journal: Markdown, and HTML to print.
func writeRecord(dir string, f *ceremony.File, j *ceremony.Journal) error {
	d := ceremony.Record(f, j)
	page, err := d.HTML()
	if err != nil {
		return err
	}
	for name, text := range map[string][]byte{"record.md": []byte(d.Markdown()), "record.html": page} {
		if err := atomicfile.Write(filepath.Join(dir, name), text); err != nil {
			return fmt.Errorf("write the ceremony record: %w", err)
		}
	}
	fmt.Fprintf(os.Stderr, "siegel-ceremony: the record is in %s\n", filepath.Join(dir, "record.html"))
	return nil
}

// typedDigits is how much of the SHA-256 people type: 64 bits, more than anybody finds a second file for.
const typedDigits = 16

// errNotConfirmed says that nobody confirmed that the file is the one that was reviewed.
var errNotConfirmed = errors.New("the file is not confirmed")

// confirm makes sure that the file is the one that was reviewed: its SHA-256 is given, or its beginning typed by somebody who has it on paper.
// It gives how that was done.
func confirm(f *ceremony.File, flag string, in io.Reader, out io.Writer) (how string, err error) {
	sum := f.SHA256()
	want := hex.EncodeToString(sum[:])
	if flag != "" {
		if strings.ToLower(flag) != want {
			return "", fmt.Errorf("%w: --confirm is %s, the file has SHA-256 %s", errNotConfirmed, flag, want)
		}
		return "--confirm", nil
	}
	fmt.Fprintf(out, "The file must be the one that was reviewed. Type the first %d digits of the SHA-256 on the reviewed printout: ", typedDigits)
	line, err := bufio.NewReader(in).ReadString('\n')
	if err != nil && line == "" {
		return "", fmt.Errorf("%w: give --confirm, or type at a terminal", errNotConfirmed)
	}
	typed := strings.ToLower(strings.ReplaceAll(strings.TrimSpace(line), " ", ""))
	if len(typed) < typedDigits || !strings.HasPrefix(want, typed) {
		return "", fmt.Errorf("%w: what was typed is not the beginning of its SHA-256; compare the file with the printout", errNotConfirmed)
	}
	return "typing", nil
}

// confirmDestruction wants every key that the file destroys to be named a second time.
func confirmDestruction(f *ceremony.File, labels []string) error {
	given := map[string]bool{}
	for _, label := range labels {
		given[label] = true
	}
	for _, d := range f.Destroy {
		if !given[d.Label] {
			return fmt.Errorf("%w: the file destroys key %q of %s; name it with --confirm-destroy", errNotConfirmed, d.Label, d.Issuer)
		}
		delete(given, d.Label)
	}
	for label := range given {
		return fmt.Errorf("%w: --confirm-destroy names %q, which the file does not destroy", errNotConfirmed, label)
	}
	return nil
}
