package cvc

import (
	"errors"
	"fmt"
	"testing"
)

func TestReference(t *testing.T) {
	r, err := NewReference("DEGXX", ServiceRoot, 7, AlgorithmECC, 2022)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprintf("%X", r[:]), "4445475858870222"; got != want {
		t.Errorf("octets: got %s, want %s", got, want)
	}
	if got, want := r.String(), "DEGXX 8-7-02-22"; got != want {
		t.Errorf("String: got %s, want %s", got, want)
	}
	for _, text := range []string{"DEGXX 8-7-02-22", "4445475858870222"} {
		if got, err := ParseReference(text); got != r || err != nil {
			t.Errorf("ParseReference(%q): got %v, %v", text, got, err)
		}
	}
	got := []any{r.Provider(), r.ServiceIndicator(), r.Discretionary(), r.Algorithm(), r.Year()}
	if want := []any{"DEGXX", 8, 7, 2, 2022}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("fields: got %v, want %v", got, want)
	}
}

func TestReferenceRefused(t *testing.T) {
	for _, text := range []string{"", "DEGXX", "DEGXX 8-7-02-2", "DEGXX 8-7-02-222", "DEG1X 8-7-02-22", "DEGXX 8-7-02-2A",
		"444547585887022", "44454758588702223", "4445475858870A22", "3145475858870222", "DEGXX 8-7-02-22\n"} {
		if r, err := ParseReference(text); !errors.Is(err, ErrReference) || r != (Reference{}) {
			t.Errorf("ParseReference(%q): got %v, %v, want %v", text, r, err, ErrReference)
		}
	}
	for _, f := range []struct {
		provider            string
		service, disc, a, y int
	}{{"DEGX", 8, 7, 2, 2022}, {"DEGÄ", 8, 7, 2, 2022}, {"DEGXX", 10, 7, 2, 2022}, {"DEGXX", 8, -1, 2, 2022},
		{"DEGXX", 8, 7, 100, 2022}, {"DEGXX", 8, 7, 2, 1999}, {"DEGXX", 8, 7, 2, 2100}} {
		if _, err := NewReference(f.provider, f.service, f.disc, f.a, f.y); !errors.Is(err, ErrReference) {
			t.Errorf("NewReference(%v): got %v, want %v", f, err, ErrReference)
		}
	}
}

func TestCHR(t *testing.T) {
	card, err := CardCHR(0x000A, "80276883110000152293")
	if err != nil {
		t.Fatal(err)
	}
	ref := mustReference(t, "DEGXX 1-3-02-23")
	for _, test := range []struct {
		chr               CHR
		text, hex, iccsn  string
		keyID             uint16
		isCard, reference bool
	}{
		{card, "000A 80276883110000152293", "000A80276883110000152293", "80276883110000152293", 10, true, false},
		{ref.CHR(), "DEGXX 1-3-02-23", "4445475858130223", "", 0, false, true},
	} {
		t.Run(test.text, func(t *testing.T) {
			c := test.chr
			_, isReference := c.Reference()
			got := []any{c.String(), fmt.Sprintf("%X", c.Bytes()), c.ICCSN(), c.KeyID(), c.IsCard(), isReference, c.IsZero()}
			want := []any{test.text, test.hex, test.iccsn, test.keyID, test.isCard, test.reference, false}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("got %v, want %v", got, want)
			}
			if again, err := ParseCHR(c.Bytes()); again != c || err != nil {
				t.Errorf("ParseCHR: got %v, %v", again, err)
			}
		})
	}
	if got, ok := ref.CHR().Reference(); got != ref || !ok {
		t.Errorf("Reference: got %v, %t, want %v", got, ok, ref)
	}
}

func TestCHRRefused(t *testing.T) {
	for _, iccsn := range []string{
		"", "8027688311000015229", "802768831100001522933", "8027688311000015229A", "80276883110000152 93",
	} {
		if c, err := CardCHR(6, iccsn); !errors.Is(err, ErrReference) || !c.IsZero() {
			t.Errorf("CardCHR(%q): got %v, %v, want %v", iccsn, c, err, ErrReference)
		}
	}
	for n := range 20 {
		c, err := ParseCHR(make([]byte, n))
		if n == 12 { // key identifier and serial number of zeros
			continue
		}
		if !errors.Is(err, ErrReference) || !c.IsZero() {
			t.Errorf("ParseCHR of %d zeros: got %v, %v, want %v", n, c, err, ErrReference)
		}
	}
}
