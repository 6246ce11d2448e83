package requirements

import (
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/lint"
	"github.com/siegel-pki/siegel/profiles"
)

// readCatalogue takes the citations of the profile files, field by field, and of the rules of lint.
func (c *collection) readCatalogue(t *testing.T) {
	t.Helper()
	catalogue, err := profiles.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"institutions", "chat", "subca", "algorithms"}
	for _, p := range catalogue.CardTypes() {
		names = append(names, p.Name)
	}
	for _, p := range catalogue.Sectors() {
		names = append(names, p.Name)
	}
	for _, p := range catalogue.X509Profiles() {
		names = append(names, p.Name)
	}
	for _, p := range catalogue.CVCProfiles() {
		names = append(names, p.Name)
	}
	for _, p := range catalogue.IssuerProfiles() {
		names = append(names, string(p.Kind))
	}
	for _, name := range names {
		e, found := catalogue.Explain(name)
		if !found {
			t.Fatalf("the catalogue does not explain %s", name)
		}
		for _, f := range e.Facts {
			for _, id := range idsIn(f.Source) {
				c.addField(id, f.Field, strings.TrimSuffix(e.File, ".yaml"))
			}
		}
	}
	for _, r := range lint.Rules() {
		c.addRule("lint", r.Name, r.Citation)
	}
}

func (c *collection) addField(id, field, file string) {
	fields := c.of(id).fields
	if fields[field] == nil {
		fields[field] = set{}
	}
	fields[field][file] = true
}
