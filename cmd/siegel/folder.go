package main

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The folder that --out writes, one for each card:
//
//	DIR/ICCSN/SLOT.der            X.509 certificate
//	DIR/ICCSN/SLOT.cvc            CV certificate, data object 7F21
//	DIR/ICCSN/issuers/NAME.der    issuers and roots
//	DIR/ICCSN/issuers/NAME.cvc
//	DIR/ICCSN/issuers/x509.pem    all X.509 issuers and roots in one file, for other tools:
//	                              openssl verify -CAfile issuers/x509.pem SLOT.der
//	DIR/ICCSN/card.json           what the folder must hold, written last: see manifest
const (
	issuersDir = "issuers"
	issuersPEM = "x509.pem"
	extX509    = ".der"
	extCVC     = ".cvc"
)

var extensions = map[siegelv1.Format]string{siegelv1.Format_FORMAT_X509: extX509, siegelv1.Format_FORMAT_CVC: extCVC}

// fileName is what a slot, issuer or ICCSN must look like to become the name of a file. The names come over the network.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)

// writeCard writes a card below dir and gives its folder. A file that is there already must hold the same octets: it is never
// overwritten with others. Whenever the program is stopped, doing it again completes the folder.
func writeCard(dir string, card *siegelv1.Card) (string, error) {
	files, err := cardFiles(card)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(dir, card.GetIccsn())
	if err := os.MkdirAll(filepath.Join(folder, issuersDir), 0o755); err != nil {
		return "", fmt.Errorf("make the folder of the card: %w", err)
	}
	for _, f := range files {
		if err := writeOnce(filepath.Join(folder, f.name), f.data); err != nil {
			return "", err
		}
	}
	for _, d := range []string{filepath.Join(folder, issuersDir), folder} {
		if err := syncFile(d); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// file is a file of a card's folder.
type file struct {
	name string // relative to the folder
	data []byte
}

// cardFiles lists the files of a card.
func cardFiles(card *siegelv1.Card) ([]file, error) {
	names := []string{card.GetIccsn()}
	var files []file
	var bundle bytes.Buffer
	for _, c := range card.GetCertificates() {
		names = append(names, c.GetSlot())
		files = append(files, file{c.GetSlot() + extensions[c.GetFormat()], c.GetData()})
	}
	for _, i := range card.GetIssuers() {
		names = append(names, i.GetName())
		files = append(files, file{filepath.Join(issuersDir, i.GetName()+extensions[i.GetFormat()]), i.GetData()})
		if i.GetFormat() == siegelv1.Format_FORMAT_X509 {
			bundle.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: i.GetData()}))
		}
	}
	for _, name := range names {
		if !fileName.MatchString(name) {
			return nil, fmt.Errorf("the server's answer holds the name %q, which cannot be the name of a file", name)
		}
	}
	files = append(files, file{filepath.Join(issuersDir, issuersPEM), bundle.Bytes()})
	text, err := manifestOf(card, files).encode()
	return append(files, file{manifestFile, text}), err
}

// partial is added to the name of a file until all of it is on the disk.
const partial = ".part"

// writeOnce writes a file in one step: it is there as a whole or not at all. A partial file that was left behind is written anew, and
// so is one that holds the beginning of the data only, as a power cut may leave it.
func writeOnce(path string, data []byte) error {
	switch have, err := os.ReadFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return fmt.Errorf("look for an older file: %w", err)
	case bytes.Equal(have, data):
		return nil
	case !bytes.HasPrefix(data, have):
		return fmt.Errorf("%s is there already and holds something else", path)
	}
	if err := os.WriteFile(path+partial, data, 0o644); err != nil {
		return fmt.Errorf("write a file of the card: %w", err)
	}
	if err := syncFile(path + partial); err != nil {
		return err
	}
	if err := os.Rename(path+partial, path); err != nil {
		return fmt.Errorf("write a file of the card: %w", err)
	}
	return nil
}

// syncFile waits until a file, or the names in a folder, are on the disk.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("write a file of the card to the disk: %w", err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s to the disk: %w", path, err)
	}
	return nil
}
