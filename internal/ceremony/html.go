package ceremony

import (
	"bytes"
	"fmt"
	"html/template"
)

// page is the document as one file: no script, no address of anything else, black on white, A4 across, so that it prints the same in ten years.
var page = template.Must(template.New("record").Parse(`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{{.Title}}</title>
<style>
@page { size: A4 landscape; margin: 15mm 12mm; @bottom-right { content: counter(page) " / " counter(pages); } }
body { font: 10pt/1.35 sans-serif; color: #000; background: #fff; margin: 2em auto; max-width: 62em; }
h1 { font-size: 16pt; margin: 0 0 .5em; }
h2 { font-size: 12pt; margin: 1.6em 0 .4em; break-after: avoid; }
table { border-collapse: collapse; width: 100%; margin: .4em 0 1em; }
caption { text-align: left; font-weight: bold; padding: .6em 0 .2em; break-after: avoid; }
th, td { border: .4pt solid #000; padding: .25em .5em; text-align: left; vertical-align: top; overflow-wrap: anywhere; }
th { background: #eee; font-weight: bold; overflow-wrap: normal; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
table.ink td { height: 2.6em; }
@media print { body { margin: 0; max-width: none; } th { background: none; } }
</style>
</head>
<body>
<h1>{{.Title}}</h1>
{{range .Lead}}<p>{{.}}</p>
{{end}}{{range .Sections}}<h2>{{.Heading}}</h2>
{{range .Text}}<p>{{.}}</p>
{{end}}{{range .Tables}}<table{{if .Ink}} class="ink"{{end}}>
{{if .Caption}}<caption>{{.Caption}}</caption>
{{end}}<thead><tr>{{range .Head}}<th>{{.}}</th>{{end}}</tr></thead>
<tbody>
{{range .Rows}}<tr>{{range .}}<td>{{.}}</td>{{end}}</tr>
{{end}}</tbody>
</table>
{{end}}{{end}}</body>
</html>
`))

// HTML writes the document as one self-contained page for printing.
func (d *Document) HTML() ([]byte, error) {
	var b bytes.Buffer
	if err := page.Execute(&b, d); err != nil {
		return nil, fmt.Errorf("write the record as HTML: %w", err)
	}
	return b.Bytes(), nil
}
