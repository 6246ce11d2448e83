package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// rough is a batch that is disturbed.
type rough struct {
	t      *testing.T
	rig    *rig.Rig
	device *device
	server *rig.Server
	listen string // where the server comes back each time
	file   string
	out    string
	cards  *lineCount

	client *exec.Cmd
	said   *bytes.Buffer
	done   chan struct{} // closed when the client has ended
	kills  []kill
}

// kill is one time that something was killed. One that hits ends work that was under way: the client ends by the signal, and the log has
// an attempt that was abandoned for this reason before the next kill.
type kill struct {
	what   string
	reason string // of attempts that it ends; "" for the client
	at     time.Time
	hit    bool
}

// disturb runs a batch to its end with kills in between, and counts the cards of the server.
func disturb(t *testing.T, r *rig.Rig, file, out string) {
	t.Helper()
	d := newDevice(t, loadToken(t, r))
	if err := os.WriteFile(filepath.Join(r.Data, "token", "uri"), []byte(d.URI(d.token)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := &rough{t: t, rig: r, device: d, listen: "127.0.0.1:" + freePort(t), file: file, out: out, cards: &lineCount{dir: out}}
	b.startServer()
	began := time.Now()
	for kill := range 3 * *batchKills {
		if b.client == nil {
			b.startClient()
		}
		b.await((kill + 1) * *batchCards / (3**batchKills + 1))
		time.Sleep(rand.N(20 * time.Millisecond))
		[]func(){b.killServer, b.killDevice, b.killClient}[kill%3]()
	}
	before := b.cards.count(t)
	runBatch(t, batch(r, b.listen, file, out), *batchCards-before, before)
	t.Logf("disturbed: %d cards in %.1f s", *batchCards, time.Since(began).Seconds())
	cards, err := listCards(t.Context(), dial(t, r, b.server, "line-1"))
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, c := range cards {
		seen[c.GetOrderId()] = true
	}
	if len(cards) != *batchCards || len(seen) != *batchCards {
		t.Errorf("the server has %d cards of %d orders, want %d", len(cards), len(seen), *batchCards)
	}
	stop(t, b.server)
	signatures, attempts := checkSignatures(t, r, d)
	t.Logf("%d cards, %d attempts, %d signatures, and no draft signed twice", len(cards), attempts, signatures)
	b.checkHits()
}

func (b *rough) startServer() {
	b.t.Helper()
	var err error
	if b.server, err = b.rig.Start("--listen", b.listen); err != nil {
		b.t.Fatal(err)
	}
}

func (b *rough) startClient() {
	b.t.Helper()
	b.client, b.done = batch(b.rig, b.listen, b.file, b.out), make(chan struct{})
	b.said = listen(b.client)
	if err := b.client.Start(); err != nil {
		b.t.Fatal(err)
	}
	go func(client *exec.Cmd, done chan struct{}) {
		_ = client.Wait() // it is killed, and says so
		close(done)
	}(b.client, b.done)
}

// killServer ends the server as a power cut would. The client waits for it and goes on.
func (b *rough) killServer() {
	b.t.Helper()
	b.note("server", "process-ended")
	if err := b.server.Kill(); err != nil {
		b.t.Fatal(err)
	}
	b.startServer()
}

// killDevice switches the device off for a moment. The server waits for it, and the client for the server.
func (b *rough) killDevice() {
	b.t.Helper()
	b.note("device", "signature-failed")
	lose(b.t, b.device, func() { time.Sleep(rand.N(400 * time.Millisecond)) })
}

func (b *rough) killClient() {
	b.t.Helper()
	k := b.note("client", "")
	if err := b.client.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		b.t.Fatal(err)
	}
	<-b.done
	status, ok := b.client.ProcessState.Sys().(syscall.WaitStatus)
	k.hit = ok && status.Signal() == syscall.SIGKILL
	b.client = nil
}

func (b *rough) note(what, reason string) *kill {
	b.kills = append(b.kills, kill{what: what, reason: reason, at: time.Now()})
	b.t.Logf("kill %d of %d, at %d cards: the %s", len(b.kills), 3**batchKills, b.cards.count(b.t), what)
	return &b.kills[len(b.kills)-1]
}

// await waits until the folder has so many cards.
func (b *rough) await(n int) {
	b.t.Helper()
	for end := time.Now().Add(5 * time.Minute); ; time.Sleep(5 * time.Millisecond) {
		have, ended := b.cards.count(b.t), false
		select {
		case <-b.done:
			ended = true
		default:
		}
		switch {
		case ended:
			b.t.Fatalf("the client ended with %d cards, before it was killed:\n%s", have, b.said)
		case have >= n:
			return
		case time.Now().After(end):
			b.t.Fatalf("%d cards after five minutes, want %d", have, n)
		}
	}
}

// checkHits reads in the log what the kills ended, and that each order has one card.
func (b *rough) checkHits() {
	b.t.Helper()
	store, err := sqlite.Open(b.t.Context(), filepath.Join(b.rig.Data, "siegel.db"))
	if err != nil {
		b.t.Fatal(err)
	}
	defer store.Close()
	entries, err := store.Entries(b.t.Context(), 0, 1<<20)
	if err != nil {
		b.t.Fatal(err)
	}
	cards, abandoned := map[string]int{}, 0
	for _, e := range entries {
		var facts struct {
			Order  string `json:"order_id"`
			Reason string
		}
		switch e.Kind {
		case tlog.CardIssued, tlog.AttemptAbandoned:
			if err := json.Unmarshal(e.Facts, &facts); err != nil {
				b.t.Fatal(err)
			}
		}
		switch e.Kind {
		case tlog.CardIssued:
			if cards[facts.Order]++; cards[facts.Order] > 1 {
				b.t.Errorf("the log has two cards of order %s", facts.Order)
			}
		case tlog.AttemptAbandoned:
			abandoned++
			b.ended(e.At, facts.Reason)
		}
	}
	if len(cards) != *batchCards {
		b.t.Errorf("the log has cards of %d orders, want %d", len(cards), *batchCards)
	}
	hits := map[string]int{}
	for _, k := range b.kills {
		if k.hit {
			hits[k.what]++
		}
	}
	b.t.Logf("kills that ended work under way: %d of the server, %d of the device, %d of the client, of %d each; %d attempts abandoned",
		hits["server"], hits["device"], hits["client"], *batchKills, abandoned)
	if len(hits) < 3 {
		b.t.Error("no kill of one of the three ended work under way")
	}
}

// ended notes that an attempt was abandoned.
func (b *rough) ended(at time.Time, reason string) {
	for i := len(b.kills) - 1; i >= 0; i-- {
		if k := &b.kills[i]; !at.Before(k.at.Truncate(time.Millisecond)) { // entries have whole milliseconds
			k.hit = k.hit || k.reason == reason
			return
		}
	}
}

// lineCount counts the whole lines of the journal in a folder as they come: one for each card that is on the disk.
type lineCount struct {
	dir   string
	read  int64 // octets, to the end of the last whole line
	lines int
}

func (c *lineCount) count(t *testing.T) int {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(c.dir, "journal-*.jsonl"))
	if err != nil || len(found) > 1 {
		t.Fatalf("journals %v, %v, want one", found, err)
	}
	if len(found) == 0 {
		return c.lines // the client has not begun
	}
	f, err := os.Open(found[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.NewSectionReader(f, c.read, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	c.read += int64(bytes.LastIndexByte(text, '\n') + 1)
	c.lines += bytes.Count(text, []byte("\n"))
	return c.lines
}
