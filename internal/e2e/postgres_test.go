package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestTwoServersOneKilled lets two servers on one PostgreSQL issue the same 500 orders for clients who take the other server where one
// is away, some of them both at once, and kills one server in the middle. No order may fail, there must be exactly 500 cards, and every
// answer that was given for an order must be the same (promises 2, 3 and 7).
func TestTwoServersOneKilled(t *testing.T) {
	r := newRig(t)
	dsn := startPostgres(t)
	config := writeConfig(t, r, dsn)
	if s, err := r.Start("--config", config); err == nil {
		t.Error("a server started on a database without tables")
		stop(t, s)
	} else if !strings.Contains(err.Error(), "siegeld migrate") {
		t.Errorf("a server on a database without tables says %v, want that siegeld migrate is to be run", err)
	}
	siegeldMigrate(t, config, "has schema version")
	siegeldMigrate(t, config, "already")

	doomed, survivor := startOn(t, r, config), startOn(t, r, config)
	defer stop(t, survivor)
	clients := []siegelv1.IssuanceServiceClient{dial(t, r, doomed, "line-1"), dial(t, r, survivor, "line-1")}
	orders := makeOrders(t, killOrders)
	answers := issueAndKill(t, clients, doomed, orders)

	final := issueAll(t, clients[1], orders)
	for id, before := range answers {
		if string(before) != string(final[id]) {
			t.Errorf("order %s: the card changed after it was acknowledged", id)
		}
	}
	checkCards(t, clients[1], final)
	checkStore(t, dsn)
}

// issueAndKill issues every order, half of them first at one server and half at the other, every fifth at both at the same time, and
// kills the doomed server once killAfter cards are acknowledged. It gives the encoded answers by order id.
func issueAndKill(t *testing.T, clients []siegelv1.IssuanceServiceClient, doomed *rig.Server, orders []*siegelv1.Order) map[string][]byte {
	t.Helper()
	var mu sync.Mutex
	answers := map[string][]byte{}
	var next, retries atomic.Int64
	var once sync.Once
	eachOrder(orders, func(order *siegelv1.Order) {
		first := int(next.Add(1))
		callers := 1
		if first%5 == 0 {
			callers = 2
		}
		var wg sync.WaitGroup
		for caller := range callers {
			wg.Go(func() {
				answer, tries, err := issueSomewhere(t.Context(), clients, first+caller, order)
				retries.Add(int64(tries))
				if err != nil {
					t.Errorf("order %s failed: %v", order.GetOrderId(), err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				text := encode(t, answer)
				if other, ok := answers[order.GetOrderId()]; ok && string(other) != string(text) {
					t.Errorf("order %s has two answers", order.GetOrderId())
				}
				answers[order.GetOrderId()] = text
			})
		}
		wg.Wait()
		mu.Lock()
		enough := len(answers) >= killAfter
		mu.Unlock()
		if enough {
			once.Do(func() {
				if err := doomed.Kill(); err != nil {
					t.Error(err)
				}
			})
		}
	})
	t.Logf("%d orders were fulfilled, with %d retries", len(answers), retries.Load())
	if retries.Load() == 0 {
		t.Error("nothing was tried again: the kill met no order")
	}
	return answers
}

// issueSomewhere sends an order to one server after the other until one has the card, as a line does: any server gives the same.
func issueSomewhere(ctx context.Context, clients []siegelv1.IssuanceServiceClient, first int, order *siegelv1.Order) (*siegelv1.IssueCardResponse, int, error) {
	for try := 0; ; try++ {
		answer, err := issue(ctx, clients[(first+try)%len(clients)], order)
		if err == nil || status.Code(err) != codes.Unavailable || try == 200 {
			return answer, try, err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// startPostgres starts a cluster for one test.
func startPostgres(t *testing.T) (dsn string) {
	t.Helper()
	cluster, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Stop(); err != nil {
			t.Error(err)
		}
	})
	return cluster.DSN("")
}

// writeConfig writes the configuration of servers on a database.
func writeConfig(t *testing.T, r *rig.Rig, dsn string) (path string) {
	t.Helper()
	path = filepath.Join(r.Data, "siegeld.yaml")
	if err := os.WriteFile(path, fmt.Appendf(nil, "store: {postgres: %q}\n", dsn), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// siegeldMigrate runs siegeld migrate, which must say what is wanted.
func siegeldMigrate(t *testing.T, config, want string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), filepath.Join(bin, "siegeld"), "migrate", "--config", config).CombinedOutput()
	if err != nil || !strings.Contains(string(out), want) {
		t.Fatalf("siegeld migrate: %v, said %q, want %q", err, out, want)
	}
}

func startOn(t *testing.T, r *rig.Rig, config string) *rig.Server {
	t.Helper()
	s, err := r.Start("--config", config)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// checkStore sweeps over the database. Nothing may be open any more: every order came again after the kill.
func checkStore(t *testing.T, dsn string) {
	t.Helper()
	store, err := postgres.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := storetest.Check(t.Context(), store); err != nil {
		t.Error(err)
	}
	if err := storetest.CheckLog(t.Context(), store); err != nil {
		t.Error(err)
	}
	open, err := store.OpenAttempts(t.Context())
	if err != nil || len(open) > 0 {
		t.Errorf("open attempts: %+v, %v, want none", open, err)
	}
}
