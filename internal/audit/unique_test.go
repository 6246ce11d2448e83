package audit

import (
	"fmt"
	"maps"
	"testing"
)

// TestTwice sorts on the disk: there are runs of four.
func TestTwice(t *testing.T) {
	for _, n := range []int{0, 1, 3, 4, 5, 40} {
		set := newTwice()
		set.max = 4
		want := map[uint64]bool{}
		for i := range n {
			h := set.hash("thing", fmt.Sprint(i))
			times := 1
			if i%7 == 3 {
				times, want[h] = 2, true
			}
			for range times {
				if err := set.add(h); err != nil {
					t.Fatal(err)
				}
			}
		}
		got, err := set.doubled()
		if err != nil || !maps.Equal(got, want) {
			t.Errorf("of %d things %v are there twice, %v, want %v", n, got, err, want)
		}
		set.close()
	}
}

func TestUnmet(t *testing.T) {
	set := newTwice()
	defer set.close()
	set.max = 4
	want := map[uint64]bool{}
	for i := range 50 {
		h := set.hash(fmt.Sprint(i))
		if i%5 == 0 {
			want[needed(h)] = true
		} else if err := set.add(made(h)); err != nil {
			t.Fatal(err)
		}
		for range i % 3 {
			if err := set.add(needed(h)); err != nil {
				t.Fatal(err)
			}
		}
		if i%3 == 0 {
			delete(want, needed(h)) // nobody needs it
		}
	}
	got, err := set.unmet()
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("unmet are %v, %v, want %v", got, err, want)
	}
}
