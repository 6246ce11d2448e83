package postgres_test

import (
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/store/postgres"
)

// TestFloor: a look begins a little before what was numbered last, and now and then at the beginning.
func TestFloor(t *testing.T) {
	var f postgres.Floor
	start := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		at       time.Duration
		numbered []int64 // after the look
		want     int64
	}{
		{0, []int64{1, 2, 3}, 0},            // the first look of a store
		{time.Second, []int64{10_000}, 0},   // fewer than the slack
		{2 * time.Second, []int64{9}, 5904}, // a late one has no effect on
		{9 * time.Second, []int64{20_000}, 5904},
		{10 * time.Second, []int64{20_001}, 0}, // the whole
		{11 * time.Second, []int64{20_002}, 15_905},
		{20 * time.Second, []int64{20_003}, 0}, // and again
	} {
		if got := f.After(start.Add(step.at)); got != step.want {
			t.Errorf("%s after the first look, it begins after id %d, want %d", step.at, got, step.want)
		}
		f.Numbered(step.numbered)
	}
}

// TestFloorEntersItsIndex: the primary key would lead to the same entries, past all that have their places.
func TestFloorEntersItsIndex(t *testing.T) {
	plan, err := postgres.Explain(t.Context(), open(t, newDatabase(t, cluster)), postgres.Statements()["selectUnsequenced"])
	if err != nil || !strings.Contains(string(plan), `"entries_unsequenced"`) || strings.Contains(string(plan), `"entries_pkey"`) {
		t.Errorf("Explain = %s, %v, want a plan with the index entries_unsequenced alone", plan, err)
	}
}
