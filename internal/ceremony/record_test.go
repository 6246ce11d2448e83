package ceremony

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

// recorded is a record of the good file, of which one key was created and one step failed. Names in it are those that a person chose to
// break the format.
func recorded(t *testing.T) *Document {
	t.Helper()
	path, _ := goodFile(t)
	f, err := Read(path, catalogue(t))
	if err != nil {
		t.Fatal(err)
	}
	f.Title = "A | B <script>alert(1)</script>"
	_, j := begun(t)
	write(t, j, "create key SMCB-CA1", Failed, Facts{Note: "the token said\nno | never"})
	write(t, j, "create key SMCB-CA1", Done, Facts{Key: &KeyFacts{Label: "SMCB-CA1", Token: "ca", ID: Hex{1, 1}, Type: "E256", Fingerprint: Hex{0xab},
		Attributes: []Attribute{{"CKA_SENSITIVE", true}, {"CKA_EXTRACTABLE", false}}}})
	return Record(f, j)
}

// TestMarkdownKeepsItsTables: whatever names and errors hold, each row has the cells of its head.
func TestMarkdownKeepsItsTables(t *testing.T) {
	text := recorded(t).Markdown()
	cells := 0
	for line := range strings.Lines(text) {
		n := strings.Count(strings.ReplaceAll(line, `\|`, ""), "|")
		switch {
		case !strings.HasPrefix(line, "|"):
			cells = 0
		case cells == 0:
			cells = n
		case n != cells:
			t.Errorf("a row of %d cells in a table of %d: %s", n-1, cells-1, line)
		}
	}
	for _, want := range []string{
		"The ceremony is not complete: 10 steps are to come, the first of them \"open token ca\".",
		`failed: the token said no \| never`,
		"| SMCB-CA1 | SIEGEL.SMCB-CA1 (smcb-ca) | 1 | ca | E256 | 0101 | ab |",
		"| label | CKA_SENSITIVE | CKA_EXTRACTABLE |", "| SMCB-CA1 | yes | no |",
		"SIEGEL.SMCB-CA1 signs for cards from 2027-03-01 00:00:00Z on.",
		"The request for DESGX-1-1-02-26 is a PKCS#10 request with 1 attributes",
		"| ca-operator | Ada Muster |  |  |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the record lacks %q:\n%s", want, text)
		}
	}
}

// TestHTMLIsOnePage: it is well formed, holds no script and asks nobody for anything.
func TestHTMLIsOnePage(t *testing.T) {
	d := recorded(t)
	page, err := d.HTML()
	if err != nil {
		t.Fatal(err)
	}
	dec := xml.NewDecoder(strings.NewReader(string(page)))
	dec.Strict, dec.AutoClose, dec.Entity = false, []string{"meta"}, xml.HTMLEntity
	rows := 0
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not well formed: %v", err)
		}
		e, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		switch e.Name.Local {
		case "script", "link", "img", "iframe":
			t.Errorf("the page has an element %s", e.Name.Local)
		case "tr":
			rows++
		}
	}
	want := 0
	for _, s := range d.Sections {
		for _, table := range s.Tables {
			want += 1 + len(table.Rows)
		}
	}
	if rows != want {
		t.Errorf("the page has %d rows, the document %d", rows, want)
	}
	if !strings.Contains(string(page), "&lt;script&gt;") || strings.Contains(string(page), "http") && !strings.Contains(string(page), "<!DOCTYPE") {
		t.Error("a name was not escaped")
	}
}
