package audit

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// Shown is a head of the log that somebody was shown: a checkpoint, alone or in an export.
type Shown struct {
	Path string
	tlog.Checkpoint
	Export *Manifest // nil where it is a checkpoint alone
}

// OpenShown opens a checkpoint file, or that of an export. The error says that it cannot be read, or that the key of the log has not signed it:
// *UnsignedError.
func OpenShown(path string, key *tlog.VerifierKey) (*Shown, error) {
	s := &Shown{Path: path}
	file := path
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		file = filepath.Join(path, CheckpointFile)
		text, err := os.ReadFile(filepath.Join(path, ManifestFile))
		if err != nil {
			return nil, fmt.Errorf("read an export: %w", err)
		}
		if s.Export, err = parseManifest(text); err != nil {
			return nil, fmt.Errorf("read the manifest of %s: %w", path, err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read a checkpoint: %w", err)
	}
	if s.Checkpoint, err = tlog.OpenCheckpoint(text, key); err != nil {
		return nil, &UnsignedError{file, err}
	}
	return s, nil
}

// UnsignedError says that the key of the log has not signed a checkpoint.
type UnsignedError struct {
	Path string
	Err  error
}

// Error names the file.
func (e *UnsignedError) Error() string {
	return fmt.Sprintf("%s is not signed by the key of the log: %v", e.Path, e.Err)
}

// Unwrap gives the cause.
func (e *UnsignedError) Unwrap() error { return e.Err }

// ErrNoProof says that there is nothing at hand that could prove consistency.
var ErrNoProof = errors.New("the later export does not have the tiles that show it")

// CheckGrown tells whether the later head has grown out of the earlier one, from the tiles of the later one's export. The errors are those of
// tlog.CheckGrown, and ErrNoProof. Where both are exports and the log was forked, the error names the first leaf that differs.
func CheckGrown(ctx context.Context, earlier, later *Shown) error {
	if err := tlog.CheckConsistency(nil, earlier.Head, later.Head); err == nil || !errors.Is(err, tlog.ErrProof) {
		return nameFork(earlier, later, err)
	}
	if later.Export == nil {
		return ErrNoProof
	}
	err := tlog.CheckGrown(ctx, earlier.Head, later.Head, tileFolder{os.DirFS(later.Path)})
	if errors.Is(err, errTileAbsent) {
		return ErrNoProof
	}
	return nameFork(earlier, later, err)
}

// nameFork adds the first leaf that two exports do not have in common.
func nameFork(earlier, later *Shown, err error) error {
	if !errors.Is(err, tlog.ErrForked) || earlier.Export == nil || later.Export == nil {
		return err
	}
	leaf, found := firstDifference(os.DirFS(earlier.Path), os.DirFS(later.Path))
	if !found {
		return err
	}
	return fmt.Errorf("%w; leaf %d is the first of which the two exports have different ones", err, leaf)
}

// firstDifference reads two files of entries side by side.
func firstDifference(a, b fs.FS) (int64, bool) {
	x, errX := openLines(a, EntriesFile)
	y, errY := openLines(b, EntriesFile)
	if errX != nil || errY != nil {
		return 0, false
	}
	defer x.close()
	defer y.close()
	i, leafX, okX := nextEntry(x)
	j, leafY, okY := nextEntry(y)
	for okX && okY {
		switch {
		case i < j:
			i, leafX, okX = nextEntry(x)
		case j < i:
			j, leafY, okY = nextEntry(y)
		case string(leafX) != string(leafY):
			return i, true
		default:
			i, leafX, okX = nextEntry(x)
			j, leafY, okY = nextEntry(y)
		}
	}
	return 0, false
}

func nextEntry(l *lines) (int64, []byte, bool) {
	for line, more := l.next(); more; line, more = l.next() {
		if index, leaf, err := parseEntry(line); err == nil {
			return index, leaf, true
		}
	}
	return 0, nil, false
}

var errTileAbsent = errors.New("the tile is not in the export")

// tileFolder reads tiles of an export in any order: it goes through the file of a level for each. What it gives is checked by who asks.
type tileFolder struct{ folder fs.FS }

// Tiles implements tlog.TileReader.
func (f tileFolder) Tiles(_ context.Context, ids []tlog.TileID) ([][]byte, error) {
	list := make([][]byte, len(ids))
	for i, id := range ids {
		hashes, err := f.tile(id)
		if err != nil {
			return nil, err
		}
		list[i] = hashes
	}
	return list, nil
}

func (f tileFolder) tile(id tlog.TileID) ([]byte, error) {
	for _, name := range []string{EdgeFile, tilesFile(id.Level)} {
		in, err := openLines(f.folder, name)
		if err != nil {
			return nil, err
		}
		for line, more := in.next(); more; line, more = in.next() {
			t, err := readTile(line)
			if err == nil && t.Level == id.Level && t.Index == id.Index && t.Width >= id.Width {
				return t.Hashes[:id.Width*tlog.HashSize], in.close()
			}
		}
		if err := in.close(); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("%s: %w", id.Path(), errTileAbsent)
}
