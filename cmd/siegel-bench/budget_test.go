package main

import (
	"math"
	"testing"

	"github.com/google/pprof/profile"
)

// TestPartOf sorts stacks, given from the innermost function outwards, as profiles of siegeld have them.
func TestPartOf(t *testing.T) {
	for _, c := range []struct {
		want  string
		stack []string
	}{
		{partSign, []string{"runtime.cgocall", ours + "hsm/internal/p11.(*Session).Sign", ours + "hsm.(*Key).Sign", ours + "ca.(*Authority).sign",
			ours + "ca.(*Authority).signAll.func1", "golang.org/x/sync/errgroup.(*Group).Go.func1", "runtime.goexit"}},
		{partVerify, []string{ours + "internal/brainpool.(*Verifier).Verify", ours + "ca.(*issuer).finish", ours + "ca.(*Authority).sign"}},
		{partVerify, []string{ours + "internal/pkix.ParseTBSCertificate", ours + "ca.(*Draft).term", ours + "ca.(*issuer).maySign", ours + "ca.(*Authority).admit"}},
		{partLint, []string{"github.com/zmap/zlint/v3.LintCertificate", ours + "internal/lint.X509", ours + "ca.(*Authority).lint", ours + "ca.(*Authority).plan"}},
		{partDraft, []string{ours + "internal/pkix.MarshalPublicKey", ours + "ca.newDraft", ours + "ca.(*Authority).plan", ours + "internal/rpc.(*line).issue"}},
		{partStore, []string{"modernc.org/sqlite/lib.Xsqlite3_step", ours + "internal/store/sqlite.(*writer).run"}},
		{partStore, []string{"internal/poll.(*FD).Read", "net.(*conn).Read", "github.com/jackc/pgx/v5/pgconn.(*PgConn).peekMessage"}},
		{partLog, []string{"crypto/sha256.block", ours + "internal/tlog.Entry.Leaf", ours + "internal/store/sqlite.insertEntry"}},
		{partLog, []string{"runtime.cgocall", ours + "hsm.(*Key).Sign", ours + "ca.signHead", ours + "ca.(*Sequencer).Run"}},
		{partWire, []string{"crypto/tls.(*Conn).Write", "google.golang.org/grpc/internal/transport.(*loopyWriter).run"}},
		{partWire, []string{"encoding/json.Marshal", ours + "internal/rpc.toProto"}},
		{partGC, []string{"runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}},
		{partGC, []string{"runtime.gcDrainN", "runtime.gcAssistAlloc", "runtime.mallocgc", ours + "ca.newDraft"}},
		{partRest, []string{"runtime.futex", "runtime.findRunnable", "runtime.schedule", "runtime.mcall"}},
		{partRest, nil},
	} {
		if got := partOf(c.stack); got != c.want {
			t.Errorf("part of %q = %s, want %s", c.stack, got, c.want)
		}
	}
}

// TestBudgetOf adds up a profile whose function was inlined.
func TestBudgetOf(t *testing.T) {
	location := func(functions ...string) *profile.Location {
		l := &profile.Location{}
		for _, name := range functions {
			l.Line = append(l.Line, profile.Line{Function: &profile.Function{Name: name}})
		}
		return l
	}
	p := &profile.Profile{
		SampleType: []*profile.ValueType{{Type: "samples", Unit: "count"}, {Type: "cpu", Unit: "nanoseconds"}},
		Sample: []*profile.Sample{
			{Value: []int64{1, 30}, Location: []*profile.Location{location("runtime.memmove", ours+"hsm.(*Key).Sign"), location(ours + "ca.(*Authority).sign")}},
			{Value: []int64{9, 10}, Location: []*profile.Location{location("runtime.schedule")}},
		},
	}
	b, err := budgetOf(p)
	if err != nil || len(b) != 2 || math.Abs(b[partSign]-0.75) > 1e-9 || math.Abs(b[partRest]-0.25) > 1e-9 {
		t.Errorf("budget %v, %v, want 0.75 to sign and the rest", b, err)
	}
	p.SampleType = p.SampleType[:1]
	if _, err := budgetOf(p); err == nil {
		t.Error("a profile without processor time was taken")
	}
}
