package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
)

// readyFile is a file that is there as long as the server serves, and holds its address. Scripts wait for it. The zero value is
// no file.
type readyFile struct{ path string }

// newReadyFile removes what a server that was killed left behind.
func newReadyFile(path string) (readyFile, error) {
	r := readyFile{path}
	return r, r.remove()
}

// write makes the file in one step, so that nobody reads half an address.
func (r readyFile) write(address net.Addr) error {
	if r.path == "" {
		return nil
	}
	next := r.path + ".new"
	if err := os.WriteFile(next, []byte(address.String()+"\n"), 0o644); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	if err := os.Rename(next, r.path); err != nil {
		return fmt.Errorf("write the ready file: %w", err)
	}
	return nil
}

func (r readyFile) remove() error {
	if r.path == "" {
		return nil
	}
	if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove the ready file: %w", err)
	}
	return nil
}
