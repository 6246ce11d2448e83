package requirements

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// ruleName is what the names of rules look like.
var ruleName = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*\b`)

// data are the files that make cases of a test, and the test.
var data = []struct{ pattern, test, origin string }{
	{"profiles/testdata/bad-orders/*.yaml", "profiles.TestBadOrders", "planner"},
	{"profiles/testdata/bad-files/*.yaml", "profiles.TestBadFiles", "loader"},
	{"internal/lint/testdata/fail/*", "lint.TestEveryRuleFindsItsFault", "lint"},
}

// readTests finds the tests that name a requirement or a rule: in themselves, in their comment, in what stands between them, or in their data.
func (c *collection) readTests(t *testing.T) {
	t.Helper()
	known := set{}
	walkGo(t, func(file string, text []byte) {
		if !strings.HasSuffix(file, "_test.go") || strings.HasPrefix(file, "internal/requirements/") {
			return
		}
		fset := token.NewFileSet()
		parsed, err := parser.ParseFile(fset, file, text, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range partsOf(fset, parsed, string(text)) {
			name := path.Base(path.Dir(file)) + "." + part.test
			if part.test == "" {
				name = file
			}
			known[name] = true
			c.named(part.text, name, func(origin string) bool { return sees(file, origin) })
		}
	})
	for _, d := range data {
		if !known[d.test] {
			t.Errorf("there is no %s that could read %s", d.test, d.pattern)
		}
		files, err := filepath.Glob(filepath.Join(root, d.pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %d files, %v", d.pattern, len(files), err)
		}
		for _, file := range files {
			text := []byte(filepath.Base(file)) // of a folder its name, which is that of a rule
			if info, err := os.Stat(file); err == nil && !info.IsDir() {
				if text, err = os.ReadFile(file); err != nil {
					t.Fatal(err)
				}
			}
			c.named(string(text), d.test, func(origin string) bool { return origin == d.origin })
		}
	}
	c.testsOfRules()
}

// sees tells whether a test file can mean the rules of an origin: names of rules are not unique among them.
func sees(file, origin string) bool {
	switch dir := path.Dir(file); dir {
	case "internal/lint":
		return origin == "lint"
	case "profiles":
		return origin == "planner" || origin == "loader"
	}
	return true
}

// named notes that a test names the ids and the rules in a text.
func (c *collection) named(text, test string, mayMean func(origin string) bool) {
	for _, id := range idsIn(text) {
		c.of(id).tests[test] = true
	}
	for _, name := range ruleName.FindAllString(text, -1) {
		for _, origin := range []string{"planner", "loader", "authority", "lint"} {
			if r := c.rules[origin+" "+name]; r != nil && mayMean(origin) {
				r.tests[test] = true
			}
		}
	}
}

// testsOfRules gives every requirement the tests of its rules.
func (c *collection) testsOfRules() {
	for _, r := range c.requirements {
		for name := range r.rules {
			for test := range c.rules[name].tests {
				r.tests[test] = true
			}
		}
	}
}

// part is a piece of a file: a test with its comment, or all that belongs to none.
type part struct{ test, text string }

func partsOf(fset *token.FileSet, f *ast.File, text string) []part {
	var parts []part
	rest, at := "", 0
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !isTest(fn.Name.Name) {
			continue
		}
		start := fn.Pos()
		if fn.Doc != nil {
			start = fn.Doc.Pos()
		}
		from, to := fset.Position(start).Offset, fset.Position(fn.End()).Offset
		rest += text[at:from]
		at = to
		parts = append(parts, part{fn.Name.Name, text[from:to]})
	}
	return append(parts, part{"", rest + text[at:]})
}

func isTest(name string) bool {
	return strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") || strings.HasPrefix(name, "Benchmark")
}
