package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// readyFiles are files that are there as long as the server serves, for scripts that wait for it. The zero value is none.
type readyFiles struct {
	ready     string // holds the address for gRPC, in one line
	addresses string // holds all addresses, in JSON; it is there before the other
}

// newReadyFiles removes what a server that was killed left behind.
func newReadyFiles(ready, addresses string) (readyFiles, error) {
	r := readyFiles{ready, addresses}
	return r, r.remove()
}

// write makes the files.
func (r readyFiles) write(at addresses) error {
	all, err := json.Marshal(at)
	if err != nil {
		return fmt.Errorf("encode the addresses: %w", err)
	}
	if err := replace(r.addresses, append(all, '\n')); err != nil {
		return err
	}
	return replace(r.ready, []byte(at.GRPC+"\n"))
}

// replace makes a file in one step, so that nobody reads half an address.
func replace(path string, text []byte) error {
	if path == "" {
		return nil
	}
	next := path + ".new"
	if err := os.WriteFile(next, text, 0o644); err != nil {
		return fmt.Errorf("write a ready file: %w", err)
	}
	if err := os.Rename(next, path); err != nil {
		return fmt.Errorf("write a ready file: %w", err)
	}
	return nil
}

func (r readyFiles) remove() error {
	var errs []error
	for _, path := range []string{r.ready, r.addresses} {
		if path == "" {
			continue
		}
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, fmt.Errorf("remove a ready file: %w", err))
		}
	}
	return errors.Join(errs...)
}
