package main

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/hierarchy"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// writeList enters the new issuers in the server's list: behind those that are there, which makes them the newer key generation.
func (w *work) writeList(ctx context.Context) (ceremony.Facts, error) {
	issuers, err := w.newIssuers()
	if err != nil {
		return ceremony.Facts{}, err
	}
	h, save, err := w.openList(ctx)
	if err != nil {
		return ceremony.Facts{}, err
	}
	names, added, err := enter(h, issuers)
	switch {
	case err != nil:
		return ceremony.Facts{}, err
	case w.done && len(added) > 0:
		return ceremony.Facts{}, fmt.Errorf("the journal says that %v were entered in the list, and they are not there", added)
	case w.done:
		return ceremony.Facts{}, nil
	case len(added) > 0:
		if err := w.begin(); err != nil {
			return ceremony.Facts{}, err
		}
		if err := save(w.hierarchy); err != nil {
			return ceremony.Facts{}, err
		}
	}
	list, err := w.listFacts(names...)
	return ceremony.Facts{List: list}, err
}

// openList reads the list, or begins one, and gives the way to write it.
func (w *work) openList(ctx context.Context) (h *hierarchy.Hierarchy, save func(dir string) error, err error) {
	h, err = hierarchy.Load(w.hierarchy)
	if !errors.Is(err, fs.ErrNotExist) {
		switch {
		case err != nil:
			return nil, nil, err
		case w.file.Log != nil && !w.began:
			return nil, nil, fmt.Errorf("%s has a list of issuers: %w", w.hierarchy, errForeign)
		case h.Environment != w.file.Environment:
			return nil, nil, fmt.Errorf("the list in %s is for environment %s, the ceremony file for %s", w.hierarchy, h.Environment, w.file.Environment)
		}
		return h, h.Replace, nil
	}
	switch {
	case w.done:
		return nil, nil, fmt.Errorf("the journal says that the list of issuers was written to %s, and it is not there: %w", w.hierarchy, err)
	case w.file.Log == nil:
		return nil, nil, fmt.Errorf("there is no list of issuers in %s, and the ceremony file has no log and tsp_id to begin one: %w", w.hierarchy, err)
	}
	if h, err = w.newList(ctx); err != nil {
		return nil, nil, err
	}
	return h, h.Save, nil
}

// enter adds issuers to a list, unless they are there. It gives the names of them all, and of those that were not there.
func enter(h *hierarchy.Hierarchy, issuers []hierarchy.Issuer) (names, added []string, err error) {
	for i := range issuers {
		iss := &issuers[i]
		names = append(names, iss.Name)
		switch was := h.Find(iss.Name); {
		case was == nil:
			h.Issuers = append(h.Issuers, *iss)
			added = append(added, iss.Name)
		case !bytes.Equal(was.Raw(), iss.Raw()):
			return nil, nil, fmt.Errorf("the list has an issuer %s with another certificate: %w", iss.Name, errForeign)
		}
	}
	return names, added, nil
}

// newList begins a list with the key of the log.
func (w *work) newList(ctx context.Context) (*hierarchy.Hierarchy, error) {
	l := w.file.Log
	k, err := w.createdKey(ctx, &l.Key)
	if err != nil {
		return nil, err
	}
	public, ok := k.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("key %s is %T, want Ed25519", l.Key.Label, k.Public())
	}
	verifier, err := tlog.NewVerifierKey(l.Name, public)
	if err != nil {
		return nil, err
	}
	return &hierarchy.Hierarchy{
		Environment: w.file.Environment, TSPID: w.file.TSPID, Log: hierarchy.LogKey{Name: l.Name, KeyID: l.Key.ID, Verifier: verifier},
	}, nil
}

// newIssuers gives what the ceremony enters: roots that are not there yet, the issuers and their signers, those above before those below.
func (w *work) newIssuers() ([]hierarchy.Issuer, error) {
	var list []hierarchy.Issuer
	anchored := map[string]bool{}
	for i := range w.file.Issuers {
		iss := &w.file.Issuers[i]
		if a := w.file.Anchor(iss.IssuedBy); !anchored[a.Name] {
			anchored[a.Name] = true
			list = append(list, hierarchy.Issuer{Issuer: *a.Issuer()})
		}
		public, err := w.takenIssuer(iss)
		if err != nil {
			return nil, err
		}
		list = append(list, hierarchy.Issuer{Issuer: *public, KeyID: iss.Key.ID})
		for n := range iss.Signers {
			s := &iss.Signers[n]
			signer, err := w.certifiedSigner(iss, s)
			if err != nil {
				return nil, err
			}
			list = append(list, hierarchy.Issuer{Issuer: *signer, KeyID: s.Key.ID})
		}
	}
	return list, nil
}

// listFacts is what the record says of the list after a step.
func (p *performer) listFacts(names ...string) (*ceremony.ListFacts, error) {
	text, err := os.ReadFile(filepath.Join(p.hierarchy, hierarchy.FileName))
	if err != nil {
		return nil, fmt.Errorf("read the list of issuers back: %w", err)
	}
	sum := sha256.Sum256(text)
	return &ceremony.ListFacts{SHA256: sum[:], Names: names}, nil
}

// retire takes an issuer out of use.
func (w *work) retire() (ceremony.Facts, error) {
	name := w.step.Retirement.Issuer
	h, err := hierarchy.Load(w.hierarchy)
	if err != nil {
		return ceremony.Facts{}, err
	}
	if iss := h.Find(name); iss != nil && !iss.Retired.IsZero() {
		if !w.began {
			return ceremony.Facts{}, fmt.Errorf("%s was retired at %s: %w", name, iss.Retired.Format(time.RFC3339), errForeign)
		}
		list, err := w.listFacts(name)
		return ceremony.Facts{List: list, Note: found}, err
	}
	if w.done {
		return ceremony.Facts{}, fmt.Errorf("the journal says that %s was retired, and the list does not", name)
	}
	if err := h.Retire(name, w.now().UTC().Truncate(time.Second)); err != nil {
		return ceremony.Facts{}, err
	}
	if err := w.begin(); err != nil {
		return ceremony.Facts{}, err
	}
	if err := h.Replace(w.hierarchy); err != nil {
		return ceremony.Facts{}, err
	}
	list, err := w.listFacts(name)
	return ceremony.Facts{List: list}, err
}
