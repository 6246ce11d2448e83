package requirements

import (
	"bytes"
	"cmp"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write docs/requirements.md anew")

// root is the module's directory, page the file that is written.
const (
	root = "../.."
	page = root + "/docs/requirements.md"
)

// TestPageIsFresh compares the page with what there is to say, and fails for rules that no test names.
func TestPageIsFresh(t *testing.T) {
	c := &collection{requirements: map[string]*requirement{}, rules: map[string]*rule{}}
	c.readCatalogue(t)
	c.readSources(t)
	c.readTests(t)
	for _, name := range slices.Sorted(maps.Keys(c.rules)) {
		if len(c.rules[name].tests) == 0 {
			t.Errorf("no test names the rule %s", name)
		}
	}
	got := c.markdown()
	if *update {
		if err := os.WriteFile(page, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("docs/requirements.md is stale: run go test ./internal/requirements -update and review the difference")
	}
}

// collection is what was found.
type collection struct {
	requirements map[string]*requirement // by id
	rules        map[string]*rule        // by origin and name, for example "planner ICCSN"
}

// requirement is a row of the page.
type requirement struct {
	fields map[string]set // files by field
	rules  set
	code   set
	tests  set
}

// rule is a rule of planner, loader, authority or lint.
type rule struct{ tests set }

type set map[string]bool

func (s set) sorted() []string { return slices.SortedFunc(maps.Keys(s), naturally) }

// of gives the row of an id.
func (c *collection) of(id string) *requirement {
	r := c.requirements[id]
	if r == nil {
		r = &requirement{fields: map[string]set{}, rules: set{}, code: set{}, tests: set{}}
		c.requirements[id] = r
	}
	return r
}

// addRule notes a rule and the ids in its citation.
func (c *collection) addRule(origin, name, citation string) {
	full := origin + " " + name
	if c.rules[full] == nil {
		c.rules[full] = &rule{tests: set{}}
	}
	for _, id := range idsIn(citation) {
		c.of(id).rules[full] = true
	}
}

var (
	oneID = regexp.MustCompile(`\b(?:GS-A|TIP1-A|Card-G2-A|A)_[0-9]{4,5}(?:-[0-9]{2})?\b`)
	span  = regexp.MustCompile(`\b((?:GS-A|TIP1-A|Card-G2-A|A)_)([0-9]{4,5}) to ((?:GS-A|TIP1-A|Card-G2-A|A)_)([0-9]{4,5})\b`)
)

// idsIn finds the requirement ids in a text. "GS-A_4588 to GS-A_4590" names all of them.
func idsIn(text string) []string {
	ids := oneID.FindAllString(text, -1)
	for _, m := range span.FindAllStringSubmatch(text, -1) {
		first, _ := strconv.Atoi(m[2])
		last, _ := strconv.Atoi(m[4])
		for n := first + 1; m[1] == m[3] && n < last && last-first < 20; n++ {
			ids = append(ids, m[1]+strconv.Itoa(n))
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

const head = `# Requirements

Which requirement of the specifications stands where. Written by ` + "`go test ./internal/requirements -update`" + `; a test fails when this page is stale.

* **profile**: fields of the data files under ` + "`profiles/`" + `, each with the files that cite the requirement for it
* **rules**: what refuses an order (planner, authority), a data file (loader), or a draft (lint)
* **code**: other files that cite it
* **tests**: those that name the requirement, or a rule of it

Most fields of the profile files are shown by the golden cards (` + "`profiles/testdata/golden`" + `), where a change of one changes octets; those tests name no
requirement. An id stands here as the specifications print it; several issues of one requirement (GS-A_4621, GS-A_4621-02) are several rows. That a requirement is missing
says that nothing cites it, not that it does not hold.

`

func (c *collection) markdown() []byte {
	var b bytes.Buffer
	b.WriteString(head)
	tested := 0
	ids := slices.SortedFunc(maps.Keys(c.requirements), naturally)
	for _, id := range ids {
		if len(c.requirements[id].tests) > 0 {
			tested++
		}
	}
	fmt.Fprintf(&b, "%d requirements, of which tests name %d; %d rules, each named by a test.\n\n", len(ids), tested, len(c.rules))
	b.WriteString("| requirement | profile | rules | code | tests |\n|---|---|---|---|---|\n")
	for _, id := range ids {
		r := c.requirements[id]
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", id, fieldCell(r.fields), listCell(r.rules.sorted()), listCell(r.code.sorted()), listCell(r.tests.sorted()))
	}
	return b.Bytes()
}

// most is how many things a cell lists before it counts the rest.
const most = 6

func fieldCell(fields map[string]set) string {
	var parts []string
	for _, field := range slices.SortedFunc(maps.Keys(fields), naturally) {
		parts = append(parts, fmt.Sprintf("%s (%s)", field, shortList(fields[field].sorted(), 4, ", ")))
	}
	return shortList(parts, most, "; ")
}

func listCell(list []string) string { return shortList(list, most, ", ") }

// shortList joins a list, of which it shows no more than the limit.
func shortList(list []string, limit int, separator string) string {
	if rest := len(list) - limit; rest > 0 {
		list = append(slices.Clone(list[:limit]), fmt.Sprintf("%d more", rest))
	}
	return strings.ReplaceAll(strings.Join(list, separator), "|", "\\|")
}

var number = regexp.MustCompile(`[0-9]+`)

// naturally orders texts with their numbers by value: A_4600 before A_15590.
func naturally(a, b string) int {
	pad := func(s string) string {
		return number.ReplaceAllStringFunc(s, func(n string) string { return fmt.Sprintf("%010s", n) })
	}
	return cmp.Compare(pad(a), pad(b))
}

// relative gives a path from the module's directory.
func relative(t *testing.T, path string) string {
	t.Helper()
	rel, err := filepath.Rel(root, path)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.ToSlash(rel)
}

// TestIDs finds ids as the specifications print them, and nothing else.
func TestIDs(t *testing.T) {
	for text, want := range map[string]string{
		"gemSpec_PKI, GS-A_4600; Card-G2-A_2162 with 3388, A_15590.": "A_15590 Card-G2-A_2162 GS-A_4600",
		"GS-A_4588 to GS-A_4590":                                     "GS-A_4588 GS-A_4589 GS-A_4590",
		"GS-A_4621-02, TIP1-A_3591":                                  "GS-A_4621-02 TIP1-A_3591",
		"Tab_PKI_238, CHAT_A_123, SHA_256, A_1, (N095.900)":          "",
		"GS-A_4357 to A_4360":                                        "A_4360 GS-A_4357",
	} {
		if got := strings.Join(idsIn(text), " "); got != want {
			t.Errorf("ids in %q are %q, want %q", text, got, want)
		}
	}
}
