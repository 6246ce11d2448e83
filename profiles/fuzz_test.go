package profiles_test

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/siegel-pki/siegel/profiles"
)

// FuzzLoad puts any octets in the place of one file. The loader must answer with a usable set or with problems that have a place.
func FuzzLoad(f *testing.F) {
	good := catalogue(f)
	names := slices.Sorted(maps.Keys(good))
	for i, name := range names {
		f.Add(uint8(i), good[name].Data)
	}
	order, ctx := sampleOrder(f, "hospital-pharmacy"), testContext(f)
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		files := maps.Clone(good)
		files[names[int(which)%len(names)]] = &fstest.MapFile{Data: data}
		set, err := profiles.Load(files)
		if err == nil {
			// Whatever loads can plan: to a plan, a refusal or an error.
			if plan, err := set.Plan(order, ctx); (plan == nil) == (err == nil) {
				t.Errorf("plan is %v, error is %v", plan, err)
			}
			return
		}
		var problems profiles.Problems
		if !errors.As(err, &problems) {
			t.Fatalf("error is %v, want problems", err)
		}
		for _, p := range problems {
			if p.File == "" || p.Line < 1 || p.Rule == "" || p.Message == "" {
				t.Errorf("problem %+v has no place, rule or message", p)
			}
		}
	})
}

// FuzzPlanKey puts any octets in the place of a key, as SubjectPublicKeyInfo or as request.
func FuzzPlanKey(f *testing.F) {
	for _, name := range []string{"rsa-good", "rsa-roca", "rsa-1024", "rsa-even-exponent", "ec-good", "ec-off-curve", "ec-infinity", "request-rsa", "request-ec"} {
		f.Add(uint8(0), testKey(f, name))
		f.Add(uint8(7), testKey(f, name))
	}
	set, ctx, sample := builtin(f), testContext(f), sampleOrder(f, "hospital-pharmacy")
	f.Fuzz(func(t *testing.T, place uint8, octets []byte) {
		for _, request := range []bool{false, true} {
			o := *sample
			o.Keys = slices.Clone(sample.Keys)
			row := &o.Keys[int(place)%len(o.Keys)]
			row.SPKI, row.PKCS10 = octets, nil
			if request {
				row.SPKI, row.PKCS10 = nil, octets
			}
			plan, err := set.Plan(&o, ctx)
			var r *profiles.Refusal
			if err != nil && !errors.As(err, &r) {
				t.Errorf("error is %v, want a refusal", err)
			}
			if err == nil && len(plan.Slots) != len(o.Keys) {
				t.Errorf("the plan has %d slots, want %d", len(plan.Slots), len(o.Keys))
			}
		}
	})
}
