package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// manifestFile is what makes a folder complete: it is written last and says what must be there.
const manifestFile = "card.json"

// manifest is card.json. It is not signed: it shows that a folder is whole, not where it came from.
type manifest struct {
	ICCSN    string `json:"iccsn"`
	OrderID  string `json:"order_id"`
	CardType string `json:"card_type"`
	Sector   string `json:"sector,omitempty"`
	IssuedAt string `json:"issued_at"` // RFC 3339, UTC
	EntryID  int64  `json:"entry_id"`  // of the log
	// Slots are the certificates of the card, in the order of the card type.
	Slots []manifestSlot `json:"slots"`
	// OnCard are the other certificates that the card carries, as a batch writes them: see cardfiles.go.
	OnCard []manifestSlot `json:"on_card,omitempty"`
	// Issuers are the files beside them.
	Issuers []manifestEntry `json:"issuers"`
}

type manifestSlot struct {
	Slot string `json:"slot"`
	manifestEntry
	Place *cardFile `json:"place,omitempty"` // on the card, as a batch writes it where it is known
}

type manifestEntry struct {
	File   string `json:"file"`   // relative to the folder, with slashes
	SHA256 string `json:"sha256"` // 64 hex digits in lower case
}

// manifestOf describes a card whose files are given, those of the slots first.
func manifestOf(card *siegelv1.Card, files []file) manifest {
	m := manifest{
		ICCSN: card.GetIccsn(), OrderID: card.GetOrderId(), CardType: card.GetCardType(), Sector: card.GetSector(),
		IssuedAt: card.GetIssuedAt().AsTime().Format(time.RFC3339), EntryID: card.GetEntryId(),
	}
	for i, f := range files {
		entry := manifestEntry{filepath.ToSlash(f.name), hash(f.data)}
		if i < len(card.GetCertificates()) {
			m.Slots = append(m.Slots, manifestSlot{Slot: card.GetCertificates()[i].GetSlot(), manifestEntry: entry})
		} else {
			m.Issuers = append(m.Issuers, entry)
		}
	}
	return m
}

func (m manifest) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", manifestFile, err)
	}
	return append(text, '\n'), nil
}

// readManifest reads the card.json of a folder; nil where there is none.
func readManifest(dir string) (*manifest, error) {
	text, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", filepath.Join(dir, manifestFile), err)
	}
	return m, nil
}

// parseManifest reads one card.json and nothing after it. Unknown fields and names that would leave the folder are errors.
func parseManifest(text []byte) (*manifest, error) {
	m := &manifest{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("holds more than one JSON document")
	}
	for _, e := range m.entries() {
		if !filepath.IsLocal(filepath.FromSlash(e.File)) {
			return nil, fmt.Errorf("names the file %q, which is not in the folder", e.File)
		}
	}
	return m, nil
}

// entries lists all files that must be there.
func (m *manifest) entries() []manifestEntry {
	var all []manifestEntry
	for _, s := range slices.Concat(m.Slots, m.OnCard) {
		all = append(all, s.manifestEntry)
	}
	return append(all, m.Issuers...)
}

// check compares the files of a folder with what the manifest says, and gives what is wrong.
func (m *manifest) check(dir string) []string {
	var faults []string
	for _, e := range m.entries() {
		switch data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(e.File))); {
		case errors.Is(err, fs.ErrNotExist):
			faults = append(faults, fmt.Sprintf("%s is missing, which %s names", e.File, manifestFile))
		case err != nil:
			faults = append(faults, err.Error())
		case hash(data) != e.SHA256:
			faults = append(faults, fmt.Sprintf("%s is not the file that %s names: its SHA-256 differs", e.File, manifestFile))
		}
	}
	return faults
}
