package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// lineIndex gives the place of each key of a file, "FILE:LINE: ", by its dotted path, for example "log.level".
type lineIndex map[string]string

// at is the place of a key, empty where the file does not have it.
func (l lineIndex) at(key string) string { return l[key] }

// decodeStrict reads one YAML document into v. Unknown keys, keys that appear twice, wrong types and a second document are
// errors; each line of the error begins with FILE:LINE. An empty file changes nothing.
func decodeStrict(name string, text []byte, v any) (lineIndex, error) {
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
	lines := lineIndex{}
	for _, document := range root.Content {
		lines.add(name, "", document)
	}
	return lines, nil
}

// add enters the keys of a mapping and of the mappings in it.
func (l lineIndex) add(name, prefix string, n *yaml.Node) {
	if n.Kind != yaml.MappingNode {
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := prefix + n.Content[i].Value
		l[key] = fmt.Sprintf("%s:%d: ", name, n.Content[i].Line)
		l.add(name, key+".", n.Content[i+1])
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
