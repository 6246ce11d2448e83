package profiles

import "testing"

// TestPlannerHasItsOwnLimit lengthens every profile behind the loader's back: the planner still knows five years.
func TestPlannerHasItsOwnLimit(t *testing.T) {
	set, err := Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range set.x509 {
		p.MaxYears.Value = 10
	}
	for _, p := range set.cvc {
		p.MaxYears.Value = 10
	}
	p := planner{set: set, card: set.cards["smcb-g2.1"]}
	if got := p.termYears(); got != 5 {
		t.Errorf("the longest term is %d years, want 5", got)
	}
}
