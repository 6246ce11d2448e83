package e2e

import "golang.org/x/sys/unix"

// limitFiles keeps the files of a running process from growing beyond a number of octets: every write behind it fails (EFBIG), as on a full
// disk. It needs no privilege, no file system of its own, and hurts nobody else. (A real full disk says ENOSPC. SQLite tells its
// caller of the one as of the other; that it undoes the transaction then is shown in package sqlite with its own limit.)
func limitFiles(pid int, octets uint64) error {
	return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: octets, Max: unix.RLIM_INFINITY}, nil)
}

// freeFiles undoes limitFiles.
func freeFiles(pid int) error { return limitFiles(pid, unix.RLIM_INFINITY) }

// disksFill says that limitFiles works here.
const disksFill = true
