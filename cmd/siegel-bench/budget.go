package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/google/pprof/profile"
)

// The parts of a certificate's way through the server, as the budget names them.
const (
	partWire   = "wire"
	partDraft  = "draft"
	partLint   = "lint"
	partSign   = "sign"
	partVerify = "verify"
	partStore  = "store"
	partLog    = "log"
	partGC     = "garbage-collection"
	partRest   = "rest"
)

// budgetParts are the parts in the order of the way, with what is counted to each.
var budgetParts = []struct{ name, what string }{
	{partWire, "TLS, gRPC, protobuf, the order's shape, the queue, lines of the server's log"},
	{partDraft, "plan and drafts, with the checks of the keys; the order's hash"},
	{partLint, "own rules and zlint"},
	{partSign, "the token's module: C_SignInit, C_Sign"},
	{partVerify, "the door: what may be signed, what came back"},
	{partStore, "all verbs of the store but those of the log, in the server"},
	{partLog, "entries, tree, checkpoints"},
	{partGC, "marking, sweeping, scavenging"},
	{partRest, "the scheduler, timers, system calls of the runtime"},
}

const (
	ours = "github.com/siegel-pki/siegel/"
	door = ours + "ca.(*Authority)."
)

// collector are functions of the garbage collector. Their time belongs to nobody's stage, though a stage may be made to help.
var collector = []string{"runtime.gcBgMarkWorker", "runtime.gcAssistAlloc", "runtime.bgsweep", "runtime.bgscavenge", "runtime.gcDrain",
	"runtime.deductSweepCredit", "runtime.gcStart", "runtime.gcMark"}

// stages tell by its functions what a stack works at. The innermost function that one of them names decides; functions that several stages
// call, such as those of pkix and brainpool, are named by none.
var stages = []struct {
	part     string
	prefixes []string
}{
	{partSign, []string{ours + "hsm.", ours + "hsm/internal/p11."}},
	{partLint, []string{door + "lint", ours + "internal/lint."}},
	{partDraft, []string{door + "plan", door + "prepare", ours + "ca.newRequest", ours + "ca.newDraft", ours + "ca.orderHash", ours + "profiles."}},
	{partVerify, []string{door + "sign", door + "admit", ours + "ca.(*issuer)."}},
	{partLog, []string{ours + "internal/tlog.", ours + "ca.intentEntry", ours + "ca.cardEntry", ours + "internal/store/sqlite.(*Store).Integrate",
		ours + "internal/store/postgres.(*Store).Integrate"}},
	{partStore, []string{ours + "internal/store/", "modernc.org/", "database/sql.", "github.com/jackc/"}},
}

// sequencers are functions whose whole time is the log's, whatever they call.
var sequencers = []string{ours + "ca.(*Sequencer)."}

// wires are what a stack of no stage is the wire's by.
var wires = []string{ours + "internal/rpc.", ours + "proto/", "google.golang.org/", "buf.build/", "cel.dev/", "github.com/google/cel-go/", "crypto/tls.",
	"log/slog.", "net/http.", "internal/poll."}

// partOf says which part a stack belongs to, given from the innermost function outwards.
func partOf(stack []string) string {
	switch {
	case anyOf(stack, collector):
		return partGC
	case anyOf(stack, sequencers):
		return partLog
	}
	for _, function := range stack {
		for _, s := range stages {
			if begins(function, s.prefixes) {
				return s.part
			}
		}
	}
	if anyOf(stack, wires) {
		return partWire
	}
	return partRest
}

func anyOf(stack, prefixes []string) bool {
	for _, function := range stack {
		if begins(function, prefixes) {
			return true
		}
	}
	return false
}

func begins(function string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(function, p) {
			return true
		}
	}
	return false
}

// budget is which share of the server's processor time each part has.
type budget map[string]float64

// budgetOf sorts the samples of a processor profile.
func budgetOf(p *profile.Profile) (budget, error) {
	at := -1
	for i, t := range p.SampleType {
		if t.Type == "cpu" {
			at = i
		}
	}
	if at < 0 {
		return nil, fmt.Errorf("the profile has no processor time, only %d other types", len(p.SampleType))
	}
	b, total := budget{}, 0.0
	for _, s := range p.Sample {
		var stack []string
		for _, l := range s.Location {
			for _, line := range l.Line { // functions that were inlined come first
				if line.Function != nil {
					stack = append(stack, line.Function.Name)
				}
			}
		}
		b[partOf(stack)] += float64(s.Value[at])
		total += float64(s.Value[at])
	}
	for part := range b {
		b[part] /= total
	}
	for _, part := range budgetParts {
		if b[part.name] == 0 {
			fmt.Fprintf(os.Stderr, "siegel-bench: no sample belongs to %s: the measurement was too short, or its functions have other names now\n", part.name)
		}
	}
	return b, nil
}

// perCertificate is the processor time of a part for one certificate of the load, in microseconds.
func (b budget) perCertificate(part string, l *load) float64 {
	return b[part] * l.perCertificate(l.cpu.server)
}

// longestProfile is below the time that siegeld has for an answer.
const longestProfile = 25 * time.Second

// takeProfile has siegeld watch itself for so long. It must have metrics.profiles.
func takeProfile(ctx context.Context, address string, d time.Duration) (*profile.Profile, error) {
	seconds := max(1, int(min(d, longestProfile).Seconds()))
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%d", address, seconds), nil)
	if err != nil {
		return nil, fmt.Errorf("ask for a profile: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask for a profile: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 200)) // only for the message
		return nil, fmt.Errorf("ask for a profile: %s: %s", resp.Status, text)
	}
	p, err := profile.Parse(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read a profile: %w", err)
	}
	return p, nil
}
