package main

import (
	"bytes"
	"context"
	"crypto/rand"
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

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// logCmd is `siegel-bench log`: export and verification of logs of growing size, and what a card costs on an empty and on a full database, with the
// real programs.
type logCmd struct {
	Cards   int64   `default:"500000" help:"Cards of the full database; each has two entries."`
	Data    string  `type:"path" placeholder:"DIR" help:"Data directory that siegel-bench fill has filled, in place of one that is made and thrown away. The measurement adds cards to it."`
	Entries []int64 `default:"100000,1000000" help:"Sizes of exports."`
	Issue   int     `default:"1000" help:"Cards to issue on the empty and on the full database."`
}

// Run measures and prints.
func (c *logCmd) Run(ctx context.Context) error {
	dir, err := os.MkdirTemp("", "siegel-bench-log-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := rig.Build(ctx, dir); err != nil {
		return err
	}
	if c.Data == "" {
		fill := &fillCmd{Cards: c.Cards, Data: filepath.Join(dir, "full"), Workers: 64}
		if err := fill.Run(ctx); err != nil {
			return err
		}
		c.Data = fill.Data
	}
	full := &rig.Rig{Bin: dir, Data: c.Data}
	for _, n := range c.Entries {
		if err := c.exportAndVerify(ctx, full, n, filepath.Join(dir, "export")); err != nil {
			return err
		}
	}
	empty, err := rig.New(ctx, dir, filepath.Join(dir, "empty"))
	if err != nil {
		return err
	}
	return c.compareCost(ctx, empty, full)
}

// used is what a program took.
type used struct {
	wall, cpu time.Duration
	peak      int64 // octets of memory
}

// run runs the client and says what it took. A finding of verify is no failure of the measurement: the signatures of made cards are wrong.
func (c *logCmd) run(ctx context.Context, r *rig.Rig, args ...string) (out []byte, u used, err error) {
	cmd := exec.CommandContext(ctx, filepath.Join(r.Bin, "siegel"), args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	began := time.Now()
	out, err = cmd.Output()
	u.wall = time.Since(began)
	if err != nil {
		return nil, u, fmt.Errorf("siegel %s: %w\n%s%s", strings.Join(args, " "), err, stderr.Bytes(), out)
	}
	u.cpu = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		u.peak = usage.Maxrss << 10
	}
	return out, u, nil
}

// exportAndVerify measures an export of n entries, by a server that was just started, and its verification.
func (c *logCmd) exportAndVerify(ctx context.Context, r *rig.Rig, n int64, dir string) error {
	fmt.Fprintf(os.Stderr, "siegel-bench: exporting %d entries\n", n)
	server, err := r.Start()
	if err != nil {
		return err
	}
	before := peakOf(server.PID())
	_, export, err := c.run(ctx, r, "--server", server.Addr, "--data", r.Data, "audit", "export", dir, "--end", strconv.FormatInt(n, 10))
	peak := peakOf(server.PID())
	if err := errors.Join(err, server.Stop()); err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	fmt.Fprintf(os.Stderr, "siegel-bench: verifying them\n")
	out, verify, err := c.run(ctx, r, "--json", "audit", "verify", dir, "--log-key", filepath.Join(r.Data, "hierarchy", "log.vkey"), "--no-signatures")
	if err != nil {
		return err
	}
	var report struct{ Leaves int64 }
	if err := json.Unmarshal(out, &report); err != nil || report.Leaves != n {
		return fmt.Errorf("%d leaves were verified, want %d: %w", report.Leaves, n, err)
	}
	rate := func(u used) float64 { return float64(n) / u.wall.Seconds() }
	fmt.Printf("bench log-export-%d-entries %.0f\nbench log-export-%d-server-peak-mib %d\nbench log-export-%d-server-idle-mib %d\nbench log-export-%d-client-peak-mib %d\n",
		n, rate(export), n, peak>>20, n, before>>20, n, export.peak>>20)
	fmt.Printf("bench log-verify-%d-entries %.0f\nbench log-verify-%d-cpu-us-per-entry %.0f\nbench log-verify-%d-peak-mib %d\n",
		n, rate(verify), n, verify.cpu.Seconds()*1e6/float64(n), n, verify.peak>>20)
	return nil
}

// peakOf is the greatest memory of a process so far, in octets; 0 where the system does not tell.
func peakOf(pid int) int64 { return statusOf(pid, "VmHWM:") }

// compareCost issues cards in turn on the empty and on the full database, so that what else the machine does meets both.
func (c *logCmd) compareCost(ctx context.Context, empty, full *rig.Rig) error {
	const turns = 4
	var cost [2]time.Duration
	for turn := range 2 * turns {
		r := []*rig.Rig{empty, full}[turn%2]
		fmt.Fprintf(os.Stderr, "siegel-bench: issuing %d cards on the %s database\n", c.Issue/turns, []string{"empty", "full"}[turn%2])
		cpu, err := c.issue(ctx, r, c.Issue/turns)
		if err != nil {
			return err
		}
		cost[turn%2] += cpu
	}
	n := float64(c.Issue / turns * turns)
	fmt.Printf("bench card-cpu-ms-empty %.3f\nbench card-cpu-ms-full %.3f\nbench card-cpu-full-to-empty %.3f\n",
		cost[0].Seconds()*1e3/n, cost[1].Seconds()*1e3/n, cost[1].Seconds()/cost[0].Seconds())
	return nil
}

// issue gives the server's CPU time for n cards, its start and end apart.
func (c *logCmd) issue(ctx context.Context, r *rig.Rig, n int) (time.Duration, error) {
	orders, err := rig.NewOrders("hospital-pharmacy", rand.Reader, true)
	if err != nil {
		return 0, err
	}
	queue := make(chan *siegelv1.Order, n)
	stamp := time.Now().UnixNano()
	for i := range n {
		order := orders.Next()
		order.OrderId, order.Iccsn = fmt.Sprintf("log-%d-%d", stamp, i), fmt.Sprintf("80276002%012d", stamp/1000%1_000_000*1_000_000+int64(i))
		queue <- order
	}
	close(queue)
	server, err := r.Start()
	if err != nil {
		return 0, err
	}
	conn, err := r.Dial(server, "line-1")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	done, err := stream(ctx, siegelv1.NewIssuanceServiceClient(conn), queue, 4, time.Hour)
	if err := errors.Join(err, server.Stop()); err != nil {
		return 0, err
	}
	if done.cards != n {
		return 0, fmt.Errorf("%d cards of %d orders were made", done.cards, n)
	}
	return done.cpu.server, nil
}
