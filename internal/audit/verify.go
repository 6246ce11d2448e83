package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// Options say how Verify works.
type Options struct {
	// NoSignatures leaves out whether issuers signed the certificates, which takes most of the time. Their hashes are checked all the same.
	NoSignatures bool
	// Whole finds it wrong where the export is not of the whole log of its checkpoint.
	Whole bool
	// Workers inspect leaves at the same time; at least one.
	Workers int
	// Tables are those that can be read.
	Tables []Table
	// Progress is told, now and then, how many leaves have been checked of how many.
	Progress func(done, of int64)
}

// Verify checks an export with the public key of the log and nothing else. What is wrong is in the report. An error says that the folder cannot be
// read, or that there is no export in it.
func Verify(ctx context.Context, dir string, key *tlog.VerifierKey, opts Options) (*Report, error) {
	folder := os.DirFS(dir)
	r := &Report{Export: dir, Key: key.String()}
	m, err := openManifest(folder, dir, r)
	if m == nil {
		return r, err
	}
	r.First, r.End, r.Filter, r.Log = m.First, m.End, m.Filter, m.Log
	if err := checkFiles(folder, m, r); err != nil {
		return nil, err
	}
	head, ok := checkHead(folder, m, key, r)
	if !ok {
		r.omit("everything else", "there is no head to hold it against")
		return r, nil
	}
	v := &verification{ctx: ctx, folder: folder, manifest: m, report: r, opts: opts, unique: newTwice(), needs: newTwice()}
	defer v.unique.close()
	defer v.needs.close()
	if err := v.run(head); err != nil {
		return nil, err
	}
	return r, nil
}

// openManifest gives the manifest; nil where there is none that could be used, with an error where there is no export at all.
func openManifest(folder fs.FS, dir string, r *Report) (*Manifest, error) {
	text, err := fs.ReadFile(folder, ManifestFile)
	if errors.Is(err, fs.ErrNotExist) {
		if _, unfinished := fs.Stat(folder, resumeFile); unfinished == nil {
			return nil, fmt.Errorf("the export in %s is not finished: run the same export again", dir)
		}
		if _, entries := fs.Stat(folder, EntriesFile); entries != nil {
			return nil, fmt.Errorf("there is no export in %s", dir)
		}
		r.at(ManifestFile, 0, "the file is missing")
		r.omit("everything else", "the manifest says what an export holds")
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the manifest of an export: %w", err)
	}
	m, err := parseManifest(text)
	if err != nil {
		r.at(ManifestFile, 0, "it cannot be read: %v", err)
		r.omit("everything else", "the manifest says what an export holds")
		return nil, nil
	}
	return m, nil
}

// checkFiles compares the files with the manifest.
func checkFiles(folder fs.FS, m *Manifest, r *Report) error {
	named := map[string]bool{ManifestFile: true}
	var good int64
	for _, want := range m.Files {
		named[want.Name] = true
		have, err := describe(folder, want.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			r.at(want.Name, 0, "the file is missing, which the manifest names")
		case err != nil:
			return fmt.Errorf("read a file of the export: %w", err)
		case have.Size != want.Size:
			r.at(want.Name, 0, "the file has %d octets, the manifest says %d", have.Size, want.Size)
		case have.SHA256 != want.SHA256:
			r.at(want.Name, 0, "the file was changed: its SHA-256 is not the one in the manifest")
		default:
			good++
		}
	}
	r.checked(good, "files: size and SHA-256 as the manifest says")
	return fs.WalkDir(folder, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !named[name] {
			r.at(name, 0, "the file is not named in the manifest")
		}
		return err
	})
}

// checkHead opens the checkpoint. Where its signature is wrong, the head that it claims is still used, to find out what else is.
func checkHead(folder fs.FS, m *Manifest, key *tlog.VerifierKey, r *Report) (tlog.Head, bool) {
	text, err := fs.ReadFile(folder, CheckpointFile)
	if err != nil {
		r.at(CheckpointFile, 0, "it cannot be read: %v", err)
		return tlog.Head{}, false
	}
	c, err := tlog.OpenCheckpoint(text, key)
	if err != nil {
		r.at(CheckpointFile, 0, "the tree head is not signed by the key of the log, %s: %v", key.Name(), err)
		if c, err = readHead(text); err != nil {
			r.at(CheckpointFile, 0, "it is no checkpoint: %v", err)
			return tlog.Head{}, false
		}
	} else {
		r.checked(1, "tree head: signed by the key of the log")
	}
	r.Log, r.Size, r.Root = c.Origin, c.Size, c.Root.String()
	for _, d := range []struct {
		name           string
		manifest, head any
	}{{"log", m.Log, c.Origin}, {"tree_size", m.Size, c.Size}, {"root", m.Root, c.Root.String()}} {
		if d.manifest != d.head {
			r.at(ManifestFile, 0, "%s is %v, the checkpoint says %v", d.name, d.manifest, d.head)
		}
	}
	if m.First < 0 || m.End < m.First || m.End > c.Size {
		r.at(ManifestFile, 0, "leaves %d to %d are no range of a tree of %d leaves", m.First, m.End, c.Size)
	}
	return c.Head, true
}

// readHead reads a checkpoint whose signature is not looked at.
func readHead(signed []byte) (tlog.Checkpoint, error) {
	text, _, found := bytes.Cut(signed, []byte("\n\n"))
	if !found {
		return tlog.Checkpoint{}, errors.New("it is no signed note")
	}
	return tlog.ParseCheckpoint(append(bytes.Clone(text), '\n'))
}

// verification is a run of Verify over the leaves.
type verification struct {
	ctx      context.Context
	folder   fs.FS
	manifest *Manifest
	report   *Report
	opts     Options
	unique   *twice
	needs    *twice

	placer  *placer
	rules   *rules
	tables  []*tableCheck
	did     tally
	last    int64 // index of the leaf before; -1 before the first
	missing int64
}

// run reads the leaves once, and where something may be there twice, once more.
func (v *verification) run(head tlog.Head) (err error) {
	inspect := &inspector{content: v.manifest.Content, signatures: !v.opts.NoSignatures, certificates: v.manifest.Certificates,
		issuers: loadIssuers(v.folder, v.manifest, v.report)}
	if v.manifest.Filter != nil {
		if inspect.filter, err = v.manifest.Filter.Parse(); err != nil {
			v.report.at(ManifestFile, 0, "%v", err)
		}
	}
	if v.placer, err = newPlacer(v.ctx, v.folder, head, v.report); err != nil {
		return err
	}
	v.rules = newRules(v.report, v.manifest, inspect.issuers, v.unique, v.needs)
	if err := v.openTables(); err != nil {
		return err
	}
	v.last = v.manifest.First - 1
	if err := readItems(v.ctx, v.folder, v.report, max(1, v.opts.Workers), inspect.inspect, v.take); err != nil {
		return err
	}
	if err := v.placer.end(); err != nil {
		return err
	}
	v.endTables()
	v.conclude()
	return v.checkTwice()
}

// take is given each leaf in turn, inspected.
func (v *verification) take(i *item) error {
	for _, f := range i.findings {
		v.report.add(f)
	}
	v.did.add(i.did)
	v.report.Leaves++
	v.checkOrder(i)
	if wrong := v.placer.place(i.index, i.hash); wrong != "" {
		i.findings = nil
		i.wrong("%s", wrong)
		v.report.add(i.findings[0])
	}
	i.findings = nil
	if i.readable {
		v.checkTables(i)
		if err := v.rules.take(i); err != nil {
			return err
		}
	}
	for _, f := range i.findings {
		v.report.add(f)
	}
	if v.opts.Progress != nil && v.report.Leaves%1024 == 0 {
		v.opts.Progress(v.report.Leaves, v.manifest.Leaves)
	}
	return nil
}

// checkOrder finds leaves that are missing, doubled, out of order or out of range.
func (v *verification) checkOrder(i *item) {
	found := len(i.findings)
	switch {
	case i.index <= v.last:
		i.wrong("leaf %d stands behind leaf %d: it is doubled or moved", i.index, v.last)
	case i.index < v.manifest.First || i.index >= v.manifest.End:
		i.wrong("it is not in the range of the export, leaves %d to %d", v.manifest.First, v.manifest.End-1)
	case v.manifest.Filter == nil && i.index > v.last+1:
		v.gap(i.line, v.last+1, i.index-1)
	}
	for _, f := range i.findings[found:] {
		v.report.add(f)
	}
	v.last = max(v.last, i.index)
}

func (v *verification) gap(line int, from, to int64) {
	v.missing += to - from + 1
	if from == to {
		v.report.at(EntriesFile, line, "leaf %d is missing", from)
	} else {
		v.report.at(EntriesFile, line, "leaves %d to %d are missing", from, to)
	}
}

// conclude says what was checked and what was not.
func (v *verification) conclude() {
	m, r := v.manifest, v.report
	if m.Filter == nil && v.last < m.End-1 {
		v.gap(0, v.last+1, m.End-1)
	}
	if r.Leaves != m.Leaves {
		r.at(ManifestFile, 0, "it says that there are %d leaves, there are %d", m.Leaves, r.Leaves)
	}
	r.checked(v.placer.placed, "leaves: each is the one that the tree has at its place, and leads to the root")
	r.checked(v.did.schema, "entries: each is as the server writes those of its kind")
	if m.Certificates {
		r.checked(v.did.certificates, "certificates: hash, serial number or CHR, term, key and signed part as their leaf says")
	} else {
		r.omit("certificates", "they are not in the export; their hashes are in the leaves")
	}
	switch {
	case m.Certificates && v.opts.NoSignatures:
		r.omit("that issuers signed the certificates", "it was asked to leave that out (--no-signatures)")
	case m.Certificates:
		r.checked(v.did.signatures, "certificates: signed by the issuer that their leaf names")
	}
	if m.Personal {
		r.checked(v.did.revealed, "personal data: their salted hash is the one in the leaf")
		if v.did.erased > 0 {
			r.omit("some personal data", "those of %d leaves have been erased; their salted hashes are in the leaves", v.did.erased)
		}
	} else {
		r.omit("personal data", "they are not in the export; their salted hashes are in the leaves")
	}
	v.rules.end()
	v.sayWhatIsLeftOut()
}

func (v *verification) sayWhatIsLeftOut() {
	m, r := v.manifest, v.report
	if m.Filter != nil {
		r.omit("that the filter left nothing out", "no proof can say that; export without a filter where it matters")
	}
	if m.First > 0 || m.End < r.Size {
		r.omit("the other leaves of the log", "the export has leaves %d to %d of %d", m.First, m.End-1, r.Size)
		if v.opts.Whole {
			r.at(ManifestFile, 0, "the export has leaves %d to %d, the log of its checkpoint has %d: it is not whole", m.First, m.End-1, r.Size)
		}
	} else if v.opts.Whole && m.Filter != nil {
		r.at(ManifestFile, 0, "the export is filtered: it is not whole")
	}
	r.omit("that this is the newest head, and that nobody was shown another", "compare with the checkpoints of other days and of other people: siegel audit consistency")
}

// checkTwice reads the leaves again where something may be there twice, or needed and not there, and names it.
func (v *verification) checkTwice() error {
	doubled, err := v.unique.doubled()
	if err != nil {
		return fmt.Errorf("sort what must be unique: %w", err)
	}
	unmet, err := v.needs.unmet()
	if err != nil {
		return fmt.Errorf("sort what must be there: %w", err)
	}
	v.report.checked(v.report.Leaves, "nothing twice: attempts, cards of an order or chip, serial numbers and CHRs of an issuer, public keys, activations, revocations")
	if v.rules.begun {
		v.report.checked(v.report.Leaves, "nothing out of nothing: renewals, activations and revocations are of cards and certificates that the log has")
	}
	if len(doubled) == 0 && len(unmet) == 0 {
		return nil
	}
	seen := map[string]int64{}
	look := &inspector{}
	return readItems(v.ctx, v.folder, &Report{}, max(1, v.opts.Workers), look.readFacts, func(i *item) error {
		say := func(format string, args ...any) {
			i.findings = nil
			i.wrong(format, args...)
			v.report.add(i.findings[0])
		}
		err := things(i, func(what string, name ...string) error {
			if !doubled[v.unique.hash(append(name, what)...)] {
				return nil
			}
			full := what + "\x00" + strings.Join(name, "\x00")
			if before, twice := seen[full]; twice {
				say("the %s %s is there twice: leaf %d has it already", what, strings.Join(name, " "), before)
			} else {
				seen[full] = i.index
			}
			return nil
		})
		if err != nil || len(unmet) == 0 {
			return err
		}
		return needs(i, func(side func(uint64) uint64, what string, name ...string) error {
			if h := side(v.needs.hash(append(name, what)...)); unmet[h] {
				say("it is about %s %s, which the log does not have", what, strings.Join(name, " "))
			}
			return nil
		})
	})
}

// readFacts is all that the second reading needs of a leaf.
func (c *inspector) readFacts(i *item) {
	var err error
	if i.entry, err = tlog.ParseLeaf(i.leaf); err == nil {
		i.facts, _ = i.entry.ReadFacts() // a fault was found at the first reading
	}
}
