package hierarchy

import (
	"bytes"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/atomicfile"
)

// Save writes a folder. It creates the folder and refuses to overwrite an existing list of issuers (fs.ErrExist): a
// ceremony's result is not undone by another one.
func (h *Hierarchy) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("create the folder of the hierarchy: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return h.write(dir)
}

// Replace writes a list of issuers over the one in the folder, in one step: a server that starts at this moment reads the one or the other.
// Issuers may be added, retired and change their dates; none may disappear, and no certificate may become another, since cards depend on
// them. The errors name the issuer.
func (h *Hierarchy) Replace(dir string) error {
	before, err := Load(dir)
	if err != nil {
		return err
	}
	after := map[string]*Issuer{}
	for i := range h.Issuers {
		after[h.Issuers[i].Name] = &h.Issuers[i]
	}
	for i := range before.Issuers {
		was := &before.Issuers[i]
		now := after[was.Name]
		switch {
		case now == nil:
			return fmt.Errorf("replace the list of issuers: %q would disappear from it", was.Name)
		case !bytes.Equal(now.Raw(), was.Raw()):
			return fmt.Errorf("replace the list of issuers: %q would get another certificate", was.Name)
		}
	}
	if h.Environment != before.Environment || h.TSPID != before.TSPID || h.Log.Name != before.Log.Name || !bytes.Equal(h.Log.KeyID, before.Log.KeyID) {
		return errors.New("replace the list of issuers: it belongs to another environment, provider or log")
	}
	return h.write(dir)
}

// write writes the certificates first and the list last, which makes them count.
func (h *Hierarchy) write(dir string) error {
	f := file{Environment: string(h.Environment), TSPID: h.TSPID, Log: logRow{h.Log.Name, hex.EncodeToString(h.Log.KeyID)}}
	for i := range h.Issuers {
		row, raw := h.Issuers[i].row()
		if err := atomicfile.Keep(filepath.Join(dir, row.Certificate), raw); err != nil {
			return fmt.Errorf("write the certificate of %q: %w", row.Name, err)
		}
		f.Issuers = append(f.Issuers, row)
	}
	if v := h.Log.Verifier; v != nil {
		if err := atomicfile.Keep(filepath.Join(dir, logFileName), []byte(v.String()+"\n")); err != nil {
			return fmt.Errorf("write the public key of the log: %w", err)
		}
	}
	text, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode the list of issuers: %w", err)
	}
	head := []byte("# The public side of the issuers, written by siegel-ceremony. The keys are in the token, named by CKA_ID.\n")
	if err := atomicfile.Write(filepath.Join(dir, FileName), append(head, text...)); err != nil {
		return fmt.Errorf("write the list of issuers: %w", err)
	}
	return nil
}

// row gives an issuer's line in the list and the content of its certificate file.
func (iss *Issuer) row() (issuerRow, []byte) {
	row := issuerRow{
		Name: iss.Name, Kind: string(iss.Kind), KeyType: iss.KeyType.String(), IssuedBy: iss.IssuedBy,
		Key: hex.EncodeToString(iss.KeyID), OCSPURL: iss.OCSPURL, CRLURL: iss.CRLURL, Profiles: iss.Profiles,
		OrdersFrom: iss.OrdersFrom, Retired: iss.Retired, Destroyed: iss.Destroyed, PSS: iss.PSS, Qualified: qualifiedOf(iss.Qualified),
	}
	if iss.X509 != nil {
		row.Certificate = iss.Name + ".pem"
		return row, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: iss.X509.Raw})
	}
	row.Certificate = iss.Name + ".cvc"
	return row, iss.Raw()
}
