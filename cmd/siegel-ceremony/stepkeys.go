package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/hierarchy"
)

// describeToken notes which token it is, and that it is the same in each run.
func (w *work) describeToken() (ceremony.Facts, error) {
	facts, err := w.vault.Describe(w.step.Name)
	if err != nil {
		return ceremony.Facts{}, err
	}
	if before := w.before.Token; w.done && before.Serial != facts.Serial {
		return ceremony.Facts{}, fmt.Errorf("it is the token with serial number %s; the ceremony began with %s", facts.Serial, before.Serial)
	}
	return ceremony.Facts{Token: facts}, nil
}

// createKey creates a key, unless this ceremony has created it.
func (w *work) createKey(ctx context.Context) (ceremony.Facts, error) {
	k := w.step.Key
	var note string
	have, err := w.vault.Existing(ctx, k.Token, specOf(k))
	switch absent := errors.Is(err, hsm.ErrKeyNotFound); {
	case absent && w.done:
		return ceremony.Facts{}, fmt.Errorf("the journal says that it was created, and the token does not have it: %w", err)
	case absent:
		if have, err = w.generate(ctx); err != nil {
			return ceremony.Facts{}, err
		}
	case err != nil:
		return ceremony.Facts{}, err
	case !w.began:
		return ceremony.Facts{}, fmt.Errorf("token %s has the key with CKA_ID %s and label %q: %w", k.Token, k.ID, k.Label, errForeign)
	default:
		note = found
	}
	facts, err := keyFacts(k, have)
	if err != nil {
		return ceremony.Facts{}, err
	}
	if w.done && !bytes.Equal(facts.Fingerprint, w.before.Key.Fingerprint) {
		return ceremony.Facts{}, fmt.Errorf("the token has a key of SHA-256 %s, the journal says %s", facts.Fingerprint, w.before.Key.Fingerprint)
	}
	return ceremony.Facts{Key: facts, Note: note}, nil
}

// generate creates the key and reads it back as any later run would.
func (w *work) generate(ctx context.Context) (key, error) {
	if err := w.begin(); err != nil {
		return nil, err
	}
	k := w.step.Key
	w.say("creating key %s (%s)", k.Label, k.Type)
	if err := w.vault.Generate(ctx, k.Token, specOf(k)); err != nil {
		return nil, fmt.Errorf("create key %s: %w", k.Label, err)
	}
	return w.vault.Existing(ctx, k.Token, specOf(k))
}

// createdKey finds a key that an earlier step created, and checks that it is the one.
func (p *performer) createdKey(ctx context.Context, k *ceremony.Key) (key, error) {
	facts, done, _ := p.journal.Step((&ceremony.Step{Act: ceremony.CreateKey, Name: k.Label}).ID())
	if !done {
		return nil, fmt.Errorf("key %s was not created", k.Label)
	}
	have, err := p.vault.Existing(ctx, k.Token, specOf(k))
	if err != nil {
		return nil, err
	}
	sum, err := ceremony.Fingerprint(have.Public())
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(sum, facts.Key.Fingerprint) {
		return nil, fmt.Errorf("key %s in the token has SHA-256 %s, the journal says %s", k.Label, sum, facts.Key.Fingerprint)
	}
	return have, nil
}

// destroyKey destroys the key of a retired issuer, reads back that it is gone, and writes that into the list.
func (w *work) destroyKey(ctx context.Context) (ceremony.Facts, error) {
	d := w.step.Destruction
	h, err := hierarchy.Load(w.hierarchy)
	if err != nil {
		return ceremony.Facts{}, err
	}
	iss := h.Find(d.Issuer)
	gone := iss != nil && !iss.Destroyed.IsZero()
	switch {
	case gone && !w.began:
		return ceremony.Facts{}, fmt.Errorf("the list says that the key of %s was destroyed at %s", d.Issuer, iss.Destroyed)
	case gone:
		list, err := w.listFacts(d.Issuer)
		return ceremony.Facts{List: list, Note: found}, err
	case w.done:
		return ceremony.Facts{}, fmt.Errorf("the journal says that the key of %s was destroyed, and the list does not", d.Issuer)
	}
	if err := h.CheckDestroy(d.Issuer, w.now()); err != nil {
		return ceremony.Facts{}, err
	}
	interrupted := w.began
	if err := w.begin(); err != nil {
		return ceremony.Facts{}, err
	}
	note := fmt.Sprintf("key %s is gone: nothing in token %s has its CKA_ID %x or its label", d.Label, d.Token, iss.KeyID)
	err = w.vault.Destroy(ctx, d.Token, iss.KeyID, d.Label)
	if err != nil && !(interrupted && errors.Is(err, hsm.ErrKeyNotFound)) {
		return ceremony.Facts{}, err
	}
	if err := h.Destroy(d.Issuer, w.now().UTC()); err != nil {
		return ceremony.Facts{}, err
	}
	if err := h.Replace(w.hierarchy); err != nil {
		return ceremony.Facts{}, err
	}
	list, err := w.listFacts(d.Issuer)
	return ceremony.Facts{List: list, Note: note}, err
}
