package lint

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	tag "golang.org/x/crypto/cryptobyte/asn1"
)

// subjectAttribute is a row of Tab_PKI_229-01: the string type of an attribute and its length in characters.
type subjectAttribute struct {
	oid  string
	name string
	tag  tag.Tag
	max  int // 0 for no limit
}

// subjectAttributes are the attributes of Tab_PKI_229-01 in the order in which a subject holds them (A_15676).
var subjectAttributes = []subjectAttribute{
	{"2.5.4.6", "C", tag.PrintableString, 2},
	{"2.5.4.8", "ST", tag.UTF8String, 128},
	{"2.5.4.7", "L", tag.UTF8String, 128},
	{"2.5.4.17", "postalCode", tag.UTF8String, 40},
	{"2.5.4.9", "street", tag.UTF8String, 128},
	{"2.5.4.10", "O", tag.UTF8String, 64},
	{"2.5.4.97", "organizationIdentifier", tag.UTF8String, 0},
	{"2.5.4.11", "OU", tag.UTF8String, 64},
	{"2.5.4.5", "serialNumber", tag.PrintableString, 64},
	{"2.5.4.4", "SN", tag.UTF8String, 64},
	{"2.5.4.42", "GN", tag.UTF8String, 64},
	{"2.5.4.12", "title", tag.UTF8String, 64},
	{"2.5.4.3", "CN", tag.UTF8String, 64},
}

// rank gives the place of an attribute type in a subject, and false for one that has no place there.
func rank(oid string) (int, bool) {
	for i, a := range subjectAttributes {
		if a.oid == oid {
			return i, true
		}
	}
	return 0, false
}

// attributes lists the subject's attributes one by one.
func (t *tbsCertificate) attributes() []attribute {
	var list []attribute
	for _, rdn := range t.subject {
		list = append(list, rdn...)
	}
	return list
}

// values lists the values of one attribute type.
func (t *tbsCertificate) values(name string) []string {
	var list []string
	for _, a := range t.attributes() {
		if i, ok := rank(a.oid); ok && subjectAttributes[i].name == name {
			list = append(list, a.value)
		}
	}
	return list
}

func checkCountry(d x509Draft) string {
	c := d.values("C")
	if len(c) != 1 || len(c[0]) != 2 {
		return fmt.Sprintf("subject has %d country names, want exactly one of two letters", len(c))
	}
	if d.want.subject.country != "" && c[0] != d.want.subject.country {
		return "country is not " + d.want.subject.country
	}
	return ""
}

// checkCommonName compares without the mark, which has a rule of its own.
func checkCommonName(d x509Draft) string {
	form := d.want.subject.form
	for _, cn := range d.values("CN") {
		if form != nil && !form.MatchString(strings.TrimSuffix(cn, d.want.subject.marks.commonName)) {
			return "common name has not the form " + form.String()
		}
	}
	return ""
}

func checkAttributes(d x509Draft) string {
	must := d.want.subject.must
	seen := map[string]bool{}
	for _, a := range d.attributes() {
		i, ok := rank(a.oid)
		if !ok {
			return "attribute " + a.oid + " has no place in the subject"
		}
		name := subjectAttributes[i].name
		if !slices.Contains(must, name) && !slices.Contains(d.want.subject.may, name) {
			return "attribute " + name + " has no place in the subject"
		}
		if seen[name] {
			return "attribute " + name + " occurs twice"
		}
		seen[name] = true
	}
	for _, name := range must {
		if !seen[name] {
			return "attribute " + name + " is missing"
		}
	}
	return ""
}

func checkSingleValued(d x509Draft) string {
	for _, rdn := range d.subject {
		if len(rdn) != 1 {
			return fmt.Sprintf("a relative name has %d attributes, want one", len(rdn))
		}
	}
	return ""
}

func checkAttributeOrder(d x509Draft) string {
	last := -1
	for _, a := range d.attributes() {
		i, ok := rank(a.oid)
		if !ok {
			continue
		}
		if i < last {
			return subjectAttributes[i].name + " stands after " + subjectAttributes[last].name
		}
		last = i
	}
	return ""
}

func checkStringTypes(d x509Draft) string {
	for _, a := range d.attributes() {
		i, ok := rank(a.oid)
		if !ok {
			continue
		}
		switch want := subjectAttributes[i]; {
		case a.tag != want.tag:
			return fmt.Sprintf("%s has string type %d, want %d", want.name, a.tag, want.tag)
		case want.tag == tag.PrintableString && !isPrintable(a.value), !utf8.ValidString(a.value):
			return want.name + " has characters outside its string type"
		}
	}
	return ""
}

func checkLengths(d x509Draft) string {
	for _, a := range d.attributes() {
		i, ok := rank(a.oid)
		if !ok {
			continue
		}
		want := subjectAttributes[i]
		if n := utf8.RuneCountInString(a.value); n == 0 || want.max > 0 && n > want.max {
			return fmt.Sprintf("%s has %d characters, want 1 to %d", want.name, n, want.max)
		}
	}
	return ""
}

// The marks of test identities. Production names must not carry them, or a relying party could not tell the two apart.
const (
	testOnly = " TEST-ONLY"
	notValid = " NOT-VALID"
)

func checkTestOnly(d x509Draft) string {
	return checkMark(d, "CN", d.want.subject.marks.commonName, testOnly)
}

func checkNotValid(d x509Draft) string {
	return checkMark(d, "O", d.want.subject.marks.organization, notValid)
}

// checkMark wants the end in test, and no trace of the mark in production.
func checkMark(d x509Draft, name, end, mark string) string {
	for _, v := range d.values(name) {
		if d.context.Test && !strings.HasSuffix(v, end) {
			return fmt.Sprintf("%s does not end in %q", name, end)
		}
		if bare := strings.TrimSpace(mark); !d.context.Test && strings.Contains(v, bare) {
			return fmt.Sprintf("%s holds %q in production", name, bare)
		}
	}
	return ""
}

// isPrintable tells whether every character is one of PrintableString (X.680, Table 10).
func isPrintable(s string) bool {
	for _, c := range []byte(s) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && !(c >= '0' && c <= '9') && !strings.ContainsRune(" '()+,-./:=?", rune(c)) {
			return false
		}
	}
	return true
}
