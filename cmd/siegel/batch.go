package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// batchCmd is `siegel batch`.
type batchCmd struct {
	File        string        `arg:"" optional:"" type:"path" help:"Batch file: .jsonl (an order as JSON in each line) or .csv."`
	Out         string        `type:"path" placeholder:"DIR" help:"Folder for the cards and the journal (default: FILE without its ending, with .cards)."`
	Zip         bool          `help:"Write a ZIP file for each card in place of a folder."`
	Check       bool          `help:"Only check the file, without a server: shape, the rules of the catalogue, and what lines must not share."`
	Errors      string        `type:"path" placeholder:"FILE" help:"File for the orders that have no card, a batch file itself (default: FILE with .errors before its ending)."`
	Keys        string        `type:"existingdir" placeholder:"DIR" help:"Folder that names of key files in a CSV are relative to (default: that of FILE)."`
	Environment string        `default:"test" enum:"test,production" help:"Environment of the server, for the check (test or production)."`
	Patience    time.Duration `default:"15m" help:"Give up when no card has come for so long."`
	Window      int           `default:"256" help:"Orders that are sent and not finished, at most."`
	Writers     int           `default:"8" help:"Cards that are written to the disk at a time."`
	Template    string        `placeholder:"CARD-TYPE" help:"Print an empty batch file for a card type, with what goes into each column."`
	Format      string        `default:"csv" enum:"csv,jsonl" help:"Form of the template (csv or jsonl)."`
}

// Help says what a scheduler must know.
func (*batchCmd) Help() string {
	return `Every line is checked before anything is sent; what is wrong is reported with line, field, rule and source. Faulty lines are not sent, the
others are. Orders without a card are written to a file of their own, with what is wrong as comments above each: corrected, it is
a batch file.

Run the same command again after any interruption: cards that are on the disk are not asked for again, and an order that is sent again gives
the same card.

A card's folder holds its elementary files (EF.C.HCI.AUT.R2048.der ...), issuers/, and card.json: the SHA-256 of each file and, where the
specification names it, its place on the card. It appears as a whole or not at all.

Exit codes: 0 every order has its card; 1 some are refused, see the file of errors; 2 wrong flags, or a file cannot be read or written;
3 the server is away; 4 not allowed; 5 a fault of the server; 6 told to stop. After 3 and 6 the same command goes on.

--json prints the result as one document on standard output:
  {"file", "out", "orders", "issued", "issued_before", "refused", "unsent", "errors_file", "seconds"}`
}

// Run prints a template, checks a file, or issues its cards.
func (c *batchCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	if c.Template != "" {
		return printTemplate(t, c.Template, c.Format)
	}
	switch {
	case c.File == "":
		return usageError(errors.New("name a batch file, or --template CARD-TYPE"))
	case c.Window < 1 || c.Writers < 1 || c.Patience <= 0:
		return usageError(errors.New("--window, --writers and --patience must be above zero"))
	}
	source, err := openBatch(c.File, c.Keys)
	if err != nil {
		return usageError(err)
	}
	defer source.Close()
	b := &batch{cmd: c, g: g, t: t, source: source, failed: map[int][]lineFault{}}
	if err := b.check(); err != nil {
		return err
	}
	if c.Check {
		return b.checked()
	}
	return b.issue(ctx)
}

// batch is the work at one file.
type batch struct {
	cmd    *batchCmd
	g      *globals
	t      *terminal
	source *batchSource
	orders int // lines with an order
	bad    map[int]struct{}

	journal *journal
	writer  *cardWriter
	bar     *progress
	before  int // orders that were done when the run began

	mu     sync.Mutex          // guards what follows
	failed map[int][]lineFault // lines without a card, with the reasons
	worst  int                 // exit code of the worst of them
}

// check looks at every line and reports what is wrong.
func (b *batch) check() error {
	c, err := newBatchCheck(profiles.Environment(b.cmd.Environment), time.Now())
	if err != nil {
		return err
	}
	err = c.file(b.source, func(l *orderLine) error {
		b.fail(l.number, exitInvalid, l.faults)
		for _, f := range l.faults {
			fmt.Fprintf(b.t.err, "%s:%d: %s\n", filepath.Base(b.cmd.File), l.number, f)
		}
		return nil
	})
	if err != nil {
		return usageError(fmt.Errorf("check %s: %w", b.cmd.File, err))
	}
	b.orders, b.bad = c.total, c.bad
	return nil
}

// checked ends a run with --check.
func (b *batch) checked() error {
	if b.g.JSON {
		if err := b.t.jsonOf(b.faultyLines()); err != nil {
			return err
		}
	} else {
		fmt.Fprintf(b.t.out, "%s: %s checked, %s\n", b.cmd.File, count(b.orders, "order", "orders"), count(len(b.bad), "faulty line", "faulty lines"))
	}
	if len(b.bad) > 0 {
		return &exitError{exitInvalid, fmt.Errorf("%s of %s", count(len(b.bad), "line is faulty", "lines are faulty"), b.cmd.File)}
	}
	return nil
}

// fail notes that a line has no card.
func (b *batch) fail(line, code int, faults []lineFault) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failed[line] = faults
	b.worst = max(b.worst, code)
}

// issue sends what is good and has no card yet.
func (b *batch) issue(ctx context.Context) (err error) {
	cl, err := connect(b.g, b.t, grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 30 * time.Second, Timeout: 20 * time.Second}))
	if err != nil {
		return err
	}
	defer cl.Close()
	if err := b.prepare(); err != nil {
		return usageError(err)
	}
	b.bar = startProgress(b.t, b.orders-len(b.bad), b.before, len(b.bad))
	s := &sender{
		client: cl.IssuanceServiceClient, next: b.next, keep: b.keep, refuse: b.refuse, waiting: b.bar.note, distrust: cl.distrust,
		patience: b.cmd.Patience, window: b.cmd.Window, writers: b.cmd.Writers,
	}
	sent := s.run(ctx)
	b.bar.stop()
	if err := b.journal.Close(); err != nil {
		return usageError(errors.Join(sent, err))
	}
	return b.conclude(ctx, sent)
}

// prepare opens the output folder and the journal.
func (b *batch) prepare() error {
	if b.cmd.Out == "" {
		b.cmd.Out = strings.TrimSuffix(b.cmd.File, filepath.Ext(b.cmd.File)) + ".cards"
	}
	if b.cmd.Errors == "" {
		ext := filepath.Ext(b.cmd.File)
		b.cmd.Errors = strings.TrimSuffix(b.cmd.File, ext) + ".errors" + ext
	}
	run, err := b.source.run()
	if err != nil {
		return err
	}
	if b.writer, err = newCardWriter(b.cmd.Out, run, b.cmd.Zip); err != nil {
		return err
	}
	if b.journal, err = openJournal(b.cmd.Out, run); err != nil {
		return err
	}
	b.before = len(b.journal.done)
	return nil
}

// next gives the next order that is good and has no card yet.
func (b *batch) next() (*orderLine, error) {
	for {
		l, err := b.source.next()
		if err != nil {
			return nil, err
		}
		if _, bad := b.bad[l.number]; bad || l.order == nil || b.journal.done[l.order.GetOrderId()] {
			continue
		}
		return l, nil
	}
}

// keep brings a card to the disk.
func (b *batch) keep(l *orderLine, card *siegelv1.Card) error {
	if card.GetOrderId() != l.order.GetOrderId() || card.GetIccsn() != l.order.GetIccsn() {
		return fmt.Errorf("line %d: the server's answer is not the card of the order", l.number)
	}
	name, err := b.writer.write(card)
	if err != nil {
		return err
	}
	if err := b.journal.add(journalLine{Order: card.GetOrderId(), ICCSN: card.GetIccsn(), Name: name, At: time.Now().UTC()}); err != nil {
		return usageError(err)
	}
	b.bar.issued()
	return nil
}

// refuse notes that the server refuses an order.
func (b *batch) refuse(l *orderLine, st *status.Status) {
	faults := faultsOf(st)
	b.fail(l.number, exitCode(st.Err()), faults)
	b.bar.refused(fmt.Sprintf("%s:%d: %s", filepath.Base(b.cmd.File), l.number, faults[0]))
}

// conclude writes what is left to do and says how it went.
func (b *batch) conclude(ctx context.Context, sent error) error {
	r := b.result()
	if r.Refused > 0 {
		r.ErrorsFile = b.cmd.Errors
		if err := writeErrors(b.cmd.Errors, b.source, b.failed); err != nil {
			return usageError(errors.Join(sent, err))
		}
	}
	if b.g.JSON {
		if err := b.t.jsonOf(r); err != nil {
			return err
		}
	} else {
		r.print(b.t)
	}
	switch {
	case sent != nil && ctx.Err() != nil:
		return &exitError{exitStopped, errors.New("told to stop; the same command goes on")}
	case sent != nil:
		return sent
	case r.Refused > 0:
		return &exitError{b.worst, fmt.Errorf("%s no card: see %s", count(r.Refused, "order has", "orders have"), b.cmd.Errors)}
	}
	return nil
}
