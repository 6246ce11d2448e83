package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestLogIsNotFarBehind measures, from outside and under load, the time from the moment at which a line has a card to the moment at which
// anybody can read a checkpoint over HTTP that covers the card's entry. It should be 100 ms; what a busy machine adds is tolerated, a log
// that stands still is not.
func TestLogIsNotFarBehind(t *testing.T) {
	r := newRig(t)
	server := start(t, r)
	defer stop(t, server)
	client := dial(t, r, server, "line-1")
	m := &monitor{t, "http://" + server.Tiles, newAuditor(t, r).verifier}

	watching, end := context.WithCancel(t.Context())
	var sizes []sighting
	var watcher sync.WaitGroup
	watcher.Go(func() { sizes = m.watch(watching) })
	acknowledged := map[string]time.Time{}
	var mu sync.Mutex
	eachOrder(makeOrders(t, 300), func(order *siegelv1.Order) {
		if _, err := issue(t.Context(), client, order); err != nil {
			t.Error(err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		acknowledged[order.GetOrderId()] = time.Now()
	})
	time.Sleep(time.Second) // for the last of them
	end()
	watcher.Wait()

	tree, _ := m.checkpoint()
	behind := m.behind(m.leaves(tree.N), acknowledged, sizes)
	if len(behind) != len(acknowledged) {
		t.Fatalf("of %d acknowledged cards, checkpoints cover %d a second later", len(acknowledged), len(behind))
	}
	p50, p99, most := behind[len(behind)/2], behind[len(behind)*99/100], behind[len(behind)-1]
	t.Logf("%d cards under load were under a checkpoint %s after their acknowledgement (p50), %s (p99), %s (the last)", len(behind), p50, p99, most)
	if p50 > 500*time.Millisecond {
		t.Errorf("half of the cards came into the log later than %s, want 100 ms and patience for a busy machine", p50)
	}
}

// sighting is the first moment at which a checkpoint of so many leaves was seen.
type sighting struct {
	at   time.Time
	size int64
}

// watch reads the checkpoint again and again until ctx ends.
func (m *monitor) watch(ctx context.Context) []sighting {
	client := &http.Client{Timeout: time.Second}
	defer client.CloseIdleConnections()
	var seen []sighting
	last := ""
	for ctx.Err() == nil {
		signed := readCheckpoint(ctx, client, m.url[len("http://"):])
		now := time.Now()
		if signed != last && signed != "" {
			if n, err := note.Open([]byte(signed), note.VerifierList(m.verifier)); err == nil {
				seen, last = append(seen, sighting{now, sizeOf(n.Text)}), signed
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	return seen
}

// behind gives, sorted, how long after its acknowledgement each card was covered; zero where it was before.
func (m *monitor) behind(leaves [][]byte, acknowledged map[string]time.Time, sizes []sighting) []time.Duration {
	m.t.Helper()
	var behind []time.Duration
	for index, leaf := range leaves {
		var entry struct {
			Kind  string
			Facts struct {
				Order string `json:"order_id"`
			}
		}
		if err := json.Unmarshal(leaf, &entry); err != nil {
			m.t.Fatal(err)
		}
		at, ok := acknowledged[entry.Facts.Order]
		if entry.Kind != "card-issued" || !ok {
			continue
		}
		if i := slices.IndexFunc(sizes, func(s sighting) bool { return s.size > int64(index) }); i >= 0 {
			behind = append(behind, max(0, sizes[i].at.Sub(at)).Round(time.Millisecond))
		}
	}
	slices.Sort(behind)
	return behind
}
