package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// used is what a program took.
type used struct {
	wall, cpu time.Duration
	peak      int64 // octets of memory
}

// run runs the client and says what it took.
func (s site) run(ctx context.Context, args ...string) (out []byte, u used, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(s.Bin, "siegel"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	out, err = cmd.Output()
	u.wall = time.Since(began)
	if cmd.ProcessState == nil {
		return nil, u, fmt.Errorf("siegel %s: %w", strings.Join(args, " "), err)
	}
	if err != nil {
		err = fmt.Errorf("siegel %s: %w\n%.2000s", strings.Join(args, " "), err, stderr.Bytes())
	}
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = usage.Maxrss << 10
	}
	return out, u, err
}

// exportAndVerify measures an export of n entries, by a server that was just started, and its verification without signatures, since those of
// made cards are wrong.
func (c *logCmd) exportAndVerify(ctx context.Context, s *subject, n int64) (err error) {
	dir, err := os.MkdirTemp("", "siegel-bench-export-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "export")
	fmt.Fprintf(os.Stderr, "siegel-bench: %s: exporting %d entries\n", s.store, n)
	server, err := s.full.Start(s.full.flags...)
	if err != nil {
		return err
	}
	before := peakOf(server.PID())
	database := watchPrivate(s.postmaster)
	_, export, err := s.full.run(ctx, "--server", server.Addr, "--data", s.full.Data, "audit", "export", dir, "--end", strconv.FormatInt(n, 10))
	peak, backend := peakOf(server.PID()), database()
	if err := errors.Join(err, server.Stop()); err != nil {
		return err
	}
	figure := func(name, format string, value float64) {
		fmt.Printf("bench log-%s-%s "+format+"\n", s.store, fmt.Sprintf(name, n), value)
	}
	rate := func(u used) float64 { return float64(n) / u.wall.Seconds() }
	figure("export-%d-entries-per-second", "%.0f", rate(export))
	figure("export-%d-server-peak-mib", "%.0f", mib(peak))
	figure("export-%d-server-idle-mib", "%.0f", mib(before))
	if s.postmaster != 0 {
		figure("export-%d-backend-peak-mib", "%.0f", mib(backend))
	}
	figure("export-%d-client-peak-mib", "%.0f", mib(export.peak))
	fmt.Fprintf(os.Stderr, "siegel-bench: %s: verifying them\n", s.store)
	verify, err := s.verify(ctx, dir, n)
	if err != nil {
		return err
	}
	figure("verify-%d-entries-per-second", "%.0f", rate(verify))
	figure("verify-%d-cpu-us-per-entry", "%.0f", verify.cpu.Seconds()*1e6/float64(n))
	figure("verify-%d-peak-mib", "%.0f", mib(verify.peak))
	return nil
}

func mib(octets int64) float64 { return float64(octets) / (1 << 20) }

// verify verifies an export of n entries. That it finds clones among the cards is no failure of the measurement.
func (s *subject) verify(ctx context.Context, dir string, n int64) (used, error) {
	out, verify, err := s.full.run(ctx, "--json", "audit", "verify", dir, "--log-key", filepath.Join(s.full.Data, "hierarchy", "log.vkey"), "--no-signatures")
	var report struct{ Leaves, Wrong int64 }
	if err := errors.Join(json.Unmarshal(out, &report), err); report.Leaves != n || err != nil && report.Wrong == 0 {
		return verify, fmt.Errorf("%d leaves were verified, want %d: %w", report.Leaves, n, err)
	}
	if report.Wrong > 0 {
		fmt.Fprintf(os.Stderr, "siegel-bench: %s: %d things are wrong, as they are where cards are clones\n", s.store, report.Wrong)
	}
	return verify, nil
}

// peakOf is the greatest memory of a process so far, in octets; 0 where the system does not tell.
func peakOf(pid int) int64 { return statusOf(pid, "VmHWM:") }

// watchPrivate looks, until the function that it gives is called, for the greatest memory that one process of a database had for itself: what
// they share is the buffers, of which each has as much as it has seen.
func watchPrivate(postmaster int) (greatest func() int64) {
	if postmaster == 0 {
		return func() int64 { return 0 }
	}
	stop, result := make(chan struct{}), make(chan int64)
	go func() {
		var most int64
		for {
			for pid := range processesUnder(postmaster) {
				most = max(most, statusOf(pid, "RssAnon:"))
			}
			select {
			case <-stop:
				result <- most
				return
			case <-time.After(200 * time.Millisecond):
			}
		}
	}()
	return func() int64 { close(stop); return <-result }
}
