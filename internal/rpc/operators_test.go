package rpc

import (
	"reflect"
	"strings"
	"testing"
)

var (
	printA = strings.Repeat("a1", 32)
	printB = strings.Repeat("b2", 32)
)

func TestParseOperators(t *testing.T) {
	good := "operators:\n" +
		"  - name: line-1\n    roles: [personalization]\n    certificate_sha256: " + printA + "\n" +
		"  - name: eve\n    roles: [auditor, security-officer]\n    certificate_sha256: " + printB + "\n"
	tests := []struct {
		name, text string
		want       []string // parts of the error; none: no error
	}{
		{"good", good, nil},
		{"unknown key", "operators:\n- name: a\n  role: [auditor]\n", []string{`f.yaml:3: unknown key "role"`}},
		{"unknown key at the top", "operator: []\n", []string{`f.yaml:1: unknown key "operator"`}},
		{"wrong type", "operators:\n- name: a\n  roles: auditor\n", []string{"f.yaml:3: cannot unmarshal"}},
		{"key twice", "operators:\n- name: a\n  name: b\n", []string{"f.yaml:3:", `"name" already defined`}},
		{"broken", "operators: [\n", []string{"f.yaml"}},
		{"empty", "", []string{"f.yaml: names no operators"}},
		{"two documents", good + "---\noperators: []\n", []string{"more than one YAML document"}},
		{"name", strings.Replace(good, "line-1", "line 1", 1), []string{`f.yaml:2: operator name "line 1"`}},
		{"fingerprint in capitals", strings.Replace(good, printA, strings.ToUpper(printA), 1), []string{"f.yaml:2: ", "64 hex digits"}},
		{"fingerprint too short", strings.Replace(good, printA, printA[2:], 1), []string{"f.yaml:2: ", "64 hex digits"}},
		{"same name", strings.Replace(good, "eve", "line-1", 1), []string{`f.yaml:5: operator "line-1" is named twice`}},
		{"same certificate", strings.Replace(good, printB, printA, 1), []string{`f.yaml:5: operator "eve" has the certificate of operator "line-1"`}},
		{"unknown role", strings.Replace(good, "personalization", "personalisation", 1), []string{"f.yaml:2: ", `role "personalisation" does not exist`}},
		{"roles that exclude", strings.Replace(good, "[personalization]", "[personalization, auditor]", 1),
			[]string{`f.yaml:2: operator "line-1": roles auditor and personalization exclude`, "GS-A_4266", "Tab_PKI_303"}},
		{"person", strings.Replace(good, "eve\n", "eve\n    person: person-7\n", 1), nil},
		{"malformed person", strings.Replace(good, "eve\n", "eve\n    person: a b\n", 1), []string{`f.yaml:5: operator "eve": person "a b"`}},
		{"one person with two certificates", strings.NewReplacer("line-1\n", "line-1\n    person: x\n", "eve\n", "eve\n    person: x\n").Replace(good),
			[]string{`f.yaml:6: operator "eve": person "x", with all certificates: roles`, "GS-A_4266"}},
		{"a person named as another operator", strings.Replace(good, "eve\n", "eve\n    person: line-1\n", 1),
			[]string{`f.yaml:5: operator "eve": person "line-1", with all certificates: roles`}},
		{"all faults at once", strings.NewReplacer("line-1", "line 1", printB, "00").Replace(good), []string{"f.yaml:2: ", "f.yaml:5: "}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := ParseOperators("f.yaml", []byte(tt.text))
			if (err == nil) != (tt.want == nil) {
				t.Fatalf("ParseOperators = %v, want an error with %q", err, tt.want)
			}
			for _, part := range tt.want {
				if got := err.Error(); !strings.Contains(got, part) {
					t.Errorf("ParseOperators = %v, want an error with %q", got, part)
				}
			}
		})
	}
}

// TestEncodeOperators writes the file as the ceremony does and reads it again.
func TestEncodeOperators(t *testing.T) {
	list := []Operator{
		{Name: "line-1", Roles: []Role{Personalization}, CertificateSHA256: printA},
		{Name: "eve", Roles: []Role{Auditor, SecurityOfficer}, CertificateSHA256: printB},
	}
	o, err := NewOperators(list)
	if err != nil {
		t.Fatal(err)
	}
	text, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseOperators("f.yaml", text)
	if err != nil {
		t.Fatalf("ParseOperators of\n%s= %v", text, err)
	}
	if !reflect.DeepEqual(again.list, list) {
		t.Errorf("read back %v, want %v", again.list, list)
	}
}

func FuzzParseOperators(f *testing.F) {
	f.Add([]byte("operators:\n- name: a\n  roles: [auditor]\n  certificate_sha256: " + printA + "\n"))
	f.Add([]byte("operators: [{name: &a b, roles: [*a]}]"))
	f.Add([]byte("operators:\n- <<: {name: a}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		o, err := ParseOperators("f", text)
		if err != nil {
			return
		}
		again, err := o.Encode()
		if err != nil {
			t.Fatalf("a file that was read cannot be written: %v", err)
		}
		if _, err := ParseOperators("f", again); err != nil {
			t.Errorf("a file that was written cannot be read: %v\n%s", err, again)
		}
	})
}
