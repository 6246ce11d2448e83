package main

import (
	"context"
	"crypto/sha256"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/siegel-pki/siegel/internal/ceremony"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The folders in the folder of a ceremony.
const (
	requestDir     = "requests"     // for the root: NAME.csr
	returnedDir    = "returned"     // from the root: NAME.pem or NAME.cvc; people put the files there
	certificateDir = "certificates" // made or taken here: NAME.pem or NAME.cvc
)

// pemRequest is the label of a PKCS#10 request (RFC 7468, Section 7).
const pemRequest = "CERTIFICATE REQUEST"

// writeRequest makes the request of an issuer and signs it with the key that it is for, which proves the possession.
func (w *work) writeRequest(ctx context.Context) (ceremony.Facts, error) {
	iss := w.step.Issuer
	k, err := w.createdKey(ctx, w.step.Key)
	if err != nil {
		return ceremony.Facts{}, err
	}
	draft, err := w.file.DraftRequest(iss, k.Public(), w.catalogue)
	if err != nil {
		return ceremony.Facts{}, err
	}
	name := filepath.Join(requestDir, iss.Name+".csr")
	path := filepath.Join(w.dir, name)
	text, err := os.ReadFile(path)
	switch missing := errors.Is(err, fs.ErrNotExist); {
	case missing && w.done:
		return ceremony.Facts{}, fmt.Errorf("the journal says that it was written: %w", err)
	case missing:
		return w.signRequest(ctx, k, draft, name)
	case err != nil:
		return ceremony.Facts{}, err
	case !w.began:
		return ceremony.Facts{}, fmt.Errorf("%s is there: %w", path, errForeign)
	}
	raw, err := readRequest(text)
	if err != nil {
		return ceremony.Facts{}, fmt.Errorf("%s: %w", path, err)
	}
	r, err := draft.Check(raw)
	if err != nil {
		return ceremony.Facts{}, fmt.Errorf("%s: %w", path, err)
	}
	facts, err := requestFacts(name, draft, r)
	if err == nil && w.done && facts.Request.SHA256.String() != w.before.Request.SHA256.String() {
		err = fmt.Errorf("%s has SHA-256 %s, the journal says %s", path, facts.Request.SHA256, w.before.Request.SHA256)
	}
	facts.Note = found
	return facts, err
}

func (w *work) signRequest(ctx context.Context, k key, draft *ceremony.Draft, name string) (ceremony.Facts, error) {
	if err := w.begin(); err != nil {
		return ceremony.Facts{}, err
	}
	signature, err := k.Sign(ctx, draft.Scheme, draft.Info)
	if err != nil {
		return ceremony.Facts{}, fmt.Errorf("sign the request: %w", err)
	}
	r, err := draft.Assemble(signature)
	if err != nil {
		return ceremony.Facts{}, err
	}
	if err := keep(filepath.Join(w.dir, name), pem.EncodeToMemory(&pem.Block{Type: pemRequest, Bytes: r.Raw})); err != nil {
		return ceremony.Facts{}, fmt.Errorf("write the request: %w", err)
	}
	return requestFacts(name, draft, r)
}

func requestFacts(name string, draft *ceremony.Draft, r *pkix.Request) (ceremony.Facts, error) {
	fingerprint, err := ceremony.Fingerprint(r.PublicKey)
	sum := sha256.Sum256(r.Raw)
	return ceremony.Facts{Request: &ceremony.RequestFacts{File: name, SHA256: sum[:], Subject: draft.Subject, Fingerprint: fingerprint}}, err
}

// readRequest takes a request out of a file: PEM or DER.
func readRequest(text []byte) ([]byte, error) {
	if len(text) > 0 && text[0] == 0x30 {
		return text, nil
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != pemRequest || len(rest) > 0 {
		return nil, fmt.Errorf("it is not one %s in PEM", pemRequest)
	}
	return block.Bytes, nil
}
