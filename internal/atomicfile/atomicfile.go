// Package atomicfile writes files of which a reader sees the old content or the new one whole, and that are on the disk when the write returns.
package atomicfile

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Write replaces a file, or makes it, readable by everybody. When it returns nil, content and name survive a power failure. After an error the
// file is what it was, or has the new content.
func Write(path string, content []byte) (err error) {
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.new") // other programs may write the same file
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(next.Name()) // the first error says what is wrong
		}
	}()
	_, err = next.Write(content)
	if err := errors.Join(err, next.Chmod(0o644), next.Sync(), next.Close()); err != nil {
		return err
	}
	if err := os.Rename(next.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// Keep writes a file that is not there. One that is there and holds the same is good, so that what was interrupted can be done again; one that
// holds something else is an error that wraps fs.ErrExist.
func Keep(path string, content []byte) error {
	switch old, err := os.ReadFile(path); {
	case err == nil && bytes.Equal(old, content):
		return nil
	case err == nil:
		return fmt.Errorf("%s holds something else: %w", path, fs.ErrExist)
	case !errors.Is(err, fs.ErrNotExist):
		return err
	}
	return Write(path, content)
}

// syncDir makes the names in a directory durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
