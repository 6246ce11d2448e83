package rpc

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// matrix is who may call what, as the design has it: said here a second time, by hand. A new method is a line here.
var matrix = map[string][]Role{
	siegelv1.IssuanceService_PlanCard_FullMethodName:   {Personalization},
	siegelv1.IssuanceService_IssueCard_FullMethodName:  {Personalization},
	siegelv1.IssuanceService_IssueCards_FullMethodName: {Personalization},
	siegelv1.IssuanceService_GetCard_FullMethodName:    {Personalization},
	siegelv1.IssuanceService_ListCards_FullMethodName:  {Personalization},

	siegelv1.AuthorityService_ListIssuers_FullMethodName:          {CAOperator, SystemOperator, Auditor},
	siegelv1.AuthorityService_ListProfiles_FullMethodName:         {CAOperator, SystemOperator, Auditor},
	siegelv1.AuthorityService_ReviewPolicy_FullMethodName:         {CAOperator, SystemOperator, Auditor},
	siegelv1.AuthorityService_OpenKeySession_FullMethodName:       {CAOperator},
	siegelv1.AuthorityService_CloseKeySession_FullMethodName:      {CAOperator, SystemOperator},
	siegelv1.AuthorityService_ListKeySessions_FullMethodName:      {CAOperator, SystemOperator, Auditor},
	siegelv1.AuthorityService_ImportIssuer_FullMethodName:         {CAOperator},
	siegelv1.AuthorityService_RetireIssuer_FullMethodName:         {CAOperator},
	siegelv1.AuthorityService_GenerateCRL_FullMethodName:          {CAOperator},
	siegelv1.AuthorityService_GrantLegacyException_FullMethodName: {CAOperator},

	siegelv1.ApprovalService_ListApprovals_FullMethodName: {CAOperator, SecurityOfficer, Revocation, SystemOperator, Auditor},
	siegelv1.ApprovalService_GetApproval_FullMethodName:   {CAOperator, SecurityOfficer, Revocation, SystemOperator, Auditor},
	siegelv1.ApprovalService_Approve_FullMethodName:       {CAOperator, SecurityOfficer, Revocation},
	siegelv1.ApprovalService_Reject_FullMethodName:        {CAOperator, SecurityOfficer, Revocation},

	siegelv1.LifecycleService_GetCardStatus_FullMethodName:     {Registration, Revocation},
	siegelv1.LifecycleService_ActivateCard_FullMethodName:      {Registration},
	siegelv1.LifecycleService_RevokeCard_FullMethodName:        {Revocation},
	siegelv1.LifecycleService_RevokeCertificate_FullMethodName: {Revocation},

	siegelv1.ActivationService_GiveShare_FullMethodName:           {CAOperator},
	siegelv1.LifecycleService_PlanBulkRevocation_FullMethodName:   {Revocation},
	siegelv1.LifecycleService_StartBulkRevocation_FullMethodName:  {Revocation},
	siegelv1.LifecycleService_PauseBulkRevocation_FullMethodName:  {Revocation},
	siegelv1.LifecycleService_ResumeBulkRevocation_FullMethodName: {Revocation},
	siegelv1.LifecycleService_GetBulkRevocation_FullMethodName:    {Revocation, SecurityOfficer},

	siegelv1.LogService_ExportEntries_FullMethodName:       {Auditor},
	siegelv1.LogService_GetCheckpoint_FullMethodName:       {Auditor},
	siegelv1.LogService_GetInclusionProof_FullMethodName:   {Auditor},
	siegelv1.LogService_GetConsistencyProof_FullMethodName: {Auditor},
	siegelv1.LogService_GetStatistics_FullMethodName:       {Auditor},

	healthpb.Health_Check_FullMethodName:                                   Roles(),
	healthpb.Health_Watch_FullMethodName:                                   Roles(),
	"/grpc.health.v1.Health/List":                                          Roles(),
	reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName:      Roles(),
	reflectionv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: Roles(),
}

// TestRoleMatrix calls every method that is served in every role: exactly those of the matrix get through. Requests are empty, since the
// role is looked at before the request.
func TestRoleMatrix(t *testing.T) {
	h := startWith(t, &fakeAuthority{catalogue: builtin(t)}, ca.NewLogReader(newSmallLog(t, 3)))
	cells := 0
	served := h.server.grpc.GetServiceInfo()
	for _, role := range Roles() {
		conn := h.as(string(role))
		for service, info := range served {
			for _, m := range info.Methods {
				method := "/" + service + "/" + m.Name
				want, known := matrix[method]
				if !known {
					t.Errorf("%s is served and has no line in the matrix", method)
				}
				cells++
				checkCell(t, role, method, want, callEmpty(testContext(t), conn, method, m.IsClientStream || m.IsServerStream))
			}
		}
	}
	t.Logf("%d cells", cells)
}

// checkCell judges what came of a call.
func checkCell(t *testing.T, role Role, method string, want []Role, err error) {
	t.Helper()
	code := status.Code(err)
	switch may := slices.Contains(want, role); {
	case may && (code == codes.PermissionDenied || code == codes.Unauthenticated || code == codes.Unimplemented):
		t.Errorf("%s calls %s: %v, want to get through", role, method, err)
	case !may && code != codes.PermissionDenied:
		t.Errorf("%s calls %s: %v, want PERMISSION_DENIED", role, method, err)
	case !may && !strings.Contains(err.Error(), "roles that may: "+joinRoles(want)):
		t.Errorf("%s calls %s: %v, which does not say who may: %s", role, method, err, joinRoles(want))
	}
}

// callEmpty calls a method with a request that says nothing.
func callEmpty(ctx context.Context, conn *grpc.ClientConn, method string, streams bool) error {
	if !streams {
		return conn.Invoke(ctx, method, &emptypb.Empty{}, &emptypb.Empty{})
	}
	stream, err := conn.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, method)
	if err != nil {
		return err
	}
	err = stream.SendMsg(&emptypb.Empty{})
	if err == nil || errors.Is(err, io.EOF) { // EOF: the answer says why
		err = errors.Join(stream.CloseSend(), stream.RecvMsg(&emptypb.Empty{}))
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// TestMatrixHasNoStaleLines fails on a line for what is not served.
func TestMatrixHasNoStaleLines(t *testing.T) {
	h := start(t, &fakeAuthority{})
	served := map[string]bool{}
	for service, info := range h.server.grpc.GetServiceInfo() {
		for _, m := range info.Methods {
			served["/"+service+"/"+m.Name] = true
		}
	}
	for method := range matrix {
		if !served[method] {
			t.Errorf("%s has a line and is not served", method)
		}
	}
}
