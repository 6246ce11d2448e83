package rpc

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"fmt"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// emptyLog is a log in which nothing is. Verbs that it lacks are not asked for.
type emptyLog struct{ ca.ExportStore }

func (emptyLog) SignedHead(context.Context, int64) (*ca.StoredHead, error) {
	return nil, ca.ErrNotFound
}

// smallLog is a signed log in memory.
type smallLog struct {
	emptyLog
	leaves []ca.StoredLeaf
	tree   map[[2]int64][]byte // by level and index
	head   *ca.StoredHead
}

// newSmallLog makes a log of n entries, one a minute, of which every third is about a card.
func newSmallLog(t *testing.T, n int) *smallLog {
	t.Helper()
	l := &smallLog{tree: map[[2]int64][]byte{}}
	tree, err := tlog.OpenTree(t.Context(), new(tlog.Frontier).Head(), l)
	if err != nil {
		t.Fatal(err)
	}
	for i := range n {
		e := tlog.Entry{Kind: tlog.AttemptAbandoned, At: time.Date(2026, 3, 2, 9, i, 0, 0, time.UTC), Actor: "siegeld", Facts: []byte(`{}`)}
		stored := ca.StoredLeaf{}
		if i%3 == 0 {
			e.Kind, e.Facts = tlog.CardIssued, fmt.Appendf(nil, `{"iccsn":"%020d","sector":"dkg","certificates":[{"issuer":"A","profile":"p"}]}`, i)
			stored.Personal, stored.Salt = []byte(`{"name":"x"}`), make([]byte, tlog.SaltSize)
			withPersonal := e
			withPersonal.Personal, withPersonal.Salt = stored.Personal, stored.Salt
			e.PersonalHash = withPersonal.PersonalSHA256()
		}
		leaf, err := e.Leaf()
		if err == nil {
			err = tree.Add(tlog.LeafHash(leaf))
		}
		if err != nil {
			t.Fatal(err)
		}
		stored.LeafIndex, stored.ID, stored.Entry = int64(i), int64(i)+1, e
		l.leaves = append(l.leaves, stored)
	}
	for _, tile := range tree.Flush() {
		l.tree[[2]int64{int64(tile.Level), tile.Index}] = tile.Hashes
	}
	private := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	key, err := tlog.NewVerifierKey("log.example", private.Public().(ed25519.PublicKey))
	if err != nil {
		t.Fatal(err)
	}
	signed, err := tlog.Checkpoint{Origin: "log.example", Head: tree.Head()}.Sign(key.Signer(func(msg []byte) ([]byte, error) {
		return ed25519.Sign(private, msg), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	l.head = &ca.StoredHead{Head: tree.Head(), At: time.Unix(0, 0), Checkpoint: signed}
	return l
}

func (l *smallLog) SignedHead(_ context.Context, size int64) (*ca.StoredHead, error) {
	if size != 0 && size != l.head.Size {
		return nil, ca.ErrNotFound
	}
	return l.head, nil
}

func (l *smallLog) Leaves(_ context.Context, first int64, limit int) ([]ca.StoredLeaf, error) {
	rest := l.leaves[min(first, int64(len(l.leaves))):]
	return append([]ca.StoredLeaf(nil), rest[:min(limit, len(rest))]...), nil
}

func (l *smallLog) LeavesAbout(_ context.Context, iccsn string) (list []int64, err error) {
	for _, leaf := range l.leaves {
		if bytes.Contains(leaf.Facts, []byte(iccsn)) {
			list = append(list, leaf.LeafIndex)
		}
	}
	return list, nil
}

func (l *smallLog) LeavesBetween(_ context.Context, from, until time.Time) (int64, int64, error) {
	return 0, int64(len(l.leaves)), nil
}

func (l *smallLog) LeafCertificates(_ context.Context, first, end int64) ([]ca.LeafCertificate, error) {
	return []ca.LeafCertificate{{LeafIndex: first, Data: []byte("certificate")}}, nil
}

func (l *smallLog) Issuers(context.Context) ([]ca.KnownIssuer, error) { return nil, nil }

func (l *smallLog) Inclusion(_ context.Context, id int64) (*ca.Inclusion, error) {
	if id > int64(len(l.leaves)) {
		return nil, ca.ErrNotFound
	}
	return &ca.Inclusion{LeafIndex: id - 1, Checkpoint: l.head.Checkpoint}, nil
}

func (l *smallLog) Tiles(_ context.Context, ids []tlog.TileID) (list [][]byte, err error) {
	for _, id := range ids {
		hashes := l.tree[[2]int64{int64(id.Level), id.Index}]
		if len(hashes) < id.Width*tlog.HashSize {
			return nil, tlog.ErrDamaged
		}
		list = append(list, hashes[:id.Width*tlog.HashSize])
	}
	return list, nil
}

// auditor is the log service as an operator sees it.
func (h *harness) auditor(operator string) siegelv1.LogServiceClient {
	h.t.Helper()
	return siegelv1.NewLogServiceClient(h.as(operator))
}

// export reads a whole stream.
func export(t *testing.T, h *harness, req *siegelv1.ExportEntriesRequest) (head *siegelv1.ExportHead, tiles []*siegelv1.LogTile, leaves []*siegelv1.LogLeaf, next int64) {
	t.Helper()
	stream, err := h.auditor("auditor").ExportEntries(testContext(t), req)
	if err != nil {
		t.Fatal(err)
	}
	for {
		part, err := stream.Recv()
		if err == io.EOF {
			return head, tiles, leaves, next
		}
		if err != nil {
			t.Fatal(err)
		}
		if part.GetHead() != nil {
			head = part.GetHead()
		}
		tiles, leaves, next = append(tiles, part.GetTiles()...), append(leaves, part.GetLeaves()...), part.GetNext()
	}
}

func TestExportEntries(t *testing.T) {
	l := newSmallLog(t, 600)
	h := startWith(t, &fakeAuthority{}, ca.NewLogReader(l))
	at := func(i int) *timestamppb.Timestamp { return timestamppb.New(l.leaves[i].At) }
	for _, c := range []struct {
		name         string
		req          *siegelv1.ExportEntriesRequest
		leaves       int
		first, tiles int
	}{
		{"all", &siegelv1.ExportEntriesRequest{}, 600, 0, 2},
		{"a range", &siegelv1.ExportEntriesRequest{First: 300, End: 310}, 10, 300, 1},
		{"at the edge", &siegelv1.ExportEntriesRequest{First: 520}, 80, 520, 0},
		{"by kind", &siegelv1.ExportEntriesRequest{Filter: &siegelv1.LogFilter{Kinds: []string{"card-issued"}}}, 200, 0, 2},
		{"by issuer", &siegelv1.ExportEntriesRequest{Filter: &siegelv1.LogFilter{Issuers: []string{"A", "B"}}}, 200, 0, 2},
		{"by nothing that is", &siegelv1.ExportEntriesRequest{Filter: &siegelv1.LogFilter{Sectors: []string{"kbv"}}}, 0, 0, 0},
		{"by time", &siegelv1.ExportEntriesRequest{Filter: &siegelv1.LogFilter{From: at(100), Until: at(103)}}, 3, 100, 1},
		{"by chip", &siegelv1.ExportEntriesRequest{Filter: &siegelv1.LogFilter{Iccsns: []string{fmt.Sprintf("%020d", 303)}}}, 1, 303, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			head, tiles, leaves, next := export(t, h, c.req)
			if len(leaves) != c.leaves || len(tiles) != c.tiles || next != head.GetEnd() || len(head.GetEdge()) != 2 {
				t.Fatalf("%d leaves, %d tiles, %d of the edge, next %d of %d; want %d, %d, 2 and the end", len(leaves), len(tiles), len(head.GetEdge()),
					next, head.GetEnd(), c.leaves, c.tiles)
			}
			if len(leaves) > 0 && leaves[0].GetIndex() != int64(c.first) {
				t.Errorf("begins with leaf %d, want %d", leaves[0].GetIndex(), c.first)
			}
			for _, leaf := range leaves {
				if leaf.GetPersonal() != nil || leaf.GetSalt() != nil || leaf.GetCertificates() != nil {
					t.Fatalf("leaf %d comes with what was not asked for", leaf.GetIndex())
				}
			}
		})
	}
}

func TestExportWithPersonalData(t *testing.T) {
	l := newSmallLog(t, 4)
	l.leaves[3].Personal, l.leaves[3].Salt = nil, nil // erased
	h := startWith(t, &fakeAuthority{}, ca.NewLogReader(l))
	_, _, leaves, _ := export(t, h, &siegelv1.ExportEntriesRequest{Personal: true, Certificates: true})
	if first := leaves[0]; string(first.GetPersonal()) != `{"name":"x"}` || len(first.GetSalt()) != tlog.SaltSize || first.GetErased() || len(first.GetCertificates()) != 1 {
		t.Errorf("leaf 0 is %v, want it with personal data and a certificate", first)
	}
	if leaves[1].GetErased() || !leaves[3].GetErased() || leaves[3].GetPersonal() != nil {
		t.Errorf("leaves 1 and 3 are %v and %v, want only the latter erased", leaves[1], leaves[3])
	}
}

func TestLogProofs(t *testing.T) {
	l := newSmallLog(t, 300)
	h := startWith(t, &fakeAuthority{}, ca.NewLogReader(l))
	client := h.auditor("auditor")
	for name, req := range map[string]*siegelv1.GetInclusionProofRequest{
		"leaf":  {Entry: &siegelv1.GetInclusionProofRequest_LeafIndex{LeafIndex: 42}},
		"entry": {Entry: &siegelv1.GetInclusionProofRequest_EntryId{EntryId: 43}},
		"chip":  {Entry: &siegelv1.GetInclusionProofRequest_Iccsn{Iccsn: fmt.Sprintf("%020d", 42)}},
	} {
		p, err := client.GetInclusionProof(testContext(t), req)
		if err != nil || p.GetLeafIndex() != 42 {
			t.Errorf("by %s: leaf %d, %v, want leaf 42", name, p.GetLeafIndex(), err)
			continue
		}
		if err := tlog.CheckInclusion(proofOf(p.GetProof()), l.head.Head, 42, tlog.LeafHash(p.GetLeaf())); err != nil {
			t.Errorf("by %s: %v", name, err)
		}
	}
	_, err := client.GetInclusionProof(testContext(t), &siegelv1.GetInclusionProofRequest{Entry: &siegelv1.GetInclusionProofRequest_LeafIndex{LeafIndex: 300}})
	if status.Code(err) != codes.NotFound {
		t.Errorf("leaf 300 of 300: %v, want NotFound", err)
	}
	growth, err := client.GetConsistencyProof(testContext(t), &siegelv1.GetConsistencyProofRequest{OldSize: 17})
	if err != nil {
		t.Fatal(err)
	}
	var old tlog.Frontier
	for _, leaf := range l.leaves[:17] {
		octets, err := leaf.Leaf()
		if err == nil {
			err = old.Add(tlog.LeafHash(octets))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := tlog.CheckConsistency(proofOf(growth.GetProof()), old.Head(), l.head.Head); err != nil {
		t.Error(err)
	}
	if _, err := client.GetCheckpoint(testContext(t), &siegelv1.GetCheckpointRequest{TreeSize: 7}); status.Code(err) != codes.NotFound {
		t.Errorf("the checkpoint of 7 leaves: %v, want NotFound", err)
	}
}

func proofOf(wire [][]byte) (p tlog.Proof) {
	for _, h := range wire {
		p = append(p, tlog.Hash(h))
	}
	return p
}

func TestGetStatistics(t *testing.T) {
	h := startWith(t, &fakeAuthority{}, ca.NewLogReader(newSmallLog(t, 30)))
	s, err := h.auditor("auditor").GetStatistics(testContext(t), &siegelv1.GetStatisticsRequest{})
	if err != nil || len(s.GetCards()) != 1 || s.GetCards()[0].GetCount() != 10 || len(s.GetCertificates()) != 1 ||
		s.GetCertificates()[0].GetIssuer() != "A" || s.GetCertificates()[0].GetCount() != 10 {
		t.Errorf("GetStatistics = %v, %v, want 10 cards and 10 certificates of A", s, err)
	}
}

func TestLogThatIsEmpty(t *testing.T) {
	h := start(t, &fakeAuthority{})
	if _, err := h.auditor("auditor").GetCheckpoint(testContext(t), &siegelv1.GetCheckpointRequest{}); status.Code(err) != codes.NotFound {
		t.Errorf("GetCheckpoint = %v, want NotFound", err)
	}
	if _, err := h.auditor("line-1").GetCheckpoint(testContext(t), &siegelv1.GetCheckpointRequest{}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("GetCheckpoint of a line = %v, want PermissionDenied", err)
	}
}
