package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/siegel-pki/siegel/internal/rpc"
)

// createdOperator is an operator that this ceremony made.
type createdOperator struct {
	name        string
	roles       []string
	fingerprint string
}

// testOperators are the operators of a test hierarchy: one for each role, and two CA operators, because a key session needs two.
var testOperators = []struct {
	name string
	role rpc.Role
}{
	{"line-1", rpc.Personalization},
	{"desk-1", rpc.Registration},
	{"revocation-1", rpc.Revocation},
	{"auditor-1", rpc.Auditor},
	{"security-1", rpc.SecurityOfficer},
	{"ca-operator-1", rpc.CAOperator},
	{"ca-operator-2", rpc.CAOperator},
	{"system-1", rpc.SystemOperator},
}

// makeOperators makes the TLS certificates of the server and the operators, and the operator file.
func (c *ceremony) makeOperators(context.Context) error {
	c.say("making TLS certificates of the server and %d operators", len(testOperators))
	authority, err := newTLSAuthority(filepath.Join(c.cmd.Data, "tls"), c.start)
	if err != nil {
		return err
	}
	if err := authority.server(); err != nil {
		return err
	}
	var list []rpc.Operator
	for _, o := range testOperators {
		sum, err := authority.operator(o.name)
		if err != nil {
			return err
		}
		list = append(list, rpc.Operator{Name: o.name, Roles: []rpc.Role{o.role}, CertificateSHA256: sum})
		c.operators = append(c.operators, createdOperator{o.name, []string{string(o.role)}, sum})
	}
	operators, err := rpc.NewOperators(list)
	if err != nil {
		return fmt.Errorf("check the operators: %w", err)
	}
	text, err := operators.Encode()
	if err != nil {
		return fmt.Errorf("encode the operator file: %w", err)
	}
	if err := os.WriteFile(filepath.Join(c.cmd.Data, "operators.yaml"), text, 0o644); err != nil {
		return fmt.Errorf("write the operator file: %w", err)
	}
	return nil
}
