package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// rehearsal says what a run would do, and what would stop it.
type rehearsal struct {
	file      *ceremony.File
	dir       string
	hierarchy string
	journal   *ceremony.Journal
	tokens    tokens
	faults    []error
}

// rehearse is the dry run. Tokens are opened to look only: a token refuses to create or destroy anything in such sessions.
func (c *runCmd) rehearse(ctx context.Context, f *ceremony.File) (err error) {
	j, err := ceremony.ReadJournal(c.Dir, f.SHA256())
	if err != nil {
		return err
	}
	open, err := openTokens(ctx, f, false, askTerminal)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, open.close()) }()
	r := &rehearsal{file: f, dir: c.Dir, hierarchy: c.Hierarchy, journal: j, tokens: open}
	fmt.Printf("Dry run of %s: %s\nSHA-256 %x\nNothing is changed.\n\n", c.File, f.Title, f.SHA256())
	for i, s := range f.Steps() {
		fmt.Printf("%3d. %-48s %s\n", i+1, s.ID(), r.foresee(ctx, &s))
	}
	if len(r.faults) > 0 {
		return fmt.Errorf("the ceremony would stop:\n%w", errors.Join(r.faults...))
	}
	fmt.Printf("\nNothing is in the way. To perform it:\n  siegel-ceremony run %s --dir %s --confirm %x\n", c.File, c.Dir, f.SHA256())
	return nil
}

// foresee says what would happen to a step.
func (r *rehearsal) foresee(ctx context.Context, s *ceremony.Step) string {
	_, done, began := r.journal.Step(s.ID())
	if done {
		return "is done"
	}
	var says string
	var err error
	switch s.Act {
	case ceremony.OpenToken:
		i := r.tokens[s.Name].Info()
		says = fmt.Sprintf("token %s, serial %s, is there", i.Label, i.Serial)
	case ceremony.CreateKey:
		says, err = r.foreseeKey(ctx, s.Key, began)
	case ceremony.TakeCertificate:
		says, err = r.foreseeFile(filepath.Join(r.dir, returnedDir, fileName(s.Issuer.Name, s.Issuer.Kind)))
	case ceremony.WriteList:
		says, err = r.foreseeList(began)
	case ceremony.Retire, ceremony.DestroyKey:
		says, err = r.foreseeEnd(s, began)
	default:
		says = "would be done"
	}
	if err != nil {
		r.faults = append(r.faults, fmt.Errorf("step %q: %w", s.ID(), err))
		return "WOULD FAIL"
	}
	if began {
		says += "; it had begun"
	}
	return says
}

func (r *rehearsal) foreseeKey(ctx context.Context, k *ceremony.Key, began bool) (string, error) {
	switch _, err := r.tokens.Existing(ctx, k.Token, specOf(k)); {
	case err == nil && !began:
		return "", fmt.Errorf("token %s has the key with CKA_ID %s and label %q: %w", k.Token, k.ID, k.Label, errForeign)
	case err == nil:
		return "the key is there", nil
	case !errors.Is(err, hsm.ErrKeyNotFound):
		return "", err
	}
	mechanism := "CKM_EC_KEY_PAIR_GEN"
	switch {
	case k.Type.KeyType == sigalg.Ed25519:
		mechanism = "CKM_EC_EDWARDS_KEY_PAIR_GEN"
	case k.Type.Generation() == sigalg.RSA:
		mechanism = "CKM_RSA_PKCS_KEY_PAIR_GEN"
	}
	if !slices.Contains(r.tokens[k.Token].Info().Mechanisms, mechanism) {
		return "", fmt.Errorf("token %s has no %s, which a key of type %s takes", k.Token, mechanism, k.Type)
	}
	return fmt.Sprintf("would create a %s key in token %s", k.Type, k.Token), nil
}

func (r *rehearsal) foreseeFile(path string) (string, error) {
	switch _, err := os.Stat(path); {
	case err == nil:
		return "would check and take " + path, nil
	case errors.Is(err, fs.ErrNotExist):
		return "would wait for " + path, nil
	default:
		return "", err
	}
}

func (r *rehearsal) foreseeList(began bool) (string, error) {
	h, err := hierarchy.Load(r.hierarchy)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && r.file.Log == nil:
		return "", fmt.Errorf("there is no list of issuers in %s, and the ceremony file has no log and tsp_id to begin one", r.hierarchy)
	case missing:
		return "would begin a list in " + r.hierarchy, nil
	case err != nil:
		return "", err
	case r.file.Log != nil && !began:
		return "", fmt.Errorf("%s has a list of issuers: %w", r.hierarchy, errForeign)
	case h.Environment != r.file.Environment:
		return "", fmt.Errorf("the list in %s is for environment %s", r.hierarchy, h.Environment)
	}
	for i := range r.file.Issuers {
		if name := r.file.Issuers[i].Name; h.Find(name) != nil && !began {
			return "", fmt.Errorf("the list has an issuer %s: %w", name, errForeign)
		}
	}
	return "would add to the list in " + r.hierarchy, nil
}

func (r *rehearsal) foreseeEnd(s *ceremony.Step, began bool) (string, error) {
	h, err := hierarchy.Load(r.hierarchy)
	if err != nil || began {
		return "would go on", err
	}
	now := time.Now()
	if s.Act == ceremony.Retire {
		return "would retire it", h.Retire(s.Name, now)
	}
	return "would destroy key " + s.Destruction.Label, h.CheckDestroy(s.Name, now)
}
