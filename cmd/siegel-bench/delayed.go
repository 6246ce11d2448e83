package main

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/hsm/softhsm"
	"github.com/siegel-pki/siegel/internal/rig"
)

// The token that is bound by latency: 16 sessions, and 5 ms more for each signature, as of an HSM across a network. Its signatures are
// SoftHSM2's, so that they still take the machine's cores, which those of an HSM would not.
const (
	delay           = 5 * time.Millisecond
	delayedSessions = 16
)

//go:embed shim/delay.c
var shimSource []byte

// buildShim compiles the module that delays another one.
func buildShim(ctx context.Context, dir, module string) (string, error) {
	source, shim := filepath.Join(dir, "delay.c"), filepath.Join(dir, "delay.so")
	if err := os.WriteFile(source, shimSource, 0o600); err != nil {
		return "", fmt.Errorf("write the delaying module: %w", err)
	}
	out, err := exec.CommandContext(ctx, "gcc", "-O2", "-shared", "-fPIC", fmt.Sprintf("-DREAL=%q", module),
		fmt.Sprintf("-DDELAY_US=%d", delay.Microseconds()), "-o", shim, source, "-ldl").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("compile the delaying module: %w\n%s", err, out)
	}
	return shim, nil
}

// delayedResult is the service beside the ceiling of the delayed token.
type delayedResult struct {
	ceiling hsm.Rate
	*serviceResult
}

// delayed measures the service with the delayed token, and the token by itself through the same module.
func (c *cli) delayed(ctx context.Context, r *rig.Rig, orders *rig.Orders) (*delayedResult, error) {
	soft, err := softhsm.Load(filepath.Join(r.Data, "token"))
	if err != nil {
		return nil, fmt.Errorf("find the token: %w", err)
	}
	shim, err := buildShim(ctx, r.Bin, soft.Module)
	if err != nil {
		return nil, err
	}
	uri := strings.Replace(soft.URI(), "module-path="+strings.ReplaceAll(url.QueryEscape(soft.Module), "%2F", "/"), "module-path="+shim, 1)
	token, err := hsm.Open(ctx, hsm.Config{URI: uri, Sessions: delayedSessions}, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, fmt.Errorf("open the delayed token: %w", err)
	}
	fmt.Fprintf(os.Stderr, "siegel-bench: raw C_Sign rate with %s more for each, %d sessions, %s\n", delay, delayedSessions, c.Duration)
	mix, err := cardMix(ctx, r, token)
	if err != nil {
		return nil, err
	}
	result := &delayedResult{}
	if result.ceiling, err = token.Measure(ctx, mix, delayedSessions, c.Duration); err != nil {
		return nil, err
	}
	if err := token.Close(); err != nil {
		return nil, err
	}
	plain := *c
	plain.Workers, plain.Sweep = 4*delayedSessions, false
	lines := fmt.Sprintf("token: {uri: %q, pin_file: %q, sessions: %d}\n", uri, soft.PINFile(), delayedSessions)
	err = configured(r, lines, func(flags ...string) (err error) {
		result.serviceResult, err = plain.service(ctx, r, orders, flags...)
		return err
	})
	return result, err
}
