package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// Head is what an export is of.
type Head struct {
	Checkpoint []byte // signed note
	Size       int64
	First, End int64
	Edge       []tlog.Tile
	Issuers    []Issuer
}

// Issuer is the certificate of an issuer or root.
type Issuer struct {
	Name  string
	IsCVC bool
	Data  []byte // DER, or data object 7F21; of a root of CV certificates of generation 1 data object 7F4E
}

// Leaf is a leaf with what belongs to it.
type Leaf struct {
	Index          int64
	Leaf           []byte
	Personal, Salt []byte
	Erased         bool
	Certificates   [][]byte
}

// Part is the next piece of an export.
type Part struct {
	Tiles  []tlog.Tile
	Leaves []Leaf
	Next   int64 // every leaf below it that is wanted has been given
}

// Writer makes an export in a folder. What was written is on the disk some seconds later at the latest: after an interruption another Writer goes
// on from there. It is not safe for concurrent use, and two on one folder spoil it.
type Writer struct {
	dir   string
	state state
	out   map[string]*output
	saved time.Time
}

// state is what an unfinished export needs to go on, kept in a file beside it.
type state struct {
	Content
	From   int64            `json:"from"` // of the range as it was asked for
	To     int64            `json:"to"`   // 0: to the end
	Head   *stateHead       `json:"head,omitempty"`
	Next   int64            `json:"next"`
	Leaves int64            `json:"leaves"`
	Sizes  map[string]int64 `json:"sizes"`       // of the files, up to Next
	Tiles  map[int]int64    `json:"tiles_after"` // index behind the tile last written, by level
}

type stateHead struct {
	Size  int64 `json:"tree_size"`
	First int64 `json:"first"`
	End   int64 `json:"end"`
}

// ErrOther says that a folder holds something else than the export that is asked for.
var ErrOther = errors.New("the folder holds something else")

// ErrDone says that the folder holds a finished export.
var ErrDone = errors.New("the folder holds a finished export already")

// Create begins an export in a folder, which is made where it is not there, or goes on with one that was interrupted there. Leaves from to to-1
// are wanted, to is 0 for all. ErrOther says that the folder holds other files, or an export of which something else was asked.
func Create(dir string, content Content, from, to int64) (*Writer, error) {
	w := &Writer{dir: dir, out: map[string]*output{}, state: state{Content: content, From: from, To: to, Next: from, Sizes: map[string]int64{}, Tiles: map[int]int64{}}}
	if err := os.MkdirAll(filepath.Join(dir, IssuersDir), 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of an export: %w", err)
	}
	text, err := os.ReadFile(w.path(resumeFile))
	if errors.Is(err, fs.ErrNotExist) {
		return w, w.begin()
	}
	if err != nil {
		return nil, fmt.Errorf("read the state of an unfinished export: %w", err)
	}
	return w, w.goOn(text)
}

// begin makes sure that the folder is free.
func (w *Writer) begin() error {
	if _, err := os.Stat(w.path(ManifestFile)); err == nil {
		return fmt.Errorf("export into %s: %w", w.dir, ErrDone)
	}
	entries, err := os.ReadDir(w.dir)
	if err != nil {
		return fmt.Errorf("look into the folder of an export: %w", err)
	}
	for _, e := range entries {
		if e.Name() != IssuersDir {
			return fmt.Errorf("export into %s: %w: there is %s", w.dir, ErrOther, e.Name())
		}
	}
	return w.save()
}

// goOn cuts the files to where the state was saved.
func (w *Writer) goOn(text []byte) error {
	var was state
	if err := json.Unmarshal(text, &was); err != nil {
		return fmt.Errorf("read the state of an unfinished export: %w", err)
	}
	asked, err := json.Marshal(w.state.Content)
	if err != nil {
		return err
	}
	before, err := json.Marshal(was.Content)
	if err != nil {
		return err
	}
	if !bytes.Equal(asked, before) || was.From != w.state.From || was.To != w.state.To {
		return fmt.Errorf("go on with the export in %s: %w: an unfinished export of other leaves or with another content; take another folder", w.dir, ErrOther)
	}
	w.state = was
	files, err := filepath.Glob(filepath.Join(w.dir, "*.jsonl"))
	if err != nil {
		return err
	}
	for _, file := range files { // what is younger than the state
		if _, grows := was.Sizes[filepath.Base(file)]; !grows && filepath.Base(file) != EdgeFile {
			if err := os.Remove(file); err != nil {
				return fmt.Errorf("go on with an export: %w", err)
			}
		}
	}
	for name, size := range was.Sizes {
		if err := os.Truncate(w.path(name), size); err != nil {
			return fmt.Errorf("go on with an export: %w", err)
		}
	}
	return nil
}

// Resumes tells whether there is a head already, of what size, and from which leaf the export goes on.
func (w *Writer) Resumes() (size, next int64, resumes bool) {
	if w.state.Head == nil {
		return 0, w.state.Next, false
	}
	return w.state.Head.Size, w.state.Next, true
}

// Begin takes the head. Where the export goes on, it must be the same.
func (w *Writer) Begin(h Head) error {
	if was := w.state.Head; was != nil {
		have, err := os.ReadFile(w.path(CheckpointFile))
		if err != nil || h.Size != was.Size || h.End != was.End || !bytes.Equal(have, h.Checkpoint) {
			return fmt.Errorf("go on with the export in %s: %w: the server has another checkpoint of %d leaves", w.dir, ErrOther, was.Size)
		}
		return nil
	}
	if err := w.writeFile(CheckpointFile, h.Checkpoint); err != nil {
		return err
	}
	var edge []byte
	for _, t := range h.Edge {
		line, err := json.Marshal(tileLine{t.Level, t.Index, t.Hashes})
		if err != nil {
			return err
		}
		edge = append(append(edge, line...), '\n')
	}
	if err := w.writeFile(EdgeFile, edge); err != nil {
		return err
	}
	for _, i := range h.Issuers {
		if !issuerName.MatchString(i.Name) {
			return fmt.Errorf("write an export: the issuer's name %q cannot be that of a file", i.Name)
		}
		name := IssuersDir + "/" + i.Name + extX509
		if i.IsCVC {
			name = IssuersDir + "/" + i.Name + extCVC
		}
		if err := w.writeFile(name, i.Data); err != nil {
			return err
		}
	}
	for _, name := range w.always() {
		if _, err := w.output(name); err != nil {
			return err
		}
	}
	w.state.Head = &stateHead{h.Size, h.First, h.End}
	return w.save()
}

// always lists the files that are there even if nothing is in them.
func (w *Writer) always() []string {
	names := []string{EntriesFile}
	if w.state.Certificates {
		names = append(names, CertificatesFile)
	}
	if w.state.Personal {
		names = append(names, PersonalFile)
	}
	return names
}

// Add takes the next part.
func (w *Writer) Add(p Part) error {
	for _, t := range p.Tiles {
		if t.Index < w.state.Tiles[t.Level] {
			continue // sent again, where the export goes on
		}
		w.state.Tiles[t.Level] = t.Index + 1
		if err := w.writeJSON(tilesFile(t.Level), tileLine{t.Level, t.Index, t.Hashes}); err != nil {
			return err
		}
	}
	for i := range p.Leaves {
		if err := w.addLeaf(&p.Leaves[i]); err != nil {
			return err
		}
	}
	w.state.Next = p.Next
	if time.Since(w.saved) < savePause {
		return nil
	}
	return w.save()
}

// savePause is the time between two states on the disk.
const savePause = 3 * time.Second

func (w *Writer) addLeaf(l *Leaf) error {
	w.state.Leaves++
	if err := w.write(EntriesFile, appendEntry(nil, l.Index, l.Leaf)); err != nil {
		return err
	}
	if l.Personal != nil || l.Erased {
		line, err := appendPersonal(nil, personalLine{Index: l.Index, Salt: l.Salt, Personal: l.Personal, Erased: l.Erased})
		if err != nil {
			return fmt.Errorf("write the personal data of leaf %d: %w", l.Index, err)
		}
		if err := w.write(PersonalFile, line); err != nil {
			return err
		}
	}
	if l.Certificates == nil {
		return nil
	}
	return w.writeJSON(CertificatesFile, certificatesLine{l.Index, l.Certificates})
}

// Finish writes the tables that are asked for, and the manifest. The export is complete then.
func (w *Writer) Finish(madeBy string, now time.Time, tables ...Table) (*Manifest, error) {
	if w.state.Head == nil || w.state.Next < w.state.Head.End {
		return nil, errors.New("finish an export: leaves are missing")
	}
	if err := w.save(); err != nil {
		return nil, err
	}
	for _, t := range tables {
		if err := writeTable(w.dir, t); err != nil {
			return nil, err
		}
	}
	m, err := w.manifest(madeBy, now)
	if err != nil {
		return nil, err
	}
	text, err := m.encode()
	if err == nil {
		err = w.writeFile(ManifestFile, text)
	}
	if err == nil {
		err = os.Remove(w.path(resumeFile))
	}
	return m, errors.Join(err, w.Close())
}

func (w *Writer) manifest(madeBy string, now time.Time) (*Manifest, error) {
	text, err := os.ReadFile(w.path(CheckpointFile))
	if err != nil {
		return nil, err
	}
	c, err := readHead(text)
	if err != nil {
		return nil, err
	}
	m := &Manifest{
		Format: formatName, MadeBy: madeBy, MadeAt: now.UTC().Format(time.RFC3339), Log: c.Origin, Size: c.Size, Root: c.Root.String(),
		First: w.state.Head.First, End: w.state.Head.End, Leaves: w.state.Leaves, Content: w.state.Content,
	}
	err = fs.WalkDir(os.DirFS(w.dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || name == resumeFile || name == ManifestFile {
			return err
		}
		f, err := describe(os.DirFS(w.dir), name)
		m.Files = append(m.Files, f)
		return err
	})
	slices.SortFunc(m.Files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return m, err
}

// describe gives size and hash of a file.
func describe(folder fs.FS, name string) (File, error) {
	f, err := folder.Open(name)
	if err != nil {
		return File{}, err
	}
	defer f.Close()
	h := sha256.New()
	n, err := io.Copy(h, f)
	return File{Name: name, Size: n, SHA256: hex.EncodeToString(h.Sum(nil))}, err
}

// Close gives up the files. The export can go on later.
func (w *Writer) Close() error {
	var errs []error
	for _, o := range w.out {
		errs = append(errs, o.buf.Flush(), o.file.Close())
	}
	w.out = map[string]*output{}
	return errors.Join(errs...)
}

func (w *Writer) path(name string) string { return filepath.Join(w.dir, filepath.FromSlash(name)) }
