package main

import (
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// fakeLog serves a log of a few leaves, one a message, and cuts the first streams after the second leaf.
type fakeLog struct {
	siegelv1.UnimplementedLogServiceServer
	address, data, key string
	leaves             [][]byte
	checkpoint         string
	edge               []*siegelv1.LogTile
	cuts               atomic.Int32 // streams that are still to be cut
	streams            atomic.Int32
	asked              atomic.Pointer[siegelv1.ExportEntriesRequest] // last
}

// logOf signs a log of entries that say that attempts were abandoned.
func logOf(t *testing.T, n int) *fakeLog {
	t.Helper()
	f := &fakeLog{}
	tree, err := tlog.OpenTree(t.Context(), new(tlog.Frontier).Head(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e, err := tlog.NewEntry(tlog.CardIssued, time.Date(2026, 3, 1+i, 9, 0, 0, 0, time.UTC), "line-1", tlog.CardFacts{
			Order: fmt.Sprintf("o%d", i), Attempt: fmt.Sprintf("%032x", i), ICCSN: fmt.Sprintf("%020d", i), CardType: "smcb-g2.1", Sector: "dkg",
			Certificates: []tlog.CertificateFacts{{Slot: "s", Profile: "p", Issuer: "A", Serial: fmt.Sprintf("%04x", i), NotBefore: "2026-03-01T00:00:00.000Z",
				NotAfter: "2031-02-28T23:59:59.000Z", KeySHA256: fmt.Sprintf("%064x", i), BodySHA256: fmt.Sprintf("%064x", i), SHA256: fmt.Sprintf("%064x", i)}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := e.Leaf()
		if err == nil {
			err = tree.Add(tlog.LeafHash(leaf))
		}
		if err != nil {
			t.Fatal(err)
		}
		f.leaves = append(f.leaves, leaf)
	}
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := tlog.NewVerifierKey("log.example/fake", private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := tlog.Checkpoint{Origin: key.Name(), Head: tree.Head()}.Sign(key.Signer(func(msg []byte) ([]byte, error) { return ed25519.Sign(private, msg), nil }))
	if err != nil {
		t.Fatal(err)
	}
	f.checkpoint = string(signed)
	for _, tile := range tree.Flush() {
		f.edge = append(f.edge, &siegelv1.LogTile{Level: int32(tile.Level), Index: tile.Index, Hashes: tile.Hashes})
	}
	f.key = filepath.Join(t.TempDir(), "log.vkey")
	if err := os.WriteFile(f.key, []byte(key.String()+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return f.serve(t)
}

func (f *fakeLog) serve(t *testing.T) *fakeLog {
	t.Helper()
	f.data = t.TempDir()
	if err := os.Mkdir(filepath.Join(f.data, "tls"), 0o700); err != nil {
		t.Fatal(err)
	}
	authority := newCertifier(t)
	pool := x509.NewCertPool()
	pool.AddCert(authority.cert)
	writePEM(t, filepath.Join(f.data, "tls", "ca.pem"), "CERTIFICATE", authority.cert.Raw)
	authority.write(t, f.data, defaultAuditor)
	server := grpc.NewServer(grpc.WaitForHandlers(true), grpc.Creds(credentials.NewTLS(&tls.Config{MinVersion: tls.VersionTLS13,
		Certificates: []tls.Certificate{authority.certify(t, "server")}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})))
	siegelv1.RegisterLogServiceServer(server, f)
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	f.address = lis.Addr().String()
	go server.Serve(lis) //nolint:errcheck // it ends with Stop
	t.Cleanup(server.Stop)
	return f
}

// ExportEntries implements LogService.
func (f *fakeLog) ExportEntries(r *siegelv1.ExportEntriesRequest, stream grpc.ServerStreamingServer[siegelv1.ExportEntriesResponse]) error {
	f.asked.Store(r)
	f.streams.Add(1)
	cut := f.cuts.Add(-1) >= 0
	size := int64(len(f.leaves))
	if err := stream.Send(&siegelv1.ExportEntriesResponse{Next: r.GetFirst(), Head: &siegelv1.ExportHead{
		Checkpoint: f.checkpoint, TreeSize: size, First: r.GetFirst(), End: size, Edge: f.edge}}); err != nil {
		return err
	}
	for i := r.GetFirst(); i < size; i++ {
		if cut && i == r.GetFirst()+2 {
			return status.Error(codes.Unavailable, "the server is told to end")
		}
		if err := stream.Send(&siegelv1.ExportEntriesResponse{Next: i + 1, Leaves: []*siegelv1.LogLeaf{{Index: i, Leaf: f.leaves[i]}}}); err != nil {
			return err
		}
	}
	return nil
}

func (f *fakeLog) siegel(args ...string) result {
	return siegel("", append([]string{"--server", f.address, "--data", f.data, "--timeout", "5s"}, args...)...)
}

func TestAuditExportGoesOn(t *testing.T) {
	f := logOf(t, 7)
	f.cuts.Store(3)
	dir := filepath.Join(t.TempDir(), "export")
	f.siegel("audit", "export", dir, "--no-certificates", "--csv", "--parquet").want(t, exitOK, "exported", "7 leaves", "siegel audit verify")
	if f.streams.Load() != 4 || f.asked.Load().GetFirst() != 6 || f.asked.Load().GetTreeSize() != 7 {
		t.Errorf("%d streams, the last from leaf %d of %d; want 4, from 6 of 7", f.streams.Load(), f.asked.Load().GetFirst(), f.asked.Load().GetTreeSize())
	}
	// The leaves themselves tell of cards that were never recorded, so that the rules find something and the proofs do not.
	out := siegel("", "audit", "verify", dir, "--log-key", f.key)
	out.want(t, exitInvalid, "7  leaves: each is the one", "leaf 0 (card-issued): attempt", "7  certificates.parquet: its rows")
	if strings.Contains(out.out, "was changed") {
		t.Error("something was changed on the way")
	}
	f.siegel("audit", "export", dir, "--no-certificates").want(t, exitUsage, "holds a finished export already")
}

func TestAuditExportRefuses(t *testing.T) {
	f := logOf(t, 3)
	dir := filepath.Join(t.TempDir(), "export")
	f.siegel("audit", "export", dir, "--from", "yesterday").want(t, exitUsage, "--from", "is no day YYYY-MM-DD")
	f.siegel("audit", "export", dir, "--first", "5", "--end", "5").want(t, exitUsage, "is no range of leaves")
	f.siegel("audit", "export", t.TempDir(), "--iccsn", "123", "--first", "0").want(t, exitOK) // what a filter may be, the server says
	f.siegel("audit", "verify", t.TempDir(), "--log-key", f.key).want(t, exitUsage, "there is no export in")
	f.siegel("audit", "verify", t.TempDir(), "--log-key", filepath.Join(f.data, "tls", "ca.pem")).want(t, exitUsage, "read the key of a log")
	f.siegel("audit", "verify", t.TempDir()).want(t, exitUsage, "--log-key")
}

func TestAuditStatistics(t *testing.T) {
	f := logOf(t, 5)
	dir := filepath.Join(t.TempDir(), "export")
	f.siegel("audit", "export", dir, "--no-certificates").want(t, exitOK)
	siegel("", "audit", "statistics", dir).want(t, exitOK, "DAY         KIND         CARDS", "2026-03-03  card-issued      1  "+strings.Repeat("█", statisticsBar), "5 cards counted")
	siegel("", "audit", "statistics", dir, "--by", "issuer", "--from", "2026-03-02", "--until", "2026-03-04").want(t, exitOK, "A                  2", "2 certificates counted")
	siegel("", "audit", "statistics", dir, "--by", "month", "--csv").want(t, exitOK, "month,cards\n2026-03,5\n")
	siegel("", "--json", "audit", "statistics", dir, "--by", "sector").want(t, exitOK, `"of": "cards"`, `"count": 5`)
	siegel("", "audit", "statistics", dir, "--kind", "x").want(t, exitOK, "nothing to count")
}

func TestAuditVerifyJSON(t *testing.T) {
	f := logOf(t, 2)
	dir := filepath.Join(t.TempDir(), "export")
	f.siegel("audit", "export", dir, "--no-certificates").want(t, exitOK)
	siegel("", "--json", "audit", "verify", dir, "--log-key", f.key).want(t, exitInvalid, `"tree_size": 2`, `"leaf": 0`, `"kind": "card-issued"`, `"what": "attempt`)
}

func TestCountBar(t *testing.T) {
	for _, c := range []struct {
		n, most int64
		want    string
	}{{0, 10, ""}, {10, 10, strings.Repeat("█", statisticsBar)}, {1, 1 << 40, "▏"}, {5, 10, strings.Repeat("█", statisticsBar/2)}, {0, 0, ""}} {
		if got := countBar(c.n, c.most); got != c.want {
			t.Errorf("the bar of %d of %d is %q, want %q", c.n, c.most, got, c.want)
		}
	}
}
