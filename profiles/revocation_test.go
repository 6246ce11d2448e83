package profiles_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/siegel-pki/siegel/profiles"
)

// TestRevocationMatrix asks for every sector who may have its cards revoked, cell by cell of Tab_PKI_305 (gemRL_TSL_SP_CP) and Tab_PKI_107
// (gemKPT_PKI_TIP). A cell is a word for each ground: h(older), p(roperties), a(pproval), s(ector approval), o(bligation of the provider).
func TestRevocationMatrix(t *testing.T) {
	reasonOf := map[byte]string{'h': "lost", 'p': "properties-lost", 'a': "approval-lost", 's': "sector-approval-lost", 'o': "weak-device"}
	requesters := []string{"holder", "card-issuer", "gkv-sv", "gematik", "provider"}
	lei, other := []string{"h", "ps", "", "a", "o"}, []string{"h", "ps", "", "a", "o"}
	want := map[string][]string{ // by sector: cells in the order of the requesters
		"kzbv": lei, "kbv": lei, "dkg": lei, "pharmacy": lei, "further-lei": lei, "further-medical": lei,
		"org": {"h", "p", "h", "a", "o"}, "gkv-sv": {"h", "", "p", "a", "o"}, "ktr-adv": {"p", "", "", "a", "o"}, "pkv": other, "diga": other,
	}
	set := builtin(t)
	for _, sector := range set.Sectors() {
		cells, ok := want[sector.Name]
		if !ok {
			t.Errorf("no cells for sector %s", sector.Name)
			continue
		}
		card := "smcb-g2.1"
		if sector.Holder.Value == profiles.HolderOrganisation {
			card = "smcb-org-g2.1"
		}
		checkCells(t, set, card, sector.Name, requesters, cells, reasonOf)
	}
	checkCells(t, set, "gsmc-k", "device", requesters, []string{"h", "", "", "a", "o"}, reasonOf)
}

func checkCells(t *testing.T, set *profiles.Set, card, sector string, requesters, cells []string, reasonOf map[byte]string) {
	t.Helper()
	for i, requester := range requesters {
		for ground, reason := range reasonOf {
			got, err := set.CheckRevocation(card, sector, requester, reason)
			if may := strings.IndexByte(cells[i], ground) >= 0; may != (err == nil) || may != (got != "") {
				t.Errorf("%s of sector %s for %s, reason %s: %q, %v, want it allowed: %t", card, sector, requester, reason, got, err, may)
			}
			if refusal := (*profiles.Refusal)(nil); err != nil && (!errors.As(err, &refusal) || refusal.Violations[0].Citation == "") {
				t.Errorf("the error is %v, want a refusal with its rule", err)
			}
		}
	}
}

// TestNoSuspension shows that no card can be suspended (GS-A_4965), and that what is refused says the rule.
func TestNoSuspension(t *testing.T) {
	set := builtin(t)
	for _, card := range set.CardTypes() {
		_, err := set.CheckRevocation(card.Name, "kbv", "holder", "certificate-hold")
		var refusal *profiles.Refusal
		if !errors.As(err, &refusal) || refusal.Violations[0].Rule != "NO_SUSPENSION" || !strings.Contains(refusal.Violations[0].Citation, "GS-A_4965") {
			t.Errorf("%s: %v, want it refused by GS-A_4965", card.Name, err)
		}
	}
}

func TestRevocationRefusals(t *testing.T) {
	set := builtin(t)
	for _, c := range []struct{ requester, reason, rule, field string }{
		{"holder", "because", "REASON_UNKNOWN", "reason"},
		{"neighbour", "lost", "NOT_ENTITLED", "requester"},
		{"gematik", "lost", "NOT_ENTITLED", "reason"},
	} {
		_, err := set.CheckRevocation("smcb-g2.1", "kbv", c.requester, c.reason)
		var refusal *profiles.Refusal
		if !errors.As(err, &refusal) || refusal.Violations[0].Rule != c.rule || refusal.Violations[0].Field != c.field {
			t.Errorf("%+v: %v", c, err)
		}
	}
	if _, err := set.CheckRevocation("smcb-g9", "kbv", "holder", "lost"); err == nil {
		t.Error("a card type that the catalogue does not have is no error")
	}
	if _, err := set.CheckRevocation("smcb-g2.1", "nobody", "holder", "lost"); err == nil {
		t.Error("a sector that the catalogue does not have is no error")
	}
}
