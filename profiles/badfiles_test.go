package profiles_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/profiles"
)

// badFileRow changes one text in one file of the good catalogue. The problem must be found in the line where the text At stands first
// after the change. See testdata/bad-files/README.md.
type badFileRow struct {
	Name, File, Old, New, At, Rule string
}

// minBadFiles is how many rows there must be at least.
const minBadFiles = 60

// TestBadFiles spoils the catalogue in one place after the other.
func TestBadFiles(t *testing.T) {
	tables, err := filepath.Glob("testdata/bad-files/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, name := range tables {
		var table struct{ Files []badFileRow }
		decodeYAML(t, name, &table)
		rows += len(table.Files)
		for _, row := range table.Files {
			t.Run(filepath.Base(name)+"/"+row.Name, row.run)
		}
	}
	if rows < minBadFiles {
		t.Errorf("there are %d bad files, want %d at least", rows, minBadFiles)
	}
	t.Logf("%d bad files", rows)
}

func (row badFileRow) run(t *testing.T) {
	files := catalogue(t)
	text := change(t, files, row.File, row.Old, row.New)
	if !strings.Contains(text, row.At) {
		t.Fatalf("the changed file has no %q", row.At)
	}
	line := 1 + strings.Count(text[:strings.Index(text, row.At)], "\n")
	problems := load(t, files)
	found := func(p profiles.Problem) bool { return p.File == row.File && p.Line == line && p.Rule == row.Rule }
	if !slices.ContainsFunc(problems, found) {
		t.Errorf("problems are\n%v\nwant %s in %s:%d", problems, row.Rule, row.File, line)
	}
}
