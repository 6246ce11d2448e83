package ca

import (
	"fmt"
	"slices"
	"strings"
)

// Role is what an operator may do.
type Role string

// The roles, with the codes of the gematik roles whose work they do (gemRL_TSL_SP_CP, Tab_PKI_301 to Tab_PKI_302).
const (
	RolePersonalization Role = "personalization"  // RG: releases orders and transmits them to the CA
	RoleRegistration    Role = "registration"     // TS: deals with the holder, confirms that the card was received
	RoleRevocation      Role = "revocation"       // RG: releases revocations
	RoleAuditor         Role = "auditor"          // R: reads the log
	RoleSecurityOfficer Role = "security-officer" // ISO: approves rights
	RoleCAOperator      Role = "ca-operator"      // CAO1 and CAO2: which of the two is decided by each key session, never the same person
	RoleSystemOperator  Role = "system-operator"  // SA and SO: configuration, start and stop, backup; no key
)

// Roles lists all roles.
func Roles() []Role {
	return []Role{RolePersonalization, RoleRegistration, RoleRevocation, RoleAuditor, RoleSecurityOfficer, RoleCAOperator, RoleSystemOperator}
}

// exclusions is Tab_PKI_303 (GS-A_4266) in terms of our roles: no operator may hold the role on the left together with one on
// the right. R and ISO may be one person, as may TS and RG, and RG and CAO1 (Tab_PKI_304). CAO2 may be SA or SO, CAO1 may not;
// a ca-operator can be either, so that the stricter one counts.
//
// BSI TR-03145-1, Role.Req.12, is stricter still: it wants RA and CA operators apart. It is not enforced, since Tab_PKI_304
// demands a group of persons that is both.
var exclusions = map[Role][]Role{
	RoleAuditor:         {RolePersonalization, RoleRegistration, RoleRevocation, RoleCAOperator, RoleSystemOperator},
	RoleSecurityOfficer: {RolePersonalization, RoleRegistration, RoleRevocation, RoleCAOperator, RoleSystemOperator},
	RoleSystemOperator:  {RolePersonalization, RoleRegistration, RoleRevocation, RoleCAOperator},
}

// CheckRoles says whether one person may hold all the roles: each is known and listed once, at least one, and none excludes
// another (GS-A_4266, Tab_PKI_303).
func CheckRoles(roles []Role) error {
	if len(roles) == 0 {
		return fmt.Errorf("no role")
	}
	for i, r := range roles {
		if !slices.Contains(Roles(), r) {
			return fmt.Errorf("role %q does not exist; the roles are %s", r, joinRoles(Roles()))
		}
		if slices.Contains(roles[:i], r) {
			return fmt.Errorf("role %s is listed twice", r)
		}
		for _, other := range roles {
			if slices.Contains(exclusions[r], other) {
				return fmt.Errorf("roles %s and %s exclude each other (GS-A_4266, Tab_PKI_303)", r, other)
			}
		}
	}
	return nil
}

func joinRoles(roles []Role) string {
	names := make([]string, len(roles))
	for i, r := range roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}
