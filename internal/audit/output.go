package audit

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
)

// output is a file that grows.
type output struct {
	file *os.File
	buf  *bufio.Writer
	size int64
}

// modeOf keeps personal data from others on the machine.
func modeOf(name string) fs.FileMode {
	if name == PersonalFile {
		return 0o600
	}
	return 0o644
}

func (w *Writer) writeJSON(name string, v any) error {
	line, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode a line of %s: %w", name, err)
	}
	return w.write(name, append(line, '\n'))
}

func (w *Writer) write(name string, octets []byte) error {
	o, err := w.output(name)
	if err != nil {
		return err
	}
	n, err := o.buf.Write(octets)
	o.size += int64(n)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}

// output opens a file that grows.
func (w *Writer) output(name string) (*output, error) {
	if o := w.out[name]; o != nil {
		return o, nil
	}
	f, err := os.OpenFile(w.path(name), os.O_WRONLY|os.O_CREATE|os.O_APPEND, modeOf(name))
	if err != nil {
		return nil, fmt.Errorf("open a file of the export: %w", err)
	}
	o := &output{file: f, buf: bufio.NewWriterSize(f, 256<<10), size: w.state.Sizes[name]}
	w.out[name] = o
	return o, nil
}

// save puts all that was written on the disk, and then the state.
func (w *Writer) save() error {
	for name, o := range w.out {
		if err := errors.Join(o.buf.Flush(), o.file.Sync()); err != nil {
			return fmt.Errorf("write %s to the disk: %w", name, err)
		}
		w.state.Sizes[name] = o.size
	}
	text, err := json.Marshal(w.state)
	if err != nil {
		return err
	}
	w.saved = time.Now()
	return w.writeFile(resumeFile, text)
}

// writeFile writes a file in one step: it is there as a whole or not at all.
func (w *Writer) writeFile(name string, octets []byte) error {
	next := w.path(name) + ".part"
	f, err := os.Create(next)
	if err != nil {
		return fmt.Errorf("write a file of the export: %w", err)
	}
	_, err = f.Write(octets)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(next, w.path(name)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
