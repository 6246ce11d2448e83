package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestShape changes one thing in a good order and expects the field and the rule by name. The authority is never asked.
func TestShape(t *testing.T) {
	unknown := protowire.AppendVarint(protowire.AppendTag(nil, 999, protowire.VarintType), 1)
	key := func(slot string) *siegelv1.SlotKey {
		return &siegelv1.SlotKey{Slot: slot, Key: &siegelv1.SlotKey_Spki{Spki: []byte{1}}}
	}
	tests := []struct {
		name        string
		change      func(*siegelv1.Order)
		field, rule string
	}{
		{"no order id", func(o *siegelv1.Order) { o.OrderId = "" }, "order_id", "SHAPE_STRING_MIN_LEN"},
		{"order id with a blank", func(o *siegelv1.Order) { o.OrderId = "a b" }, "order_id", "SHAPE_STRING_PATTERN"},
		{"order id too long", func(o *siegelv1.Order) { o.OrderId = strings.Repeat("a", 65) }, "order_id", "SHAPE_STRING_MAX_LEN"},
		{"manufacturer too long", func(o *siegelv1.Order) { o.Device = &siegelv1.Device{Manufacturer: strings.Repeat("a", 1025)} }, "device.manufacturer", "SHAPE_STRING_MAX_LEN"},
		{"no keys", func(o *siegelv1.Order) { o.Keys = nil }, "keys", "SHAPE_REPEATED_MIN_ITEMS"},
		{"too many keys", func(o *siegelv1.Order) {
			for i := range 33 {
				o.Keys = append(o.Keys, key(fmt.Sprint(i)))
			}
		}, "keys", "SHAPE_REPEATED_MAX_ITEMS"},
		{"slot without key", func(o *siegelv1.Order) { o.Keys = append(o.Keys, &siegelv1.SlotKey{Slot: "x"}) }, "keys[1].key", "SHAPE_REQUIRED"},
		{"key too long", func(o *siegelv1.Order) {
			o.Keys[0].Key = &siegelv1.SlotKey_Spki{Spki: make([]byte, 2049)}
		}, "keys[0].spki", "SHAPE_BYTES_MAX_LEN"},
		{"unknown field", func(o *siegelv1.Order) { o.ProtoReflect().SetUnknown(unknown) }, "order", "UNKNOWN_FIELD"},
		{"unknown field of a key", func(o *siegelv1.Order) { o.Keys[0].ProtoReflect().SetUnknown(unknown) }, "keys[0]", "UNKNOWN_FIELD"},
		{"unknown field of the institution", func(o *siegelv1.Order) { o.Institution.ProtoReflect().SetUnknown(unknown) }, "institution", "UNKNOWN_FIELD"},
	}
	h := start(t, &fakeAuthority{})
	line := h.line()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := goodOrder()
			tt.change(o)
			_, err := line.IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: o})
			if status.Code(err) != codes.InvalidArgument {
				t.Fatalf("IssueCard = %v, want INVALID_ARGUMENT", err)
			}
			v := status.Convert(err).Details()[0].(*errdetails.BadRequest).GetFieldViolations()[0]
			if v.GetField() != tt.field || v.GetReason() != tt.rule {
				t.Errorf("violation of %s at %s, want %s at %s", v.GetReason(), v.GetField(), tt.rule, tt.field)
			}
		})
	}
}

// TestShapeOfQuestions: what a caller asks for is checked before anything looks for it, and stands neither in the answer nor in the log.
func TestShapeOfQuestions(t *testing.T) {
	const injected = "o-1\nlevel=INFO msg=forged"
	tests := []struct {
		name        string
		request     *siegelv1.GetCardRequest
		field, rule string
	}{
		{"order id with a line of its own", &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_OrderId{OrderId: injected}}, "order_id", "SHAPE_STRING_PATTERN"},
		{"no order id", &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_OrderId{}}, "order_id", "SHAPE_STRING_MIN_LEN"},
		{"ICCSN with a line of its own", &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: injected}}, "iccsn", "SHAPE_STRING_PATTERN"},
		{"ICCSN too short", &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: "8027600101169990086"}}, "iccsn", "SHAPE_STRING_PATTERN"},
		{"nothing", &siegelv1.GetCardRequest{}, "by", "SHAPE_REQUIRED"},
	}
	h := start(t, &fakeAuthority{})
	line := h.line()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := line.GetCard(testContext(t), tt.request)
			st := status.Convert(err)
			if st.Code() != codes.InvalidArgument {
				t.Fatalf("GetCard = %v, want INVALID_ARGUMENT", err)
			}
			if v := st.Details()[0].(*errdetails.BadRequest).GetFieldViolations()[0]; v.GetField() != tt.field || v.GetReason() != tt.rule {
				t.Errorf("violation of %s at %s, want %s at %s", v.GetReason(), v.GetField(), tt.rule, tt.field)
			}
			for where, text := range map[string]string{"answer": st.String(), "log": h.log.String()} {
				if strings.Contains(text, "forged") {
					t.Errorf("the %s holds what the caller sent:\n%s", where, text)
				}
			}
		})
	}
}

func TestLimits(t *testing.T) {
	h := start(t, &fakeAuthority{})
	t.Run("request too large", func(t *testing.T) {
		o := goodOrder()
		o.Institution.Name = strings.Repeat("x", maxRequest)
		_, err := h.line().IssueCard(testContext(t), &siegelv1.IssueCardRequest{Order: o})
		if status.Code(err) != codes.ResourceExhausted {
			t.Errorf("IssueCard = %v, want RESOURCE_EXHAUSTED", err)
		}
	})
	t.Run("headers too large", func(t *testing.T) {
		ctx := metadata.AppendToOutgoingContext(testContext(t), "x-large", strings.Repeat("x", maxHeader))
		_, err := h.line().ListCards(ctx, &siegelv1.ListCardsRequest{})
		if err == nil || strings.Contains(h.log.String(), "ListCards") {
			t.Errorf("ListCards = %v, want it refused before it is a call", err)
		}
	})
}

// TestGracefulEnd asks the server to end while a call is under way: the call finishes, new ones are not taken.
func TestGracefulEnd(t *testing.T) {
	began, finish := make(chan struct{}), make(chan struct{})
	h := start(t, &fakeAuthority{issue: func(context.Context, string, *profiles.Order) (*ca.Card, error) {
		close(began)
		<-finish
		return &ca.Card{}, nil
	}})
	line := h.line()
	answered := make(chan error, 1)
	go func() {
		_, err := line.IssueCard(context.Background(), &siegelv1.IssueCardRequest{Order: goodOrder()})
		answered <- err
	}()
	<-began
	h.stop()
	waitForRefusal(t, h)
	close(finish)
	if err := <-answered; err != nil {
		t.Errorf("the call under way ended with %v, want an answer", err)
	}
	if err := <-h.ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
}

// waitForRefusal waits until a new connection is not taken any more.
func waitForRefusal(t *testing.T, h *harness) {
	t.Helper()
	for range 100 {
		_, err := h.line().ListCards(testContext(t), &siegelv1.ListCardsRequest{})
		if status.Code(err) == codes.Unavailable {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("the server takes new calls although it was asked to end")
}

// TestGraceEnds asks the server to end while a call does not want to: after the grace its context ends.
func TestGraceEnds(t *testing.T) {
	began := make(chan struct{})
	h := start(t, &fakeAuthority{issue: func(ctx context.Context, _ string, _ *profiles.Order) (*ca.Card, error) {
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	go h.line().IssueCard(context.Background(), &siegelv1.IssueCardRequest{Order: goodOrder()}) //nolint:errcheck // it fails
	<-began
	h.stop()
	if err := <-h.ended; err != nil {
		t.Errorf("Run = %v, want nil", err)
	}
	if !strings.Contains(h.log.String(), "outlast the grace") {
		t.Errorf("the log does not say that calls were cancelled:\n%s", h.log)
	}
}

// TestHealthWatcherDoesNotHoldUpTheEnd ends a server with an open stream: it must not take the grace.
func TestHealthWatcherDoesNotHoldUpTheEnd(t *testing.T) {
	h := start(t, &fakeAuthority{})
	h.server.grace = time.Hour
	stream, err := healthpb.NewHealthClient(h.as("auditor")).Watch(testContext(t), &healthpb.HealthCheckRequest{Service: "siegel.v1.IssuanceService"})
	if err != nil {
		t.Fatal(err)
	}
	waitForHealth(t, stream, healthpb.HealthCheckResponse_SERVING)
	h.stop()
	select {
	case err := <-h.ended:
		if err != nil {
			t.Errorf("Run = %v, want nil", err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the server waits for a health watcher")
		h.server.grpc.Stop()
	}
}

// TestReflection asks for the list of services, as grpcurl does.
func TestReflection(t *testing.T) {
	h := start(t, &fakeAuthority{})
	stream, err := reflectionv1.NewServerReflectionClient(h.as("auditor")).ServerReflectionInfo(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	ask := &reflectionv1.ServerReflectionRequest{MessageRequest: &reflectionv1.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(ask); err != nil {
		t.Fatal(err)
	}
	answer, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, s := range answer.GetListServicesResponse().GetService() {
		got = append(got, s.GetName())
	}
	want := []string{"grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
		"siegel.v1.ActivationService", "siegel.v1.ApprovalService", "siegel.v1.AuthorityService", "siegel.v1.IssuanceService", "siegel.v1.LifecycleService", "siegel.v1.LogService"}
	if !slices.Equal(got, want) {
		t.Errorf("services = %q, want %q", got, want)
	}
	if err := stream.CloseSend(); err != nil {
		t.Error(err)
	}
	if _, err := stream.Recv(); !errors.Is(err, io.EOF) {
		t.Errorf("the stream ends with %v, want EOF", err)
	}
}
