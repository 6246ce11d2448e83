package ca_test

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: somebody made a mistake in a profile file that the loader cannot see. The second opinion does.

// mistaken is the catalogue with a mistake in one file, or in all that match its name.
func mistaken(t *testing.T, file, right, wrong string) func(*ca.Config) {
	t.Helper()
	files := fstest.MapFS{}
	root := os.DirFS("../profiles")
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && name == "testdata" {
			return fs.SkipDir
		}
		if err != nil || path.Ext(name) != ".yaml" {
			return err
		}
		text, err := fs.ReadFile(root, name)
		if hit, _ := path.Match(file, name); hit {
			if !strings.Contains(string(text), right) {
				t.Fatalf("%s does not hold %q", name, right)
			}
			text = []byte(strings.Replace(string(text), right, wrong, 1))
		}
		files[name] = &fstest.MapFile{Data: text}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	set, err := profiles.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	return func(c *ca.Config) { c.Profiles = set }
}

func TestLintStopsWhatAProfileGotWrong(t *testing.T) {
	w := newWorld(t, mistaken(t, "x509/C.HCI.AUT.yaml", "key: E256, usage: [digitalSignature]", "key: E256, usage: [nonRepudiation]"))
	before := len(w.entries(t))
	_, err := w.Issue(t.Context(), operator, smallOrder(1))
	var refusal *profiles.Refusal
	if !errors.As(err, &refusal) || len(refusal.Violations) == 0 { // zlint may have something to say too
		t.Fatalf("got %v, want a violation", err)
	}
	if v := refusal.Violations[0]; v.Rule != "KEY_USAGE" || v.Field != "keys[0].spki" || !strings.HasPrefix(v.Message, "C.HCI.AUT.E256: ") {
		t.Errorf("got %+v, want KEY_USAGE at keys[0].spki for C.HCI.AUT.E256", v)
	}
	if after := len(w.entries(t)); after != before || w.keys.calls != 0 {
		t.Errorf("%d entries before, %d after, keys used %d times; want nothing left behind", before, after, w.keys.calls)
	}
}

// TestLintStopsRightsOfAnotherProfession: the file of institutions gives a hospital pharmacy's card the rights of a dentist, or another role
// of generation 1. Every certificate is good by itself.
func TestLintStopsRightsOfAnotherProfession(t *testing.T) {
	for _, c := range []struct {
		name, file, right, wrong, rule string
		order                          *profiles.Order
	}{
		{"generation 2", "institutions.yaml", "    text: Krankenhausapotheke\n    roles: [CHAT.2A]", "    text: Krankenhausapotheke\n    roles: [CHAT.2ZA]",
			"CARD_ROLE_OF_INSTITUTION", smallOrder(1)},
		{"generation 1", "cvc/C.SMC.AUTR_CVC.R2048.yaml", `1.2.276.0.76.4.55, role: "03"`, `1.2.276.0.76.4.55, role: "02"`, "CARD_G1_ROLE", newOrder(1)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t, mistaken(t, c.file, c.right, c.wrong))
			before := len(w.entries(t))
			_, err := w.Issue(t.Context(), operator, c.order)
			var refusal *profiles.Refusal
			if !errors.As(err, &refusal) || len(refusal.Violations) != 1 || refusal.Violations[0].Rule != c.rule {
				t.Fatalf("got %v, want one violation %s", err, c.rule)
			}
			if after := len(w.entries(t)); after != before || w.keys.calls != 0 {
				t.Errorf("%d entries before, %d after, keys used %d times; want nothing left behind", before, after, w.keys.calls)
			}
		})
	}
}

// TestLintWarnsInTheAnswer: the order of a subject's attributes is a SHOULD.
func TestLintWarnsInTheAnswer(t *testing.T) {
	w := newWorld(t, mistaken(t, "x509/C.HCI.[AEO]*.yaml", "[C, ST, L,", "[C, L, ST,"))
	card, err := w.Issue(t.Context(), operator, smallOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(card.Warnings, func(s string) bool { return strings.Contains(s, "SUBJECT_ORDER") }) {
		t.Errorf("got warnings %q, want SUBJECT_ORDER among them", card.Warnings)
	}
	again, err := w.Issue(t.Context(), operator, smallOrder(1))
	if err != nil || !slices.Equal(again.Warnings, card.Warnings) {
		t.Errorf("sent again: got warnings %q (%v), want %q", again.Warnings, err, card.Warnings)
	}
}
