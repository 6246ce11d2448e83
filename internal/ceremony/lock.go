package ceremony

import (
	"fmt"
	"os"
	"syscall"
)

// lock keeps a second program out as long as the file is open.
func lock(f *os.File) error {
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("lock the journal: another ceremony is running in this folder: %w", err)
	}
	return nil
}
