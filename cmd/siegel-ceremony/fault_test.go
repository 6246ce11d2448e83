package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// errFault is the error of a test's fault.
var errFault = errors.New("fault of the test")

// faults lets the n-th act of a ceremony go wrong, of those that change the token, sign or write the journal: it does not happen, or it happens and
// the answer is lost.
type faults struct {
	at, count int
	lost      bool // it happened
}

// act counts an act and does it, or not.
func (f *faults) act(do func() error) error {
	f.count++
	if f.count != f.at {
		return do()
	}
	if f.lost {
		if err := do(); err != nil {
			return err
		}
	}
	return errFault
}

// met tells whether there was an n-th act.
func (f *faults) met() bool { return f.at <= f.count }

type faultyJournal struct {
	journal
	*faults
}

func (j faultyJournal) Append(step string, state ceremony.State, facts ceremony.Facts, at time.Time) error {
	return j.act(func() error { return j.journal.Append(step, state, facts, at) })
}

type faultyVault struct {
	vault
	*faults
}

func (v faultyVault) Generate(ctx context.Context, token string, spec keygen.Spec) error {
	return v.act(func() error { return v.vault.Generate(ctx, token, spec) })
}

func (v faultyVault) Destroy(ctx context.Context, token string, id []byte, label string) error {
	return v.act(func() error { return v.vault.Destroy(ctx, token, id, label) })
}

func (v faultyVault) Existing(ctx context.Context, token string, spec keygen.Spec) (key, error) {
	k, err := v.vault.Existing(ctx, token, spec)
	if err != nil {
		return nil, err
	}
	return faultyKey{k, v.faults}, nil
}

type faultyKey struct {
	key
	*faults
}

func (k faultyKey) Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) (signature []byte, err error) {
	err = k.act(func() error {
		signature, err = k.key.Sign(ctx, scheme, message)
		return err
	})
	return signature, err
}

// performWith performs a ceremony with a fault ahead. A ceremony that meets it must say so.
func (w *world) performWith(path, folder string, f *faults) {
	w.t.Helper()
	p, _, closeAll := w.performerOf(path, folder)
	defer closeAll()
	p.journal, p.vault = faultyJournal{p.journal, f}, faultyVault{p.vault, f}
	before := f.count
	_, err := p.perform(w.t.Context())
	if met := before < f.at && f.met(); met != (err != nil) {
		w.t.Errorf("%s of act %d: the ceremony says %v", f, f.at, err)
	}
}

func (f *faults) String() string {
	if f.lost {
		return "lost answer"
	}
	return "failure"
}

// eachFault calls do with every fault that a ceremony can meet, until there is no n-th act.
func eachFault(t *testing.T, do func(f *faults)) (met int) {
	t.Helper()
	for _, lost := range []bool{false, true} {
		for at := 1; ; at++ {
			f := &faults{at: at, lost: lost}
			do(f)
			if t.Failed() {
				t.Fatalf("%s of act %d", f, at)
			}
			if !f.met() {
				break
			}
			met++
		}
	}
	return met
}

// TestEveryFaultOfACeremony interrupts a whole ceremony at each act, once because the act failed and once because its answer was lost. Run again, the
// ceremony goes on and ends as if nothing had been: one key for each key of the file, one list, and the journal says that every step is done.
func TestEveryFaultOfACeremony(t *testing.T) {
	w := newWorld(t)
	met := eachFault(t, func(f *faults) {
		path, issuer := w.newFile()
		w.performWith(path, issuer, f)
		if f.met() {
			w.perform(path, issuer) // up to the request, whatever the fault left
		}
		w.sign(issuer)
		if !f.met() {
			w.performWith(path, issuer, f) // the same counter goes on behind the root's answer
		}
		w.perform(path, issuer, w.checkDone, w.destroyKeys)
	})
	t.Logf("%d faults", met)
	if met < 30 {
		t.Errorf("%d faults were met, want one for each act and kind", met)
	}
}

// perform performs a ceremony without faults, and looks at what it left.
func (w *world) perform(path, folder string, check ...func(*performer)) {
	w.t.Helper()
	p, _, closeAll := w.performerOf(path, folder)
	defer closeAll()
	if _, err := p.perform(w.t.Context()); err != nil {
		w.t.Errorf("run again: %v", err)
	}
	for _, c := range check {
		c(p)
	}
}

// checkDone looks at what a ceremony left.
func (w *world) checkDone(p *performer) {
	w.t.Helper()
	for _, s := range p.file.Steps() {
		if _, done, _ := p.journal.Step(s.ID()); !done {
			w.t.Errorf("step %q is not done", s.ID())
		}
		if s.Act != ceremony.CreateKey {
			continue
		}
		if _, err := p.vault.Existing(w.t.Context(), s.Key.Token, specOf(s.Key)); err != nil { // ambiguous, if there were two
			w.t.Error(err)
		}
	}
	h, err := hierarchy.Load(p.hierarchy)
	if err != nil {
		w.t.Fatal(err)
	}
	if len(h.Issuers) != 3 {
		w.t.Errorf("the list has %d issuers and roots, want root, issuer and signer", len(h.Issuers))
	}
}

// destroyKeys makes room: SoftHSM becomes slow with hundreds of keys.
func (w *world) destroyKeys(p *performer) {
	w.t.Helper()
	for _, s := range p.file.Steps() {
		if s.Act == ceremony.CreateKey {
			if err := p.vault.Destroy(w.t.Context(), s.Key.Token, s.Key.ID, s.Key.Label); err != nil {
				w.t.Error(err)
			}
		}
	}
}

// TestEveryFaultOfTheEnd does the same to retirement and destruction.
func TestEveryFaultOfTheEnd(t *testing.T) {
	w := newWorld(t)
	first, issuer := w.newFile()
	w.perform(first, issuer)
	w.sign(issuer)
	w.perform(first, issuer)
	list := w.path(issuer, "hierarchy", hierarchy.FileName)
	inUse, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	name := func(what string) string { n++; return fmt.Sprintf("%s-%d", what, n) }
	retire := w.write("retire.yaml", w.head("Retirement")+"retire: [{issuer: "+issuer+", reason: test}]\n")
	var retired []byte
	met := eachFault(t, func(f *faults) {
		w.restore(list, inUse)
		folder := w.beside(issuer, name("retire"))
		w.performWith(retire, folder, f)
		w.perform(retire, folder)
		if iss := w.load(issuer).Find(issuer); iss.Retired.IsZero() || len(iss.KeyID) == 0 {
			t.Errorf("the issuer is %+v, want it retired, with its key", iss)
		}
		if retired, err = os.ReadFile(list); err != nil {
			t.Fatal(err)
		}
	})
	destroy := w.write("destroy.yaml", w.head("Destruction")+"destroy: [{issuer: "+issuer+", token: t, label: "+issuer+", backups: none}]\n")
	spec := w.issuerSpec(first)
	met += eachFault(t, func(f *faults) {
		w.restore(list, retired)
		w.regenerate(destroy, spec)
		folder := w.beside(issuer, name("destroy"))
		w.performWith(destroy, folder, f)
		w.perform(destroy, folder, w.keyIsGone(spec))
		if iss := w.load(issuer).Find(issuer); iss.Destroyed.IsZero() || len(iss.KeyID) != 0 {
			t.Errorf("the issuer is %+v, want no key", iss)
		}
	})
	t.Logf("%d faults", met)
	if met < 12 {
		t.Errorf("%d faults were met, want one for each act and kind", met)
	}
}

// beside gives a new folder whose list of issuers is that of the issuer's own ceremony.
func (w *world) beside(issuer, folder string) string {
	w.t.Helper()
	if err := os.MkdirAll(w.path(folder), 0o755); err != nil {
		w.t.Fatal(err)
	}
	if err := os.Symlink(w.path(issuer, "hierarchy"), w.path(folder, "hierarchy")); err != nil {
		w.t.Fatal(err)
	}
	return folder
}

func (w *world) restore(path string, text []byte) {
	w.t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) load(folder string) *hierarchy.Hierarchy {
	w.t.Helper()
	h, err := hierarchy.Load(w.path(folder, "hierarchy"))
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// issuerSpec is the key of the issuer of a ceremony file.
func (w *world) issuerSpec(path string) keygen.Spec {
	w.t.Helper()
	f, err := ceremony.Read(path, w.catalogue)
	if err != nil {
		w.t.Fatal(err)
	}
	return specOf(&f.Issuers[0].Key)
}

// regenerate puts a key in the place of one that is destroyed.
func (w *world) regenerate(path string, spec keygen.Spec) {
	w.t.Helper()
	f, err := ceremony.Read(path, w.catalogue)
	if err != nil {
		w.t.Fatal(err)
	}
	open, err := openTokens(w.t.Context(), f, true, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := open.Generate(w.t.Context(), "t", spec); err != nil && !errors.Is(err, keygen.ErrExists) {
		w.t.Error(err)
	}
	if err := open.close(); err != nil {
		w.t.Error(err)
	}
}

// keyIsGone looks for the key that a ceremony destroyed.
func (w *world) keyIsGone(spec keygen.Spec) func(*performer) {
	return func(p *performer) {
		w.t.Helper()
		if _, err := p.vault.Existing(w.t.Context(), "t", spec); !errors.Is(err, hsm.ErrKeyNotFound) {
			w.t.Errorf("the destroyed key: %v, want ErrKeyNotFound", err)
		}
	}
}
