package strictyaml

import (
	"strings"
	"testing"
)

// sample is a file with a mapping, a list and a list of mappings.
type sample struct {
	Name string `yaml:"name"`
	Log  struct {
		Level string `yaml:"level"`
	} `yaml:"log"`
	Tags []string `yaml:"tags"`
	Keys []key    `yaml:"keys"`
}

type key struct {
	Type string `yaml:"type"`
}

const good = `name: x
log:
  level: info
tags: [a, b]
keys:
  - type: E256
  - {type: R2048}
`

// TestLines: every key and element has its place.
func TestLines(t *testing.T) {
	var v sample
	lines, err := Decode("f.yaml", []byte(good), &v)
	if err != nil || v.Log.Level != "info" || v.Keys[1].Type != "R2048" {
		t.Fatalf("read %+v, %v", v, err)
	}
	for key, want := range map[string]string{
		"name": "f.yaml:1: ", "log": "f.yaml:2: ", "log.level": "f.yaml:3: ", "tags[1]": "f.yaml:4: ", "keys[0].type": "f.yaml:6: ",
		"keys[1]": "f.yaml:7: ", "keys[2]": "", "level": "",
	} {
		if got := lines.At(key); got != want {
			t.Errorf("%s is at %q, want %q", key, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "name: x\nnmae: y\n", `f.yaml:2: unknown key "nmae"`},
		{"unknown key in a list", "keys:\n  - type: E256\n    typ: x\n", `f.yaml:3: unknown key "typ"`},
		{"key twice", "name: x\nname: y\n", `f.yaml:2: mapping key "name" already defined at line 1`},
		{"wrong type", "name: x\nlog: info\n", "f.yaml:2: cannot unmarshal"},
		{"not YAML", "name: [x\n", "f.yaml:"},
		{"second document", "name: x\n---\nname: y\n", "f.yaml: holds more than one YAML document"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := Decode("f.yaml", []byte(c.text), new(sample)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error is %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestEmptyFile(t *testing.T) {
	v := sample{Name: "default"}
	if _, err := Decode("f.yaml", nil, &v); err != nil || v.Name != "default" {
		t.Errorf("read %+v, %v, want the default", v, err)
	}
}
