package ca_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/ca"
)

// TestExclusionsAreTabPKI303 derives the exclusions of our roles from the table as it is printed, in gematik's codes, and compares
// every pair with CheckRoles.
func TestExclusionsAreTabPKI303(t *testing.T) {
	printed := map[string][]string{ // gemRL_TSL_SP_CP, Tab_PKI_303
		"R":    {"TS", "RG", "CAO1", "CAO2", "SA", "SO"},
		"ISO":  {"TS", "RG", "CAO1", "CAO2", "SA", "SO"},
		"TS":   {"R", "ISO", "SA", "SO"},
		"RG":   {"R", "ISO", "SA", "SO"},
		"SA":   {"R", "ISO", "TS", "RG", "CAO1"},
		"SO":   {"R", "ISO", "TS", "RG", "CAO1"},
		"CAO1": {"R", "ISO", "CAO2", "SA", "SO"},
		"CAO2": {"R", "ISO", "CAO1"},
	}
	codes := map[ca.Role][]string{
		ca.RolePersonalization: {"RG"}, ca.RoleRegistration: {"TS"}, ca.RoleRevocation: {"RG"}, ca.RoleAuditor: {"R"}, ca.RoleSecurityOfficer: {"ISO"},
		ca.RoleCAOperator: {"CAO1", "CAO2"}, ca.RoleSystemOperator: {"SA", "SO"},
	}
	excluded := func(a, b ca.Role) bool {
		for _, x := range codes[a] {
			for _, y := range codes[b] {
				if slices.Contains(printed[x], y) {
					return true
				}
			}
		}
		return false
	}
	for _, a := range ca.Roles() {
		for _, b := range ca.Roles() {
			if a == b {
				continue
			}
			err := ca.CheckRoles([]ca.Role{a, b})
			if want := excluded(a, b); (err != nil) != want {
				t.Errorf("CheckRoles(%s, %s) = %v, want excluded: %t", a, b, err, want)
			}
			if err != nil && !strings.Contains(err.Error(), "GS-A_4266") {
				t.Errorf("CheckRoles(%s, %s) = %v, which does not cite GS-A_4266", a, b, err)
			}
		}
	}
}

func TestCheckRolesRefusesLists(t *testing.T) {
	tests := []struct {
		name  string
		roles []ca.Role
		want  string
	}{
		{"none", nil, "no role"},
		{"unknown", []ca.Role{"root"}, `role "root" does not exist`},
		{"twice", []ca.Role{ca.RoleAuditor, ca.RoleAuditor}, "listed twice"},
		{"third excludes first", []ca.Role{ca.RolePersonalization, ca.RoleRegistration, ca.RoleAuditor}, "exclude each other"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := ca.CheckRoles(tt.roles); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("CheckRoles(%v) = %v, want an error with %q", tt.roles, err, tt.want)
			}
		})
	}
}
