package rpc

import (
	"context"
	"crypto/x509"
	"errors"
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

	siegelv1.AuthorityService_OpenKeySession_FullMethodName:       {CAOperator},
	siegelv1.AuthorityService_CloseKeySession_FullMethodName:      {CAOperator, SystemOperator},
	siegelv1.AuthorityService_ListKeySessions_FullMethodName:      {CAOperator, SystemOperator, Auditor},
	siegelv1.AuthorityService_GenerateCRL_FullMethodName:          {CAOperator},
	siegelv1.AuthorityService_ImportIssuer_FullMethodName:         {CAOperator},
	siegelv1.AuthorityService_RetireIssuer_FullMethodName:         {CAOperator},
	siegelv1.AuthorityService_GrantLegacyException_FullMethodName: {CAOperator},

	// Which of these roles may decide on a request depends on its act: ca.Authority checks it.
	siegelv1.ApprovalService_ListApprovals_FullMethodName: {CAOperator, SecurityOfficer, Revocation, SystemOperator, Auditor},
	siegelv1.ApprovalService_GetApproval_FullMethodName:   {CAOperator, SecurityOfficer, Revocation, SystemOperator, Auditor},
	siegelv1.ApprovalService_Approve_FullMethodName:       {CAOperator, SecurityOfficer, Revocation},
	siegelv1.ApprovalService_Reject_FullMethodName:        {CAOperator, SecurityOfficer, Revocation},

	siegelv1.LogService_ExportEntries_FullMethodName:       {Auditor},
	siegelv1.LogService_GetCheckpoint_FullMethodName:       {Auditor},
	siegelv1.LogService_GetInclusionProof_FullMethodName:   {Auditor},
	siegelv1.LogService_GetConsistencyProof_FullMethodName: {Auditor},
	siegelv1.LogService_GetStatistics_FullMethodName:       {Auditor},

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

	// What the server says about itself and its interface is for every operator.
	healthpb.Health_Check_FullMethodName:                                   Roles(),
	healthpb.Health_Watch_FullMethodName:                                   Roles(),
	"/grpc.health.v1.Health/List":                                          Roles(),
	reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName:      Roles(),
	reflectionv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: Roles(),
}

// authorize finds the caller's operator and checks that he may call the method.
func (s *Server) authorize(ctx context.Context, method string) (err error) {
	c := callOf(ctx)
	cert := peerCertificate(ctx)
	if cert == nil {
		return deny(codes.Unauthenticated, "NO_CERTIFICATE", nil, "the connection shows no client certificate")
	}
	c.fingerprint = Fingerprint(cert.Raw)
	c.operator, err = s.admit(cert, c.fingerprint, method)
	return err
}

// admit finds the operator by the certificate of the connection and checks that one of the operator's roles may call the method. The term of
// the certificate is checked again, since a connection may outlive it, and the roles of the person are checked against each other
// again: an act is refused even if a file got past its loader. The operator comes with the error where he is known.
func (s *Server) admit(cert *x509.Certificate, fingerprint, method string) (*Operator, error) {
	metadata := map[string]string{"certificate_sha256": fingerprint}
	operators := s.operators.Load()
	op := operators.operator(fingerprint)
	if op == nil {
		return nil, deny(codes.Unauthenticated, "UNKNOWN_CERTIFICATE", metadata, "this client certificate belongs to no operator; "+
			"a security officer must add its SHA-256 to the operator file: "+fingerprint)
	}
	if s.now().After(cert.NotAfter) {
		return op, deny(codes.Unauthenticated, "CERTIFICATE_EXPIRED", metadata,
			"the client certificate has expired on "+cert.NotAfter.UTC().Format(time.RFC3339)+"; connect with a new one")
	}
	if err := errors.Join(ca.CheckRoles(op.Roles), operators.checkPerson(op)); err != nil {
		return op, deny(codes.PermissionDenied, "ROLES_EXCLUDE", map[string]string{"operator": op.Name}, err.Error())
	}
	allowed := access[method]
	if !slices.ContainsFunc(op.Roles, func(r Role) bool { return slices.Contains(allowed, r) }) {
		return op, deny(codes.PermissionDenied, "ROLE_MISSING",
			map[string]string{"operator": op.Name, "method": method, "roles": joinRoles(allowed)},
			"operator "+op.Name+" may not call "+method+"; roles that may: "+orNone(joinRoles(allowed)))
	}
	return op, nil
}

// admitStill checks the caller of a stream again, whose operator may have lost his rights since it began.
func (s *Server) admitStill(ctx context.Context, method string) error {
	cert := peerCertificate(ctx)
	if cert == nil {
		return deny(codes.Unauthenticated, "NO_CERTIFICATE", nil, "the connection shows no client certificate")
	}
	_, err := s.admit(cert, Fingerprint(cert.Raw), method)
	return err
}

// actorOf is the caller as package ca knows him.
func actorOf(ctx context.Context) ca.Actor {
	op := callOf(ctx).operator
	return ca.Actor{Person: ca.Person{Operator: op.Name, Person: op.person()}, Roles: op.Roles}
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
