package rpc

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// asItIs is a codec that sends a request as it is.
type asItIs struct{}

func (asItIs) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (asItIs) Unmarshal([]byte, any) error   { return nil }
func (asItIs) Name() string                  { return "proto" }

// malformed are requests that no decoder takes.
func malformed() map[string][]byte {
	order := protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), []byte("order-\xFF"))
	return map[string][]byte{
		"not protobuf":  []byte("\xFF\xFF\xFF"),
		"cut":           {0x0A, 0x7F, 0x00},
		"invalid UTF-8": protowire.AppendBytes(protowire.AppendTag(nil, 1, protowire.BytesType), order),
	}
}

// TestMalformedRequests are the sender's fault, are logged, and their octets are not sent back.
func TestMalformedRequests(t *testing.T) {
	h := start(t, &fakeAuthority{})
	conn := h.as("line-1")
	for name, data := range malformed() {
		t.Run(name, func(t *testing.T) {
			err := conn.Invoke(testContext(t), siegelv1.IssuanceService_IssueCard_FullMethodName, data, nil, grpc.ForceCodec(asItIs{}))
			st := status.Convert(err)
			if st.Code() != codes.InvalidArgument || !strings.Contains(st.Message(), "no message of the type that the method takes") {
				t.Fatalf("IssueCard = %v, want INVALID_ARGUMENT", err)
			}
			if info, ok := st.Details()[0].(*errdetails.ErrorInfo); !ok || info.GetReason() != "MALFORMED" {
				t.Errorf("details = %v, want reason MALFORMED", st.Details())
			}
		})
	}
	log := h.log.String()
	if n := strings.Count(log, `"operator":"line-1"`); n != len(malformed()) || !strings.Contains(log, "the request cannot be decoded: ") {
		t.Errorf("the log names the operator %d times, want once for each request, with the cause:\n%s", n, log)
	}
}

// TestStrangersDoNotReachTheDecoder: whoever may not call is told so, and nothing about what was sent.
func TestStrangersDoNotReachTheDecoder(t *testing.T) {
	h := start(t, &fakeAuthority{})
	for name, data := range malformed() {
		err := h.as("auditor").Invoke(testContext(t), siegelv1.IssuanceService_IssueCard_FullMethodName, data, nil, grpc.ForceCodec(asItIs{}))
		if got := status.Code(err); got != codes.PermissionDenied {
			t.Errorf("%s from an auditor: %v, want PERMISSION_DENIED", name, err)
		}
	}
	if log := h.log.String(); strings.Contains(log, "cannot be decoded") {
		t.Errorf("a request was decoded before its sender was checked:\n%s", log)
	}
}

// TestStreamsAreGuarded sends what cannot be decoded on a stream.
func TestStreamsAreGuarded(t *testing.T) {
	h := start(t, &fakeAuthority{})
	desc := &grpc.StreamDesc{StreamName: "Watch", ServerStreams: true}
	stream, err := h.as("auditor").NewStream(testContext(t), desc, "/grpc.health.v1.Health/Watch", grpc.ForceCodec(asItIs{}))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.SendMsg([]byte("\xFF\xFF\xFF")); err != nil {
		t.Fatal(err)
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if err := stream.RecvMsg(nil); status.Code(err) != codes.InvalidArgument {
		t.Errorf("Watch = %v, want INVALID_ARGUMENT", err)
	}
}

// TestExpiryOnAnOpenConnection lets the server's clock pass the end of a certificate while its connection is open.
func TestExpiryOnAnOpenConnection(t *testing.T) {
	h := start(t, &fakeAuthority{cards: func(int64, int) ([]ca.CardSummary, error) { return nil, nil }})
	line := h.line()
	if _, err := line.ListCards(testContext(t), &siegelv1.ListCardsRequest{}); err != nil {
		t.Fatal(err)
	}
	h.skew.Store(int64(2 * time.Hour)) // the certificates of the harness end in one
	_, err := line.ListCards(testContext(t), &siegelv1.ListCardsRequest{})
	st := status.Convert(err)
	if st.Code() != codes.Unauthenticated || !strings.Contains(st.Message(), "has expired on ") {
		t.Fatalf("ListCards = %v, want UNAUTHENTICATED", err)
	}
	if info, ok := st.Details()[0].(*errdetails.ErrorInfo); !ok || info.GetReason() != "CERTIFICATE_EXPIRED" {
		t.Errorf("details = %v, want reason CERTIFICATE_EXPIRED", st.Details())
	}
}

// TestConnectionsAge shortens the age of connections and counts how often a client has shown its certificate.
func TestConnectionsAge(t *testing.T) {
	if age := aliveServer.MaxConnectionAge; age <= 0 || age > time.Hour || aliveServer.MaxConnectionAgeGrace <= 0 {
		t.Errorf("connections live for %s and %s more, want an hour at most and some time for calls under way", age, aliveServer.MaxConnectionAgeGrace)
	}
	before := aliveServer.MaxConnectionAge
	t.Cleanup(func() { aliveServer.MaxConnectionAge = before })
	aliveServer.MaxConnectionAge = 50 * time.Millisecond
	h := start(t, &fakeAuthority{cards: func(int64, int) ([]ca.CardSummary, error) { return nil, nil }})
	shown := make(chan struct{}, 100)
	cert := h.operators["line-1"]
	line := siegelv1.NewIssuanceServiceClient(h.dial(&tls.Config{RootCAs: h.ca.pool(),
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			shown <- struct{}{}
			return &cert, nil
		}}))
	for end := time.Now().Add(5 * time.Second); len(shown) < 2; time.Sleep(10 * time.Millisecond) {
		if _, err := line.ListCards(testContext(t), &siegelv1.ListCardsRequest{}); err != nil {
			t.Fatalf("a call at the end of a connection fails: %v", err)
		}
		if time.Now().After(end) {
			t.Fatal("the connection does not age")
		}
	}
}
