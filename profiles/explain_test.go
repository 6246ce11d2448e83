package profiles_test

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/profiles"
)

// TestExplain looks at one fact of each shape that a file can have.
func TestExplain(t *testing.T) {
	for _, c := range []struct {
		name string
		want profiles.Fact
	}{
		{"dkg", profiles.Fact{Field: "sector", Value: "dkg"}},
		{"dkg", profiles.Fact{Field: "hba", Value: "1", Source: "Siegel: evidence kept for the card issuer"}},
		{"dkg", profiles.Fact{Field: "subject[street]", Value: "occurs 1", Source: "gemSpec_PKI, Annex A, 10.3"}},
		{"pharmacy", profiles.Fact{Field: "institutions", Value: "1.2.276.0.76.4.54 (Öffentliche Apotheke)", Source: "gemSpec_PKI, Annex A, 10.5"}},
		{"smcb-org-g2.1", profiles.Fact{Field: "slots[C.SMC.AUTD_RPE_CVC.E256].key_id", Value: "0009", Source: "gemSpec_SMC-B_ObjSys_G2.1, Card-G2-A_3390"}},
		{"C.HCI.AUT", profiles.Fact{Field: "extensions[keyUsage]", Value: "occurs 1, critical true", Source: "gemSpec_PKI, Tab_PKI_238"}},
		{"C.HCI.AUT", profiles.Fact{Field: "certificate_type", Value: "1.2.276.0.76.4.77 (oid_smc_b_aut)", Source: "gemSpec_OID, GS-A_4445, oid_smc_b_aut"}},
		{"institutions", profiles.Fact{Field: "institutions[1.2.276.0.76.4.54].roles", Value: "CHAT.3", Source: "gemSpec_PKI, Tab_PKI_254-02, GS-A_4621-02"}},
		{"chat", profiles.Fact{Field: "access_profiles[CHAT.51]", Value: "title device gSMC-K, flags 00000000000001, bits 55", Source: "gemSpec_PKI, Tab_PKI_918-02"}},
	} {
		e, ok := builtin(t).Explain(c.name)
		if !ok || e.Name != c.name || !slices.Contains(e.Facts, c.want) {
			t.Errorf("%s: facts are\n%+v\nwant among them %+v", c.name, e.Facts, c.want)
		}
	}
	if e, ok := builtin(t).Explain("C.HP.AUT"); ok {
		t.Errorf("explanation of nothing is %+v", e)
	}
}

// TestExplainLeavesNothingOut: every value and every source of every file stands in its explanation.
func TestExplainLeavesNothingOut(t *testing.T) {
	for name, file := range catalogue(t) {
		base := strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], ".yaml")
		e, ok := builtin(t).Explain(base)
		if !ok || e.File != name {
			t.Errorf("explanation of %s is of %s", name, e.File)
			continue
		}
		var all strings.Builder
		for _, f := range e.Facts {
			all.WriteString(f.Field + " " + f.Value + " " + f.Source + "\n")
		}
		for _, scalar := range scalars(t, file.Data) {
			if !strings.Contains(all.String(), scalar) {
				t.Errorf("%s: the explanation does not say %q", name, scalar)
			}
		}
	}
}

// scalars lists the values of a YAML file, without its keys.
func scalars(t *testing.T, data []byte) (values []string) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		t.Fatal(err)
	}
	var walk func(n *yaml.Node)
	walk = func(n *yaml.Node) {
		if n.Kind == yaml.ScalarNode {
			values = append(values, n.Value)
		}
		for i, c := range n.Content {
			if n.Kind != yaml.MappingNode || i%2 == 1 {
				walk(c)
			}
		}
	}
	walk(&doc)
	return values
}
