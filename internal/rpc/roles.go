package rpc

import (
	"strings"

	"github.com/siegel-pki/siegel/ca"
)

// Role is what an operator may do. The roles, and which of them exclude each other, are package ca's.
type Role = ca.Role

// The roles, for the table of methods.
const (
	Personalization = ca.RolePersonalization
	Registration    = ca.RoleRegistration
	Revocation      = ca.RoleRevocation
	Auditor         = ca.RoleAuditor
	SecurityOfficer = ca.RoleSecurityOfficer
	CAOperator      = ca.RoleCAOperator
	SystemOperator  = ca.RoleSystemOperator
)

// Roles lists all roles.
func Roles() []Role { return ca.Roles() }

// joinRoles lists roles for a person.
func joinRoles(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}
