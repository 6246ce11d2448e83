package cvc

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// The access profiles of Tab_PKI_918-02 with the bits that the specification names for them.
func TestFlagBits(t *testing.T) {
	for _, test := range []struct {
		profile, list string
		bits          []int
	}{
		{"CHAT.0", "00000000000000", nil},
		{"CHAT.1", "00AE1ACDC1DC00", []int{8, 10, 12, 13, 14, 19, 20, 22, 24, 25, 28, 29, 31, 32, 33, 39, 40, 41, 43, 44, 45}},
		{"CHAT.2A", "005D29DAA0BB00", []int{9, 11, 12, 13, 15, 18, 20, 23, 24, 25, 27, 28, 30, 32, 34, 40, 42, 43, 44, 46, 47}},
		{"CHAT.2ZA", "005D20DAA08300", []int{9, 11, 12, 13, 15, 18, 24, 25, 27, 28, 30, 32, 34, 40, 46, 47}},
		{"CHAT.3", "005C20DAA08300", []int{9, 11, 12, 13, 18, 24, 25, 27, 28, 30, 32, 34, 40, 46, 47}},
		{"CHAT.4", "004D29DAA08200", []int{9, 12, 13, 15, 18, 20, 23, 24, 25, 27, 28, 30, 32, 34, 40, 46}},
		{"CHAT.5P", "00002102800200", []int{18, 23, 30, 32, 46}},
		{"CHAT.8", "00400002A00000", []int{9, 30, 32, 34}},
		{"CHAT.51", "00000000000001", []int{55}},
		{"CHAT.53", "0000000000000C", []int{52, 53}},
		{"CHAT.54", "00000000000002", []int{54}},
		{"CHAT.55", "00000000000004", []int{53}},
		{"sub-CA", "80000000000000", []int{0}},
	} {
		t.Run(test.profile, func(t *testing.T) {
			f := mustFlags(t, test.list)
			if got := f.Bits(); !slices.Equal(got, test.bits) {
				t.Errorf("Bits: got %v, want %v", got, test.bits)
			}
			if f.String() != test.list {
				t.Errorf("String: got %s, want %s", f, test.list)
			}
			for i := -1; i <= 56; i++ {
				if got := f.Has(i); got != slices.Contains(test.bits, i) {
					t.Errorf("Has(%d): got %t", i, got)
				}
			}
		})
	}
}

func TestFlagsRole(t *testing.T) {
	for list, want := range map[string]string{
		"FFFFFFFFFFFFFF": "root", "80FF3BDFE1FF0C": "sub-CA", "00000000000004": "card", "40000000000000": "unused role 01",
	} {
		if got := mustFlags(t, list).Role().String(); got != want {
			t.Errorf("%s: got %s, want %s", list, got, want)
		}
	}
}

func TestFlagsWithinIssuer(t *testing.T) {
	for _, test := range []struct {
		name, flags, issuer string
		want                bool
		and                 string
	}{
		{"role 2A below its sub-CA", "005D29DAA0BB00", "805D29DAA0BB04", true, "005D29DAA0BB00"},
		{"device below it", "00000000000004", "805D29DAA0BB04", true, "00000000000004"},
		{"role 1 below it", "00AE1ACDC1DC00", "805D29DAA0BB04", false, "000C08C8809800"},
		{"no rights need none", "00000000000000", "80000000000000", true, "00000000000000"},
		{"sub-CA below root", "80FF3BDFE1FF0C", "FFFFFFFFFFFFFF", true, "80FF3BDFE1FF0C"},
		{"bits 0 and 1 are no rights", "FFFFFFFFFFFFFF", "3FFFFFFFFFFFFF", true, "3FFFFFFFFFFFFF"},
		{"bit 2 is one", "20000000000000", "80000000000000", false, "00000000000000"},
		{"bit 55 is one", "00000000000001", "80000000000000", false, "00000000000000"},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, issuer := mustFlags(t, test.flags), mustFlags(t, test.issuer)
			if got := f.Within(issuer); got != test.want {
				t.Errorf("Within: got %t, want %t", got, test.want)
			}
			if got := f.And(issuer).String(); got != test.and {
				t.Errorf("And: got %s, want %s", got, test.and)
			}
		})
	}
}

// GS-A_5213-02: the list of the combined sub-CA is the union of the role profiles with 80 00 0000 0000 000C.
func TestFlagsOrMakesTheCombinedSubCA(t *testing.T) {
	got := mustFlags(t, "8000000000000C")
	for _, profile := range []string{"00AE1ACDC1DC00", "005D29DAA0BB00", "005D20DAA08300", "005C20DAA08300", "004D29DAA08200",
		"00002102800200", "00002002800200", "00400002A00000", "0068000AA00000"} {
		got = got.Or(mustFlags(t, profile))
	}
	if want := "80FF3BDFE1FF0C"; got.String() != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestParseFlagsRefused(t *testing.T) {
	for _, s := range []string{"", "00", "000000000000000", "0000000000000000", "0000000000000G"} {
		if f, err := ParseFlags(s); err == nil {
			t.Errorf("ParseFlags(%q): got %s", s, f)
		}
	}
}

// Every bit of Tab_PKI_910-01 and Tab_PKI_911 that has a meaning, and no other, is explained.
func TestRightsCoverTheTables(t *testing.T) {
	all := mustFlags(t, "FFFFFFFFFFFFFF")
	for _, test := range []struct {
		oid      FlagOID
		reserved []int
	}{
		{FlagsTI, []int{2, 3, 4, 5, 6, 7, 16, 21, 26, 35, 36, 37, 38, 48, 50}},
		{FlagsCMS, slices.Concat(span(2, 7), span(12, 55))},
	} {
		t.Run(test.oid.String(), func(t *testing.T) {
			rights := Rights(test.oid, all)
			if len(rights) != 54 {
				t.Fatalf("got %d rights, want 54", len(rights))
			}
			seen := map[string]int{}
			for i, r := range rights {
				if r.Bit != i+2 {
					t.Errorf("right %d has bit %d", i, r.Bit)
				}
				if (r.Meaning == reserved) != slices.Contains(test.reserved, r.Bit) {
					t.Errorf("bit %d: got %q", r.Bit, r.Meaning)
				}
				if twin, ok := seen[r.Meaning]; ok && r.Meaning != reserved {
					t.Errorf("bits %d and %d are both %q", twin, r.Bit, r.Meaning)
				}
				seen[r.Meaning] = r.Bit
			}
		})
	}
}

func TestRightsOfADevice(t *testing.T) {
	got := fmt.Sprint(Rights(FlagsTI, mustFlags(t, "0000000000000C")))
	if want := "[{52 secure signature creation unit (SSEE)} {53 remote PIN receiver}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	for oid, word := range map[FlagOID]string{FlagsTI: "ESIGN-AUTN", FlagsCMS: "card management"} {
		if got := Rights(oid, mustFlags(t, "00800000000000")); len(got) != 1 || !strings.Contains(got[0].Meaning, word) {
			t.Errorf("bit 8 of %s: got %v, want something with %q", oid, got, word)
		}
	}
}

func TestRightsOfAnUnknownHierarchy(t *testing.T) {
	got := fmt.Sprint(Rights(0, mustFlags(t, "00000000000004")))
	if want := "[{53 unknown}]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func span(from, to int) []int {
	var s []int
	for i := from; i <= to; i++ {
		s = append(s, i)
	}
	return s
}
