// Package strictyaml reads YAML files that people write and programs obey: an unknown key is an error, and every error says where, in the
// form FILE:LINE that editors know.
package strictyaml

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// Lines gives the place of each key of a file, "FILE:LINE: ", by its dotted path, for example "log.level". Elements of a list have their
// number, from 0, in brackets: "issuers[1].key.type".
type Lines map[string]string

// At is the place of a key, empty where the file does not have it.
func (l Lines) At(key string) string { return l[key] }

// Decode reads one YAML document into v. Unknown keys, keys that appear twice, wrong types and a second document are
// errors; each line of the error begins with FILE:LINE. An empty file changes nothing.
func Decode(name string, text []byte, v any) (Lines, error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(v); err != nil && !errors.Is(err, io.EOF) {
		return nil, placed(name, err)
	}
	var more yaml.Node
	if err := dec.Decode(&more); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: holds more than one YAML document", name)
	}
	var root yaml.Node
	if err := yaml.Unmarshal(text, &root); err != nil {
		return nil, placed(name, err)
	}
	lines := Lines{}
	for _, document := range root.Content {
		lines.add(name, "", document)
	}
	return lines, nil
}

// add enters the keys of a mapping, or the elements of a list, and what is in them.
func (l Lines) add(name, path string, n *yaml.Node) {
	switch n.Kind {
	case yaml.MappingNode:
		prefix := path
		if path != "" {
			prefix += "."
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := prefix + n.Content[i].Value
			l[key] = fmt.Sprintf("%s:%d: ", name, n.Content[i].Line)
			l.add(name, key, n.Content[i+1])
		}
	case yaml.SequenceNode:
		for i, element := range n.Content {
			key := path + "[" + strconv.Itoa(i) + "]"
			l[key] = fmt.Sprintf("%s:%d: ", name, element.Line)
			l.add(name, key, element)
		}
	}
}

var (
	yamlLine    = regexp.MustCompile(`^(?:yaml: )?line (\d+): (.*)$`)
	yamlUnknown = regexp.MustCompile(`^field (\S+) not found in type \S+$`)
)

// placed gives the decoder's errors the form FILE:LINE: message, without the names of Go types.
func placed(name string, err error) error {
	messages := []string{err.Error()}
	var several *yaml.TypeError
	if errors.As(err, &several) {
		messages = several.Errors
	}
	var errs []error
	for _, m := range messages {
		at := name
		if parts := yamlLine.FindStringSubmatch(m); parts != nil {
			at, m = name+":"+parts[1], parts[2]
		}
		if parts := yamlUnknown.FindStringSubmatch(m); parts != nil {
			m = fmt.Sprintf("unknown key %q", parts[1])
		}
		errs = append(errs, fmt.Errorf("%s: %s", at, m))
	}
	return errors.Join(errs...)
}
