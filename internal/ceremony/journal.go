package ceremony

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// JournalName is the name of the journal in the folder of a ceremony.
const JournalName = "journal.jsonl"

// ErrOtherFile says that a folder holds the journal of a ceremony by another file.
var ErrOtherFile = errors.New("the folder belongs to a ceremony by another file, or by an earlier version of this one")

// Journal is what happened in a ceremony, line by line: JSON, each line on the disk when Append returns. One program at a time has it
// open. Not for concurrent use.
type Journal struct {
	entries []Entry
	file    *os.File // nil: to be read only
}

// OpenJournal opens the journal in a folder for a ceremony file, or begins it. A last line that was cut off by a power failure is removed:
// its Append has not returned. The errors are ErrOtherFile, or of the file system.
func OpenJournal(dir string, file [32]byte) (*Journal, error) {
	path := filepath.Join(dir, JournalName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	j := &Journal{file: f}
	if err := errors.Join(lock(f), j.read(path, file)); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return j, nil
}

// ReadJournal reads the journal in a folder, for a dry run or a record; it is empty where there is none.
func ReadJournal(dir string, file [32]byte) (*Journal, error) {
	path := filepath.Join(dir, JournalName)
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return &Journal{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the journal: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, fmt.Errorf("read the journal: %w", err)
	}
	j := &Journal{}
	_, err = j.parse(path, text, file)
	return j, err
}

// read fills an open journal and cuts off what is behind the last whole line.
func (j *Journal) read(path string, file [32]byte) error {
	text, err := io.ReadAll(j.file)
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	end, err := j.parse(path, text, file)
	if err != nil {
		return err
	}
	if err := j.file.Truncate(int64(end)); err != nil {
		return fmt.Errorf("cut off the journal's last line: %w", err)
	}
	_, err = j.file.Seek(int64(end), io.SeekStart)
	return err
}

// parse reads the whole lines and tells where they end.
func (j *Journal) parse(path string, text []byte, file [32]byte) (end int, err error) {
	end = bytes.LastIndexByte(text, '\n') + 1
	lines := bufio.NewScanner(bytes.NewReader(text[:end]))
	lines.Buffer(nil, maxFile)
	for n := 1; lines.Scan(); n++ {
		var e Entry
		dec := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		dec.DisallowUnknownFields()
		if err := dec.Decode(&e); err != nil {
			return 0, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		if run := e.Facts.Run; run != nil && !bytes.Equal(run.File, file[:]) {
			return 0, fmt.Errorf("%s:%d: %w: its SHA-256 was %s, this one's is %x", path, n, ErrOtherFile, run.File, file)
		}
		j.entries = append(j.entries, e)
	}
	if len(j.entries) > 0 && j.entries[0].Facts.Run == nil {
		return 0, fmt.Errorf("%s:1: does not begin with the ceremony file", path)
	}
	return end, lines.Err()
}

// Append writes an entry. When it returns nil, the entry is on the disk; after an error it may be or not, and the program must end.
func (j *Journal) Append(step string, state State, facts Facts, at time.Time) error {
	e := Entry{Time: at.UTC().Truncate(time.Second), Step: step, State: state, Facts: facts}
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("encode an entry of the journal: %w", err)
	}
	_, err = j.file.Write(append(line, '\n'))
	if err := errors.Join(err, j.file.Sync()); err != nil {
		return fmt.Errorf("write the journal: %w", err)
	}
	j.entries = append(j.entries, e)
	return nil
}

// Close closes the file.
func (j *Journal) Close() error { return j.file.Close() }

// Entries lists what happened, oldest first.
func (j *Journal) Entries() []Entry { return j.entries }

// Step tells what is known of a step: the facts with which it was done, if it was, and whether it ever began.
func (j *Journal) Step(id string) (facts Facts, done, began bool) {
	for _, e := range j.entries {
		if e.Step != id {
			continue
		}
		began = began || e.State == Began
		if e.State == Done {
			facts, done = e.Facts, true
		}
	}
	return facts, done, began
}
