package sqlite

import (
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
)

// TestIntegrateAcrossGaps numbers entries whose ids do not follow each other, and leaves those between them alone.
func TestIntegrateAcrossGaps(t *testing.T) {
	s := openTest(t)
	var ids []int64
	for range 6 {
		id, err := s.Append(t.Context(), entry)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, id)
	}
	want := []int64{ids[0], ids[1], ids[3], ids[5]}
	batch := &ca.Integration{Entries: want, At: time.UnixMilli(0)}
	batch.Head.Size = int64(len(want))
	if err := s.Integrate(t.Context(), batch); err != nil {
		t.Fatalf("Integrate = %v, want nil", err)
	}
	got, err := s.Sequenced(t.Context(), 0, 10)
	if err != nil || len(got) != len(want) {
		t.Fatalf("Sequenced = %d entries, %v, want %d", len(got), err, len(want))
	}
	for place, e := range got {
		if e.ID != want[place] || e.LeafIndex != int64(place) {
			t.Errorf("place %d: entry %d with leaf index %d, want entry %d", place, e.ID, e.LeafIndex, want[place])
		}
	}
	left, err := s.Unsequenced(t.Context(), 10)
	if err != nil || len(left) != 2 || left[0].ID != ids[2] || left[1].ID != ids[4] {
		t.Errorf("Unsequenced = %+v, %v, want the entries %d and %d", left, err, ids[2], ids[4])
	}
}
