package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// twoPeople writes a configuration in which operators open key sessions.
func twoPeople(t *testing.T, r *rig.Rig) (path string) {
	t.Helper()
	path = filepath.Join(r.Data, "siegeld.yaml")
	if err := os.WriteFile(path, []byte("data: .\nkey_session: {opened_by: operators}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// signingIssuers names the issuers whose keys sign.
func signingIssuers(t *testing.T, r *rig.Rig, s *rig.Server) (names []string) {
	t.Helper()
	conn, err := r.Dial(s, "ca-operator-1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	answer, err := siegelv1.NewAuthorityServiceClient(conn).ListIssuers(t.Context(), &siegelv1.ListIssuersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range answer.GetIssuers() {
		if len(i.GetProfiles()) > 0 {
			names = append(names, i.GetName())
		}
	}
	return names
}

// command runs siegel and wants its exit code.
func command(t *testing.T, r *rig.Rig, s *rig.Server, operator string, code int, args ...string) string {
	t.Helper()
	out, err := siegel(r, s, operator, args...).CombinedOutput()
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		t.Fatal(err)
	}
	if got != code {
		t.Errorf("siegel %s as %s: exit code %d, want %d\n%s", strings.Join(args, " "), operator, got, code, out)
	}
	return string(out)
}

// actRequest is what siegel --json prints of a request.
type actRequest struct {
	ID     string
	State  string
	SHA256 []byte `json:"parameters_sha256"`
}

// askForSession asks as ca-operator-1.
func askForSession(t *testing.T, r *rig.Rig, s *rig.Server, signatures int, issuers ...string) (a actRequest) {
	t.Helper()
	args := []string{"session", "open", "--signatures", strconv.Itoa(signatures), "--for", "1h", "--reason", "night batch", "--json"}
	for _, name := range issuers {
		args = append(args, "--issuer", name)
	}
	out := command(t, r, s, "ca-operator-1", 0, args...)
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return a
}

func (a actRequest) hash() string { return fmt.Sprintf("%x", a.SHA256) }

// TestTwoPeopleOpenAKey: the real server signs nothing before two people have opened a session with the real client, and a session that ends by
// count in the middle of a batch leaves the orders that it did not reach untouched.
func TestTwoPeopleOpenAKey(t *testing.T) {
	r := newRig(t)
	server, err := r.Start("--config", twoPeople(t, r))
	if err != nil {
		t.Fatal(err)
	}
	defer stop(t, server)
	client := dial(t, r, server, "line-1")
	orders := makeOrders(t, 12)
	if _, err := issue(t.Context(), client, orders[0]); status.Code(err) != codes.FailedPrecondition || !strings.Contains(err.Error(), "siegel session open --issuer") {
		t.Fatalf("before a session is open: %v, want FAILED_PRECONDITION that says how to open one", err)
	}
	if out := command(t, r, server, "ca-operator-1", 0, "session", "list"); strings.Contains(out, "open") {
		t.Errorf("a session is listed:\n%s", out)
	}

	issuers := signingIssuers(t, r, server)
	asked := askForSession(t, r, server, 20, issuers...)
	if out := command(t, r, server, "ca-operator-2", 0, "approvals", "show", asked.ID); !strings.Contains(out, asked.hash()) || !strings.Contains(out, issuers[0]) {
		t.Errorf("siegel approvals show does not say what would be done:\n%s", out)
	}
	command(t, r, server, "ca-operator-1", 4, "approve", asked.ID, "--sha256", asked.hash())
	command(t, r, server, "auditor-1", 4, "approve", asked.ID, "--sha256", asked.hash())
	command(t, r, server, "ca-operator-2", 1, "approve", asked.ID, "--sha256", strings.Repeat("00", 32))
	command(t, r, server, "ca-operator-2", 2, "approve", asked.ID) // there is nobody to ask
	for range 2 {
		if out := command(t, r, server, "ca-operator-2", 0, "approve", asked.ID, "--sha256", asked.hash()); !strings.Contains(out, "used: open a key session") {
			t.Errorf("siegel approve says:\n%s", out)
		}
	}

	var made, refused atomic.Int32
	var wg sync.WaitGroup
	for _, order := range orders {
		wg.Go(func() {
			switch _, err := issue(t.Context(), client, order); status.Code(err) {
			case codes.OK:
				made.Add(1)
			case codes.FailedPrecondition:
				refused.Add(1)
			default:
				t.Errorf("order %s: %v", order.GetOrderId(), err)
			}
		})
	}
	wg.Wait()
	if made.Load() != 6 || refused.Load() != 6 {
		t.Errorf("%d orders were fulfilled and %d refused; a session of 20 signatures, three for an order, makes 6", made.Load(), refused.Load())
	}
	if out := command(t, r, server, "ca-operator-1", 0, "session", "list"); !strings.Contains(out, "closed: count") {
		t.Errorf("no session ended by count:\n%s", out)
	}
	removeOperator(t, r, server, "ca-operator-2")
	command(t, r, server, "ca-operator-2", 4, "approvals")
}

// removeOperator takes an operator out of the file and has the server read it again.
func removeOperator(t *testing.T, r *rig.Rig, s *rig.Server, name string) {
	t.Helper()
	path := filepath.Join(r.Data, "operators.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "- name: ")
	kept := blocks[:1]
	for _, b := range blocks[1:] {
		if !strings.HasPrefix(b, name+"\n") {
			kept = append(kept, b)
		}
	}
	if len(kept) != len(blocks)-1 {
		t.Fatalf("the operator file names %s %d times", name, len(blocks)-len(kept))
	}
	if err := os.WriteFile(path, []byte(strings.TrimRight(strings.Join(kept, "- name: "), " ")), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	time.Sleep(300 * time.Millisecond)
}

// TestKillWhileOpening kills the server with SIGKILL at some moment of an approval, starts it again and approves again, several times. Each
// approval is used once and opens one session.
func TestKillWhileOpening(t *testing.T) {
	const rounds = 4
	r := newRig(t)
	config := twoPeople(t, r)
	source := rand.New(rand.NewPCG(1, 2))
	approvals := map[string]bool{}
	for range rounds {
		server, err := r.Start("--config", config)
		if err != nil {
			t.Fatal(err)
		}
		asked := askForSession(t, r, server, 100, signingIssuers(t, r, server)[0])
		approvals[asked.ID] = true
		approve := siegel(r, server, "ca-operator-2", "--timeout", "2s", "approve", asked.ID, "--sha256", asked.hash())
		if err := approve.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(source.IntN(60)) * time.Millisecond)
		if err := server.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = approve.Wait() // it fails where the server was faster to die
		if server, err = r.Start("--config", config); err != nil {
			t.Fatal(err)
		}
		command(t, r, server, "ca-operator-2", 0, "approve", asked.ID, "--sha256", asked.hash())
		stop(t, server)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(r.Data, "siegel.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	entries, err := store.Entries(t.Context(), 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	used, opened := map[string]int{}, map[string]int{}
	for _, e := range entries {
		facts, err := e.ReadFacts()
		if err != nil {
			t.Fatal(err)
		}
		switch f := facts.(type) {
		case *tlog.ApprovalEndFacts:
			used[f.Approval]++
		case *tlog.SessionFacts:
			opened[f.Approval]++
		}
	}
	for id := range approvals {
		if used[id] != 1 || opened[id] != 1 {
			t.Errorf("approval %s was used %d times and opened %d sessions, want once and one", id, used[id], opened[id])
		}
	}
}
