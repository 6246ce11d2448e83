package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// The names of the files of an export.
const (
	ManifestFile     = "manifest.json"
	CheckpointFile   = "checkpoint"
	EdgeFile         = "edge.jsonl"
	EntriesFile      = "entries.jsonl"
	CertificatesFile = "certificates.jsonl"
	PersonalFile     = "personal.jsonl"
	IssuersDir       = "issuers"
	CSVFile          = "certificates.csv"
	ParquetFile      = "certificates.parquet"

	resumeFile = "unfinished.json"
)

func tilesFile(level int) string { return fmt.Sprintf("tiles-%d.jsonl", level) }

// levels is how many levels of tiles a log may have.
const levels = 7

// formatName is the format and its version.
const formatName = "siegel-log-export/1"

// Manifest is manifest.json.
type Manifest struct {
	Format  string `json:"format"`
	MadeBy  string `json:"made_by"` // program and version
	MadeAt  string `json:"made_at"` // RFC 3339, UTC
	Log     string `json:"log"`     // its name: the origin of the checkpoint
	Size    int64  `json:"tree_size"`
	Root    string `json:"root"`   // base64
	First   int64  `json:"first"`  // leaves first to end-1
	End     int64  `json:"end"`    //
	Leaves  int64  `json:"leaves"` // so many are here
	Content        // what was asked for
	Files   []File `json:"files"` // all but this one, by name
}

// Content says what was asked for.
type Content struct {
	Filter       *Filter `json:"filter,omitempty"` // absent: all leaves of the range
	Personal     bool    `json:"personal"`
	Certificates bool    `json:"certificates"`
}

// Filter is the filter of an export: see tlog.Filter.
type Filter struct {
	From      string   `json:"from,omitempty"` // RFC 3339
	Until     string   `json:"until,omitempty"`
	Kinds     []string `json:"kinds,omitempty"`
	Issuers   []string `json:"issuers,omitempty"`
	Profiles  []string `json:"profiles,omitempty"`
	CardTypes []string `json:"card_types,omitempty"`
	Sectors   []string `json:"sectors,omitempty"`
	ICCSNs    []string `json:"iccsns,omitempty"`
}

// Parse gives the filter in the form in which entries are held against it.
func (f *Filter) Parse() (tlog.Filter, error) {
	out := tlog.Filter{Issuers: f.Issuers, Profiles: f.Profiles, CardTypes: f.CardTypes, Sectors: f.Sectors, ICCSNs: f.ICCSNs}
	for _, k := range f.Kinds {
		out.Kinds = append(out.Kinds, tlog.Kind(k))
	}
	for _, t := range []struct {
		text string
		to   *time.Time
	}{{f.From, &out.From}, {f.Until, &out.Until}} {
		if t.text == "" {
			continue
		}
		var err error
		if *t.to, err = time.Parse(time.RFC3339, t.text); err != nil {
			return out, fmt.Errorf("read the filter: %w", err)
		}
	}
	return out, nil
}

// File is a file of an export.
type File struct {
	Name   string `json:"name"` // with slashes
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // 64 lower-case hex digits
}

func (m *Manifest) encode() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ManifestFile, err)
	}
	return append(text, '\n'), nil
}

// parseManifest reads one manifest and nothing after it. Unknown fields, and names that would leave the folder, are errors.
func parseManifest(text []byte) (*Manifest, error) {
	m := &Manifest{}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(m); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something stands after its end")
	}
	if m.Format != formatName {
		return nil, fmt.Errorf("its format is %q, this program reads %q", m.Format, formatName)
	}
	for _, f := range m.Files {
		if !filepath.IsLocal(filepath.FromSlash(f.Name)) {
			return nil, fmt.Errorf("it names the file %q, which is not in the folder", f.Name)
		}
	}
	return m, nil
}

// issuerName is what the name of an issuer must look like to become that of a file. Names come over the network.
var issuerName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._-]{0,127}$`)

// The extensions of issuers' files.
const (
	extX509 = ".der"
	extCVC  = ".cvc"
)

// issuerOfFile gives the name of the issuer whose certificate a file holds.
func issuerOfFile(name string) (issuer string, ok bool) {
	rest, ok := strings.CutPrefix(name, IssuersDir+"/")
	if !ok {
		return "", false
	}
	if issuer, ok = strings.CutSuffix(rest, extX509); !ok {
		issuer, ok = strings.CutSuffix(rest, extCVC)
	}
	return issuer, ok
}
