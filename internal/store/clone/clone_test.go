package clone_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/store/clone"
	"github.com/siegel-pki/siegel/internal/store/postgres"
	"github.com/siegel-pki/siegel/internal/store/postgres/pgtest"
	"github.com/siegel-pki/siegel/internal/store/sqlite"
	"github.com/siegel-pki/siegel/internal/store/storetest"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// TestSQLite clones beside an open store.
func TestSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "siegel.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	exercise(t, store, clone.SQLite, path)
}

// TestPostgres does the same.
func TestPostgres(t *testing.T) {
	cluster, err := pgtest.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Stop()
	dsn, err := cluster.NewSchema(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := postgres.Migrate(t.Context(), dsn); err != nil {
		t.Fatal(err)
	}
	store, err := postgres.Open(t.Context(), dsn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	exercise(t, store, clone.Postgres, dsn)
}

// exercise issues a card, clones it in two goes, with two connections, and looks at what is there; then it issues another card.
func exercise(t *testing.T, store ca.Store, kind, name string) {
	ctx := t.Context()
	if err := storetest.AddIssuers(ctx, store); err != nil {
		t.Fatal(err)
	}
	first := storetest.NewIntent(1, 1)
	issue(t, store, first)
	for i, n := range []int64{7, 5} {
		c, err := clone.Open(ctx, kind, name, first.OrderID, 12)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := c.There(), int64(7*i); got != want {
			t.Errorf("There = %d, want %d", got, want)
		}
		last, err := c.Cards(ctx, n)
		if err != nil {
			t.Fatal(err)
		}
		if entries := entriesAfter(t, store, last-1); len(entries) != 1 || entries[0].Kind != tlog.CardIssued {
			t.Errorf("after the last entry but one there are %v, want one about a card", entries)
		}
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
	if kind == clone.Postgres {
		activate(t, store, name, first.OrderID)
	}
	issue(t, store, storetest.NewIntent(2, 1))
	if err := storetest.Check(ctx, store); err != nil {
		t.Error(err)
	}
	compare(t, store)
}

// activate makes all clones active, and finds that once is enough.
func activate(t *testing.T, store ca.Store, dsn, order string) {
	t.Helper()
	c, err := clone.Open(t.Context(), clone.Postgres, dsn, order, 12)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 2 {
		last, err := c.Activate(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		entries := entriesAfter(t, store, last-1)
		if len(entries) != 1 || entries[0].Kind != tlog.CardActivated {
			t.Fatalf("after the last entry but one there are %v, want one about an activation", entries)
		}
		if _, err := entries[0].Leaf(); err != nil {
			t.Error(err)
		}
	}
	status := store.(ca.StatusStore)
	if epoch, err := status.StatusEpoch(t.Context()); err != nil || epoch != 12 {
		t.Errorf("StatusEpoch = %d, %v, want 12", epoch, err)
	}
	for _, n := range []int64{1, 12} {
		if card, err := status.CardStatus(t.Context(), clone.ICCSN(n)); err != nil || card.State != ca.Active {
			t.Errorf("CardStatus of clone %d = %+v, %v, want %s", n, card, err, ca.Active)
		}
	}
	if err := c.Settle(t.Context()); err != nil {
		t.Error(err)
	}
}

// issue records an order and its card, with the facts that a server would write.
func issue(t *testing.T, store ca.Store, in *ca.Intent) {
	t.Helper()
	before := tlog.OrderFacts{Order: in.OrderID, Attempt: string(in.Attempt), ICCSN: in.ICCSN, CardType: in.CardType, Sector: in.Sector}
	after := tlog.CardFacts{Order: in.OrderID, Attempt: string(in.Attempt), ICCSN: in.ICCSN, CardType: in.CardType, Sector: in.Sector}
	done := storetest.NewCompletion(in)
	for i, d := range in.Drafts {
		f := tlog.CertificateFacts{Slot: d.Slot, Profile: d.Profile, Issuer: d.Issuer, CHR: d.CHR, NotBefore: tlog.Instant(d.NotBefore), NotAfter: tlog.Instant(d.NotAfter),
			KeySHA256: hex.EncodeToString(d.KeyHash[:]), BodySHA256: sum(d.Body)}
		if d.Format == ca.X509 {
			f.Serial = d.Serial.String()
		}
		before.Drafts = append(before.Drafts, f)
		f.SHA256 = sum(done.Certificates[i])
		after.Certificates = append(after.Certificates, f)
	}
	recorded, err := tlog.NewEntry(tlog.OrderRecorded, in.At, "line-1", before, map[string]string{"order_id": in.OrderID})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Intend(t.Context(), in, recorded); err != nil {
		t.Fatal(err)
	}
	issued, err := tlog.NewEntry(tlog.CardIssued, done.At, "line-1", after, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := store.Complete(t.Context(), done, issued); err != nil {
		t.Fatal(err)
	}
}

func sum(octets []byte) string {
	h := sha256.Sum256(octets)
	return hex.EncodeToString(h[:])
}

func entriesAfter(t *testing.T, store ca.Store, id int64) []ca.StoredEntry {
	t.Helper()
	list, err := store.Entries(context.WithoutCancel(t.Context()), id, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// compare holds the entries of all cards against their rows, and looks at the order of serial numbers.
func compare(t *testing.T, store ca.Store) {
	var serials []string // of the first certificate, in the order of issuance; the pattern's first
	for _, e := range entriesAfter(t, store, 0) {
		if e.Kind != tlog.OrderRecorded && e.Kind != tlog.CardIssued {
			continue
		}
		facts, err := e.ReadFacts()
		if err != nil {
			t.Errorf("entry %d: %v", e.ID, err)
			continue
		}
		issued, ok := facts.(*tlog.CardFacts)
		if !ok {
			continue
		}
		card, err := store.Card(t.Context(), issued.ICCSN)
		if err != nil {
			t.Fatal(err)
		}
		if card.EntryID != e.ID || card.OrderID != issued.Order || len(card.Certs) != len(issued.Certificates) {
			t.Errorf("entry %d is of card %+v, but says %+v", e.ID, card, issued)
		}
		for i, f := range issued.Certificates {
			d := card.Certs[i]
			if f.Serial != d.Serial.String() || f.CHR != d.CHR || f.KeySHA256 != hex.EncodeToString(d.KeyHash[:]) || f.SHA256 != sum(d.Data) {
				t.Errorf("certificate %d of card %s is %+v, its entry says %+v", i, card.ICCSN, d, f)
			}
		}
		serials = append(serials, issued.Certificates[0].Serial[:8])
	}
	if len(serials) != 14 {
		t.Fatalf("%d cards, want 14", len(serials))
	}
	if clones := serials[1:13]; !slices.IsSorted(clones) || clones[11] > serials[0] {
		t.Errorf("the serial numbers of the clones begin with %v, want them to rise to that of the pattern, %s", clones, serials[0])
	}
}
