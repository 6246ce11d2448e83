package tlog

import (
	"testing"
	"time"
)

func entryOf(kind Kind, facts string) Entry {
	return Entry{Kind: kind, At: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), Actor: "x", Facts: []byte(facts)}
}

// issuedFacts are those of a card, as far as labels go.
const issuedFacts = `{"iccsn":"1","card_type":"smcb-g2.1","sector":"dkg","certificates":[{"slot":"a","profile":"P","issuer":"A"},{"slot":"b","profile":"Q","issuer":"B"}]}`

func TestFilter(t *testing.T) {
	issued := entryOf(CardIssued, issuedFacts)
	session := entryOf(KeySessionOpened, `{"session":"x","issuer":"A"}`)
	revoked := entryOf(CertificateRevoked, `{"iccsn":"1","certificate":{"slot":"b","issuer":"B"}}`)
	at := issued.At
	for _, c := range []struct {
		name                     string
		filter                   Filter
		issued, session, revoked bool
	}{
		{"none", Filter{}, true, true, true},
		{"kind", Filter{Kinds: []Kind{CardIssued}}, true, false, false},
		{"issuer", Filter{Issuers: []string{"A", "X"}}, true, true, false},
		{"another issuer", Filter{Issuers: []string{"B"}}, true, false, true},
		{"profile", Filter{Profiles: []string{"Q"}}, true, false, false},
		{"chip", Filter{ICCSNs: []string{"1"}}, true, false, true},
		{"sector and type", Filter{Sectors: []string{"dkg"}, CardTypes: []string{"smcb-g2.1"}}, true, false, false},
		{"another sector", Filter{Sectors: []string{"kbv"}}, false, false, false},
		{"from", Filter{From: at}, true, true, true},
		{"from later", Filter{From: at.Add(1)}, false, false, false},
		{"until", Filter{Until: at}, false, false, false},
		{"until later", Filter{Until: at.Add(1)}, true, true, true},
	} {
		for i, want := range []bool{c.issued, c.session, c.revoked} {
			e := []Entry{issued, session, revoked}[i]
			if got, err := c.filter.Fits(e); err != nil || got != want {
				t.Errorf("%s: %s fits %v, %v, want %v", c.name, e.Kind, got, err, want)
			}
		}
	}
	f := Filter{ICCSNs: []string{"1"}}
	if _, err := f.Fits(entryOf(CardIssued, `[`)); err == nil {
		t.Error("facts that cannot be read fit or do not")
	}
}

func TestStatistics(t *testing.T) {
	var s Statistics
	card := func(iccsn string) (*Labels, error) {
		l, err := entryOf(CardIssued, issuedFacts).Labels()
		if iccsn != "1" {
			return nil, err
		}
		return &l, err
	}
	for _, e := range []Entry{
		entryOf(CardIssued, issuedFacts), entryOf(CardIssued, issuedFacts), entryOf(KeySessionOpened, `{"issuer":"A"}`),
		entryOf(CardActivated, `{"iccsn":"1"}`), entryOf(CardActivated, `{"iccsn":"2"}`), entryOf(CertificateRevoked, `{"iccsn":"1","certificate":{"slot":"b","issuer":"B"}}`),
	} {
		if err := s.Add(e, card); err != nil {
			t.Fatal(err)
		}
	}
	wantCards := []CardCount{{"2026-03-02", CardActivated, "", "", 1}, {"2026-03-02", CardActivated, "smcb-g2.1", "dkg", 1},
		{"2026-03-02", CardIssued, "smcb-g2.1", "dkg", 2}, {"2026-03-02", CertificateRevoked, "smcb-g2.1", "dkg", 1}}
	for i, got := range s.Cards() {
		if got != wantCards[i] {
			t.Errorf("count %d is %+v, want %+v", i, got, wantCards[i])
		}
	}
	wantCertificates := []CertificateCount{{"2026-03-02", CardActivated, "dkg", "P", "A", 1}, {"2026-03-02", CardActivated, "dkg", "Q", "B", 1},
		{"2026-03-02", CardIssued, "dkg", "P", "A", 2}, {"2026-03-02", CardIssued, "dkg", "Q", "B", 2}, {"2026-03-02", CertificateRevoked, "dkg", "Q", "B", 1}}
	for i, got := range s.Certificates() {
		if got != wantCertificates[i] {
			t.Errorf("count %d is %+v, want %+v", i, got, wantCertificates[i])
		}
	}
	if len(s.Cards()) != len(wantCards) || len(s.Certificates()) != len(wantCertificates) {
		t.Errorf("%d and %d counts, want %d and %d", len(s.Cards()), len(s.Certificates()), len(wantCards), len(wantCertificates))
	}
}

func TestRootOfATile(t *testing.T) {
	tree, err := OpenTree(t.Context(), new(Frontier).Head(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range TileWidth {
		if err := tree.Add(LeafHash([]byte{byte(i)})); err != nil {
			t.Fatal(err)
		}
	}
	for _, tile := range tree.Flush() {
		root, err := tile.Root()
		if full := tile.Width == TileWidth; full != (err == nil) || full && root != tree.Head().Root {
			t.Errorf("the root of %s is %s, %v, that of the tree %s", tile.Path(), root, err, tree.Head().Root)
		}
	}
}
