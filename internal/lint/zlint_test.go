package lint

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/zmap/zcrypto/x509"
	zlint "github.com/zmap/zlint/v3/lint"
)

// The story of this file: which rules of zlint count, what it gets to see, and what it costs.

func TestOnlyRFCAndETSILintsCount(t *testing.T) {
	count := map[zlint.LintSource]int{}
	for _, l := range zlints {
		count[l.Source]++
		if !slices.Contains(zlintSources, l.Source) {
			t.Errorf("lint %s is of %s", l.Name, l.Source)
		}
	}
	for _, source := range zlintSources {
		if count[source] == 0 {
			t.Errorf("no lint of %s is applied", source)
		}
	}
	for _, source := range zlint.GlobalRegistry().Sources() {
		if strings.HasPrefix(string(source), "CABF") || source == zlint.MozillaRootStorePolicy || source == zlint.AppleRootStorePolicy {
			t.Errorf("lints of %s are linked in", source)
		}
	}
	t.Logf("%d lints: %v", len(zlints), count)
}

// TestExcusesAreNeeded fails on an excuse for a lint that has nothing to object to any more.
func TestExcusesAreNeeded(t *testing.T) {
	for _, e := range excuses {
		for _, kind := range e.kinds {
			t.Run(e.lint+"/"+string(kind), func(t *testing.T) {
				slot := string(kind) + ".R2048"
				draft, good := goodDraft(t, slot)
				// The same draft judged as a kind that has no excuse.
				c := X509Context{Kind: SMCBCA, Test: true, Issuer: good.Issuer}
				findings := X509(draft.encode(), c)
				if !slices.ContainsFunc(findings, func(f Finding) bool { return f.Rule == e.lint }) {
					t.Errorf("%s does not object to %s", e.lint, slot)
				}
				if e.reason == "" || e.citation == "" {
					t.Error("the excuse has no reason or no citation")
				}
			})
		}
	}
}

// TestStandInDiffersInTheKeyOnly compares what zlint sees with the draft.
func TestStandInDiffersInTheKeyOnly(t *testing.T) {
	for name := range goods {
		t.Run(name, func(t *testing.T) {
			made, _ := goodDraft(t, name)
			draft, err := readTBS(made.encode())
			if err != nil {
				t.Fatal(err)
			}
			raw, err := draft.standIn()
			if err != nil {
				t.Fatal(err)
			}
			c, err := x509.ParseCertificate(raw)
			if err != nil {
				t.Fatal(err)
			}
			seen, err := readTBS(c.RawTBSCertificate)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(seen.beforeKey, draft.beforeKey) || !bytes.Equal(seen.afterKey, draft.afterKey) {
				t.Error("the stand-in differs before or after the key")
			}
			if typ, _ := draft.keyType(); bytes.Equal(seen.spki, draft.spki) != (typ.Generation() == "RSA") {
				t.Errorf("key of type %s: the stand-in's is %x", typ, seen.spki)
			}
		})
	}
}

func BenchmarkX509(b *testing.B) {
	for _, name := range []string{"C.HCI.AUT.R2048", "C.HCI.AUT.E256"} {
		draft, c := goodDraft(b, name)
		octets := draft.encode()
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				X509(octets, c)
			}
		})
		b.Run(name+"/zlint", func(b *testing.B) {
			d, _ := newX509Draft(c)
			d.tbsCertificate, _ = readTBS(octets)
			for b.Loop() {
				d.zlint()
			}
		})
	}
}
