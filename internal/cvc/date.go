package cvc

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// ErrDate says that a value is not a calendar date of the years 2000 to 2099.
var ErrDate = errors.New("not a calendar date of the years 2000 to 2099")

// Date is a calendar date of the years 2000 to 2099, the only ones that a CV certificate can hold: YYMMDD, one digit per
// octet (GS-A_4999, GS-A_5000, GS-A_5002, GS-A_5003). It has no time of day and no time zone. A certificate is still valid
// on the day of its CXD. The zero value is no date. Values can be compared with ==.
type Date struct {
	Year  int // 2000 to 2099
	Month time.Month
	Day   int
}

// NewDate gives the calendar date of t in t's own location; the caller chooses the location. An error wraps ErrDate.
func NewDate(t time.Time) (Date, error) {
	y, m, d := t.Date()
	date := Date{y, m, d}
	return date, date.check()
}

// ParseDate reads the form that String gives, 2024-01-15. An error wraps ErrDate.
func ParseDate(s string) (Date, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return Date{}, fmt.Errorf("%w: %q", ErrDate, s)
	}
	return NewDate(t)
}

// decodeDate reads six octets of one decimal digit each.
func decodeDate(b []byte) (Date, error) {
	if len(b) != 6 {
		return Date{}, fmt.Errorf("%w: %d octets, want 6", ErrDate, len(b))
	}
	for _, digit := range b {
		if digit > 9 {
			return Date{}, fmt.Errorf("%w: %X has an octet that is no digit", ErrDate, b)
		}
	}
	two := func(b []byte) int { return 10*int(b[0]) + int(b[1]) }
	d := Date{2000 + two(b), time.Month(two(b[2:])), two(b[4:])}
	return d, d.check()
}

// encode gives the six octets. The date must have been checked.
func (d Date) encode() []byte {
	y, m := d.Year-2000, int(d.Month)
	return []byte{byte(y / 10), byte(y % 10), byte(m / 10), byte(m % 10), byte(d.Day / 10), byte(d.Day % 10)}
}

func (d Date) check() error {
	y, m, day := d.Time().Date()
	if d.Year < 2000 || d.Year > 2099 || (Date{y, m, day}) != d {
		return fmt.Errorf("%w: %s", ErrDate, d)
	}
	return nil
}

// Time is midnight UTC at the beginning of the day.
func (d Date) Time() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// AddDate gives the date so many years, months and days later, counted as [time.Time.AddDate] counts: a day that the month
// does not have runs over into the next. An error wraps ErrDate.
func (d Date) AddDate(years, months, days int) (Date, error) {
	return NewDate(d.Time().AddDate(years, months, days))
}

// Compare is -1 if d is before e, 0 if they are the same day, 1 if d is after e.
func (d Date) Compare(e Date) int {
	return cmp.Or(cmp.Compare(d.Year, e.Year), cmp.Compare(d.Month, e.Month), cmp.Compare(d.Day, e.Day))
}

// After tells whether d is a later day than e.
func (d Date) After(e Date) bool { return d.Compare(e) > 0 }

// IsZero tells whether d is no date.
func (d Date) IsZero() bool { return d == Date{} }

// String gives the form 2024-01-15.
func (d Date) String() string { return fmt.Sprintf("%04d-%02d-%02d", d.Year, int(d.Month), d.Day) }
