package rpc

import (
	"strings"

	"github.com/siegel-pki/siegel/ca"
)

// Role is what an operator may do. The roles, and which of them exclude each other, are package ca's.
type Role = ca.Role

// The roles, for the table of methods.
const (
	Personalization = ca.Personalization
	Registration    = ca.Registration
	Revocation      = ca.Revocation
	Auditor         = ca.Auditor
	SecurityOfficer = ca.SecurityOfficer
	CAOperator      = ca.CAOperator
	SystemOperator  = ca.SystemOperator
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
