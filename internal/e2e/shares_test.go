package e2e

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/hsm/pinshare"
	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestTwoPeopleOpenTheToken starts a server whose PIN two operators hold in shares. Until both have given theirs it serves nothing; one
// person cannot do it, nor can shares that do not belong together; then it issues cards, and the PIN is nowhere on the disk.
func TestTwoPeopleOpenTheToken(t *testing.T) {
	r := newRig(t)
	token := loadToken(t, r)
	if err := os.Remove(token.PINFile()); err != nil {
		t.Fatal(err)
	}
	mine, yours, err := pinshare.Split([]byte(token.PIN))
	if err != nil {
		t.Fatal(err)
	}
	_, foreign, err := pinshare.Split([]byte(token.PIN))
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "siegeld.yaml")
	if err := os.WriteFile(config, []byte("token: {pin: shares}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	at := &rig.Server{Addr: freeAddress(t)}
	type started struct {
		server *rig.Server
		err    error
	}
	up := make(chan started, 1)
	go func() {
		s, err := r.Start("--config", config, "--listen", at.Addr)
		up <- started{s, err}
	}()

	conn, err := r.Dial(at, "line-1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	health := healthpb.NewHealthClient(conn)
	awaitHealth(t, health, healthpb.HealthCheckResponse_NOT_SERVING)
	if _, err := issue(t.Context(), siegelv1.NewIssuanceServiceClient(conn), newOrders(t, true).Next()); status.Code(err) != codes.Unavailable {
		t.Errorf("an order meanwhile: %v, want UNAVAILABLE", err)
	}
	for _, c := range []struct {
		who   string
		share string
		want  string
	}{
		{"line-1", mine.Text(), "may not call"},
		{"ca-operator-1", strings.Repeat("A", 80), "slip of the pen"},
		{"ca-operator-1", mine.Text(), "waits for that of another operator"},
		{"ca-operator-1", mine.Text(), "waits for that of another operator"},
		{"ca-operator-1", yours.Text(), "must come from another person"},
		{"ca-operator-2", foreign.Text(), "both shares were forgotten"},
		{"ca-operator-2", yours.Text(), "waits for that of another operator"},
		{"ca-operator-1", mine.Text(), "the shares are complete"},
	} {
		if out := giveShare(t, r, at, c.who, c.share); !strings.Contains(out, c.want) {
			t.Errorf("%s gave a share: %q, want %q", c.who, out, c.want)
		}
	}

	s := <-up
	if s.err != nil {
		t.Fatal(s.err)
	}
	awaitHealth(t, health, healthpb.HealthCheckResponse_SERVING)
	if _, err := issue(t.Context(), siegelv1.NewIssuanceServiceClient(conn), newOrders(t, true).Next()); err != nil {
		t.Error(err)
	}
	stop(t, s.server)
	if strings.Contains(s.server.Log(), token.PIN) || strings.Contains(s.server.Log(), mine.Text()) {
		t.Error("the log shows the PIN or a share")
	}
	found, err := exec.CommandContext(t.Context(), "grep", "-rlF", token.PIN, r.Data).Output()
	if len(found) > 0 {
		t.Errorf("the PIN is in %s (%v)", found, err)
	}
}

// freeAddress gives an address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return lis.Addr().String()
}

// giveShare runs siegel give-share and gives what it says.
func giveShare(t *testing.T, r *rig.Rig, s *rig.Server, operator, share string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tls := filepath.Join(r.Data, "tls")
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "siegel"), "give-share", "--server", s.Addr, "--ca", filepath.Join(tls, "ca.pem"),
		"--cert", filepath.Join(tls, operator+".pem"), "--key", filepath.Join(tls, operator+".key"))
	cmd.Stdin = strings.NewReader(share + "\n")
	out, err := cmd.CombinedOutput()
	return fmt.Sprintf("%s (%v)", out, err)
}
