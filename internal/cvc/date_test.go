package cvc

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

func TestDate(t *testing.T) {
	for _, test := range []struct {
		text   string
		octets []byte
	}{
		{"2014-05-23", []byte{1, 4, 0, 5, 2, 3}}, // gemSpec_COS, (N008.120)
		{"2000-01-01", []byte{0, 0, 0, 1, 0, 1}},
		{"2024-02-29", []byte{2, 4, 0, 2, 2, 9}},
		{"2099-12-31", []byte{9, 9, 1, 2, 3, 1}},
	} {
		d := mustDate(t, test.text)
		if got := d.encode(); !bytes.Equal(got, test.octets) {
			t.Errorf("%s: got %X, want %X", test.text, got, test.octets)
		}
		if got, err := decodeDate(test.octets); got != d || err != nil {
			t.Errorf("decodeDate(%X): got %v, %v", test.octets, got, err)
		}
		if got := d.String(); got != test.text {
			t.Errorf("String: got %s, want %s", got, test.text)
		}
		if got, err := NewDate(d.Time()); got != d || err != nil {
			t.Errorf("NewDate(Time): got %v, %v, want %v", got, err, d)
		}
	}
}

func TestDateRefused(t *testing.T) {
	for _, octets := range [][]byte{nil, {2, 4, 0, 1, 1}, {2, 4, 0, 1, 1, 5, 0}, {2, 4, 0, 1, 1, 10}, {2, 4, 0, 0, 0, 1},
		{2, 4, 1, 3, 0, 1}, {2, 4, 0, 1, 0, 0}, {2, 4, 0, 4, 3, 1}, {2, 3, 0, 2, 2, 9}, {'2', '4', '0', '1', '1', '5'}} {
		if d, err := decodeDate(octets); !errors.Is(err, ErrDate) {
			t.Errorf("decodeDate(%X): got %v, %v, want %v", octets, d, err, ErrDate)
		}
	}
	for _, text := range []string{"", "2024-1-15", "2024-02-30", "1999-12-31", "2100-01-01", "15.01.2024"} {
		if d, err := ParseDate(text); !errors.Is(err, ErrDate) {
			t.Errorf("ParseDate(%q): got %v, %v, want %v", text, d, err, ErrDate)
		}
	}
	if err := (Date{}).check(); !errors.Is(err, ErrDate) || !(Date{}).IsZero() {
		t.Errorf("the zero date: got %v, want %v", err, ErrDate)
	}
}

// A date is the one that the clock shows where t is.
func TestNewDateUsesLocation(t *testing.T) {
	instant := time.Date(2024, 1, 15, 23, 30, 0, 0, time.UTC)
	berlin := time.FixedZone("CET", 3600)
	for _, test := range []struct {
		t    time.Time
		want string
	}{{instant, "2024-01-15"}, {instant.In(berlin), "2024-01-16"}} {
		if got, err := NewDate(test.t); got.String() != test.want || err != nil {
			t.Errorf("NewDate(%v): got %v, %v, want %s", test.t, got, err, test.want)
		}
	}
}

func TestAddDate(t *testing.T) {
	for _, test := range []struct {
		from                string
		years, months, days int
		want                string
	}{
		{"2022-01-19", 10, 0, -1, "2032-01-18"}, // a root's term
		{"2023-08-01", 8, 0, -1, "2031-07-31"},  // a sub-CA's
		{"2024-02-29", 5, 0, -1, "2029-02-28"},
		{"2024-02-29", 5, 0, 0, "2029-03-01"},
		{"2024-12-31", 0, 0, 1, "2025-01-01"},
	} {
		got, err := mustDate(t, test.from).AddDate(test.years, test.months, test.days)
		if got.String() != test.want || err != nil {
			t.Errorf("%s + %d y %d m %d d: got %v, %v, want %s", test.from, test.years, test.months, test.days, got, err, test.want)
		}
	}
	if _, err := mustDate(t, "2095-01-01").AddDate(5, 0, 0); !errors.Is(err, ErrDate) {
		t.Errorf("past 2099: got %v, want %v", err, ErrDate)
	}
}

func TestCompareDates(t *testing.T) {
	rising := []string{"2023-12-31", "2024-01-01", "2024-01-02", "2024-02-01", "2025-01-01"}
	for i, a := range rising {
		for j, b := range rising {
			got, want := mustDate(t, a).Compare(mustDate(t, b)), 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got != want || mustDate(t, a).After(mustDate(t, b)) != (want > 0) {
				t.Errorf("%s and %s: got %d, want %d", a, b, got, want)
			}
		}
	}
}
