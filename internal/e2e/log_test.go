package e2e

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// The story of this file: cards come with their place in the log; the log outlives restarts, SIGKILL and the death of the server that
// keeps it; and a database from yesterday is found out. Checkpoints are opened with golang.org/x/mod/sumdb/note, which shares no code with
// the server's log.

// auditor opens checkpoints with the public key that the ceremony left.
type auditor struct {
	verifier note.Verifier
	last     int64 // leaves of the newest checkpoint seen
}

func newAuditor(t *testing.T, r *rig.Rig) *auditor {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(r.Data, "hierarchy", "log.vkey"))
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(key)))
	if err != nil {
		t.Fatal(err)
	}
	return &auditor{verifier: v}
}

// open gives the number of leaves of a checkpoint, which must be of the log and never be smaller than one seen before.
func (a *auditor) open(t *testing.T, checkpoint string) int64 {
	t.Helper()
	n, err := note.Open([]byte(checkpoint), note.VerifierList(a.verifier))
	if err != nil {
		t.Fatalf("open %q: %v", checkpoint, err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[0] != a.verifier.Name() {
		t.Fatalf("the checkpoint says %q, want three lines, of %s", n.Text, a.verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < a.last {
		t.Fatalf("the checkpoint is of %q leaves, %v, after one of %d", lines[1], err, a.last)
	}
	a.last = size
	return size
}

// issueIncluded issues a card and has the auditor look at its place in the log. It gives the place.
func (a *auditor) issueIncluded(t *testing.T, client siegelv1.IssuanceServiceClient, order *siegelv1.Order) int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer, err := client.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: order, WaitForInclusion: true})
	if err != nil {
		t.Fatal(err)
	}
	if answer.GetInclusion() == nil {
		t.Fatal("the answer does not say where the card stands in the log")
	}
	leaf := answer.GetInclusion().GetLeafIndex()
	if size := a.open(t, answer.GetInclusion().GetCheckpoint()); leaf < 0 || leaf >= size {
		t.Errorf("the card is leaf %d of %d", leaf, size)
	}
	return leaf
}

func TestLog(t *testing.T) {
	r := newRig(t)
	a, orders := newAuditor(t, r), makeOrders(t, 30)
	server := start(t, r)
	client := dial(t, r, server, "line-1")
	places := map[int64]bool{}
	for _, order := range orders[:3] {
		places[a.issueIncluded(t, client, order)] = true
	}
	if again := a.issueIncluded(t, client, orders[0]); len(places) != 3 || !places[again] {
		t.Errorf("three cards have places %v, and one of them %d when it is asked for again", places, again)
	}
	stop(t, server)
	yesterday := readData(t, r, "siegel.db")

	server = start(t, r)
	client = dial(t, r, server, "line-1")
	a.issueIncluded(t, client, orders[3])
	eachOrder(orders[4:20], func(order *siegelv1.Order) { issue(t.Context(), client, order) })
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	a.open(t, string(readData(t, r, "checkpoint")))

	server = start(t, r)
	client = dial(t, r, server, "line-1")
	eachOrder(orders[4:20], func(order *siegelv1.Order) {
		if _, err := issue(t.Context(), client, order); err != nil {
			t.Error(err)
		}
	})
	a.issueIncluded(t, client, orders[20])
	stop(t, server)
	checkLog(t, r)

	restoreYesterday(t, r, yesterday)
}

// restoreYesterday puts an older database in place. The server must not start, say what to do, and change nothing.
func restoreYesterday(t *testing.T, r *rig.Rig, yesterday []byte) {
	t.Helper()
	before, today := readData(t, r, "checkpoint"), readData(t, r, "siegel.db")
	writeDatabase(t, r, yesterday)
	if server, err := r.Start(); err == nil {
		stop(t, server)
		t.Fatal("the server starts on an older database")
	} else if text := err.Error(); !strings.Contains(text, "exit status 2") || !strings.Contains(text, "Restore a newer backup") {
		t.Errorf("the server says %s, want exit code 2 and what to do", text)
	}
	if after := readData(t, r, "checkpoint"); !bytes.Equal(after, before) {
		t.Errorf("the saved checkpoint is %q, before it was %q", after, before)
	}
	writeDatabase(t, r, today)
	stop(t, start(t, r))
}

func readData(t *testing.T, r *rig.Rig, name string) []byte {
	t.Helper()
	octets, err := os.ReadFile(filepath.Join(r.Data, name))
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// writeDatabase replaces the database of a server that is not running.
func writeDatabase(t *testing.T, r *rig.Rig, octets []byte) {
	t.Helper()
	path := filepath.Join(r.Data, "siegel.db")
	for _, suffix := range []string{"-wal", "-shm"} {
		if err := os.Remove(path + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(path, octets, 0o600); err != nil {
		t.Fatal(err)
	}
}

// checkLog derives the tree anew from the database of a server that is not running.
func checkLog(t *testing.T, r *rig.Rig) {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(r.Data, "siegel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := storetest.CheckLog(t.Context(), store); err != nil {
		t.Error(err)
	}
}

// TestLogOutlivesItsServer kills, of two servers on one database, the one that numbers entries. The other one goes on with the same log.
func TestLogOutlivesItsServer(t *testing.T) {
	r := newRig(t)
	dsn := startPostgres(t)
	config := writeConfig(t, r, dsn)
	siegeldMigrate(t, config, "has schema version")
	a, orders := newAuditor(t, r), makeOrders(t, 8)
	first := startOn(t, r, config) // alone, so that it leads
	a.issueIncluded(t, dial(t, r, first, "line-1"), orders[0])
	second := startOn(t, r, config)
	client := dial(t, r, second, "line-1")
	for _, order := range orders[1:4] {
		a.issueIncluded(t, client, order)
	}
	if err := first.Kill(); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	a.issueIncluded(t, client, orders[4])
	took := time.Since(killed)
	t.Logf("a card issued after the kill was in the log after %s", took.Round(time.Millisecond))
	if took > 2*time.Second+cardTime {
		t.Errorf("the other server went on with the log after %s, want 2 s", took)
	}
	a.issueIncluded(t, client, orders[5])
	exportAndVerify(t, r, second)
	stop(t, second)
	checkStore(t, dsn)
}

// cardTime is what the card itself may take on a machine that is busy.
const cardTime = 3 * time.Second
