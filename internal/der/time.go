package der

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/crypto/cryptobyte"
	"golang.org/x/crypto/cryptobyte/asn1"
)

// The two forms of Time, with seconds and Z, without fractions (RFC 5280, Sections 4.1.2.5.1 and 4.1.2.5.2).
const (
	utcTimeLayout         = "060102150405Z"
	generalizedTimeLayout = "20060102150405Z"
)

// UTCTime says the years from utcTimeStart to the one before utcTimeEnd (RFC 5280, Section 4.1.2.5.1).
const utcTimeStart, utcTimeEnd = 1950, 2050

// AddTime adds t as UTCTime from 1950 to 2049 and as GeneralizedTime in other years up to 9999. A time with a fraction of a
// second is an error: the field cannot hold it, and rounding is for the caller to decide.
func AddTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC()
	if t.Nanosecond() != 0 {
		b.SetError(fmt.Errorf("time %s has a fraction of a second", t.Format(time.RFC3339Nano)))
		return
	}
	switch year := t.Year(); {
	case utcTimeStart <= year && year < utcTimeEnd:
		addTime(b, asn1.UTCTime, t.Format(utcTimeLayout))
	case 0 <= year && year <= 9999:
		addTime(b, asn1.GeneralizedTime, t.Format(generalizedTimeLayout))
	default:
		b.SetError(fmt.Errorf("year %d cannot be written as GeneralizedTime", year))
	}
}

// AddGeneralizedTime adds t as GeneralizedTime whatever its year, up to 9999, as OCSP and CRL extensions have it (RFC 6960, Section 4.2.1).
// A fraction of a second is an error.
func AddGeneralizedTime(b *cryptobyte.Builder, t time.Time) {
	t = t.UTC()
	if t.Nanosecond() != 0 {
		b.SetError(fmt.Errorf("time %s has a fraction of a second", t.Format(time.RFC3339Nano)))
		return
	}
	if year := t.Year(); year < 0 || year > 9999 {
		b.SetError(fmt.Errorf("year %d cannot be written as GeneralizedTime", year))
		return
	}
	addTime(b, asn1.GeneralizedTime, t.Format(generalizedTimeLayout))
}

// ReadGeneralizedTime reads what AddGeneralizedTime writes. The result is in UTC.
func ReadGeneralizedTime(s *cryptobyte.String) (time.Time, error) {
	var content cryptobyte.String
	if !s.ReadASN1(&content, asn1.GeneralizedTime) || !hasForm(content, generalizedTimeLayout) {
		return time.Time{}, fmt.Errorf("no GeneralizedTime of the form %s where one is expected", generalizedTimeLayout)
	}
	t, err := time.Parse(generalizedTimeLayout, string(content))
	if err != nil {
		return time.Time{}, fmt.Errorf("time is not of the form %s: %w", generalizedTimeLayout, err)
	}
	return t, nil
}

func addTime(b *cryptobyte.Builder, tag asn1.Tag, text string) {
	b.AddASN1(tag, func(b *cryptobyte.Builder) { b.AddBytes([]byte(text)) })
}

// ReadTime reads UTCTime or GeneralizedTime and takes only what AddTime writes: a GeneralizedTime for a year that UTCTime
// can say is an error (RFC 5280, Section 4.1.2.5). The result is in UTC.
func ReadTime(s *cryptobyte.String) (time.Time, error) {
	var content cryptobyte.String
	var tag asn1.Tag
	if !s.ReadAnyASN1(&content, &tag) {
		return time.Time{}, errors.New("no time where one is expected")
	}
	layout := utcTimeLayout
	switch tag {
	case asn1.UTCTime:
	case asn1.GeneralizedTime:
		layout = generalizedTimeLayout
	default:
		return time.Time{}, fmt.Errorf("tag 0x%02x is neither UTCTime nor GeneralizedTime", uint8(tag))
	}
	if !hasForm(content, layout) {
		return time.Time{}, fmt.Errorf("time is not of the form %s", layout)
	}
	t, err := time.Parse(layout, string(content))
	if err != nil {
		return time.Time{}, fmt.Errorf("time is not of the form %s: %w", layout, err)
	}
	if tag == asn1.UTCTime && t.Year() >= utcTimeEnd { // two digits below 69 are read as 20xx by package time
		t = t.AddDate(-100, 0, 0)
	}
	if inUTC := utcTimeStart <= t.Year() && t.Year() < utcTimeEnd; inUTC != (tag == asn1.UTCTime) {
		return time.Time{}, fmt.Errorf("year %d in the wrong form of time", t.Year())
	}
	return t, nil
}

// hasForm tells whether content has a digit wherever the layout has one, and else the same octets. Package time is more generous: it
// takes fractions of a second and signs that the layout does not have.
func hasForm(content []byte, layout string) bool {
	if len(content) != len(layout) {
		return false
	}
	isDigit := func(c byte) bool { return '0' <= c && c <= '9' }
	for i, c := range content {
		if isDigit(layout[i]) != isDigit(c) || !isDigit(c) && c != layout[i] {
			return false
		}
	}
	return true
}
