package profiles_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/profiles"
)

var update = flag.Bool("update", false, "write the golden files in testdata anew")

const goldenFolder = "testdata/golden"

// goldenSerial is the serial number of every golden X.509 draft, 16 octets.
var goldenSerial = []byte{0x53, 0x49, 0x45, 0x47, 0x45, 0x4c, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}

// TestGolden plans one card for each card type and each sector that may order it, one for each card type of devices, and one with a seal
// in place of a signature, and compares every draft octet by octet with
// files that a person can review: a change of one octet shows in the diff. -update writes them anew. testdata/golden/README.md says
// how the files are laid out.
func TestGolden(t *testing.T) {
	if *update {
		removeGolden(t)
	}
	set := builtin(t)
	seen := map[string]bool{filepath.Join(goldenFolder, "README.md"): true}
	compare := func(t *testing.T, folder string, order *profiles.Order) {
		t.Run(folder, func(t *testing.T) {
			for name, content := range goldenCard(t, order) {
				file := filepath.Join(goldenFolder, folder, name)
				seen[file] = true
				compareGolden(t, file, content)
			}
		})
	}
	for _, card := range set.CardTypes() {
		if card.Holder.Value == profiles.HolderDevice {
			compare(t, filepath.Join(card.Name, "device"), deviceOrder(t, card.Name))
		}
		for _, sector := range set.Sectors() {
			if card.Holder.Value == sector.Holder.Value {
				compare(t, filepath.Join(card.Name, sector.Name), sectorOrder(t, sector.Name, card.Name))
			}
		}
	}
	compare(t, "smcb-g2.0/pharmacy-seal", sealOrder(t, "pharmacy"))
	err := filepath.WalkDir(goldenFolder, func(file string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && !seen[file] {
			t.Errorf("%s belongs to no card; -update removes it", file)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d golden files", len(seen)-1)
}

// goldenCard gives the files of one card by name.
func goldenCard(t *testing.T, order *profiles.Order) map[string][]byte {
	t.Helper()
	text, err := json.MarshalIndent(order, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	plan := mustPlan(t, order, testContext(t))
	files := map[string][]byte{"order.json": append(text, '\n'), "plan.txt": planSummary(plan)}
	for i := range plan.Slots {
		draft, listing := goldenDraft(t, &plan.Slots[i])
		files[plan.Slots[i].Slot+".der"], files[plan.Slots[i].Slot+".txt"] = draft, listing
	}
	return files
}

// planSummary is the plan in a few lines.
func planSummary(plan *profiles.Plan) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "card type  %s\nfrom       %s\nuntil      %s\n\n", plan.CardType, plan.Term.First.Format(time.RFC3339), plan.Term.Last.Format(time.RFC3339))
	for _, s := range plan.Slots {
		fmt.Fprintf(&b, "%-26s profile %-20s issuer %-14s at most %d octets\n", s.Slot, s.Profile, s.Issuer.Name, s.MaxOctets)
	}
	for _, w := range plan.Warnings {
		fmt.Fprintf(&b, "\nwarning: %s\n", w)
	}
	return b.Bytes()
}

// goldenDraft gives a draft and its listing: DER of X.509, and what a CVC issuer signs.
func goldenDraft(t *testing.T, s *profiles.PlannedSlot) (draft, listing []byte) {
	t.Helper()
	var text bytes.Buffer
	var err error
	switch {
	case s.X509 != nil:
		tbs := *s.X509
		if tbs.Serial, err = pkix.NewSerial(goldenSerial); err != nil {
			break
		}
		if draft, err = tbs.Encode(); err == nil {
			err = der.Dump(&text, draft, pkix.OIDName)
		}
	case s.G1 != nil:
		if draft, err = s.G1.Message(); err == nil {
			err = cvc.AnnotateDraft(&text, draft)
		}
	default:
		if draft, err = s.CVC.Encode(); err == nil {
			err = cvc.AnnotateDraft(&text, draft)
		}
	}
	if err != nil {
		t.Fatalf("%s: %v", s.Slot, err)
	}
	return draft, text.Bytes()
}

func compareGolden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; -update writes it", err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs from what is planned now%s; if the change is meant, write it with -update and review the diff", file, firstDifference(got, want))
	}
}

// firstDifference shows the first line in which two listings differ, or the first octet.
func firstDifference(got, want []byte) string {
	g, w := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf(" in line %d:\n got %q\nwant %q", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf(": %d lines, want %d", len(g), len(w))
}

// removeGolden removes all golden files, so that those of a slot that is gone do not stay.
func removeGolden(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(goldenFolder)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			if err := os.RemoveAll(filepath.Join(goldenFolder, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
}
