package profiles

import (
	"fmt"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// Explanation is what a data file says, field by field in the order of the file.
type Explanation struct {
	File  string `json:"file"` // path in the catalogue, for example "sectors/dkg.yaml"
	Name  string `json:"name"` // of the card type, sector or profile
	Facts []Fact `json:"facts"`
}

// Fact is one field of a data file.
type Fact struct {
	Field  string `json:"field"`            // path in the file; a row of a list goes by its first key: "subject[CN]"
	Value  string `json:"value"`            // in words; object identifiers with their names
	Source string `json:"source,omitempty"` // where the value comes from; empty for names and titles
}

// Explain tells what the file of a card type, a sector or a profile says, or a file at the top of the catalogue, by its name without
// ".yaml". It reads the file itself, so that nothing that the file says can be missing. False: the catalogue has no such file.
func (s *Set) Explain(name string) (Explanation, bool) {
	for _, f := range s.files {
		if strings.TrimSuffix(path.Base(f.name), ".yaml") != name {
			continue
		}
		var doc yaml.Node
		if err := yaml.Unmarshal(f.data, &doc); err != nil { // the loader has read it
			return Explanation{}, false
		}
		e := explainer{set: s, file: doc.Content[0]}
		e.mapping("", e.file, "")
		return Explanation{File: f.name, Name: name, Facts: e.facts}, true
	}
	return Explanation{}, false
}

// explainer collects facts on the way through the nodes of a file.
type explainer struct {
	set   *Set
	file  *yaml.Node
	facts []Fact
}

func (e *explainer) add(field, value, source string) {
	e.facts = append(e.facts, Fact{Field: field, Value: value, Source: source})
}

// wordy is how many keys a row may have before each gets a fact of its own.
const wordy = 3

// mapping explains a mapping. A source in it holds for all that is below.
func (e *explainer) mapping(field string, n *yaml.Node, source string) {
	if s := child(n, "source"); s != nil {
		source = s.Value
	}
	switch value := child(n, "value"); {
	case value != nil: // {value: ..., source: ...}
		e.add(field, e.words(value), source)
	case field != "" && plain(n) && len(n.Content)/2 <= wordy+1:
		e.add(field, e.row(n, 0), source)
	default:
		e.keys(field, n, 0, source)
	}
}

// keys explains the keys of a mapping one by one, from the first that counts. A key <name>_source at the top of the file is the source of
// all keys of that name.
func (e *explainer) keys(field string, n *yaml.Node, first int, source string) {
	for i := first; i+1 < len(n.Content); i += 2 {
		key, from := n.Content[i].Value, source
		if key == "source" || strings.HasSuffix(key, "_source") {
			continue
		}
		if own := child(e.file, key+"_source"); own != nil {
			from = own.Value
		}
		e.node(join(field, key), n.Content[i+1], from)
	}
}

func (e *explainer) node(field string, n *yaml.Node, source string) {
	switch {
	case n.Kind == yaml.MappingNode:
		e.mapping(field, n, source)
	case n.Kind == yaml.SequenceNode && !plainList(n):
		for i, row := range n.Content {
			e.listRow(field, i, row, source)
		}
	default:
		e.add(field, e.words(n), source)
	}
}

// listRow explains a row of a list, which goes by the value of its first key, or by its number where that is a list.
func (e *explainer) listRow(field string, i int, row *yaml.Node, source string) {
	if s := child(row, "source"); s != nil {
		source = s.Value
	}
	label, first := fmt.Sprint(i+1), 0
	if row.Content[1].Kind == yaml.ScalarNode {
		label, first = row.Content[1].Value, 2
	}
	field = fmt.Sprintf("%s[%s]", field, label)
	if plain(row) && len(row.Content)/2 <= wordy+1 {
		e.add(field, e.row(row, first), source)
		return
	}
	e.keys(field, row, first, source)
}

// row puts the keys of a mapping into one line.
func (e *explainer) row(n *yaml.Node, first int) string {
	var parts []string
	for i := first; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i].Value; key != "source" {
			parts = append(parts, key+" "+e.words(n.Content[i+1]))
		}
	}
	return strings.Join(parts, ", ")
}

// words writes a scalar or a list of them, object identifiers with their names.
func (e *explainer) words(n *yaml.Node) string {
	if n.Kind == yaml.SequenceNode {
		var parts []string
		for _, c := range n.Content {
			parts = append(parts, e.words(c))
		}
		return strings.Join(parts, ", ")
	}
	id, err := der.ParseOID(n.Value)
	if err != nil || n.ShortTag() != "!!str" {
		return n.Value
	}
	if i, known := e.set.institutions[n.Value]; known {
		return n.Value + " (" + i.Text + ")"
	}
	if name := pkix.OIDName(id); name != "" {
		return n.Value + " (" + name + ")"
	}
	return n.Value
}

func join(field, key string) string {
	if field == "" {
		return key
	}
	return field + "." + key
}

// child gives the value of a key; nil if the mapping has none.
func child(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// plain tells whether a mapping holds nothing but scalars and lists of them.
func plain(n *yaml.Node) bool {
	for i := 1; i < len(n.Content); i += 2 {
		if c := n.Content[i]; c.Kind != yaml.ScalarNode && !plainList(c) {
			return false
		}
	}
	return true
}

func plainList(n *yaml.Node) bool {
	if n.Kind != yaml.SequenceNode {
		return false
	}
	for _, c := range n.Content {
		if c.Kind != yaml.ScalarNode {
			return false
		}
	}
	return true
}
