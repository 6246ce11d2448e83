package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/protobuf/proto"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

const testBulk = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"

// theList is the list of the plan that the fake server knows.
const theList = "80276001010000000001\n80276001010000000002\n80276001010000000003\n"

func (f *fakeServer) PlanBulkRevocation(_ context.Context, r *siegelv1.PlanBulkRevocationRequest) (*siegelv1.PlanBulkRevocationResponse, error) {
	f.changes = append(f.changes, r)
	return &siegelv1.PlanBulkRevocationResponse{Bulk: f.bulk(siegelv1.BulkState_BULK_STATE_PLANNED)}, nil
}

func (f *fakeServer) StartBulkRevocation(_ context.Context, r *siegelv1.StartBulkRevocationRequest) (*siegelv1.StartBulkRevocationResponse, error) {
	f.changes = append(f.changes, r)
	return &siegelv1.StartBulkRevocationResponse{Request: &siegelv1.ActRequest{Id: r.GetRequestId(), Summary: "revoke 3 cards for ever", ParametersSha256: []byte{1, 2}, Expires: till}}, nil
}

func (f *fakeServer) PauseBulkRevocation(context.Context, *siegelv1.PauseBulkRevocationRequest) (*siegelv1.PauseBulkRevocationResponse, error) {
	return &siegelv1.PauseBulkRevocationResponse{Bulk: f.bulk(siegelv1.BulkState_BULK_STATE_PAUSED)}, nil
}

func (f *fakeServer) ResumeBulkRevocation(context.Context, *siegelv1.ResumeBulkRevocationRequest) (*siegelv1.ResumeBulkRevocationResponse, error) {
	return &siegelv1.ResumeBulkRevocationResponse{Bulk: f.bulk(siegelv1.BulkState_BULK_STATE_RUNNING)}, nil
}

// GetBulkRevocation gives the list card by card, and moves on with each look that asks for none.
func (f *fakeServer) GetBulkRevocation(_ context.Context, r *siegelv1.GetBulkRevocationRequest) (*siegelv1.GetBulkRevocationResponse, error) {
	answer := &siegelv1.GetBulkRevocationResponse{Bulk: f.bulk(siegelv1.BulkState_BULK_STATE_RUNNING)}
	if r.GetPageSize() > 0 {
		answer.Cards = []*siegelv1.BulkCard{{Iccsn: theList[r.GetFrom()*21 : r.GetFrom()*21+20]}}
		return answer, nil
	}
	if answer.Bulk.Done = int64(f.issued.Add(1)); answer.Bulk.Done == 3 {
		answer.Bulk.State, answer.Bulk.Revoked = siegelv1.BulkState_BULK_STATE_ENDED, 2
	}
	return answer, nil
}

func (f *fakeServer) bulk(state siegelv1.BulkState) *siegelv1.BulkRevocation {
	hash := sha256.Sum256([]byte(theList))
	return &siegelv1.BulkRevocation{BulkId: testBulk, State: state, Cards: 3, ListSha256: hash[:], Requester: "provider", Reason: "weak-device", PlannedBy: "revocation-1"}
}

// TestBulk plans, writes the list, asks for the approval and watches.
func TestBulk(t *testing.T) {
	f := (&fakeServer{}).serve(t)
	hash := sha256.Sum256([]byte(theList))
	digits := hex.EncodeToString(hash[:])
	listed, out := filepath.Join(t.TempDir(), "cards.txt"), filepath.Join(t.TempDir(), "plan.txt")
	if err := os.WriteFile(listed, []byte(theList), 0o600); err != nil {
		t.Fatal(err)
	}
	f.siegel("bulk", "plan", "--id", testBulk, "--iccsn-from", "80276001010000000001", "--card-type", "smcb-g2.1", "--issued-from", "2026-01-01T00:00:00Z", "--list", listed,
		"--requester", "provider", "--reason", "weak-device", "--reference", "T-1", "--out", out).want(t, exitOK, "planned: 0 of 3 cards through", "list sha256 "+digits)
	if got, err := os.ReadFile(out); err != nil || string(got) != theList {
		t.Errorf("the written list is %q, %v, want %q", got, err, theList)
	}
	request := f.changes[0].(*siegelv1.PlanBulkRevocationRequest)
	if request.GetSelection().GetIssuedFrom().GetSeconds() != 1767225600 || len(request.GetSelection().GetIccsns()) != 3 || request.GetReference() != "T-1" {
		t.Errorf("the request was %v", request)
	}
	f.siegel("bulk", "start", testBulk, "--hash", digits, "--reason", "as seen").want(t, exitOK, "waits until", "revoke 3 cards for ever", "hash to approve: 0102")
	want := &siegelv1.StartBulkRevocationRequest{RequestId: f.changes[1].(*siegelv1.StartBulkRevocationRequest).GetRequestId(), BulkId: testBulk, ListSha256: hash[:], Reason: "as seen"}
	if !proto.Equal(f.changes[1], want) {
		t.Errorf("the request was %v, want %v", f.changes[1], want)
	}
	f.siegel("bulk", "start", testBulk, "--hash", "nothing", "--reason", "r").want(t, exitUsage, "--hash")
	f.siegel("bulk", "pause", testBulk).want(t, exitOK, "paused: 0 of 3 cards")
	f.siegel("bulk", "resume", testBulk).want(t, exitOK, "running: 0 of 3 cards")
	f.siegel("bulk", "watch", testBulk, "--every", "1ms").want(t, exitOK, "running: 1 of 3\n", "running: 2 of 3\n", "ended: 3 of 3 cards through, 2 revoked by it")
	f.siegel("--json", "bulk", "watch", testBulk, "--once").want(t, exitOK, `"state": "BULK_STATE_RUNNING"`)
}
