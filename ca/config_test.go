package ca_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: an authority that is not wholly in order does not start, and says all that is wrong.

func TestBadConfiguration(t *testing.T) {
	// change gives a change of one issuer's public side, which is shared and must be copied.
	change := func(i int, do func(*profiles.Issuer)) func(*ca.Config) {
		return func(c *ca.Config) {
			copied := *c.Issuers[i].Issuer
			do(&copied)
			c.Issuers[i].Issuer = &copied
		}
	}
	for _, c := range []struct {
		name string
		do   func(*ca.Config)
		want string
	}{
		{"production", func(c *ca.Config) { c.Environment = profiles.Production },
			"in environment production two people open a key session"},
		{"unknown environment", func(c *ca.Config) { c.Environment = "staging" }, `environment is "staging"`},
		{"unknown exception", func(c *ca.Config) { c.LegacyExceptions = []string{"legacy-md5"} }, `no legacy exception "legacy-md5"; there are legacy-rsa-2048-noqes`},
		{"exception twice", func(c *ca.Config) { c.LegacyExceptions = []string{"legacy-cvc-g1", "legacy-cvc-g1"} }, "granted twice"},
		{"issuer without the marks of a test", change(smcbECC, func(i *profiles.Issuer) {
			certificate := *i.X509
			certificate.Subject = pkix.Name{pkix.Single(pkix.OIDCommonName, "SIEGEL.SMCB-CA3")}
			i.X509 = &certificate
		}), `issuer "SIEGEL.SMCB-CA3": it does not belong into environment test: CN of its subject does not end in " TEST-ONLY"`},
		{"root of production", change(cvcRoot, func(i *profiles.Issuer) {
			certificate := *i.CVC
			certificate.CAR = must(cvc.ParseReference("DESGP 8-1-02-24"))
			i.CVC = &certificate
		}), `issuer "SIEGEL-CVC-Root1": it does not belong into environment test: provider code DESGP is one of the other`},
		{"issuers of a test in production", func(c *ca.Config) { c.Environment = profiles.Production }, "CN of its subject is marked as one of a test"},
		{"no store", func(c *ca.Config) { c.Store = nil }, "mandatory"},
		{"TSP-ID of three digits", func(c *ca.Config) { c.TSPID = "016" }, "two digits"},
		{"TSP-ID of letters", func(c *ca.Config) { c.TSPID = "xx" }, "two digits"},
		{"session without end", func(c *ca.Config) { c.KeySession.Lifetime = 0 }, "key session"},
		{"session without signatures", func(c *ca.Config) { c.KeySession.Signatures = 0 }, "key session"},
		{"key of another issuer", func(c *ca.Config) { c.Issuers[smcbECC].Key = c.Issuers[rootECC].Key }, "not the key of its certificate"},
		{"no key", func(c *ca.Config) { c.Issuers[smcbECC].Key = nil }, "has no key"},
		{"two of one name", change(smcbECC, func(i *profiles.Issuer) { i.Name = "SIEGEL.SMCB-CA1" }), `two issuers are named "SIEGEL.SMCB-CA1"`},
		{"root missing", func(c *ca.Config) { c.Issuers = slices.Delete(c.Issuers, rootECC, rootECC+1) }, `"SIEGEL.RCA2", is missing`},
		{"expired", func(c *ca.Config) { c.Now = func() time.Time { return date(2033, 1, 1) } }, "is valid from 2025-01-01"},
		{"not yet valid", func(c *ca.Config) { c.Now = func() time.Time { return date(2024, 12, 31) } }, "is valid from 2025-01-01"},
		{"unknown profile", change(smcbRSA, func(i *profiles.Issuer) { i.Profiles = []string{"C.HP.QES"} }), `"C.HP.QES", which does not exist`},
		{"profile of another kind", change(smcbRSA, func(i *profiles.Issuer) { i.Profiles = []string{"C.SMC.AUTR_CVC"} }), "which a cvc-ca signs"},
		{"root that signs cards", change(rootRSA, func(i *profiles.Issuer) { i.Profiles = []string{"C.HCI.AUT"} }), "it is a root-ca"},
		{"OCSP signer called SMC-B CA", func(c *ca.Config) {
			signer := profiledIssuer(profiles.OCSPSigner, "SIEGEL.OCSP1", newECKey(), &hierarchy()[smcbECC])
			signer.Kind, signer.Profiles = profiles.SMCBCA, []string{"C.HCI.AUT", "C.HCI.ENC", "C.HCI.OSIG"}
			c.Issuers = append(c.Issuers, signer)
		}, `issuer "SIEGEL.OCSP1": its certificate is not that of a smcb-ca: error`},
		{"CA of devices called SMC-B CA", change(kompECC, func(i *profiles.Issuer) {
			i.Kind, i.Profiles = profiles.SMCBCA, []string{"C.HCI.AUT"}
		}), `issuer "SIEGEL.KOMP-CA2": its certificate is not that of a smcb-ca: error SUBJECT_COMMON_NAME`},
		{"CVC-CA of devices called CVC-CA of cards", change(cvcDevice, func(i *profiles.Issuer) {
			i.Kind, i.Profiles = profiles.CVCSubCA, []string{"C.SMC.AUTR_CVC"}
		}), `issuer "SIEGEL-CVC-CA2": its certificate is not that of a cvc-ca: error CVC_CA_FLAGS`},
		{"CVC root called CVC-CA", change(cvcRoot, func(i *profiles.Issuer) { i.Kind = profiles.CVCSubCA }),
			`issuer "SIEGEL-CVC-Root1": its certificate is not that of a cvc-ca: error CVC_CA_NAME`},
		{"root of generation 1 called CVC-CA", change(g1Root, func(i *profiles.Issuer) { i.Kind = profiles.CVCSubCA }),
			`issuer "SIEGEL-CVC-G1-Root1": its certificate is not that of a cvc-ca: error G1_CA_ROLE`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := emptyWorld(t).config()
			c.do(&cfg)
			if _, err := ca.New(cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	cfg := emptyWorld(t).config()
	cfg.TSPID, cfg.KeySession, cfg.Issuers[smcbECC].Key = "", ca.SessionBounds{}, nil
	_, err := ca.New(cfg)
	if err == nil {
		t.Fatal("a bad configuration was taken")
	}
	for _, want := range []string{"TSP-ID", "key session", "SIEGEL.SMCB-CA3"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not mention %s", err, want)
		}
	}
}

// TestUnboundIsReported: a provider of one key generation may start, and is told what it cannot make.
func TestUnboundIsReported(t *testing.T) {
	if got := newWorld(t).Unbound(); len(got) != 0 {
		t.Errorf("with all issuers: got %v, want none", got)
	}
	w := newWorld(t, func(c *ca.Config) {
		c.Issuers = slices.DeleteFunc(slices.Clone(c.Issuers), func(i ca.Issuer) bool { return i.KeyType == sigalg.R2048 && i.Kind != profiles.QESCA && i.X509 != nil })
	})
	if got, want := w.Unbound(), []string{
		"C.AK.AUT (RSA)", "C.HCI.AUT (RSA)", "C.HCI.ENC (RSA)", "C.HCI.OSIG (RSA)", "C.NK.VPN (RSA)", "C.SAK.AUT (RSA)", "C.SMKT.AUT (RSA)",
	}; !slices.Equal(got, want) {
		t.Errorf("without the RSA issuers: got %v, want %v", got, want)
	}
	if _, err := w.Issue(t.Context(), operator, smallOrder(1)); err != nil {
		t.Errorf("a card without RSA: %v", err)
	}
	if _, err := w.Issue(t.Context(), operator, newOrder(2)); err == nil {
		t.Error("a card with RSA was issued without an RSA issuer")
	}
}
