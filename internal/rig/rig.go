// Package rig runs the real programs for end-to-end tests and benchmarks: it builds them, performs the ceremony of a test
// hierarchy on a throwaway token, starts siegeld, and speaks to it as an operator would, over mTLS on loopback. Nothing in it
// is simulated; what it adds is orders with fresh keys.
package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// startTimeout is how long siegeld may take to serve, endTimeout how long to end in order.
const (
	startTimeout = 30 * time.Second
	endTimeout   = 30 * time.Second
)

// Rig is a data directory with a test hierarchy and the programs to use it.
type Rig struct {
	Bin  string // directory of the programs
	Data string // data directory
}

// Build builds the programs into dir. It must run below the module's directory.
func Build(ctx context.Context, dir string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-o", dir+string(os.PathSeparator),
		"github.com/siegel-pki/siegel/cmd/siegeld", "github.com/siegel-pki/siegel/cmd/siegel", "github.com/siegel-pki/siegel/cmd/siegel-ceremony")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return nil
}

// New performs the ceremony of a test hierarchy in data with the programs in bin.
func New(ctx context.Context, bin, data string) (*Rig, error) {
	r := &Rig{Bin: bin, Data: data}
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "siegel-ceremony"), "test-hierarchy", "--data", data)
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("perform the ceremony: %w\n%s", err, out)
	}
	return r, nil
}

// Server is a running siegeld.
type Server struct {
	Addr                 string // for gRPC
	HTTP, Tiles, Metrics string // for HTTP; "" where it is off
	cmd                  *exec.Cmd
	log                  *bytes.Buffer // standard error; to be read after the end only
	done                 chan error
}

// free is an address with a port that the system chooses.
const free = "127.0.0.1:0"

// Start starts siegeld on free ports and waits until it serves. flags are added to its command line.
func (r *Rig) Start(flags ...string) (*Server, error) {
	ready, addresses := filepath.Join(r.Data, "ready"), filepath.Join(r.Data, "addresses")
	args := append([]string{"serve", "--data", r.Data, "--listen", free, "--http-listen", free, "--tiles-listen", free, "--metrics-listen", free,
		"--ready-file", ready, "--addresses-file", addresses}, flags...)
	return r.start(args, ready, addresses)
}

// StartResponder starts siegeld ocsp on free ports and waits until it answers. flags are added to its command line.
func (r *Rig) StartResponder(flags ...string) (*Server, error) {
	addresses := filepath.Join(r.Data, "responder-addresses")
	args := append([]string{"ocsp", "--data", r.Data, "--http-listen", free, "--metrics-listen", free, "--addresses-file", addresses}, flags...)
	return r.start(args, addresses, addresses)
}

// start runs siegeld until the file ready is there.
func (r *Rig) start(args []string, ready, addresses string) (*Server, error) {
	s := &Server{cmd: exec.Command(filepath.Join(r.Bin, "siegeld"), args...), log: new(bytes.Buffer), done: make(chan error, 1)}
	s.cmd.Stderr = s.log
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("remove an old ready file: %w", err)
	}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start siegeld: %w", err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		select {
		case err := <-s.done:
			return nil, fmt.Errorf("siegeld ended at its start: %w\n%s", err, s.log)
		default:
		}
		if _, err := os.Stat(ready); err == nil {
			if err := s.readAddresses(addresses); err != nil {
				return nil, errors.Join(err, s.Kill())
			}
			return s, nil
		}
	}
	return nil, errors.Join(fmt.Errorf("siegeld does not serve after %s", startTimeout), s.Kill())
}

// readAddresses reads the file that siegeld has written before it was ready.
func (s *Server) readAddresses(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("read where siegeld serves: %w", err)
	}
	var at struct{ GRPC, HTTP, Tiles, Metrics string }
	if err := json.Unmarshal(text, &at); err != nil {
		return fmt.Errorf("read where siegeld serves: %w", err)
	}
	s.Addr, s.HTTP, s.Tiles, s.Metrics = at.GRPC, at.HTTP, at.Tiles, at.Metrics
	return nil
}

// Kill ends siegeld with SIGKILL, as a power cut would.
func (s *Server) Kill() error {
	if err := s.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill siegeld: %w", err)
	}
	<-s.done
	return nil
}

// Signal sends siegeld a signal.
func (s *Server) Signal(sig os.Signal) error {
	if err := s.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("send siegeld %v: %w", sig, err)
	}
	return nil
}

// Stop ends siegeld in order. Its log is in the error if that fails.
func (s *Server) Stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop siegeld: %w", err)
	}
	select {
	case err := <-s.done:
		if err != nil {
			return fmt.Errorf("siegeld did not end in order: %w\n%s", err, s.log)
		}
		return nil
	case <-time.After(endTimeout):
		return errors.Join(fmt.Errorf("siegeld does not end after %s", endTimeout), s.Kill())
	}
}

// PID is the number of the process.
func (s *Server) PID() int { return s.cmd.Process.Pid }

// Usage is the CPU time that siegeld has used; after its end only.
func (s *Server) Usage() time.Duration {
	return s.cmd.ProcessState.UserTime() + s.cmd.ProcessState.SystemTime()
}

// Log is siegeld's log; after its end only.
func (s *Server) Log() string { return s.log.String() }

// Root finds the module's directory: the one at or above the working directory that holds go.mod. A program built with -trimpath does not
// know where its sources are.
func Root() string {
	dir, err := os.Getwd()
	for ; err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
	}
	return "."
}
