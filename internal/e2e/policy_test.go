package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/internal/rig"
)

// TestPolicyWhatIf asks the programs as an operator does. Three cards are in the field, and an order waits that came when the token was away:
// what would it mean if RSA had ended earlier, or ended later?
func TestPolicyWhatIf(t *testing.T) {
	r := newRig(t)
	server := start(t, r)
	defer stop(t, server)
	client := dial(t, r, server, "line-1")
	for _, name := range []string{"hospital-pharmacy", "pharmacy", "psychotherapist"} {
		order, err := rig.SampleOrder(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := issue(t.Context(), client, order); err != nil {
			t.Fatal(err)
		}
	}
	waiting := newOrders(t, false).Next()
	tokens := filepath.Join(r.Data, "token", "tokens")
	if err := os.Rename(tokens, tokens+".away"); err != nil {
		t.Fatal(err)
	}
	if _, err := issue(t.Context(), client, waiting); status.Code(err) != codes.Unavailable {
		t.Fatalf("without the token: %v, want UNAVAILABLE", err)
	}
	if err := os.Rename(tokens+".away", tokens); err != nil {
		t.Fatal(err)
	}

	rsa := []string{"C.HCI.AUT.R2048", "C.HCI.ENC.R2048", "C.HCI.OSIG.R2048"}
	const g1 = "C.SMC.AUTR_CVC.R2048"
	for _, c := range []struct {
		name, lastDay, at string
		code              int
		refused           []string // slots of the waiting order
		newlyRefused      bool     // the waiting order, by the change alone
		outliveRSA        string
	}{
		{"earlier", "2017-12-31", "2018-06-30", 1, rsa, true, "9"},
		{"earlier, but that is long ago", "2024-12-31", "2026-11-24", 0, append(rsa, g1), false, "9"},
		{"later", "2027-12-31", "2026-11-24", 0, []string{g1}, false, "9"},
		{"after every card", "2099-12-31", "2026-11-24", 0, []string{g1}, false, "0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report, code := whatIf(t, r, server, c.lastDay, c.at)
			if code != c.code {
				t.Errorf("exit code is %d, want %d", code, c.code)
			}
			s := report.Server
			if s.WaitingOrders != "1" || s.RefusedOrders != "1" || len(s.Refused) != 1 {
				t.Fatalf("waiting orders: %+v, want one that is refused", s)
			}
			var slots []string
			for _, slot := range s.Refused[0].Slots {
				slots = append(slots, slot.Slot)
			}
			if o := s.Refused[0]; o.OrderID != waiting.GetOrderId() || o.Open || o.RefusedNow == c.newlyRefused || !sameSet(slots, c.refused) {
				t.Errorf("waiting order is %+v, want %s with %v, newly refused: %t", o, waiting.GetOrderId(), c.refused, c.newlyRefused)
			}
			for _, a := range s.Algorithms {
				if a.Name == "RSA-2048 keys in nonQES X.509 certificates" && orZero(a.Outlive) != c.outliveRSA {
					t.Errorf("%s certificates outlive the end of RSA, want %s", orZero(a.Outlive), c.outliveRSA)
				}
			}
		})
	}
	// A line may not ask.
	cmd := siegel(r, server, "line-1", "policy", "what-if", filepath.Join(rig.Root(), "profiles", "algorithms.yaml"))
	var exit *exec.ExitError
	if out, err := cmd.CombinedOutput(); !errors.As(err, &exit) || exit.ExitCode() != 4 || !bytes.Contains(out, []byte("ca-operator, system-operator, auditor")) {
		t.Errorf("a line asks: %v\n%s, want exit code 4 and the roles that may", err, out)
	}
}

// policyReport is what the test needs of `siegel policy what-if --json`.
type policyReport struct {
	Server struct {
		WaitingOrders string `json:"waiting_orders"`
		RefusedOrders string `json:"refused_orders"`
		Refused       []struct {
			OrderID    string `json:"order_id"`
			Open       bool
			RefusedNow bool `json:"refused_now"`
			Slots      []struct{ Slot string }
		}
		Algorithms []struct{ Name, Outlive string }
	}
}

// whatIf asks, as the auditor, about the policy in force with another end of RSA in nonQES certificates.
func whatIf(t *testing.T, r *rig.Rig, s *rig.Server, lastDay, at string) (report policyReport, code int) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(rig.Root(), "profiles", "algorithms.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	const end = `value: 2025-12-31, source: "gemSpec_Krypt`
	changed := filepath.Join(t.TempDir(), "algorithms.yaml")
	if err := os.WriteFile(changed, bytes.ReplaceAll(text, []byte(end), []byte(strings.Replace(end, "2025-12-31", lastDay, 1))), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := siegel(r, s, "auditor-1", "policy", "what-if", changed, "--at", at, "--json")
	var errOut bytes.Buffer
	cmd.Stderr = &errOut
	out, err := cmd.Output()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &report); err != nil {
		t.Fatalf("%v in\n%s%s", err, out, errOut.String())
	}
	return report, cmd.ProcessState.ExitCode()
}

// siegel is the client, called as an operator.
func siegel(r *rig.Rig, s *rig.Server, operator string, args ...string) *exec.Cmd {
	args = append([]string{"--server", s.Addr, "--data", r.Data, "--operator", operator}, args...)
	return exec.Command(filepath.Join(r.Bin, "siegel"), args...)
}

func sameSet(a, b []string) bool {
	have := map[string]bool{}
	for _, s := range a {
		have[s] = true
	}
	for _, s := range b {
		if !have[s] {
			return false
		}
	}
	return len(a) == len(b)
}

// orZero is a number as the Protobuf JSON mapping leaves it out.
func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}
