package profiles_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// TestChoosesNewestIssuer gives two issuers for a profile: the one listed last signs, unless it is not valid or not bound.
func TestChoosesNewestIssuer(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(second *profiles.Issuer)
		want   string
	}{
		{"newest", func(*profiles.Issuer) {}, "second"},
		{"newest is not bound", func(i *profiles.Issuer) { i.Profiles = []string{"C.HCI.AUT"} }, "GEM.SMCB-CA41"},
		{"newest is of another kind", func(i *profiles.Issuer) { i.Kind = profiles.RootCA }, "GEM.SMCB-CA41"},
		{"newest begins tomorrow", func(i *profiles.Issuer) { i.X509.NotBefore = now.AddDate(0, 0, 1) }, "GEM.SMCB-CA41"},
		{"newest takes orders from tomorrow", func(i *profiles.Issuer) { i.OrdersFrom = now.AddDate(0, 0, 1) }, "GEM.SMCB-CA41"},
		{"newest takes orders in a second", func(i *profiles.Issuer) { i.OrdersFrom = now.Add(time.Second) }, "GEM.SMCB-CA41"},
		{"newest takes orders from now on", func(i *profiles.Issuer) { i.OrdersFrom = now }, "second"},
		{"newest is retired", func(i *profiles.Issuer) { i.Retired = now }, "GEM.SMCB-CA41"},
		{"newest retires in a second", func(i *profiles.Issuer) { i.Retired = now.Add(time.Second) }, "second"},
		{"newest is over", func(i *profiles.Issuer) { i.X509.NotAfter = now.Add(-time.Second) }, "GEM.SMCB-CA41"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			second, certificate := *ctx.Issuers[0], *ctx.Issuers[0].X509
			second.Name, second.X509 = "second", &certificate
			c.change(&second)
			ctx.Issuers = append(ctx.Issuers, &second)
			plan := mustPlan(t, sampleOrder(t, "hospital-pharmacy"), ctx)
			if got := slotOf(t, plan, "C.HCI.ENC.R2048").Issuer.Name; got != c.want {
				t.Errorf("issuer is %s, want %s", got, c.want)
			}
		})
	}
}

// TestKeepsGenerationsApart shows that RSA keys are signed by RSA issuers and ECC keys by ECC issuers (GS-A_5513), and that all CV
// certificates of a card and generation come from one sub-CA (GS-A_4973).
func TestKeepsGenerationsApart(t *testing.T) {
	for _, s := range mustPlan(t, sampleOrder(t, "hospital-pharmacy"), testContext(t)).Slots {
		want := "DEGXX13223"
		if s.G1 != nil {
			want = "DEGEX10115"
		}
		if s.X509 != nil {
			want = map[sigalg.Generation]string{sigalg.RSA: "GEM.SMCB-CA41", sigalg.ECC: "GEM.SMCB-CA57"}[s.Issuer.KeyType.Generation()]
		}
		if s.Issuer.Name != want || strings.HasSuffix(s.Slot, "R2048") != (s.Issuer.KeyType == sigalg.R2048) {
			t.Errorf("slot %s is signed by %s, want %s", s.Slot, s.Issuer.Name, want)
		}
	}
}

// TestConfigurationRefusals are good orders that the installation cannot fulfil: the refusal says that the sender is not to blame.
func TestConfigurationRefusals(t *testing.T) {
	for _, c := range []struct {
		name, sample string
		change       func(c *profiles.Context)
		field, rule  string
	}{
		{"no RSA issuer", "pharmacy", func(c *profiles.Context) { c.Issuers = c.Issuers[1:] }, "keys[0].slot", "NO_ISSUER"},
		{"issuer not bound", "pharmacy", func(c *profiles.Context) { c.Issuers[0].Profiles = nil }, "keys[0].slot", "NO_ISSUER"},
		{"sub-CA bound to one of two profiles", "pharmacy", func(c *profiles.Context) { c.Issuers[2].Profiles = c.Issuers[2].Profiles[:1] }, "keys[4].slot", "NO_ISSUER"},
		{"two sub-CAs, each bound to one", "pharmacy", func(c *profiles.Context) {
			second := *c.Issuers[2]
			second.Profiles = second.Profiles[1:]
			c.Issuers[2].Profiles = c.Issuers[2].Profiles[:1]
			c.Issuers = append(c.Issuers, &second)
		}, "keys[4].slot", "NO_ISSUER"},
		{"sub-CA without the rights", "pharmacy", func(c *profiles.Context) {
			// A sub-CA of dentists has bit 15, which pharmacies need not have, but not bit 22 of others; here it has the device bit only.
			c.Issuers[2] = changeCVC(c.Issuers[2], func(b *cvc.Body) { b.Flags = cvc.Flags{0x80, 6: 0x04} })
		}, "institution.profession_oid", "RIGHTS_EXCEED_ISSUER"},
		{"two sub-CAs, each without the rights", "pharmacy", func(c *profiles.Context) {
			c.Issuers[2] = subCA(t, c.Issuers[2], "smcb-5w")
			c.Issuers = append(c.Issuers, subCA(t, c.Issuers[2], "smcb-8"))
		}, "institution.profession_oid", "RIGHTS_EXCEED_ISSUER"},
		{"no OCSP responder", "pharmacy", func(c *profiles.Context) { c.Issuers[0].OCSPURL = "" }, "sector", "NO_OCSP_URL"},
		{"no CRL where the sector wants one", "psychotherapist", func(c *profiles.Context) { c.Issuers[0].CRLURL, c.Issuers[1].CRLURL = "", "" }, "sector", "NO_CRL_URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx := testContext(t)
			c.change(ctx)
			v := refusal(t, sampleOrder(t, c.sample), ctx)
			if v[0].Field != c.field || v[0].Rule != c.rule {
				t.Errorf("violation is %+v, want %s at %s", v[0], c.rule, c.field)
			}
			if r := (&profiles.Refusal{Violations: v}); !r.Configuration() {
				t.Errorf("violations %+v blame the sender", v)
			}
		})
	}
}

// TestSubCAsSideBySide gives a sub-CA for one kind of institutions each, as Tab_PKI_919-02 lets a provider have them: whichever was added
// last, each signs what is its own.
func TestSubCAsSideBySide(t *testing.T) {
	for _, order := range [][]string{{"smcb-2a", "smcb-2za"}, {"smcb-2za", "smcb-2a"}} {
		for sample, want := range map[string]string{"hospital-pharmacy": "smcb-2a", "dental-practice": order[1]} {
			ctx := testContext(t)
			combined := ctx.Issuers[2]
			ctx.Issuers = slices.Delete(ctx.Issuers, 2, 3)
			for _, row := range order {
				ctx.Issuers = append(ctx.Issuers, subCA(t, combined, row))
			}
			// Rights of dentists are among those of physicians, so that either sub-CA may sign them, and the newest does.
			plan := mustPlan(t, sampleOrder(t, sample), ctx)
			for _, slot := range []string{"C.SMC.AUTR_CVC.E256", "C.SMC.AUTD_RPE_CVC.E256"} {
				if got := slotOf(t, plan, slot).Issuer.Name; got != want {
					t.Errorf("%s of %s below %v is signed by %s, want %s", slot, sample, order, got, want)
				}
			}
		}
	}
}

// TestSubCAOfKTRAdVIsSeparate shows that neither uses the other's: KTR-AdV not the sub-CA of HBA and SMC-B, though that has all its rights,
// and no SMC-B that of KTR-AdV, though it is the newest and a card without rights would fit (GS-A_5213-02).
func TestSubCAOfKTRAdVIsSeparate(t *testing.T) {
	const slot = "C.SMC.AUTD_RPE_CVC.E256"
	for sector, want := range map[string]string{"ktr-adv": "DESGX13223", "pkv": "DEGXX13223", "diga": "DEGXX13223"} {
		plan := mustPlan(t, sectorOrder(t, sector, "smcb-g2.1"), testContext(t))
		if got := slotOf(t, plan, slot).Issuer.Name; got != want {
			t.Errorf("%s is signed by %s, want %s", sector, got, want)
		}
	}
	for without, c := range map[string]struct{ sector, field, rule string }{
		"DESGX13223": {"ktr-adv", "sector", "SUB_CA_OF_SECTOR"},
		"DEGXX13223": {"pkv", "keys[6].slot", "NO_ISSUER"},
	} {
		ctx := testContext(t)
		ctx.Issuers = slices.DeleteFunc(ctx.Issuers, func(i *profiles.Issuer) bool { return i.Name == without })
		v := refusal(t, sectorOrder(t, c.sector, "smcb-g2.1"), ctx)
		if len(v) != 1 || v[0].Field != c.field || v[0].Rule != c.rule || !v[0].Configuration {
			t.Errorf("without %s: %+v, want %s at %s", without, v, c.rule, c.field)
		}
	}
}

// subCA is an issuer with the flag list of a row of subca.yaml, and its name.
func subCA(t *testing.T, like *profiles.Issuer, row string) *profiles.Issuer {
	t.Helper()
	r, ok := builtin(t).SubCA(row)
	if !ok {
		t.Fatalf("there is no sub-CA %s", row)
	}
	i := changeCVC(like, func(b *cvc.Body) { b.Flags = r.Flags })
	i.Name = row
	return i
}

// TestShellToTheDay tries the days around the ends of an issuer: 2024-10-29 13:54:57 to 2032 (ECC), and to 2029-11-06 14:34:35 (RSA).
func TestShellToTheDay(t *testing.T) {
	for _, c := range []struct{ from, until, message string }{
		{"2024-10-30", "2029-10-29", ""},
		{"2024-10-29", "2029-10-28", "the first day is 2024-10-30 at the earliest, the first whole day of issuer GEM.SMCB-CA57"},
		{"2024-11-07", "2029-11-05", ""},
		{"2024-11-07", "2029-11-06", "the last day is 2029-11-05 at the latest, the last whole day of issuer GEM.SMCB-CA41"},
	} {
		ctx, o := testContext(t), sampleOrder(t, "hospital-pharmacy")
		ctx.Now = time.Date(2024, time.November, 7, 12, 0, 0, 0, time.UTC)
		o.ValidFrom, o.ValidUntil = c.from, c.until
		if c.message == "" {
			mustPlan(t, o, ctx)
		} else if v := refusal(t, o, ctx); v[0].Message != c.message {
			t.Errorf("%s to %s: %q, want %q", c.from, c.until, v[0].Message, c.message)
		}
	}
}

// TestNoCRLWhereNotWanted shows that a sector without distribution points does not need the issuer to have one.
func TestNoCRLWhereNotWanted(t *testing.T) {
	ctx := testContext(t)
	for _, i := range ctx.Issuers {
		i.CRLURL = ""
	}
	mustPlan(t, sampleOrder(t, "pharmacy"), ctx)
	mustPlan(t, sampleOrder(t, "hospital-pharmacy"), ctx)
}

// TestContextFaults are faults of the operator's configuration, which are no refusals.
func TestContextFaults(t *testing.T) {
	for name, change := range map[string]func(*profiles.Context){
		"issuer without a certificate": func(c *profiles.Context) { c.Issuers[0] = &profiles.Issuer{Name: "x", Kind: profiles.SMCBCA} },
		"issuer of the other format":   func(c *profiles.Context) { c.Issuers[2].Kind = profiles.SMCBCA },
		"environment":                  func(c *profiles.Context) { c.Environment = "staging" },
		"time":                         func(c *profiles.Context) { c.Now = time.Time{} },
		"TSP-ID":                       func(c *profiles.Context) { c.TSPID = "1" },
	} {
		ctx := testContext(t)
		change(ctx)
		plan, err := builtin(t).Plan(sampleOrder(t, "pharmacy"), ctx)
		if _, refused := err.(*profiles.Refusal); err == nil || refused {
			t.Errorf("%s: plan is %v, error is %v, want an error that is no refusal", name, plan, err)
		}
	}
}
