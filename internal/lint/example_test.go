package lint

import (
	"bytes"
	"encoding/asn1"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The story of this file: testdata/pass holds a good draft of every kind, testdata/fail a folder for every rule with drafts that
// break it. The octets are made by this package's tests from real certificates (good_test.go) by one change each (x509_test.go,
// cvc_test.go); beside each lies a text for people. Rules are judged on the files, so that nothing changes unseen.

var update = flag.Bool("update", false, "write the files below testdata/pass and testdata/fail anew")

// example is a draft with the findings that lint has on it, and the text about it.
type example struct {
	file     string // without its ending
	ending   string // "der", "tlv" or "drafts"
	octets   []byte
	findings []Finding
	text     string
}

func TestGoodExamplesPass(t *testing.T) {
	seen := map[Kind]bool{}
	for name := range goods {
		t.Run(name, func(t *testing.T) {
			draft, c := goodDraft(t, name)
			e := example{file: "pass/" + name, ending: "der", octets: draft.encode()}
			e.findings = X509(e.octets, c)
			e.text = judgedAs(c) + "\n" + listing(t, e.octets)
			e.check(t)
			if len(e.findings) > 0 {
				t.Errorf("got %v, want no findings", e.findings)
			}
			d, _ := newX509Draft(c)
			seen[d.kind] = true
		})
	}
	for _, k := range Kinds() {
		if !seen[k] {
			t.Errorf("kind %s has no passing example", k)
		}
	}
	for name := range goodBodies {
		t.Run(name, func(t *testing.T) {
			body, c := goodBody(t, name)
			e := example{file: "pass/" + name, ending: "tlv", octets: body.encode()}
			e.findings = CVC(e.octets, c)
			e.text = bodyJudgedAs(c) + "\n" + annotation(e.octets)
			e.check(t)
			if len(e.findings) > 0 {
				t.Errorf("got %v, want no findings", e.findings)
			}
		})
	}
}

func TestGoodMessagePasses(t *testing.T) {
	message, c := goodMessage(t)
	e := g1Example("pass/"+g1Role, message, c)
	e.text = messageJudgedAs(c) + "\n" + messageListing(message)
	e.check(t)
	if len(e.findings) > 0 {
		t.Errorf("got %v, want no findings", e.findings)
	}
}

func TestEveryRuleFindsItsFault(t *testing.T) {
	turns := map[string]bool{}
	for of, list := range spoils {
		for _, s := range list {
			turns[s.rule] = true
			t.Run(s.rule+"/"+s.name, func(t *testing.T) {
				before, _ := goodDraft(t, of)
				draft, c := goodDraft(t, of)
				s.do(draft, &c)
				e := example{file: "fail/" + s.rule + "/" + fileName(of+" "+s.name), ending: "der", octets: draft.encode()}
				e.findings = X509(e.octets, c)
				e.text = header(s.name, of, judgedAs(c), e.findings) + difference(listing(t, before.encode()), listing(t, e.octets))
				e.check(t)
				e.wantFinding(t, s.rule)
			})
		}
	}
	for _, s := range cvcSpoils {
		turns[s.rule] = true
		t.Run(s.rule+"/"+s.name, func(t *testing.T) {
			before, _ := goodBody(t, cvcRole)
			body, c := goodBody(t, cvcRole)
			s.do(body, &c)
			e := example{file: "fail/" + s.rule + "/" + fileName(cvcRole+" "+s.name), ending: "tlv", octets: body.encode()}
			e.findings = CVC(e.octets, c)
			e.text = header(s.name, cvcRole, bodyJudgedAs(c), e.findings) + difference(annotation(before.encode()), annotation(e.octets))
			e.check(t)
			e.wantFinding(t, s.rule)
		})
	}
	for _, s := range g1Spoils {
		turns[s.rule] = true
		t.Run(s.rule+"/"+s.name, func(t *testing.T) {
			before, _ := goodMessage(t)
			message, c := goodMessage(t)
			s.do(message, &c)
			e := g1Example("fail/"+s.rule+"/"+fileName(g1Role+" "+s.name), message, c)
			e.text = header(s.name, g1Role, messageJudgedAs(c), e.findings) + difference(messageListing(before), messageListing(message))
			e.check(t)
			e.wantFinding(t, s.rule)
		})
	}
	for _, s := range cardSpoils { // card_test.go judges them
		turns[s.rule] = true
	}
	for _, s := range issuerSpoils { // issuer_test.go judges them
		turns[s.rule] = true
	}
	turns["G1_CA_ROLE"] = true // likewise
	for _, r := range Rules() {
		if !turns[r.Name] {
			t.Errorf("no example fails rule %s", r.Name)
		}
		if r.Citation == "" || r.Text == "" || r.Level != Error && r.Level != Warning {
			t.Errorf("rule %s lacks something: %+v", r.Name, r)
		}
	}
}

// TestNoStrayExamples fails on files that no example of today has.
func TestNoStrayExamples(t *testing.T) {
	want := map[string]bool{}
	for name := range goods {
		want["pass/"+name] = true
	}
	for name := range goodBodies {
		want["pass/"+name] = true
	}
	want["pass/"+g1Role] = true
	want["pass/"+goodCardName] = true
	for _, i := range goodIssuers {
		want["pass/"+fileName(string(i.kind))] = true
	}
	for _, s := range issuerSpoils {
		want["fail/"+s.rule+"/"+fileName(s.name)] = true
	}
	for _, s := range cardSpoils {
		want["fail/"+s.rule+"/"+fileName(s.name)] = true
	}
	for _, s := range g1Spoils {
		want["fail/"+s.rule+"/"+fileName(g1Role+" "+s.name)] = true
	}
	for of, list := range spoils {
		for _, s := range list {
			want["fail/"+s.rule+"/"+fileName(of+" "+s.name)] = true
		}
	}
	for _, s := range cvcSpoils {
		want["fail/"+s.rule+"/"+fileName(cvcRole+" "+s.name)] = true
	}
	var files []string
	for _, pattern := range []string{"testdata/pass/*", "testdata/fail/*/*"} {
		found, _ := filepath.Glob(pattern)
		files = append(files, found...)
	}
	for _, file := range files {
		name := strings.TrimPrefix(strings.TrimSuffix(file, filepath.Ext(file)), "testdata/")
		if !want[name] {
			t.Errorf("%s belongs to no example", file)
		}
	}
	if len(files) != 2*len(want) {
		t.Errorf("there are %d files, want octets and text of %d examples", len(files), len(want))
	}
	t.Logf("%d examples", len(want))
}

// check compares the example with its files, or writes them.
func (e *example) check(t *testing.T) {
	t.Helper()
	for ending, want := range map[string][]byte{e.ending: e.octets, "txt": []byte(e.text)} {
		file := "testdata/" + e.file + "." + ending
		if *update {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v (go test ./internal/lint -update writes it)", err)
		}
		if !bytes.Equal(have, want) {
			t.Errorf("%s is not what the test makes. If the change is meant, write it anew with -update and review it:\n%s", file, e.text)
		}
	}
}

func (e *example) wantFinding(t *testing.T, rule string) {
	t.Helper()
	if !slices.ContainsFunc(e.findings, func(f Finding) bool { return f.Rule == rule }) {
		t.Errorf("got %v, want a finding of %s", e.findings, rule)
	}
}

func fileName(name string) string {
	return strings.Trim(regexp.MustCompile(`[^A-Za-z0-9]+`).ReplaceAllString(name, "-"), "-")
}

func header(name, of, judged string, findings []Finding) string {
	text := fmt.Sprintf("Draft      the good one of %s, with this wrong: %s\n%sFindings\n", of, name, judged)
	for _, f := range findings {
		text += "  " + f.String() + "\n"
	}
	return text + "\nDifference to the good draft\n"
}

func judgedAs(c X509Context) string {
	what := c.Slot
	if what == "" {
		what = string(c.Kind)
	}
	environment, issuer := "production", "itself"
	if c.Test {
		environment = "test"
	}
	if c.Issuer != nil {
		issuer = nameOf(c.Issuer)
	}
	return fmt.Sprintf("Judged as  %s in %s\nIssuer     %s\n", what, environment, issuer)
}

func nameOf(c *pkix.Certificate) string {
	name, err := pkix.ParseName(c.RawSubject)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%s, %s to %s, %T", name, c.NotBefore.Format("2006-01-02"), c.NotAfter.Format("2006-01-02"), c.PublicKey)
}

func bodyJudgedAs(c CVCContext) string {
	return fmt.Sprintf("Judged as  %s of card %s at %s\nIssuer     %s, flags %s, %s to %s\n", c.Slot, c.ICCSN,
		c.Now.Format("2006-01-02 15:04:05"), c.Issuer.CHR, c.Issuer.Flags, c.Issuer.CED, c.Issuer.CXD)
}

// listing is a dump without what changes with every length: offsets, and the headers of constructed values.
func listing(t *testing.T, octets []byte) string {
	t.Helper()
	var b strings.Builder
	names := func(id asn1.ObjectIdentifier) string { return pkix.OIDName(id) }
	if err := der.Dump(&b, octets, names); err != nil {
		fmt.Fprintln(&b, err)
	}
	var lines []string
	for line := range strings.Lines(b.String()) {
		line = offsets.ReplaceAllString(strings.TrimRight(line, "\n"), "")
		lines = append(lines, constructed.ReplaceAllString(line, "$1$2"))
	}
	return strings.Join(lines, "\n") + "\n"
}

var (
	offsets     = regexp.MustCompile(`^ *[0-9]+ `)
	constructed = regexp.MustCompile(`^( *)[0-9a-f ]+  (SEQUENCE|SET|\[\d+\] CONSTRUCTED|OCTET STRING|BIT STRING) \([0-9]+\)`)
)

// annotation lists a body as what it will be, a certificate, with a signature of zeros.
func annotation(body []byte) string {
	var b strings.Builder
	signature := object([]byte{0x5F, 0x37}, make([]byte, 64))
	if err := cvc.Annotate(&b, object([]byte{0x7F, 0x21}, slices.Concat(body, signature))); err != nil {
		fmt.Fprintln(&b, err)
	}
	return b.String()
}

// difference lists the lines that one text has and the other has not, in their order (longest common subsequence).
func difference(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	common := make([][]int, len(a)+1)
	for i := range common {
		common[i] = make([]int, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			common[i][j] = max(common[i+1][j], common[i][j+1])
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			}
		}
	}
	var text strings.Builder
	for i, j := 0, 0; i < len(a) || j < len(b); {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j]:
			i, j = i+1, j+1
		case j == len(b) || i < len(a) && common[i+1][j] >= common[i][j+1]:
			fmt.Fprintln(&text, "-", a[i])
			i++
		default:
			fmt.Fprintln(&text, "+", b[j])
			j++
		}
	}
	if text.Len() == 0 {
		return "  none: what it is judged against is wrong\n"
	}
	return text.String()
}
