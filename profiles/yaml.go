package profiles

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decoder reads one data file and reports what is wrong with it. It works on the nodes of the YAML parser, which know their
// lines. Reading never stops at a problem: what cannot be read becomes a zero value, so that one run shows all problems.
type decoder struct {
	file     string
	problems *Problems
}

func (d *decoder) at(n *yaml.Node) position { return position{d.file, n.Line} }

func (d *decoder) report(n *yaml.Node, rule, format string, args ...any) {
	d.problems.add(d.at(n), rule, format, args...)
}

// syntaxLine and unknownAlias find the place in an error of the YAML parser, which has no other form for it.
var (
	syntaxLine   = regexp.MustCompile(`^line ([0-9]+): `)
	unknownAlias = regexp.MustCompile(`unknown anchor '([^']+)' referenced`)
)

// parse gives the content of the one document of a file; nil if it cannot be read.
func (d *decoder) parse(data []byte) *yaml.Node {
	dec := yaml.NewDecoder(bytes.NewReader(data))
	var doc, more yaml.Node
	if err := dec.Decode(&doc); err != nil {
		d.syntax(data, err)
		return nil
	}
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			d.syntax(data, err)
			return nil
		}
		d.report(&more, "MORE_THAN_ONE_DOCUMENT", "a second document begins here; a file holds one")
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		d.report(&doc, "SYNTAX", "the file is not one YAML document")
		return nil
	}
	return doc.Content[0]
}

// syntax reports an error of the YAML parser, whose lines are right to within one or two.
func (d *decoder) syntax(data []byte, err error) {
	line, text := 1, strings.TrimPrefix(err.Error(), "yaml: ")
	if errors.Is(err, io.EOF) {
		text = "the file is empty"
	}
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		line, _ = strconv.Atoi(m[1])
		text = strings.TrimPrefix(text, m[0])
	}
	if m := unknownAlias.FindStringSubmatch(text); m != nil {
		before, _, _ := bytes.Cut(data, []byte("*"+m[1]))
		line = 1 + bytes.Count(before, []byte("\n"))
	}
	d.problems.add(position{d.file, max(line, 1)}, "SYNTAX", "%s", text)
}

// mapping is a YAML mapping with named keys. Take every key with required or optional, then call end.
type mapping struct {
	d      *decoder
	node   *yaml.Node // nil if there is none
	values map[string]*yaml.Node
	taken  map[string]bool
}

// mapping reads n as a mapping. A nil node, which was reported before, gives an empty one.
func (d *decoder) mapping(n *yaml.Node) mapping {
	m := mapping{d: d, values: map[string]*yaml.Node{}, taken: map[string]bool{}}
	if n == nil {
		return m
	}
	if n.Kind != yaml.MappingNode {
		d.wrongType(n, "a mapping")
		return m
	}
	m.node = n
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch {
		case key.Kind != yaml.ScalarNode:
			d.wrongType(key, "a key that is a word")
		case m.values[key.Value] != nil:
			d.report(key, "DUPLICATE_KEY", "key %q appears a second time", key.Value)
		default:
			m.values[key.Value] = n.Content[i+1]
		}
	}
	return m
}

// get takes the value of a key that must be there.
func (m mapping) get(key string) *yaml.Node {
	v := m.find(key)
	if v == nil && m.node != nil {
		m.d.report(m.node, "MISSING_KEY", "key %q is missing", key)
	}
	return v
}

// find takes the value of a key; nil if it is not there.
func (m mapping) find(key string) *yaml.Node {
	m.taken[key] = true
	return m.values[key]
}

// end reports the keys that nobody took. For a profile this is safety: a misspelt rule is a rule that does not hold.
func (m mapping) end() {
	if m.node == nil {
		return
	}
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		if key := m.node.Content[i]; key.Kind == yaml.ScalarNode && !m.taken[key.Value] {
			m.d.report(key, "UNKNOWN_KEY", "key %q is not known here", key.Value)
		}
	}
}

func (m mapping) at() position {
	if m.node == nil {
		return position{m.d.file, 1}
	}
	return m.d.at(m.node)
}

// wrongType says what a node is not. An alias is always the wrong type: each rule stands where it holds.
func (d *decoder) wrongType(n *yaml.Node, want string) {
	d.report(n, "WRONG_TYPE", "this is %s, want %s", kindName(n), want)
}

func kindName(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if n.Kind == yaml.ScalarNode {
		return "a value of type " + strings.TrimPrefix(n.ShortTag(), "!!")
	}
	return "nothing"
}

// reading makes a value of a node. A nil node gives the zero value without a report.
type reading[T any] func(d *decoder, n *yaml.Node) T

// required reads the value of a key that must be there.
func required[T any](m mapping, key string, read reading[T]) T { return read(m.d, m.get(key)) }

// optional reads the value of a key that may be missing.
func optional[T any](m mapping, key string, read reading[T]) T { return read(m.d, m.find(key)) }

// cited reads {value: ..., source: ...} under a key that must be there.
func cited[T any](m mapping, key string, read reading[T]) Cited[T] {
	return citedNode(m.d, m.get(key), read)
}

// citedIfThere reads {value: ..., source: ...} under a key that may be missing.
func citedIfThere[T any](m mapping, key string, read reading[T]) (c Cited[T], there bool) {
	n := m.find(key)
	return citedNode(m.d, n, read), n != nil
}

func citedNode[T any](d *decoder, n *yaml.Node, read reading[T]) Cited[T] {
	row := d.mapping(n)
	c := Cited[T]{Value: required(row, "value", read), Source: required(row, "source", text), at: row.at()}
	row.end()
	return c
}

// list reads a list of values, which must not be empty.
func list[T any](read reading[T]) reading[[]T] {
	return func(d *decoder, n *yaml.Node) []T {
		if n == nil {
			return nil
		}
		if n.Kind != yaml.SequenceNode {
			d.wrongType(n, "a list")
			return nil
		}
		if len(n.Content) == 0 {
			d.report(n, "BAD_VALUE", "the list is empty")
		}
		values := make([]T, 0, len(n.Content))
		for _, element := range n.Content {
			values = append(values, read(d, element))
		}
		return values
	}
}

// set reads a list in which no value appears twice.
func set[T comparable](read reading[T]) reading[[]T] {
	return func(d *decoder, n *yaml.Node) []T {
		values := list(read)(d, n)
		for i, v := range values {
			if slices.Contains(values[:i], v) {
				d.report(n.Content[i], "DUPLICATE_NAME", "%v appears a second time", v)
			}
		}
		return values
	}
}

// text reads a string that is not empty and has no blanks around it.
func text(d *decoder, n *yaml.Node) string {
	if n == nil {
		return ""
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!str" {
		d.wrongType(n, "a text")
		return ""
	}
	if n.Value == "" || strings.TrimSpace(n.Value) != n.Value {
		d.report(n, "BAD_VALUE", "the text is empty or has blanks around it")
	}
	return n.Value
}

// number reads a positive decimal number.
func number(d *decoder, n *yaml.Node) int {
	if n == nil {
		return 0
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!int" {
		d.wrongType(n, "a number")
		return 0
	}
	v, err := strconv.Atoi(n.Value)
	if err != nil || v <= 0 {
		d.report(n, "BAD_VALUE", "the number is not a positive decimal number")
	}
	return v
}

// truth reads true or false.
func truth(d *decoder, n *yaml.Node) bool {
	if n == nil {
		return false
	}
	if n.Kind != yaml.ScalarNode || n.ShortTag() != "!!bool" {
		d.wrongType(n, "true or false")
		return false
	}
	return n.Value == "true"
}

// word reads one of a few words and gives what it stands for.
func word[T any](words map[string]T) reading[T] {
	return func(d *decoder, n *yaml.Node) (v T) {
		if n == nil {
			return v
		}
		if n.Kind != yaml.ScalarNode {
			d.wrongType(n, "a word")
			return v
		}
		v, known := words[n.Value]
		if !known {
			d.report(n, "BAD_VALUE", "%q is not one of %s", n.Value, wordList(words))
		}
		return v
	}
}

func wordList[T any](words map[string]T) string {
	names := make([]string, 0, len(words))
	for w := range words {
		names = append(names, w)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

// parsed reads a text and makes a value of it with parse.
func parsed[T any](parse func(string) (T, error)) reading[T] {
	return func(d *decoder, n *yaml.Node) (v T) {
		if n == nil {
			return v
		}
		if n.Kind != yaml.ScalarNode {
			d.wrongType(n, "a text")
			return v
		}
		v, err := parse(n.Value)
		if err != nil {
			d.report(n, "BAD_VALUE", "%q: %v", n.Value, err)
		}
		return v
	}
}

// occurs reads a cardinality.
var occurs = word(map[string]Occurs{"0": Never, "1": Always, "0-1": Optional})
