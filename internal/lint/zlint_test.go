package lint

import (
	"bytes"
	"reflect"
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

// TestLintsHoldNothing: one value of each may serve all drafts at the same time, and there is nothing that zlint would configure.
func TestLintsHoldNothing(t *testing.T) {
	for _, l := range zlints {
		if typ := reflect.TypeOf(l.check); typ.Kind() != reflect.Pointer || typ.Elem().Size() != 0 {
			t.Errorf("%s is of type %s, which can hold something", l.Name, typ)
		}
		if _, takes := l.check.(zlint.Configurable); takes {
			t.Errorf("%s takes a configuration", l.Name)
		}
	}
}

// TestLintsJudgeAsInZLint compares with the way in which zlint runs its lints for others, over drafts of every kind: as they are, without each
// of their extensions, and with each extension that lints look for, the value of which is that of another kind, nothing, or no DER.
func TestLintsJudgeAsInZLint(t *testing.T) {
	values := map[string][][]byte{}
	for _, e := range extensionLints {
		values[e.extension] = [][]byte{{}, {0x30, 0x00}, {0x05, 0x00}, {0xff}}
	}
	for name := range goods {
		draft, _ := goodDraft(t, name)
		for _, e := range draft.extensions {
			if len(values[e.oid]) < 9 {
				values[e.oid] = append(values[e.oid], e.value)
			}
		}
	}
	applied, compared := map[string]bool{}, 0
	for name := range goods {
		good, _ := goodDraft(t, name)
		variants := [][]extension{good.extensions}
		for i, e := range good.extensions {
			variants = append(variants, slices.Delete(slices.Clone(good.extensions), i, i+1))
			for _, v := range values[e.oid] {
				other := slices.Clone(good.extensions)
				other[i].value = v
				variants = append(variants, other)
			}
		}
		for oid, list := range values {
			for i, v := range list {
				if !good.has(oid) {
					variants = append(variants, append(slices.Clone(good.extensions), extension{oid, i%2 == 0, v}))
				}
			}
		}
		for _, extensions := range variants {
			good.extensions = extensions
			draft, err := readTBS(good.encode())
			if err != nil {
				t.Fatal(err)
			}
			raw, err := draft.standIn()
			if err != nil {
				t.Fatal(err)
			}
			c, err := x509.ParseCertificate(raw)
			if err != nil {
				continue
			}
			compared++
			for i := range zlints {
				l := &zlints[i]
				want := l.Execute(c, registry.GetConfiguration()).Status
				if got := l.judge(c); got != want {
					t.Errorf("%s, %s: %s, by zlint %s", name, l.Name, got, want)
				}
				if want != zlint.NA && l.extension != "" {
					applied[l.extension] = true
					if !draft.has(l.extension) {
						t.Errorf("%s, %s: %s, though there is no extension %s", name, l.Name, want, l.extension)
					}
				}
			}
		}
	}
	for _, e := range extensionLints {
		if !applied[e.extension] {
			t.Errorf("no lint that looks for extension %s was ever applied: the test compares too little", e.extension)
		}
	}
	t.Logf("%d drafts", compared)
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
