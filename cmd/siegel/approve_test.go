package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// fakeApprovals has one request, and takes its parameters' hash alone.
type fakeApprovals struct {
	siegelv1.UnimplementedApprovalServiceServer
	request  *siegelv1.ActRequest
	approved int
}

func (f *fakeApprovals) GetApproval(context.Context, *siegelv1.GetApprovalRequest) (*siegelv1.GetApprovalResponse, error) {
	return &siegelv1.GetApprovalResponse{Request: f.request}, nil
}

func (f *fakeApprovals) Approve(_ context.Context, r *siegelv1.ApproveRequest) (*siegelv1.ApproveResponse, error) {
	if !bytes.Equal(r.GetParametersSha256(), f.request.GetParametersSha256()) {
		return nil, status.Error(codes.InvalidArgument, "other parameters")
	}
	f.approved++
	done := proto.CloneOf(f.request)
	done.State = siegelv1.ApprovalState_APPROVAL_STATE_USED
	return &siegelv1.ApproveResponse{Request: done}, nil
}

const sampleID = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"

func newFakeApprovals() *fakeApprovals {
	parameters := []byte(`{"issuers":["CA1"],"signatures":20,"seconds":3600}`)
	sum := sha256.Sum256(parameters)
	return &fakeApprovals{request: &siegelv1.ActRequest{Id: sampleID, Act: "open-key-sessions", Summary: "open a key session for CA1", Parameters: parameters,
		ParametersSha256: sum[:], Reason: "night batch", RequestedBy: "ca-operator-1", RequestedPerson: "anna", RequestedAt: timestamppb.Now(),
		Expires: timestamppb.New(time.Now().Add(time.Hour)), State: siegelv1.ApprovalState_APPROVAL_STATE_PENDING}}
}

// TestApprove shows the person exactly what is approved, and approves on a plain yes alone.
func TestApprove(t *testing.T) {
	approvals := newFakeApprovals()
	f := (&fakeServer{approvals: approvals}).serve(t)
	connect := []string{"--server", f.address, "--data", f.data}
	say := func(answer string, args ...string) result { return siegel(answer, append(connect, args...)...) }
	hash := fmt.Sprintf("%x", approvals.request.GetParametersSha256())
	shown := []string{"open a key session for CA1", "night batch", "ca-operator-1 (person anna)", "expires", hash, `"signatures": 20`}

	for _, no := range []string{"", "no\n", "y\n", "yes, but\n"} {
		say(no, "approve", sampleID).want(t, exitInvalid, append(shown, "nothing was decided")...)
	}
	say("", "approve", sampleID, "--json").want(t, exitUsage, "--sha256")
	say("", "approve", sampleID, "--sha256", "00").want(t, exitUsage, "64 hex digits")
	if approvals.approved != 0 {
		t.Fatalf("approved %d times without a yes", approvals.approved)
	}
	say("yes\n", "approve", sampleID).want(t, exitOK, append(shown, "used: open a key session for CA1")...)
	say("", "approve", sampleID, "--sha256", hash, "--json").want(t, exitOK, `"state": "APPROVAL_STATE_USED"`)
	if approvals.approved != 2 {
		t.Errorf("approved %d times, want twice", approvals.approved)
	}
}

// TestApproveDistrustsTheHash: a server that shows one thing and names the hash of another gets no approval.
func TestApproveDistrustsTheHash(t *testing.T) {
	approvals := newFakeApprovals()
	approvals.request.Parameters = []byte(`{"issuers":["CA1"],"signatures":2,"seconds":3600}`)
	f := (&fakeServer{approvals: approvals}).serve(t)
	for _, command := range []string{"approve", "reject"} {
		args := []string{"--server", f.address, "--data", f.data, command, sampleID}
		if command == "reject" {
			args = append(args, "--reason", "x")
		}
		siegel("yes\n", args...).want(t, exitFault, "do not approve it")
	}
	if approvals.approved != 0 {
		t.Error("it was approved")
	}
}
