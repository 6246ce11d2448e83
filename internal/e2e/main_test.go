package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// bin is the directory of the programs, built once for all tests.
var bin string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "siegel-e2e-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = rig.Build(context.Background(), dir)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin = dir
	return m.Run()
}

// newRig performs a ceremony in a directory of the test.
func newRig(t *testing.T) *rig.Rig {
	t.Helper()
	r, err := rig.New(t.Context(), bin, t.TempDir()+"/data")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// start starts the server; the test must end it.
func start(t *testing.T, r *rig.Rig) *rig.Server {
	t.Helper()
	s, err := r.Start()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// stop ends the server in order.
func stop(t *testing.T, s *rig.Server) {
	t.Helper()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
}

// dial gives a client that acts as the operator.
func dial(t *testing.T, r *rig.Rig, s *rig.Server, operator string) siegelv1.IssuanceServiceClient {
	t.Helper()
	conn, err := r.Dial(s, operator)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return siegelv1.NewIssuanceServiceClient(conn)
}

// issue sends one order and waits at most a minute.
func issue(ctx context.Context, client siegelv1.IssuanceServiceClient, order *siegelv1.Order, opts ...grpc.CallOption) (*siegelv1.IssueCardResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return client.IssueCard(ctx, &siegelv1.IssueCardRequest{Order: order}, opts...)
}
