package rpc

import (
	"context"
	"reflect"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

const (
	testBulk     = "9f8e7d6c5b4a39281706f5e4d3c2b1a0"
	testApproval = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
)

const wireBulk = `{
  "bulkId": "9f8e7d6c5b4a39281706f5e4d3c2b1a0", "state": "BULK_STATE_RUNNING", "cards": "50000", "listSha256": "AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  "requester": "provider", "reason": "weak-device", "requestedAt": "2026-11-01T09:00:00Z", "plannedBy": "revocation-1", "plannedAt": "2026-11-01T10:00:00Z",
  "startedBy": "officer-1", "startedAt": "2026-11-01T11:00:00Z", "done": "200", "revoked": "199"}`

// TestBulkOnTheWire makes each call of a bulk revocation: what it says arrives, and what is answered comes back whole.
func TestBulkOnTheWire(t *testing.T) {
	want := new(siegelv1.BulkRevocation)
	if err := protojson.Unmarshal([]byte(wireBulk), want); err != nil {
		t.Fatal(err)
	}
	hour := func(n int) time.Time { return time.Date(2026, 11, 1, n, 0, 0, 0, time.UTC) }
	list := [32]byte{1}
	fake := &fakeLifecycle{bulk: &ca.Bulk{State: ca.BulkRunning, Done: 200, Revoked: 199, StartedBy: "officer-1", StartedAt: hour(11), BulkPlan: ca.BulkPlan{ID: testBulk,
		Requester: "provider", Reason: "weak-device", RequestedAt: hour(9), PlannedAt: hour(10), PlannedBy: "revocation-1", Cards: 50000, ListSHA256: list}}}
	h := start(t, &fakeAuthority{Lifecycle: fake})
	client := siegelv1.NewLifecycleServiceClient(h.as("revocation"))
	selection := &siegelv1.CardSelection{IccsnFrom: testICCSN, IccsnUntil: testICCSN, CardType: "smcb-g2.1", Sector: "dkg", Issuer: "CA",
		IssuedFrom: timestamppb.New(hour(1)), IssuedUntil: timestamppb.New(hour(2)), Iccsns: []string{testICCSN}}
	for _, c := range []struct {
		name  string
		call  func(context.Context) (proto.Message, error)
		asked []any
		want  proto.Message
	}{
		{"PlanBulkRevocation", func(ctx context.Context) (proto.Message, error) {
			r, err := client.PlanBulkRevocation(ctx, &siegelv1.PlanBulkRevocationRequest{BulkId: testBulk, Selection: selection, Requester: "provider", Reason: "weak-device", Reference: "T-1"})
			return r.GetBulk(), err
		}, []any{"plan", "revocation", ca.BulkID(testBulk), ca.CardSelection{ICCSNFrom: testICCSN, ICCSNUntil: testICCSN, CardType: "smcb-g2.1", Sector: "dkg", Issuer: "CA",
			IssuedFrom: hour(1), IssuedUntil: hour(2), ICCSNs: []string{testICCSN}},
			ca.RevocationRequest{DeskRequest: ca.DeskRequest{Reference: "T-1"}, Requester: "provider", Reason: "weak-device"}}, want},
		{"StartBulkRevocation", func(ctx context.Context) (proto.Message, error) {
			r, err := client.StartBulkRevocation(ctx, &siegelv1.StartBulkRevocationRequest{RequestId: testApproval, BulkId: testBulk, ListSha256: list[:], Reason: "as seen"})
			return wrap(r.GetRequest().GetId() + " " + r.GetRequest().GetAct()), err
		}, []any{"start", "revocation", ca.ApprovalID(testApproval), ca.BulkID(testBulk), list, "as seen"}, wrap(testApproval + " bulk-revocation")},
		{"PauseBulkRevocation", func(ctx context.Context) (proto.Message, error) {
			r, err := client.PauseBulkRevocation(ctx, &siegelv1.PauseBulkRevocationRequest{BulkId: testBulk})
			return r.GetBulk(), err
		}, []any{"hold", "revocation", ca.BulkID(testBulk), true}, want},
		{"ResumeBulkRevocation", func(ctx context.Context) (proto.Message, error) {
			r, err := client.ResumeBulkRevocation(ctx, &siegelv1.ResumeBulkRevocationRequest{BulkId: testBulk})
			return r.GetBulk(), err
		}, []any{"hold", "revocation", ca.BulkID(testBulk), false}, want},
		{"GetBulkRevocation", func(ctx context.Context) (proto.Message, error) {
			r, err := client.GetBulkRevocation(ctx, &siegelv1.GetBulkRevocationRequest{BulkId: testBulk})
			return r.GetBulk(), err
		}, []any{"bulk", ca.BulkID(testBulk)}, want},
		{"GetBulkRevocation with cards", func(ctx context.Context) (proto.Message, error) {
			r, err := client.GetBulkRevocation(ctx, &siegelv1.GetBulkRevocationRequest{BulkId: testBulk, From: 7, PageSize: 3})
			return r.GetCards()[0], err
		}, []any{"cards", ca.BulkID(testBulk), 7, 3}, &siegelv1.BulkCard{Iccsn: testICCSN, Revoked: true}},
	} {
		got, err := c.call(testContext(t))
		if err != nil || !proto.Equal(got, c.want) {
			t.Errorf("%s = %v, %v, want %v", c.name, got, err, c.want)
		}
		if !reflect.DeepEqual(fake.asked, c.asked) {
			t.Errorf("%s asked\n%+v, want\n%+v", c.name, fake.asked, c.asked)
		}
	}
	for _, spoilt := range []*siegelv1.CardSelection{{}, {IccsnFrom: "80276"}, {Iccsns: []string{"1"}}} {
		_, err := client.PlanBulkRevocation(testContext(t), &siegelv1.PlanBulkRevocationRequest{BulkId: testBulk, Selection: spoilt, Requester: "provider", Reason: "weak-device", Reference: "T-1"})
		if status.Code(err) != codes.InvalidArgument {
			t.Errorf("a plan of %v gives %v, want INVALID_ARGUMENT", spoilt, err)
		}
	}
}

// wrap makes a message of a text, to compare it like others.
func wrap(text string) proto.Message { return &siegelv1.BulkCard{Iccsn: text} }
