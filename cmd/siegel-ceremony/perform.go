package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/internal/atomicfile"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/profiles"
)

// performer does what a ceremony file says.
//
// Each step is written to the journal before it begins and after it is done. A step that is done is not done again, but what it left is
// looked at: it must be there still. A step that began and was not done may have happened: its outcome is looked for first. What is there
// though nobody began the step belongs to somebody else, and ends the ceremony.
type performer struct {
	file      *ceremony.File
	catalogue *profiles.Set
	dir       string // the ceremony's folder: journal, requests, returned certificates, record
	hierarchy string // folder of the server's list of issuers
	journal   journal
	vault     vault
	now       func() time.Time
	progress  io.Writer
}

// journal is ceremony.Journal; tests put faults between.
type journal interface {
	Append(step string, state ceremony.State, facts ceremony.Facts, at time.Time) error
	Step(id string) (facts ceremony.Facts, done, began bool)
}

// errForeign says that what a step is to make is there, and that this ceremony has not made it.
var errForeign = fmt.Errorf("this ceremony did not make it: %w", fs.ErrExist)

// waiting says that a certificate has not come back yet. It is no failure.
type waiting struct{ path string }

func (w *waiting) Error() string { return "waiting for " + w.path }

// perform goes through the steps, those that wait for a certificate left out, and what needs them. It gives the paths of the certificates that
// it waits for.
func (p *performer) perform(ctx context.Context) (missing []string, err error) {
	for _, s := range p.file.Steps() {
		if s.Act == ceremony.WriteList && len(missing) > 0 {
			break // the list, and what comes after it, is for when all certificates are there
		}
		err := p.step(ctx, &s)
		var w *waiting
		switch {
		case errors.As(err, &w):
			if !slices.Contains(missing, w.path) {
				missing = append(missing, w.path)
			}
		case err != nil:
			return missing, fmt.Errorf("step %q: %w", s.ID(), err)
		}
	}
	return missing, nil
}

// step does one step, or finds that it is done. A failure goes to the journal if that still writes.
func (p *performer) step(ctx context.Context, s *ceremony.Step) error {
	facts, done, began := p.journal.Step(s.ID())
	w := &work{performer: p, step: s, before: facts, done: done, began: began}
	facts, err := w.do(ctx)
	var wait *waiting
	switch {
	case errors.As(err, &wait):
		return err
	case err != nil && w.began && !done:
		return errors.Join(err, p.journal.Append(s.ID(), ceremony.Failed, ceremony.Facts{Note: err.Error()}, p.now()))
	case err != nil || done:
		return err
	}
	if err := p.journal.Append(s.ID(), ceremony.Done, facts, p.now()); err != nil {
		return err
	}
	p.say("done: %s", s.ID())
	p.show(facts)
	return nil
}

// work is a step that is being done.
type work struct {
	*performer
	step        *ceremony.Step
	before      ceremony.Facts // of a step that is done
	done, began bool
}

// begin writes that the step begins, if that is not written already.
func (w *work) begin() error {
	if w.began {
		return nil
	}
	if err := w.journal.Append(w.step.ID(), ceremony.Began, ceremony.Facts{}, w.now()); err != nil {
		return err
	}
	w.began = true
	return nil
}

// do does the step. The facts are for the journal, where the step is not done already.
func (w *work) do(ctx context.Context) (ceremony.Facts, error) {
	switch w.step.Act {
	case ceremony.OpenToken:
		return w.describeToken()
	case ceremony.CreateKey:
		return w.createKey(ctx)
	case ceremony.CertifyRoot:
		return w.certifyRoot(ctx)
	case ceremony.WriteRequest:
		return w.writeRequest(ctx)
	case ceremony.TakeCertificate:
		return w.takeCertificate(ctx)
	case ceremony.CertifySigner:
		return w.certifySigner(ctx)
	case ceremony.WriteList:
		return w.writeList(ctx)
	case ceremony.Retire:
		return w.retire()
	case ceremony.DestroyKey:
		return w.destroyKey(ctx)
	}
	return ceremony.Facts{}, fmt.Errorf("act %q is not known", w.step.Act)
}

// found is the note of a step whose outcome was found when the ceremony went on.
const found = "its outcome was found; it had begun in an earlier run"

func (p *performer) say(format string, args ...any) {
	fmt.Fprintf(p.progress, "siegel-ceremony: "+format+"\n", args...)
}

// show prints what a witness compares with the record.
func (p *performer) show(f ceremony.Facts) {
	if f.Note != "" {
		p.say("  %s", f.Note)
	}
	switch {
	case f.Token != nil:
		p.say("  token %s, serial %s, %s %s", f.Token.Label, f.Token.Serial, f.Token.Manufacturer, f.Token.Model)
	case f.Key != nil:
		p.say("  %s, CKA_ID %s, SHA-256 %s", f.Key.Type, f.Key.ID, f.Key.Fingerprint)
		for _, a := range f.Key.Attributes {
			p.say("  %-22s %t", a.Name, a.Value)
		}
	case f.Request != nil:
		p.say("  %s, SHA-256 %s", f.Request.File, f.Request.SHA256)
	case f.Certificate != nil:
		p.say("  %s, SHA-256 %s", f.Certificate.File, f.Certificate.SHA256)
		for _, words := range f.Certificate.Checks {
			p.say("  holds: %s", words)
		}
	case f.List != nil:
		p.say("  list of issuers, SHA-256 %s", f.List.SHA256)
	}
}

// keep writes a file of the ceremony's folder, once.
func keep(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return atomicfile.Keep(path, content)
}
