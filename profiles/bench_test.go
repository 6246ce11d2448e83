package profiles_test

import "testing"

// BenchmarkPlan measures a whole plan: eight keys read and checked, eight certificates composed.
func BenchmarkPlan(b *testing.B) {
	set, ctx, o := builtin(b), testContext(b), sampleOrder(b, "hospital-pharmacy")
	for b.Loop() {
		if _, err := set.Plan(o, ctx); err != nil {
			b.Fatal(err)
		}
	}
}
