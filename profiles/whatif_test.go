package profiles_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: what a changed policy would refuse.

const algorithms = "algorithms.yaml"

// withPolicy gives the catalogue with texts of algorithms.yaml replaced, each where it stands first.
func withPolicy(t *testing.T, oldNew ...string) *profiles.Set {
	t.Helper()
	files := catalogue(t)
	for i := 0; i < len(oldNew); i += 2 {
		change(t, files, algorithms, oldNew[i], oldNew[i+1])
	}
	set, err := builtin(t).WithPolicy(algorithms, files[algorithms].Data)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestCompare moves the end of RSA for nonQES certificates, which takes two rows. Only the one card type that must have RSA and could be
// ordered before becomes impossible: those of generation 2.0 for institutions were, by their qualified certificates.
func TestCompare(t *testing.T) {
	const key, signature = `value: 2025-12-31, source: "gemSpec_Krypt 2.50 (excerpt), GS-A_4357 to`, `value: 2025-12-31, source: "gemSpec_Krypt 2.50 (excerpt), GS-A_4357;`
	for _, c := range []struct {
		name    string
		changed *profiles.Set
		at      string
		changes int      // slots that the policies differ about
		refused []string // card types that become impossible
		slot    string   // of smcb-g2.1
		want    string   // of that slot
	}{
		{"nothing changes", withPolicy(t), "2030-01-01", 0, nil, "C.HCI.AUT.R2048",
			"now refused since 2025-12-31, then refused since 2025-12-31"},
		{"the end comes earlier", withPolicy(t, key, strings.Replace(key, "2025", "2024", 1)), "2025-06-30", 19,
			[]string{"smcb-org-g2.0"}, "C.HCI.ENC.R2048", "now until 2025-12-31, then refused since 2024-12-31"},
		{"the end comes later for the key alone", withPolicy(t, key, strings.Replace(key, "2025", "2026", 1)), "2026-06-30", 0, nil,
			"C.HCI.AUT.R2048", "now refused since 2025-12-31, then refused since 2025-12-31"},
		{"the end comes later", withPolicy(t, key, strings.Replace(key, "2025", "2026", 1), signature, strings.Replace(signature, "2025", "2026", 1)),
			"2026-06-30", 19, nil, "C.HCI.AUT.R2048", "now refused since 2025-12-31, then until 2026-12-31"},
		{"another slot is untouched", withPolicy(t, key, strings.Replace(key, "2025", "2024", 1)), "2025-06-30", 19,
			[]string{"smcb-org-g2.0"}, "C.HCI.ENC.E256", "now for ever, then for ever"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changes, refused, said := 0, []string(nil), ""
			for _, card := range builtin(t).Compare(c.changed, profiles.Review{At: at(t, c.at)}) {
				if card.RefusedThen && !card.RefusedNow {
					refused = append(refused, card.CardType)
				}
				for _, s := range card.Slots {
					if s.Changed() {
						changes++
					}
					if card.CardType == "smcb-g2.1" && s.Slot == c.slot {
						said = fmt.Sprintf("now %s, then %s", words(s.Now), words(s.Then))
					}
				}
			}
			if changes != c.changes || !slices.Equal(refused, c.refused) || said != c.want {
				t.Errorf("%d slots change, card types %v become impossible, %s of smcb-g2.1 is %s; want %d, %v, %s",
					changes, refused, c.slot, said, c.changes, c.refused, c.want)
			}
		})
	}
}

func words(o profiles.Outlook) string {
	switch _, ends := o.LastDay().End(); {
	case o.Refused:
		return "refused since " + o.LastDay().String()
	case ends:
		return "until " + o.LastDay().String()
	}
	return "for ever"
}

// TestCompareImpossible tells card types that cannot be ordered from those whose orders can leave slots out.
func TestCompareImpossible(t *testing.T) {
	for _, card := range builtin(t).Compare(builtin(t), profiles.Review{At: at(t, "2024-11-05")}) {
		// Generation 1 and the qualified certificates ended long ago; no order for a card of generation 2.0 can leave them out.
		if want := card.CardType == "smcb-g2.0"; card.RefusedNow != want || card.RefusedThen != want {
			t.Errorf("%s: impossible is %t and %t, want %t", card.CardType, card.RefusedNow, card.RefusedThen, want)
		}
	}
}

// TestOutlookOfCertificates looks at single certificates with their issuers.
func TestOutlookOfCertificates(t *testing.T) {
	for _, c := range []struct {
		slot, profile string
		scheme        sigalg.Scheme
		issuer        sigalg.KeyType
		granted       []string
		want          string
	}{
		{"C.HCI.AUT.R2048", "C.HCI.AUT", sigalg.RSAPKCS1SHA256, sigalg.R2048, nil, "refused since 2025-12-31"},
		{"C.HCI.AUT.R2048", "C.HCI.AUT", sigalg.RSAPKCS1SHA256, sigalg.R3072, nil, "refused since 2025-12-31"},
		{"C.HCI.AUT.R2048", "C.HCI.AUT", sigalg.RSAPKCS1SHA256, sigalg.R2048, []string{noQES}, "until 2025-12-31"},
		{"C.HCI.AUT.E256", "C.HCI.AUT", sigalg.ECDSASHA256, sigalg.E256, nil, "for ever"},
		{"C.HCI.QES.R2048", "C.HCI.QES", sigalg.RSAPSSSHA256, sigalg.R2048, nil, "refused since 2022-12-31"},
		{"C.HCI.QES.R2048", "C.HCI.QES", sigalg.RSAPKCS1SHA256, sigalg.R2048, []string{qes}, "refused since 2022-12-31"},
		{"C.HCI.QES.R2048", "C.HCI.QES", sigalg.RSAPKCS1SHA256, sigalg.R2048, []string{pkcs1, qes}, "until 2022-12-31"},
		{"C.SMC.AUTR_CVC.R2048", "C.SMC.AUTR_CVC.R2048", sigalg.ISO9796SHA256, sigalg.R2048, nil, "refused since 2018-12-31"},
		{"C.SMC.AUTR_CVC.E256", "C.SMC.AUTR_CVC", sigalg.ECDSASHA256, sigalg.E256, nil, "for ever"},
		{"C.HCI.AUT.E256", "C.HCI.AUT", sigalg.ECDSASHA384, sigalg.E384, nil, "refused since none"}, // no row
	} {
		key, signature, known := builtin(t).Uses(c.slot, c.profile, c.scheme, c.issuer)
		o := builtin(t).Policy().Outlook(key, signature, profiles.Review{At: now.AddDate(2, 0, 0), Exceptions: c.granted})
		if got := words(o); !known || got != c.want {
			t.Errorf("%s by %s with %s: %s, known is %t; want %s", c.slot, c.issuer, c.scheme, got, known, c.want)
		}
	}
	for _, c := range [][2]string{{"C.HCI.AUT.E256", "C.HCI.NONE"}, {"C.HCI.AUT.E999", "C.HCI.AUT"}, {"", ""}} {
		if key, _, known := builtin(t).Uses(c[0], c[1], sigalg.ECDSASHA256, sigalg.E256); known {
			t.Errorf("slot %q of profile %q: %s, want unknown", c[0], c[1], key)
		}
	}
}

// TestChangedPolicyIsReadStrictly: a file for the dry run is no better than one of the catalogue.
func TestChangedPolicyIsReadStrictly(t *testing.T) {
	good := string(catalogue(t)[algorithms].Data)
	for _, c := range []struct{ name, text, want string }{
		{"nothing", "", "SYNTAX"},
		{"unknown key", good + "more: 1\n", "UNKNOWN_KEY"},
		{"a list", "- a\n", "WRONG_TYPE"},
		{"no row for brainpool", strings.ReplaceAll(good, "key: E256", "key: E384"), "MISSING_ALGORITHM"},
		{"too large", good + "#" + strings.Repeat("x", 1<<18), "FILE_TOO_LARGE"},
	} {
		set, err := builtin(t).WithPolicy("new.yaml", []byte(c.text))
		var problems profiles.Problems
		if set != nil || !errors.As(err, &problems) || problems[0].Rule != c.want || problems[0].File != "new.yaml" {
			t.Errorf("%s: WithPolicy = %v, want %s in new.yaml", c.name, err, c.want)
		}
	}
}
