package ceremony

import "strings"

// Markdown writes the document as Markdown.
func (d *Document) Markdown() string {
	var b strings.Builder
	b.WriteString("# " + d.Title + "\n\n")
	for _, p := range d.Lead {
		b.WriteString(p + "\n\n")
	}
	for _, s := range d.Sections {
		b.WriteString("## " + s.Heading + "\n\n")
		for _, p := range s.Text {
			b.WriteString(p + "\n\n")
		}
		for _, t := range s.Tables {
			if t.Caption != "" {
				b.WriteString("**" + t.Caption + "**\n\n")
			}
			markdownRow(&b, t.Head)
			markdownRow(&b, strings.Split(strings.Repeat("---,", len(t.Head)-1)+"---", ","))
			for _, row := range t.Rows {
				markdownRow(&b, row)
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// markdownRow writes a row. What would end a cell is escaped: names come from the ceremony file and from certificates.
func markdownRow(b *strings.Builder, cells []string) {
	escape := strings.NewReplacer("|", `\|`, "\n", " ", "\r", " ", "<", "&lt;")
	for _, cell := range cells {
		b.WriteString("| " + escape.Replace(cell) + " ")
	}
	b.WriteString("|\n")
}
