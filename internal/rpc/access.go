package rpc

import (
	"context"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	reflectionv1 "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionv1alpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// access is the table of methods: who may call what. A method that is not in it cannot be called.
var access = map[string][]Role{
	siegelv1.IssuanceService_PlanCard_FullMethodName:  {Personalization},
	siegelv1.IssuanceService_IssueCard_FullMethodName: {Personalization},
	siegelv1.IssuanceService_GetCard_FullMethodName:   {Personalization},
	siegelv1.IssuanceService_ListCards_FullMethodName: {Personalization},

	// What the server says about itself and its interface is for every operator.
	healthpb.Health_Check_FullMethodName:                                   Roles(),
	healthpb.Health_Watch_FullMethodName:                                   Roles(),
	"/grpc.health.v1.Health/List":                                          Roles(),
	reflectionv1.ServerReflection_ServerReflectionInfo_FullMethodName:      Roles(),
	reflectionv1alpha.ServerReflection_ServerReflectionInfo_FullMethodName: Roles(),
}

// authorize finds the caller's operator by the certificate of the connection and checks that one of the operator's roles may call
// the method. The roles are checked against each other again: an act is refused even if a file got past its loader.
func (s *Server) authorize(ctx context.Context, method string) (*Operator, error) {
	op := s.operators.operator(peerCertificate(ctx))
	if op == nil {
		return nil, deny(codes.Unauthenticated, "UNKNOWN_CERTIFICATE", nil,
			"this client certificate belongs to no operator; a security officer must add its SHA-256 to the operator file")
	}
	if err := CheckRoles(op.Roles); err != nil {
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

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// peerCertificate gives the DER of the client certificate that the handshake verified, or nil.
func peerCertificate(ctx context.Context) []byte {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil
	}
	info, ok := p.AuthInfo.(credentials.TLSInfo)
	if !ok || len(info.State.VerifiedChains) == 0 {
		return nil
	}
	return info.State.PeerCertificates[0].Raw
}

// deny is the error of a call that its caller may not make.
func deny(code codes.Code, reason string, metadata map[string]string, message string) error {
	return withDetails(code, message, &errdetails.ErrorInfo{Reason: reason, Domain: errorDomain, Metadata: metadata}).Err()
}

// authorizeUnary is authorize as an interceptor.
func (s *Server) authorizeUnary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	op, err := s.authorize(ctx, info.FullMethod)
	callOf(ctx).operator = op
	if err != nil {
		return nil, err
	}
	return next(ctx, req)
}

// authorizeStream is authorize as an interceptor.
func (s *Server) authorizeStream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	op, err := s.authorize(ss.Context(), info.FullMethod)
	callOf(ss.Context()).operator = op
	if err != nil {
		return err
	}
	return next(srv, ss)
}
