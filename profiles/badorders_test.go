package profiles_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/profiles"
)

// badOrderFile is a file of testdata/bad-orders; its README.md explains the keys.
type badOrderFile struct {
	Sector, Card string
	Orders       []badOrderRow
}

// badOrderRow is a good order with one thing wrong, and what the refusal must say.
type badOrderRow struct {
	Name, Sector, Card, Environment, Now string
	Seal                                 bool
	Patch                                map[string]any
	Keys                                 map[string]string
	Field, Rule                          string
}

// minBadOrders is how many rows there must be at least.
const minBadOrders = 200

// TestBadOrders spoils good orders of every sector in one place after the other. Exactly one rule must break, and the refusal must
// name the place and cite a source.
func TestBadOrders(t *testing.T) {
	files, err := filepath.Glob("testdata/bad-orders/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rows, sectors := 0, map[string]int{}
	for _, name := range files {
		file := badOrderFile{Sector: "dkg"}
		decodeYAML(t, name, &file)
		for _, row := range file.Orders {
			row.Sector = orElse(row.Sector, file.Sector)
			row.Card = orElse(row.Card, orElse(file.Card, defaultCard(row.Sector)))
			rows++
			sectors[row.Sector]++
			t.Run(filepath.Base(name)+"/"+row.Name, row.run)
		}
	}
	if rows < minBadOrders {
		t.Errorf("there are %d bad orders, want %d at least", rows, minBadOrders)
	}
	for _, s := range builtin(t).Sectors() {
		if sectors[s.Name] == 0 {
			t.Errorf("sector %s has no bad orders", s.Name)
		}
	}
	t.Logf("%d bad orders", rows)
}

// defaultCard is the card type that most rows order: it has no slot that only some institutions can fill.
func defaultCard(sector string) string {
	if sector == "org" {
		return "smcb-org-g2.1"
	}
	return "smcb-g2.1-os5"
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// good is the order that the row spoils.
func (row badOrderRow) good(t *testing.T) *profiles.Order {
	t.Helper()
	switch {
	case cardType(t, row.Card).Holder.Value == profiles.HolderDevice:
		return deviceOrder(t, row.Card)
	case row.Seal:
		return sealOrder(t, row.Sector)
	}
	return sectorOrder(t, row.Sector, row.Card)
}

func (row badOrderRow) run(t *testing.T) {
	o, ctx := row.good(t), testContext(t)
	if row.Environment != "" {
		ctx.Environment = profiles.Environment(row.Environment)
	}
	if row.Now != "" {
		var err error
		if ctx.Now, err = time.Parse(time.RFC3339, row.Now); err != nil {
			t.Fatal(err)
		}
	}
	for _, slot := range slices.Sorted(maps.Keys(row.Keys)) {
		spoilKey(t, o, slot, row.Keys[slot])
	}
	if row.Patch != nil {
		o = patchOrder(t, o, row.Patch)
	}
	row.judge(t, o, refusal(t, o, ctx))
}

// judge holds a refusal against the row.
func (row badOrderRow) judge(t *testing.T, o *profiles.Order, violations []profiles.Violation) {
	t.Helper()
	field := resolveSlot(t, o, row.Field)
	if v := violations[0]; v.Field != field || v.Rule != row.Rule || v.Configuration {
		t.Errorf("violation is %+v, want %s at %s", v, row.Rule, field)
	}
	for _, v := range violations {
		// A rule that several slots break is said for each; without a card type's or sector's rules, a card's slots are not wrong.
		if v.Rule != row.Rule {
			t.Errorf("also violates %s at %s, which was not wrong: %s", v.Rule, v.Field, v.Message)
		}
		if v.Citation == "" || v.Message == "" {
			t.Errorf("violation %+v lacks citation or message", v)
		}
	}
}

var slotInPath = regexp.MustCompile(`^keys\[(C\.[^\]]+)\]`)

// resolveSlot puts the number of its row in the place of a slot.
func resolveSlot(t *testing.T, o *profiles.Order, field string) string {
	t.Helper()
	m := slotInPath.FindStringSubmatch(field)
	if m == nil {
		return field
	}
	i := slices.IndexFunc(o.Keys, func(k profiles.SlotKey) bool { return k.Slot == m[1] })
	if i < 0 {
		t.Fatalf("the order has no slot %s", m[1])
	}
	return fmt.Sprintf("keys[%d]%s", i, strings.TrimPrefix(field, m[0]))
}

// spoilKey does to the key of a slot what a row says.
func spoilKey(t *testing.T, o *profiles.Order, slot, what string) {
	t.Helper()
	i := slices.IndexFunc(o.Keys, func(k profiles.SlotKey) bool { return k.Slot == slot })
	if what == "-" {
		o.Keys = slices.Delete(o.Keys, i, i+1)
		return
	}
	row := profiles.SlotKey{Slot: slot}
	if name, request := strings.CutPrefix(what, "request "); request {
		row.PKCS10 = keyOctets(t, o, name)
	} else {
		row.SPKI = keyOctets(t, o, what)
	}
	if i < 0 {
		o.Keys = append(o.Keys, row)
		return
	}
	o.Keys[i] = row
}

func keyOctets(t *testing.T, o *profiles.Order, what string) []byte {
	t.Helper()
	if slot, copied := strings.CutPrefix(what, "="); copied {
		return slotKey(o, slot).SPKI
	}
	if octets, raw := strings.CutPrefix(what, "hex"); raw {
		b, err := hex.DecodeString(strings.TrimSpace(octets))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	return testKey(t, what)
}

// patchOrder applies a JSON merge patch (RFC 7396).
func patchOrder(t *testing.T, o *profiles.Order, patch map[string]any) *profiles.Order {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	if text, err = json.Marshal(mergePatch(tree, patch)); err != nil {
		t.Fatal(err)
	}
	patched := new(profiles.Order)
	decodeStrictly(t, text, patched)
	return patched
}

func mergePatch(target, patch map[string]any) map[string]any {
	if target == nil {
		target = map[string]any{}
	}
	for key, value := range patch {
		switch v := value.(type) {
		case nil:
			delete(target, key)
		case map[string]any:
			below, _ := target[key].(map[string]any)
			target[key] = mergePatch(below, v)
		default:
			target[key] = v
		}
	}
	return target
}

// decodeYAML reads a table of testdata without unknown keys.
func decodeYAML(t *testing.T, file string, v any) {
	t.Helper()
	dec := yaml.NewDecoder(bytes.NewReader(readFile(t, file)))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// TestMergePatch shows the examples of RFC 7396 that matter here.
func TestMergePatch(t *testing.T) {
	for _, c := range []struct{ target, patch, want string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":["c"]}`, `{"a":["c"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
	} {
		var target, patch map[string]any
		if err := json.Unmarshal([]byte(c.target), &target); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(c.patch), &patch); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(mergePatch(target, patch)); err != nil || string(got) != c.want {
			t.Errorf("%s patched with %s is %s, %v, want %s", c.target, c.patch, got, err, c.want)
		}
	}
}
