package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"
)

const module = "github.com/siegel-pki/siegel"

// picture names, for each package, the packages of this module that it may import. A package that is not in it fails the test.
var picture = map[string][]string{
	"internal/brainpool": {},
	"internal/sigalg":    {"internal/brainpool"},
	"internal/der":       {},
	"internal/pkix":      {"internal/der", "internal/brainpool", "internal/sigalg"},
	"internal/cvc":       {"internal/brainpool", "internal/sigalg"},
	"internal/tlog":      {},
	"profiles":           {"internal/pkix", "internal/cvc", "internal/der", "internal/brainpool", "internal/sigalg"},
	"internal/lint":      {"internal/pkix", "internal/cvc", "internal/brainpool", "internal/sigalg"},

	// The auditor's side: knows the formats of the log and of certificates, and nothing of who writes them.
	"internal/audit": {"internal/tlog", "internal/pkix", "internal/cvc"},

	// The other side: decides from outside, and must not know what the inside thinks.
	"internal/relying": {"internal/pkix", "internal/sigalg"},

	"ca": {"profiles", "internal/lint", "internal/tlog", "internal/pkix", "internal/cvc", "internal/brainpool", "internal/sigalg"},

	// The token: beside ca, and blind to it.
	"hsm":              {"internal/sigalg", "internal/brainpool", "hsm/internal/p11", "hsm/quirks"},
	"hsm/quirks":       {"internal/strictyaml"},
	"hsm/internal/p11": {"internal/sigalg", "internal/brainpool"},
	"hsm/keygen":       {"hsm", "hsm/internal/p11", "internal/sigalg"},
	"hsm/softhsm":      {},
	"hsm/pinshare":     {},
	"hsm/hsmtest":      {"hsm/softhsm"},

	// What a ceremony leaves for the server: the public side of the issuers.
	"internal/hierarchy": {"profiles", "internal/atomicfile", "internal/tlog", "internal/pkix", "internal/cvc", "internal/sigalg"},

	// A ceremony on paper: what will be done, what was done, and the record of it. The token is cmd/siegel-ceremony's.
	"internal/ceremony": {"profiles", "internal/lint", "internal/pkix", "internal/cvc", "internal/sigalg", "internal/strictyaml"},

	"migrations":               {},
	"internal/store/sqlite":    {"ca", "internal/tlog", "internal/pkix", "internal/sigalg", "migrations"},
	"internal/store/postgres":  {"ca", "internal/tlog", "internal/pkix", "internal/sigalg", "migrations"},
	"internal/store/storetest": {"ca", "profiles", "internal/tlog", "internal/pkix", "internal/sigalg"},
	"proto/siegel/v1":          {},
	"internal/rpc":             {"ca", "profiles", "internal/strictyaml", "internal/tlog", "proto/siegel/v1"},
	"internal/web":             {"ca", "internal/pkix", "internal/tlog"},
	"internal/metrics":         {"ca", "hsm", "internal/tlog"},
	"internal/arch":            {},
	"internal/requirements":    {},
	"internal/build":           {},
	"internal/strictyaml":      {},
	"internal/atomicfile":      {},

	// Tests and benchmarks from outside, with the real programs.
	"internal/testkey":               {},
	"internal/store/postgres/pgtest": {},
	"internal/store/clone":           {"internal/tlog"},
	"internal/rig":                   {"internal/testkey", "proto/siegel/v1"},
	"internal/e2e":                   {},

	"cmd/siegeld": {"ca", "profiles", "hsm", "hsm/pinshare", "internal/atomicfile", "internal/build", "internal/hierarchy", "internal/metrics", "internal/rpc", "internal/web",
		"internal/store/sqlite", "internal/store/postgres", "internal/strictyaml"},
	"cmd/siegel": {"profiles", "internal/audit", "internal/tlog", "internal/build", "internal/pkix", "internal/relying", "internal/cvc", "internal/brainpool", "internal/sigalg", "proto/siegel/v1"},
	"cmd/siegel-bench": {"ca", "hsm", "hsm/softhsm", "internal/brainpool", "internal/cvc", "internal/hierarchy", "internal/pkix", "internal/rig",
		"internal/sigalg", "internal/store/clone", "internal/store/postgres", "internal/store/postgres/pgtest", "internal/store/sqlite", "internal/testkey", "internal/tlog",
		"profiles", "proto/siegel/v1"},
	"cmd/siegel-ceremony": {"profiles", "hsm", "hsm/keygen", "hsm/pinshare", "hsm/softhsm", "internal/atomicfile", "internal/build", "internal/ceremony", "internal/hierarchy", "internal/rpc",
		"internal/tlog", "internal/pkix", "internal/cvc", "internal/sigalg", "internal/brainpool"},
}

// outside names modules that only some packages may import, and the packages that may.
var outside = []struct {
	prefix string
	only   []string
	why    string
}{
	{"github.com/miekg/pkcs11", []string{"hsm"}, "PKCS#11 lives only in hsm"},
	{"google.golang.org/grpc", []string{"internal/rpc", "internal/rig", "proto", "cmd"}, "gRPC stops at the wire"},
	{"google.golang.org/protobuf", []string{"internal/rpc", "internal/rig", "proto", "cmd"}, "wire types stop at the wire"},
	{"database/sql", []string{"internal/store", "migrations"}, "SQL lives only in the stores"},
	{"modernc.org/sqlite", []string{"internal/store/sqlite"}, "each dialect has one adapter"},
	{"github.com/jackc/pgx", []string{"internal/store/postgres"}, "each dialect has one adapter"},
	{"github.com/prometheus", []string{"internal/metrics"}, "figures are named in one place"},
	{"github.com/parquet-go", []string{"cmd/siegel"}, "tables are written in one place"},
	{"github.com/zmap", []string{"internal/lint"}, "other people's rules are asked in one place"},
	{"C", nil, "cgo comes only with PKCS#11"},
}

// TestPicture compares every import of every file that is not a test with the picture.
func TestPicture(t *testing.T) {
	for pkg, imports := range sources(t) {
		allowed, known := picture[pkg]
		if !known {
			t.Errorf("package %s is not in the picture: say there what it may import", pkg)
			continue
		}
		for imp := range imports {
			if inside, ok := strings.CutPrefix(imp, module+"/"); ok && !slices.Contains(allowed, inside) {
				t.Errorf("%s imports %s, which the picture does not allow", pkg, inside)
			}
			for _, o := range outside {
				if under(imp, o.prefix) && !slices.ContainsFunc(o.only, func(p string) bool { return under(pkg, p) }) {
					t.Errorf("%s imports %s: %s", pkg, imp, o.why)
				}
			}
		}
	}
}

// TestPictureHasNoStaleArrows fails on a package or an arrow that the picture allows and nothing uses.
func TestPictureHasNoStaleArrows(t *testing.T) {
	src := sources(t)
	for pkg, allowed := range picture {
		imports, exists := src[pkg]
		if !exists {
			t.Errorf("the picture has package %s, which does not exist", pkg)
			continue
		}
		for _, a := range allowed {
			if !imports[module+"/"+a] {
				t.Errorf("the picture allows %s → %s, which nothing uses", pkg, a)
			}
		}
	}
}

// TestReach checks what a program or package may not reach, however long the way.
func TestReach(t *testing.T) {
	src := sources(t)
	for _, c := range []struct{ from, never, why string }{
		{"ca", "github.com/miekg/pkcs11", "the authority needs no cgo"},
		{"ca", "google.golang.org/grpc", "the authority knows no wire"},
		{"ca", "database/sql", "the authority knows no SQL"},
		{"cmd/siegel", "github.com/miekg/pkcs11", "the client is pure Go"},
		{"cmd/siegel", module + "/hsm", "the client is pure Go"},
		{"cmd/siegeld", module + "/hsm/keygen", "only the ceremony creates keys (promise 8)"},
	} {
		if way := reach(src, c.from, c.never, map[string]bool{}); way != nil {
			t.Errorf("%s reaches %s (%s): %s", c.from, c.never, strings.Join(way, " → "), c.why)
		}
	}
}

// TestPackagesHaveDocs checks that each package says what it is for.
func TestPackagesHaveDocs(t *testing.T) {
	documented := map[string]bool{}
	walk(t, func(pkg string, f *ast.File, test bool) {
		if !test {
			documented[pkg] = documented[pkg] || f.Doc != nil
		}
	})
	for pkg, ok := range documented {
		if !ok && !under(pkg, "proto") {
			t.Errorf("package %s has no package comment", pkg)
		}
	}
}

// under tells whether path p is prefix or lies below it.
func under(p, prefix string) bool { return p == prefix || strings.HasPrefix(p, prefix+"/") }

// reach gives a way from a package of this module to an import, or nil.
func reach(src map[string]map[string]bool, from, to string, seen map[string]bool) []string {
	if seen[from] {
		return nil
	}
	seen[from] = true
	for _, imp := range sorted(src[from]) {
		if under(imp, to) {
			return []string{from, imp}
		}
		if inside, ok := strings.CutPrefix(imp, module+"/"); ok {
			if way := reach(src, inside, to, seen); way != nil {
				return append([]string{from}, way...)
			}
		}
	}
	return nil
}

func sorted(set map[string]bool) []string {
	list := make([]string, 0, len(set))
	for s := range set {
		list = append(list, s)
	}
	sort.Strings(list)
	return list
}

// sources gives the imports of each package, test files left out.
func sources(t *testing.T) map[string]map[string]bool {
	t.Helper()
	src := map[string]map[string]bool{}
	walk(t, func(pkg string, f *ast.File, test bool) {
		if test {
			return
		}
		if src[pkg] == nil {
			src[pkg] = map[string]bool{}
		}
		for _, imp := range f.Imports {
			src[pkg][strings.Trim(imp.Path.Value, `"`)] = true
		}
	})
	return src
}

// walk parses every Go file of the module. It reads the files itself: a test that asks the go tool is answered from the test
// cache and keeps passing after the import is added.
func walk(t *testing.T, visit func(pkg string, f *ast.File, test bool)) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if d.IsDir() {
			if name == "tools" || name == "test" || name == "bin" || base == "testdata" || (name != "." && strings.HasPrefix(base, ".")) {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		visit(path.Dir(name), f, strings.HasSuffix(name, "_test.go"))
		return nil
	})
	if err != nil {
		t.Fatalf("read the source tree: %v", err)
	}
}
