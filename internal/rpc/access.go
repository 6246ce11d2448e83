package rpc

import (
	"context"
	"crypto/x509"
	"slices"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	"github.com/siegel-pki/siegel/ca"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// access is the table of methods: who may call what. A method that is not in it cannot be called.
var access = map[string][]Role{
	siegelv1.IssuanceService_PlanCard_FullMethodName:   {Personalization},
	siegelv1.IssuanceService_IssueCard_FullMethodName:  {Personalization},
	siegelv1.IssuanceService_IssueCards_FullMethodName: {Personalization},
	siegelv1.IssuanceService_GetCard_FullMethodName:    {Personalization},
	siegelv1.IssuanceService_ListCards_FullMethodName:  {Personalization},

	// What the CA is made of is for those who run it and those who look over their shoulders.
	siegelv1.AuthorityService_ListIssuers_FullMethodName:  {CAOperator, SystemOperator, Auditor},
	siegelv1.AuthorityService_ListProfiles_FullMethodName: {CAOperator, SystemOperator, Auditor},
	siegelv1.AuthorityService_ReviewPolicy_FullMethodName: {CAOperator, SystemOperator, Auditor},

	siegelv1.LogService_ExportEntries_FullMethodName:       {Auditor},
	siegelv1.LogService_GetCheckpoint_FullMethodName:       {Auditor},
	siegelv1.LogService_GetInclusionProof_FullMethodName:   {Auditor},
	siegelv1.LogService_GetConsistencyProof_FullMethodName: {Auditor},
	siegelv1.LogService_GetStatistics_FullMethodName:       {Auditor},

	siegelv1.LifecycleService_GetCardStatus_FullMethodName:     {Registration, Revocation},
	siegelv1.LifecycleService_ActivateCard_FullMethodName:      {Registration},
	siegelv1.LifecycleService_RevokeCard_FullMethodName:        {Revocation},
	siegelv1.LifecycleService_RevokeCertificate_FullMethodName: {Revocation},

	// What the server says about itself and its interface is for every operator.
	healthpb.Health_Check_FullMethodName:                                   Roles(),
	healthpb.Health_Watch_FullMethodName:                                   Roles(),
	"/grpc.health.v1.Health/List":                                          Roles(),
	reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName:      Roles(),
	reflectionv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: Roles(),
}

// authorize finds the caller's operator by the certificate of the connection and checks that one of the operator's roles may call
// the method. The term of the certificate is checked again, since a connection may outlive it, and the roles are checked against each
// other again: an act is refused even if a file got past its loader.
func (s *Server) authorize(ctx context.Context, method string) error {
	c := callOf(ctx)
	cert := peerCertificate(ctx)
	if cert == nil {
		return deny(codes.Unauthenticated, "NO_CERTIFICATE", nil, "the connection shows no client certificate")
	}
	c.fingerprint = Fingerprint(cert.Raw)
	metadata := map[string]string{"certificate_sha256": c.fingerprint}
	if c.operator = s.operators.operator(c.fingerprint); c.operator == nil {
		return deny(codes.Unauthenticated, "UNKNOWN_CERTIFICATE", metadata, "this client certificate belongs to no operator; "+
			"a security officer must add its SHA-256 to the operator file: "+c.fingerprint)
	}
	if s.now().After(cert.NotAfter) {
		return deny(codes.Unauthenticated, "CERTIFICATE_EXPIRED", metadata,
			"the client certificate has expired on "+cert.NotAfter.UTC().Format(time.RFC3339)+"; connect with a new one")
	}
	op := c.operator
	if err := ca.CheckRoles(op.Roles); err != nil {
		return deny(codes.PermissionDenied, "ROLES_EXCLUDE", map[string]string{"operator": op.Name}, err.Error())
	}
	allowed := access[method]
	if !slices.ContainsFunc(op.Roles, func(r Role) bool { return slices.Contains(allowed, r) }) {
		return deny(codes.PermissionDenied, "ROLE_MISSING",
			map[string]string{"operator": op.Name, "method": method, "roles": joinRoles(allowed)},
			"operator "+op.Name+" may not call "+method+"; roles that may: "+orNone(joinRoles(allowed)))
	}
	return nil
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// peerCertificate gives the client certificate that the handshake verified, or nil.
func peerCertificate(ctx context.Context) *x509.Certificate {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return nil
	}
	return info.State.PeerCertificates[0]
}

// deny is the error of a call that its caller may not make.
func deny(code codes.Code, reason string, metadata map[string]string, message string) error {
	return withDetails(code, message, &errdetails.ErrorInfo{Reason: reason, Domain: errorDomain, Metadata: metadata}).Err()
}
