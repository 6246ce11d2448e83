package hsmtest

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/siegel-pki/siegel/hsm/softhsm"
)

// Copy makes a second token in dir with the keys, the PIN, the label and the serial number of the first, as the cloning of an HSM does.
func Copy(t *softhsm.Token, dir string) (*softhsm.Token, error) {
	if err := os.CopyFS(dir, os.DirFS(t.Dir)); err != nil {
		return nil, fmt.Errorf("copy the token: %w", err)
	}
	conf := fmt.Sprintf("directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\nslots.removable = false\n",
		filepath.Join(dir, "tokens"))
	if err := os.WriteFile(filepath.Join(dir, filepath.Base(t.Conf)), []byte(conf), 0o600); err != nil {
		return nil, fmt.Errorf("copy the token: %w", err)
	}
	return softhsm.Load(dir)
}
