package rpc

import (
	"context"
	"crypto/elliptic"
	"crypto/tls"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
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

// unary calls every unary method that the table names, with a request of good shape.
var unary = map[string]func(context.Context, *grpc.ClientConn) error{
	siegelv1.IssuanceService_PlanCard_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewIssuanceServiceClient(c).PlanCard(ctx, &siegelv1.PlanCardRequest{Order: goodOrder()})
		return err
	},
	siegelv1.IssuanceService_IssueCard_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewIssuanceServiceClient(c).IssueCard(ctx, &siegelv1.IssueCardRequest{Order: goodOrder()})
		return err
	},
	siegelv1.IssuanceService_GetCard_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewIssuanceServiceClient(c).GetCard(ctx, &siegelv1.GetCardRequest{By: &siegelv1.GetCardRequest_Iccsn{Iccsn: "80276001011699900861"}})
		return err
	},
	siegelv1.IssuanceService_ListCards_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewIssuanceServiceClient(c).ListCards(ctx, &siegelv1.ListCardsRequest{})
		return err
	},
	siegelv1.AuthorityService_ListIssuers_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewAuthorityServiceClient(c).ListIssuers(ctx, &siegelv1.ListIssuersRequest{})
		return err
	},
	siegelv1.AuthorityService_ListProfiles_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewAuthorityServiceClient(c).ListProfiles(ctx, &siegelv1.ListProfilesRequest{})
		return err
	},
	siegelv1.AuthorityService_ReviewPolicy_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewAuthorityServiceClient(c).ReviewPolicy(ctx, &siegelv1.ReviewPolicyRequest{Algorithms: []byte("x"), Day: "2026-01-01"})
		return err
	},
	siegelv1.LogService_GetCheckpoint_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLogServiceClient(c).GetCheckpoint(ctx, &siegelv1.GetCheckpointRequest{})
		return err
	},
	siegelv1.LogService_GetInclusionProof_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLogServiceClient(c).GetInclusionProof(ctx, &siegelv1.GetInclusionProofRequest{
			Entry: &siegelv1.GetInclusionProofRequest_LeafIndex{LeafIndex: 1}})
		return err
	},
	siegelv1.LogService_GetConsistencyProof_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLogServiceClient(c).GetConsistencyProof(ctx, &siegelv1.GetConsistencyProofRequest{OldSize: 1})
		return err
	},
	siegelv1.LogService_GetStatistics_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLogServiceClient(c).GetStatistics(ctx, &siegelv1.GetStatisticsRequest{})
		return err
	},
	siegelv1.LifecycleService_GetCardStatus_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLifecycleServiceClient(c).GetCardStatus(ctx, &siegelv1.GetCardStatusRequest{Iccsn: testICCSN})
		return err
	},
	siegelv1.LifecycleService_ActivateCard_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLifecycleServiceClient(c).ActivateCard(ctx, &siegelv1.ActivateCardRequest{Iccsn: testICCSN, Reference: "T-1"})
		return err
	},
	siegelv1.LifecycleService_RevokeCard_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLifecycleServiceClient(c).RevokeCard(ctx, &siegelv1.RevokeCardRequest{Iccsn: testICCSN, Requester: "holder", Reason: "lost", Reference: "T-1"})
		return err
	},
	siegelv1.LifecycleService_RevokeCertificate_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := siegelv1.NewLifecycleServiceClient(c).RevokeCertificate(ctx, &siegelv1.RevokeCertificateRequest{Requester: "holder", Reason: "lost", Reference: "T-1",
			Certificate: &siegelv1.RevokeCertificateRequest_Slot{Slot: &siegelv1.CardSlot{Iccsn: testICCSN, Slot: "C.HCI.AUT.E256"}}})
		return err
	},
	healthpb.Health_Check_FullMethodName: func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := healthpb.NewHealthClient(c).Check(ctx, &healthpb.HealthCheckRequest{})
		return err
	},
}

// TestRoleMatrix calls every method in every role: exactly those of the design, section 7, get through.
func TestRoleMatrix(t *testing.T) {
	office := []Role{CAOperator, SystemOperator, Auditor}
	want := map[string][]Role{
		siegelv1.AuthorityService_ListIssuers_FullMethodName:       office,
		siegelv1.AuthorityService_ListProfiles_FullMethodName:      office,
		siegelv1.AuthorityService_ReviewPolicy_FullMethodName:      office,
		siegelv1.IssuanceService_PlanCard_FullMethodName:           {Personalization},
		siegelv1.IssuanceService_IssueCard_FullMethodName:          {Personalization},
		siegelv1.IssuanceService_GetCard_FullMethodName:            {Personalization},
		siegelv1.IssuanceService_ListCards_FullMethodName:          {Personalization},
		siegelv1.LogService_GetCheckpoint_FullMethodName:           {Auditor},
		siegelv1.LogService_GetInclusionProof_FullMethodName:       {Auditor},
		siegelv1.LogService_GetConsistencyProof_FullMethodName:     {Auditor},
		siegelv1.LogService_GetStatistics_FullMethodName:           {Auditor},
		siegelv1.LifecycleService_GetCardStatus_FullMethodName:     {Registration, Revocation},
		siegelv1.LifecycleService_ActivateCard_FullMethodName:      {Registration},
		siegelv1.LifecycleService_RevokeCard_FullMethodName:        {Revocation},
		siegelv1.LifecycleService_RevokeCertificate_FullMethodName: {Revocation},
		healthpb.Health_Check_FullMethodName:                       Roles(),
	}
	h := startWith(t, &fakeAuthority{
		plan:  func(*profiles.Order) (*ca.Plan, error) { return &ca.Plan{Plan: &profiles.Plan{}}, nil },
		issue: func(context.Context, string, *profiles.Order) (*ca.Card, error) { return &ca.Card{}, nil },
		card:  func(string) (*ca.Card, error) { return &ca.Card{}, nil },
		cards: func(int64, int) ([]ca.CardSummary, error) { return nil, nil },

		Lifecycle: &fakeLifecycle{life: testLife(t)},
		catalogue: builtin(t),
		review:    func([]byte, time.Time) (*ca.PolicyReview, error) { return &ca.PolicyReview{}, nil },
	}, ca.NewLogReader(newSmallLog(t, 3)))
	for service, info := range h.server.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			if method := "/" + service + "/" + m.Name; !m.IsServerStream && unary[method] == nil && method != "/grpc.health.v1.Health/List" {
				t.Errorf("%s is called by no test of roles", method)
			}
		}
	}
	for _, role := range Roles() {
		conn := h.as(string(role))
		for method, call := range unary {
			err := call(testContext(t), conn)
			if slices.Contains(want[method], role) {
				if err != nil {
					t.Errorf("%s calls %s: %v, want no error", role, method, err)
				}
				continue
			}
			if got := status.Code(err); got != codes.PermissionDenied {
				t.Errorf("%s calls %s: %v, want PERMISSION_DENIED", role, method, got)
			}
			if may := "roles that may: " + joinRoles(want[method]); !strings.Contains(err.Error(), may) {
				t.Errorf("%s calls %s: %v, which does not say %q", role, method, err, may)
			}
		}
	}
}

// TestActChecksExclusionsAgain builds the operators past the check of the loader.
func TestActChecksExclusionsAgain(t *testing.T) {
	h := start(t, &fakeAuthority{})
	line := h.server.operators.operator(Fingerprint(h.operators["line-1"].Certificate[0]))
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
