package e2e

import "golang.org/x/sys/unix"

// limitFiles keeps the files of a running process from growing: every write behind so many octets fails (EFBIG), in the middle of what it
// writes, as on a full disk. It needs no privilege and no file system of its own, and hurts nobody else. A disk that is really full says
// ENOSPC, which SQLite passes on by another name (SQLITE_FULL, not SQLITE_IOERR_WRITE); that a transaction is undone then is shown in
// package sqlite, with SQLite's own limit.
func limitFiles(pid int, octets uint64) error {
	return unix.Prlimit(pid, unix.RLIMIT_FSIZE, &unix.Rlimit{Cur: octets, Max: unix.RLIM_INFINITY}, nil)
}

// freeFiles undoes limitFiles.
func freeFiles(pid int) error { return limitFiles(pid, unix.RLIM_INFINITY) }

// disksFill says that limitFiles works here.
const disksFill = true
