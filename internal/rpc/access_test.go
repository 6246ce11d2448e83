package rpc

import (
	"crypto/elliptic"
	"crypto/tls"
	"slices"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// TestEveryServedMethodIsInTheTable keeps the table of methods and the server the same.
func TestEveryServedMethodIsInTheTable(t *testing.T) {
	h := start(t, &fakeAuthority{})
	served := map[string]bool{}
	for service, info := range h.server.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			method := "/" + service + "/" + m.Name
			served[method] = true
			if len(access[method]) == 0 {
				t.Errorf("%s is served, but no role may call it: add it to the table", method)
			}
		}
	}
	for method, roles := range access {
		if !served[method] {
			t.Errorf("%s is in the table, but not served", method)
		}
		for _, r := range roles {
			if !slices.Contains(Roles(), r) {
				t.Errorf("%s may be called by %q, which is no role", method, r)
			}
		}
	}
}

// TestActChecksExclusionsAgain builds the operators past the check of the loader.
func TestActChecksExclusionsAgain(t *testing.T) {
	h := start(t, &fakeAuthority{})
	line := h.server.operators.Load().operator(Fingerprint(h.operators["line-1"].Certificate[0]))
	line.Roles = []Role{Personalization, Auditor}
	_, err := h.line().ListCards(testContext(t), &siegelv1.ListCardsRequest{})
	if got := status.Code(err); got != codes.PermissionDenied || !strings.Contains(err.Error(), "GS-A_4266") {
		t.Errorf("ListCards = %v, want PERMISSION_DENIED that cites GS-A_4266", err)
	}
}

// TestPinnedCertificate shows that it is the certificate that counts, not the name in it and not the CA alone.
func TestPinnedCertificate(t *testing.T) {
	h := start(t, &fakeAuthority{})
	namesake := h.ca.certify("line-1", elliptic.P256(), nil)
	conn := h.dial(&tls.Config{RootCAs: h.ca.pool(), Certificates: []tls.Certificate{namesake}})
	_, err := siegelv1.NewIssuanceServiceClient(conn).ListCards(testContext(t), &siegelv1.ListCardsRequest{})
	if got := status.Code(err); got != codes.Unauthenticated {
		t.Errorf("ListCards with an unknown certificate = %v, want UNAUTHENTICATED", err)
	}
	info, ok := status.Convert(err).Details()[0].(*errdetails.ErrorInfo)
	fingerprint := Fingerprint(namesake.Certificate[0])
	want := &errdetails.ErrorInfo{Reason: "UNKNOWN_CERTIFICATE", Domain: "siegel", Metadata: map[string]string{"certificate_sha256": fingerprint}}
	if !ok || !proto.Equal(info, want) {
		t.Errorf("details = %v, want %v", info, want)
	}
	// Security officer and operator of the server need the same digits: one hears them from the caller, the other reads the log.
	if text := status.Convert(err).Message(); !strings.Contains(text, fingerprint) {
		t.Errorf("message %q lacks the fingerprint %s", text, fingerprint)
	}
	if log := h.log.String(); !strings.Contains(log, `"certificate_sha256":"`+fingerprint+`","peer":"127.0.0.1:`) {
		t.Errorf("the log lacks fingerprint and peer:\n%s", log)
	}
	stream, err := healthpb.NewHealthClient(conn).Watch(testContext(t), &healthpb.HealthCheckRequest{})
	if err == nil {
		_, err = stream.Recv()
	}
	if got := status.Code(err); got != codes.Unauthenticated {
		t.Errorf("Watch with an unknown certificate = %v, want UNAUTHENTICATED", err)
	}
}
