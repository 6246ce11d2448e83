package main

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/keygen"
	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/sigalg"
)

// vault is the tokens of a ceremony, as small as the steps need them; tests put faults between.
type vault interface {
	// Describe gives what the token of a name says of itself.
	Describe(token string) (*ceremony.TokenFacts, error)
	// Existing finds a key that was created before: see keygen.Existing.
	Existing(ctx context.Context, token string, spec keygen.Spec) (key, error)
	// Generate creates a key: see keygen.GenerateKey.
	Generate(ctx context.Context, token string, spec keygen.Spec) error
	// Destroy destroys a key: see keygen.Destroy.
	Destroy(ctx context.Context, token string, id []byte, label string) error
}

// key is a key in a token.
type key interface {
	Sign(ctx context.Context, scheme sigalg.Scheme, message []byte) ([]byte, error)
	Public() crypto.PublicKey
	Type() sigalg.KeyType
	Attributes() hsm.Attributes
}

// tokens is the vault of real tokens, by the names that the ceremony file gives them.
type tokens map[string]*hsm.Token

// openTokens opens the tokens of a ceremony file, to create keys in them or only to look. ask is for PINs that people type.
func openTokens(ctx context.Context, f *ceremony.File, readWrite bool, ask asker) (tokens, error) {
	open := tokens{}
	for _, t := range f.Tokens {
		token, err := hsm.Open(ctx, hsm.Config{URI: t.URI, PIN: pinSource(f, t, ask), ReadWrite: readWrite, Sessions: 1}, slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open token %s: %w", t.Name, err), open.close())
		}
		open[t.Name] = token
	}
	return open, nil
}

func (t tokens) close() error {
	var errs []error
	for name, token := range t {
		if err := token.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close token %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (t tokens) Describe(name string) (*ceremony.TokenFacts, error) {
	i := t[name].Info()
	return &ceremony.TokenFacts{
		Label: i.Label, Serial: i.Serial, Manufacturer: i.Manufacturer, Model: i.Model, Hardware: i.Hardware, Firmware: i.Firmware,
		Module: i.Module, Library: i.Library,
	}, nil
}

func (t tokens) Existing(ctx context.Context, name string, spec keygen.Spec) (key, error) {
	k, err := keygen.Existing(ctx, t[name], spec)
	if err != nil {
		return nil, err // not a nil key in the interface
	}
	return k, nil
}

func (t tokens) Generate(ctx context.Context, name string, spec keygen.Spec) error {
	_, err := keygen.GenerateKey(ctx, t[name], spec)
	return err
}

func (t tokens) Destroy(ctx context.Context, name string, id []byte, label string) error {
	return keygen.Destroy(ctx, t[name], id, label)
}

// specOf is what a key of the ceremony file is created as.
func specOf(k *ceremony.Key) keygen.Spec {
	return keygen.Spec{ID: k.ID, Label: k.Label, Type: k.Type.KeyType}
}

// keyFacts is what the record says of a key.
func keyFacts(k *ceremony.Key, have key) (*ceremony.KeyFacts, error) {
	sum, err := ceremony.Fingerprint(have.Public())
	if err != nil {
		return nil, fmt.Errorf("fingerprint of key %s: %w", k.Label, err)
	}
	a := have.Attributes()
	return &ceremony.KeyFacts{
		Label: a.Label, Token: k.Token, ID: k.ID, Type: have.Type().String(), Fingerprint: sum,
		Attributes: []ceremony.Attribute{
			{Name: "CKA_TOKEN", Value: a.Token}, {Name: "CKA_PRIVATE", Value: a.Private}, {Name: "CKA_SENSITIVE", Value: a.Sensitive},
			{Name: "CKA_ALWAYS_SENSITIVE", Value: a.AlwaysSensitive}, {Name: "CKA_EXTRACTABLE", Value: a.Extractable},
			{Name: "CKA_NEVER_EXTRACTABLE", Value: a.NeverExtractable}, {Name: "CKA_LOCAL", Value: a.Local},
			{Name: "CKA_MODIFIABLE", Value: a.Modifiable}, {Name: "CKA_SIGN", Value: a.Sign}, {Name: "CKA_SIGN_RECOVER", Value: a.SignRecover},
			{Name: "CKA_DECRYPT", Value: a.Decrypt}, {Name: "CKA_UNWRAP", Value: a.Unwrap}, {Name: "CKA_DERIVE", Value: a.Derive},
		},
	}, nil
}
