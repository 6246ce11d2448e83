package profiles_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: CV certificates of generation 1, who gets one, and what stands in it.

// TestPlansRealG1Certificate orders the role certificate of a real card again, below the sub-CA that signed it. (It is the card of a physician,
// whose certificate has the shape and the role of a hospital's.) What Siegel would sign is what was signed then, octet for octet.
func TestPlansRealG1Certificate(t *testing.T) {
	real, err := cvc.ParseG1(readFile(t, "testdata/real/80276883110000205690-C_HPC_AUTR_CVC_R2048.cvc"))
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	issuer := ctx.Issuers[slices.IndexFunc(ctx.Issuers, func(i *profiles.Issuer) bool { return i.G1 != nil })]
	body, err := real.OpenCard(issuer.G1)
	if err != nil {
		t.Fatal(err)
	}
	o := sampleOrder(t, "hospital-pharmacy")
	o.ICCSN, o.Institution.ProfessionOID = body.CHR.ICCSN(), "1.2.276.0.76.4.53"
	if slotKey(o, g1Slot).SPKI, err = pkix.MarshalPublicKey(body.PublicKey); err != nil {
		t.Fatal(err)
	}
	planned, err := slotOf(t, mustPlan(t, o, ctx), g1Slot).G1.Message()
	if err != nil {
		t.Fatal(err)
	}
	if want, _ := body.Message(); !bytes.Equal(planned, want) {
		t.Errorf("message is\n%x\nwant\n%x", planned, want)
	}
}

// TestG1Roles is the table of roles in generation 1: an institution has the role of its row, or none, and then its card has none.
func TestG1Roles(t *testing.T) {
	for _, c := range []struct {
		sector, oid string
		role        string // of the CHA; empty: none
		confirmed   bool
	}{
		{"kbv", "50", "02", true}, {"kzbv", "51", "02", true}, {"dkg", "53", "02", true},
		{"pharmacy", "54", "03", false}, {"dkg", "55", "03", false}, {"kbv", "52", "04", false}, {"further-lei", "57", "07", false},
		{"gkv-sv", "59", "08", false},
		{"pkv", "59", "", false}, {"dkg", "257", "", false}, {"further-lei", "245", "", false}, {"further-medical", "255", "", false},
		{"diga", "282", "", false}, {"ktr-adv", "190", "", false},
	} {
		t.Run(c.sector+"/"+c.oid, func(t *testing.T) {
			o := sectorOrder(t, c.sector, "smcb-g2.1")
			o.Institution.ProfessionOID = "1.2.276.0.76.4." + c.oid
			o.Keys = slices.DeleteFunc(o.Keys, func(k profiles.SlotKey) bool { return k.Slot == g1Slot })
			withKey := *o
			withKey.Keys = append(slices.Clone(o.Keys), profiles.SlotKey{Slot: g1Slot, SPKI: slotKeyOf(t, g1Slot)})
			if c.role == "" {
				plan := mustPlan(t, o, testContext(t))
				if !warns(plan, g1Slot+" stays empty") {
					t.Errorf("warnings are %q, want one that the slot stays empty", plan.Warnings)
				}
				wantRule(t, &withKey, "PROFESSION_WITHOUT_G1_ROLE")
				return
			}
			plan := mustPlan(t, &withKey, testContext(t))
			if got, want := slotOf(t, plan, g1Slot).G1.CHA.String(), "D27600004000"+c.role; got != want {
				t.Errorf("CHA is %s, want %s", got, want)
			}
			if got := warns(plan, "role identifier "+c.role); got == c.confirmed {
				t.Errorf("warnings are %q; a warning that the role is not confirmed: %t", plan.Warnings, !c.confirmed)
			}
			if !warns(plan, "carries no dates") {
				t.Errorf("warnings are %q, want one about dates", plan.Warnings)
			}
			wantRule(t, o, "SLOT_MISSING")
		})
	}
}

func warns(plan *profiles.Plan, text string) bool {
	return slices.ContainsFunc(plan.Warnings, func(w string) bool { return strings.Contains(w, text) })
}

// wantRule wants an order refused by one rule alone.
func wantRule(t *testing.T, o *profiles.Order, rule string) {
	t.Helper()
	v := refusal(t, o, testContext(t))
	if len(v) != 1 || v[0].Rule != rule {
		t.Errorf("violations are %+v, want %s alone", v, rule)
	}
}

// TestRSAComesWhole: a card of generation 2.1 has all RSA keys or none; the one of generation 1 is among them.
func TestRSAComesWhole(t *testing.T) {
	o := sectorOrder(t, "dkg", "smcb-g2.1")
	o.Keys = slices.DeleteFunc(o.Keys, func(k profiles.SlotKey) bool { return strings.HasSuffix(k.Slot, ".R2048") && k.Slot != g1Slot })
	v := refusal(t, o, testContext(t))
	if len(v) != 3 || fmt.Sprint(v[0].Rule, v[1].Rule, v[2].Rule) != "SLOT_MISSINGSLOT_MISSINGSLOT_MISSING" {
		t.Errorf("violations are %+v, want three missing slots", v)
	}
}

// TestG1IssuerOfItsGeneration: an issuer of generation 2 that is bound to the profile by mistake is not taken.
func TestG1IssuerOfItsGeneration(t *testing.T) {
	ctx := testContext(t)
	ctx.Issuers = slices.DeleteFunc(ctx.Issuers, func(i *profiles.Issuer) bool { return i.G1 != nil })
	v := refusal(t, sectorOrder(t, "dkg", "smcb-g2.1"), ctx)
	if len(v) != 1 || v[0].Rule != "NO_ISSUER" || !v[0].Configuration {
		t.Errorf("violations are %+v, want NO_ISSUER, which the sender cannot help", v)
	}
}
