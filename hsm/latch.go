package hsm

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// latch keeps notes of refused PINs in a directory, one file per token. A server that is started again and again with a wrong
// PIN would lock the token; so a person must remove the file. It says nothing about the PIN.
type latch struct{ dir string }

// path is the note of a token. Label and serial may hold any octets.
func (l latch) path(label, serial string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d:%s%s", len(label), label, serial))
	return filepath.Join(l.dir, fmt.Sprintf("pin-refused-%x", sum[:4]))
}

// Barred is part of p11.Latch.
func (l latch) Barred(label, serial string) error {
	path := l.path(label, serial)
	switch _, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look for the note of a refused PIN: %w", err)
	}
	return fmt.Errorf("it was refused before; mend the PIN, then remove %s", path)
}

// Refused is part of p11.Latch.
func (l latch) Refused(label, serial string, cause error) (err error) {
	f, err := os.OpenFile(l.path(label, serial), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, `Token %q, serial %q, refused the PIN at %s: %v
As long as this file is here, no PIN is sent to the token: after a few wrong ones it locks itself.
Mend the PIN in the configuration, or reset it in the token; then remove this file and start the server again.
`, label, serial, time.Now().UTC().Format(time.RFC3339), cause)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	dir, err := os.Open(l.dir)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
