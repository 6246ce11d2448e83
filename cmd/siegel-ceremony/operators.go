package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/siegel-pki/siegel/internal/rpc"
)

// testOperatorsCmd is `siegel-ceremony test-operators`.
type testOperatorsCmd struct {
	Data string `default:"data" help:"Folder that receives tls/ and operators.yaml; siegeld uses it with the same flag." type:"path"`
}

// Run makes the operators of a test hierarchy without one, for a hierarchy that a ceremony made.
func (cmd *testOperatorsCmd) Run(ctx context.Context) error {
	for _, name := range []string{"tls", "operators.yaml"} {
		path := filepath.Join(cmd.Data, name)
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s exists, and is not overwritten: %w", path, fs.ErrExist)
		}
	}
	c := &testCeremony{cmd: &testHierarchyCmd{Data: cmd.Data}, start: time.Now().UTC(), progress: os.Stderr}
	return c.makeOperators(ctx)
}

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
func (c *testCeremony) makeOperators(context.Context) error {
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
