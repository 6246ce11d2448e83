package profiles_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: an order held against the algorithm policy, by date, environment and exceptions.

const (
	noQES = "legacy-rsa-2048-noqes"
	qes   = "legacy-rsa-2048-qes"
	pkcs1 = "legacy-rsa-pkcs1-qes"
	cvcG1 = "legacy-cvc-g1"
)

// policyCase plans an order for a hospital on a day. Its issuers are valid on it.
type policyCase struct {
	name        string
	day         string
	environment profiles.Environment
	granted     []string
	refused     []string // slots
	tolerated   []string // exceptions
	outlived    []string // parts of warnings
}

// TestPolicyByDate plans the card with all algorithms but the qualified ones.
func TestPolicyByDate(t *testing.T) {
	rsa := []string{"C.HCI.AUT.R2048", "C.HCI.ENC.R2048", "C.HCI.OSIG.R2048"}
	const g1 = "C.SMC.AUTR_CVC.R2048"
	for _, c := range []policyCase{
		{"production before every end but that of generation 1", "2024-11-05", profiles.Production, nil,
			[]string{g1}, nil, nil},
		{"production with generation 1 granted", "2024-11-05", profiles.Production, []string{cvcG1}, nil, []string{cvcG1},
			[]string{"ends on 2025-12-31, before the certificates in C.HCI.AUT.R2048, C.HCI.ENC.R2048, C.HCI.OSIG.R2048"}},
		{"production on the last day of RSA", "2025-12-31", profiles.Production, []string{cvcG1}, nil, []string{cvcG1},
			[]string{"ends on 2025-12-31, before the certificates in"}},
		{"production on the day after", "2026-01-01", profiles.Production, []string{cvcG1}, rsa, nil, nil},
		{"production with everything granted", "2026-01-01", profiles.Production, []string{cvcG1, noQES}, nil, []string{noQES, cvcG1}, nil},
		{"production with nothing granted", "2026-01-01", profiles.Production, nil, append(slices.Clone(rsa), g1), nil, nil},
		{"test on the last day of RSA", "2025-12-31", profiles.Test, nil, nil, []string{cvcG1}, []string{"ends on 2025-12-31"}},
		{"test on the day after", "2026-01-01", profiles.Test, nil, nil, []string{noQES, cvcG1}, nil},
		{"test with an exception", "2026-01-01", profiles.Test, []string{noQES}, nil, []string{noQES, cvcG1}, nil},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, sectorOrder(t, "dkg", "smcb-g2.1"), testContext(t)) })
	}
}

// TestPolicyOfQualifiedCertificates: key and signature end by different rules, so that RSASSA-PSS alone does not help.
func TestPolicyOfQualifiedCertificates(t *testing.T) {
	outlived := []string{"RSA-2048 in nonQES X.509 certificates ends on 2025-12-31, before the certificates in C.HCI.AUT.R2048"}
	for _, c := range []struct {
		policyCase
		pss bool
	}{
		{policyCase{"PKCS #1", "2024-11-05", profiles.Production, []string{cvcG1}, []string{qesSlot, qesSlot}, nil, nil}, false},
		{policyCase{"PKCS #1, key granted", "2024-11-05", profiles.Production, []string{qes, cvcG1}, []string{qesSlot}, nil, nil}, false},
		{policyCase{"PKCS #1, both granted", "2024-11-05", profiles.Production, []string{qes, pkcs1, cvcG1}, nil, []string{qes, pkcs1, cvcG1}, outlived}, false},
		{policyCase{"RSASSA-PSS", "2024-11-05", profiles.Production, []string{cvcG1}, []string{qesSlot}, nil, nil}, true},
		{policyCase{"RSASSA-PSS, key granted", "2024-11-05", profiles.Production, []string{qes, cvcG1}, nil, []string{qes, cvcG1}, outlived}, true},
		{policyCase{"test", "2024-11-05", profiles.Test, nil, nil, []string{qes, pkcs1, cvcG1}, outlived}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			for _, i := range ctx.Issuers {
				i.PSS = c.pss && i.Kind == profiles.QESCA
			}
			c.run(t, sampleOrder(t, "pharmacy"), ctx)
		})
	}
}

// run plans the order and compares what is refused and what is tolerated.
func (c *policyCase) run(t *testing.T, o *profiles.Order, ctx *profiles.Context) {
	t.Helper()
	ctx.Environment, ctx.Exceptions, ctx.Now = c.environment, c.granted, at(t, c.day)
	o.ValidUntil = "2028-06-30" // within the terms of all issuers
	plan, err := builtin(t).Plan(o, ctx)
	var refusal *profiles.Refusal
	if err != nil && !errors.As(err, &refusal) {
		t.Fatal(err)
	}
	if refusal != nil {
		c.compareRefusal(t, o, refusal)
		return
	}
	if len(c.refused) > 0 {
		t.Fatalf("the order is planned, want %v refused", c.refused)
	}
	var tolerated []string
	for _, e := range plan.Ended {
		tolerated = append(tolerated, e.Exception)
		if e.Granted != slices.Contains(c.granted, e.Exception) {
			t.Errorf("%s: granted is %t, and the configuration grants %v", e.Exception, e.Granted, c.granted)
		}
		if n := count(plan.Warnings, e.Exception); n != 1 {
			t.Errorf("%d warnings name %s, want one for the whole card: %q", n, e.Exception, plan.Warnings)
		}
	}
	if !slices.Equal(tolerated, c.tolerated) {
		t.Errorf("tolerated are %v, want %v", tolerated, c.tolerated)
	}
	if n := count(plan.Warnings, "A_15590"); n != len(c.outlived) {
		t.Errorf("%d warnings about certificates that outlive their algorithm, want %d: %q", n, len(c.outlived), plan.Warnings)
	}
	for _, want := range c.outlived {
		if count(plan.Warnings, want) != 1 {
			t.Errorf("warnings are %q, want one with %q", plan.Warnings, want)
		}
	}
}

// compareRefusal looks for the slots that are to be refused, each with the exception that would help and the source of the day.
func (c *policyCase) compareRefusal(t *testing.T, o *profiles.Order, refusal *profiles.Refusal) {
	t.Helper()
	var slots []string
	for _, v := range refusal.Violations {
		if v.Rule != "ALGORITHM_ENDED" || v.Configuration {
			t.Errorf("unexpected violation %+v", v)
			continue
		}
		var row int
		if _, err := fmt.Sscanf(v.Field, "keys[%d].slot", &row); err != nil {
			t.Errorf("field is %q, want the slot of a key", v.Field)
			continue
		}
		slots = append(slots, o.Keys[row].Slot)
		if !strings.Contains(v.Message, "exception legacy-") || !strings.Contains(v.Citation, "gemSpec_") {
			t.Errorf("violation %+v names no exception or no source", v)
		}
	}
	slices.Sort(slots)
	if want := slices.Sorted(slices.Values(c.refused)); !slices.Equal(slots, want) {
		t.Errorf("refused are %v, want %v", slots, want)
	}
}

func at(t *testing.T, day string) time.Time {
	t.Helper()
	d, err := time.Parse(time.DateOnly, day)
	if err != nil {
		t.Fatal(err)
	}
	return d.Add(23*time.Hour + 59*time.Minute + 59*time.Second)
}

// count tells how many warnings contain a text.
func count(warnings []string, text string) (n int) {
	for _, w := range warnings {
		if strings.Contains(w, text) {
			n++
		}
	}
	return n
}

// TestUnknownAlgorithm: an issuer's key that nobody has dated signs nothing, not even in environment test.
func TestUnknownAlgorithm(t *testing.T) {
	ctx := testContext(t)
	ctx.Issuers[1].KeyType = sigalg.E384
	_, err := builtin(t).Plan(sectorOrder(t, "dkg", "smcb-g2.1-os5"), ctx)
	var refusal *profiles.Refusal
	if !errors.As(err, &refusal) || !refusal.Configuration() || refusal.Violations[0].Rule != "ALGORITHM_WITHOUT_POLICY" {
		t.Errorf("Plan = %v, want a refusal by configuration with ALGORITHM_WITHOUT_POLICY", err)
	}
}

// TestUnknownException: a grant that means nothing is a fault of the configuration.
func TestUnknownException(t *testing.T) {
	for _, granted := range [][]string{{"legacy-md5"}, {cvcG1, cvcG1}} {
		ctx := testContext(t)
		ctx.Exceptions = granted
		var refusal *profiles.Refusal
		if _, err := builtin(t).Plan(sectorOrder(t, "dkg", "smcb-g2.1-os5"), ctx); err == nil || errors.As(err, &refusal) {
			t.Errorf("with %v granted: Plan = %v, want a fault", granted, err)
		}
	}
}

// TestEveryEndCanBeLifted grants all exceptions: then nothing in the catalogue is refused for its age.
func TestEveryEndCanBeLifted(t *testing.T) {
	policy := builtin(t).Policy()
	for _, a := range policy.Algorithms {
		_, ends := a.LastDay.Value.End()
		if _, known := policy.Exception(a.Exception); ends != known {
			t.Errorf("%s ends on %s and has exception %q", a.Name, a.LastDay.Value, a.Exception)
		}
	}
	if len(policy.Exceptions) != 4 {
		t.Errorf("there are %d exceptions, the tests above know 4", len(policy.Exceptions))
	}
}
