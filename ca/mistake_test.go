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

// mistaken is the catalogue with a mistake in one file.
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
		if name == file {
			if !strings.Contains(string(text), right) {
				t.Fatalf("%s does not hold %q", file, right)
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

// TestLintWarnsInTheAnswer: the order of a subject's attributes is a SHOULD.
func TestLintWarnsInTheAnswer(t *testing.T) {
	w := newWorld(t, mistaken(t, "x509/C.HCI.AUT.yaml", "[C, ST, L,", "[C, L, ST,"))
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
