package requirements

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// origins says who has the rules that stand in a package.
var origins = map[string]string{"profiles": "planner", "ca": "authority"}

// readSources takes the rules of planner, loader and authority from the calls that make violations and problems, and the citations in
// all code.
func (c *collection) readSources(t *testing.T) {
	t.Helper()
	byDir := map[string][]*ast.File{}
	walkGo(t, func(file string, text []byte) {
		if strings.HasSuffix(file, "_test.go") {
			return
		}
		for _, id := range idsIn(string(text)) {
			c.of(id).code[file] = true
		}
		if dir := path.Dir(file); origins[dir] != "" {
			parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			byDir[dir] = append(byDir[dir], parsed)
		}
	})
	for dir, files := range byDir {
		r := ruleReader{c, origins[dir], constants(files)}
		for _, f := range files {
			ast.Inspect(f, r.visit)
		}
	}
}

// walkGo reads every Go file of the module that a person has written, by its path from the module's directory.
func walkGo(t *testing.T, visit func(file string, text []byte)) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if base := entry.Name(); entry.IsDir() && name != root && (base == "testdata" || base == "bin" || base == "docs" || strings.HasPrefix(base, ".")) {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, ".pb.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err == nil {
			visit(relative(t, name), text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// constants gives the texts of a package's constants by name.
func constants(files []*ast.File) map[string]string {
	texts := map[string]string{}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok {
				for i, name := range v.Names {
					if i < len(v.Values) {
						texts[name.Name] = textOf(v.Values[i], nil)
					}
				}
			}
			return true
		})
	}
	return texts
}

// textOf is the text of a literal, of a constant, and of both added up; "" for what is known only when the program runs.
func textOf(e ast.Expr, constants map[string]string) string {
	switch e := e.(type) {
	case *ast.BasicLit:
		text, _ := strconv.Unquote(e.Value)
		return text
	case *ast.Ident:
		return constants[e.Name]
	case *ast.BinaryExpr:
		return textOf(e.X, constants) + textOf(e.Y, constants)
	}
	return ""
}

// ruleReader finds rules in the code of a package.
type ruleReader struct {
	*collection
	origin    string
	constants map[string]string
}

func (r ruleReader) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CallExpr:
		r.call(n)
	case *ast.CompositeLit:
		r.literal(n)
	}
	return true
}

// call reads p.refuse(field, rule, citation, text, ...) and p.cannot of the planner; d.report(place, rule, text, ...) and
// problems.add of the loader, which cite in the text.
func (r ruleReader) call(n *ast.CallExpr) {
	method, ok := n.Fun.(*ast.SelectorExpr)
	if !ok || len(n.Args) < 3 {
		return
	}
	name, third := textOf(n.Args[1], r.constants), textOf(n.Args[2], r.constants)
	if !isRule(name) {
		return
	}
	switch method.Sel.Name {
	case "refuse", "cannot":
		if len(n.Args) > 3 {
			third += " " + textOf(n.Args[3], r.constants)
		}
		r.addRule(r.origin, name, third)
	case "report", "add":
		r.addRule("loader", name, third)
	}
}

// literal reads Violation{Rule: ..., Citation: ...}.
func (r ruleReader) literal(n *ast.CompositeLit) {
	fields := map[string]string{}
	for _, e := range n.Elts {
		if kv, ok := e.(*ast.KeyValueExpr); ok {
			if key, ok := kv.Key.(*ast.Ident); ok {
				fields[key.Name] = textOf(kv.Value, r.constants)
			}
		}
	}
	if isRule(fields["Rule"]) {
		r.addRule(r.origin, fields["Rule"], fields["Citation"]+" "+fields["Message"])
	}
}

// isRule tells the names of rules from other texts.
func isRule(s string) bool { return s != "" && ruleName.FindString(s) == s }
