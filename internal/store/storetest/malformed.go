package storetest

import (
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// malformedCases are intents and entries that no correct caller makes. The store is the last that can refuse them, before a key
// is used, and it refuses them whole.
func malformedCases() []testCase {
	var cases []testCase
	for _, c := range []struct {
		name  string
		spoil func(in *ca.Intent)
	}{
		{"no drafts", func(in *ca.Intent) { in.Drafts = nil }},
		{"no order id", func(in *ca.Intent) { in.OrderID = "" }},
		{"no ICCSN", func(in *ca.Intent) { in.ICCSN = "" }},
		{"attempt id in capitals", func(in *ca.Intent) { in.Attempt = "0123456789ABCDEF0123456789ABCDEF" }},
		{"short attempt id", func(in *ca.Intent) { in.Attempt = "0123456789abcdef" }},
		{"time finer than a millisecond", func(in *ca.Intent) { in.At = in.At.Add(time.Microsecond) }},
		{"one slot twice", func(in *ca.Intent) { in.Drafts[autECC].Slot = in.Drafts[autRSA].Slot }},
		{"no slot", func(in *ca.Intent) { in.Drafts[autECC].Slot = "" }},
		{"issuer that is not known", func(in *ca.Intent) { in.Drafts[autrCVC].Issuer = "DEXXX860225" }},
		{"no issuer", func(in *ca.Intent) { in.Drafts[autrCVC].Issuer = "" }},
		{"no body", func(in *ca.Intent) { in.Drafts[autrCVC].Body = nil }},
		{"no scheme", func(in *ca.Intent) { in.Drafts[autrCVC].Scheme = 0 }},
		{"unknown format", func(in *ca.Intent) { in.Drafts[autrCVC].Format = "pgp" }},
		{"X.509 without serial number", func(in *ca.Intent) { in.Drafts[autECC].Serial = pkix.Serial{} }},
		{"CV certificate without CHR", func(in *ca.Intent) { in.Drafts[autrCVC].CHR = "" }},
		{"CHR in small letters", func(in *ca.Intent) { in.Drafts[autrCVC].CHR = "0006abcdef00000000000000" }},
		{"CHR too short", func(in *ca.Intent) { in.Drafts[autrCVC].CHR = in.Drafts[autrCVC].CHR[2:] }},
		{"begin finer than a second", func(in *ca.Intent) {
			in.Drafts[autECC].NotBefore = in.Drafts[autECC].NotBefore.Add(time.Millisecond)
		}},
		{"end finer than a second", func(in *ca.Intent) {
			in.Drafts[autECC].NotAfter = in.Drafts[autECC].NotAfter.Add(-time.Millisecond)
		}},
	} {
		cases = append(cases, testCase{c.name, func(b *bench) {
			in := NewIntent(1, 1)
			c.spoil(in)
			b.refusesIntent(nil, in)
			b.issue(NewIntent(1, 1))
		}})
	}
	for _, c := range []struct {
		name  string
		spoil func(e *tlog.Entry)
	}{
		{"entry without kind", func(e *tlog.Entry) { e.Kind = "" }},
		{"entry without actor", func(e *tlog.Entry) { e.Actor = "" }},
		{"entry without facts", func(e *tlog.Entry) { e.Facts = nil }},
		{"entry with facts that are not JSON", func(e *tlog.Entry) { e.Facts = []byte("{") }},
		{"entry with personal data that are not JSON", func(e *tlog.Entry) { e.Personal = []byte("Apotheke") }},
		{"entry with personal data but no salt", func(e *tlog.Entry) { e.Salt = nil }},
		{"entry with a salt but no personal data", func(e *tlog.Entry) { e.Personal = nil }},
		{"entry with a short salt", func(e *tlog.Entry) { e.Salt = e.Salt[1:] }},
		{"entry with a time finer than a millisecond", func(e *tlog.Entry) { e.At = e.At.Add(time.Nanosecond) }},
	} {
		cases = append(cases, testCase{c.name, func(b *bench) { refusesEntry(b, c.spoil) }})
	}
	return cases
}

// refusesEntry gives a spoilt entry to each verb that writes one. The change that the entry records must not happen.
func refusesEntry(b *bench, spoil func(e *tlog.Entry)) {
	spoilt := func(kind tlog.Kind, in *ca.Intent) tlog.Entry {
		e := NewEntry(kind, in)
		spoil(&e)
		return e
	}
	in := NewIntent(1, 1)
	b.refused(nil, "Intend", func() error { return b.store.Intend(b.ctx, in, spoilt(tlog.OrderRecorded, in)) })
	b.refused(nil, "Append", func() error {
		_, err := b.store.Append(b.ctx, spoilt(tlog.ServerStarted, in))
		return err
	})
	b.refused(nil, "AddIssuer", func() error {
		return b.store.AddIssuer(b.ctx, NewIssuer("new", profiles.SMCBCA), spoilt(tlog.IssuerAdded, in))
	})
	b.intend(in)
	b.refused(nil, "Complete", func() error {
		_, err := b.store.Complete(b.ctx, NewCompletion(in), spoilt(tlog.CardIssued, in))
		return err
	})
	b.refused(nil, "Abandon", func() error {
		return b.store.Abandon(b.ctx, in.Attempt, in.At, spoilt(tlog.AttemptAbandoned, in))
	})
	b.complete(in)
}

// fiveYearCases try the term at its edges: no certificate lives longer than five calendar years less one second, not even if all
// others who check this were to fail.
func fiveYearCases() []testCase {
	date := func(y, m, d, h, min, s int) time.Time { return time.Date(y, time.Month(m), d, h, min, s, 0, time.UTC) }
	var cases []testCase
	for _, c := range []struct {
		name     string
		from, to time.Time
		ok       bool
	}{
		{"five years less a second", date(2026, 3, 2, 9, 0, 0), date(2031, 3, 2, 8, 59, 59), true},
		{"five years", date(2026, 3, 2, 9, 0, 0), date(2031, 3, 2, 9, 0, 0), false},
		{"five years and a day", date(2026, 3, 2, 0, 0, 0), date(2031, 3, 2, 23, 59, 59), false},
		{"one leap day in the term", date(2026, 1, 1, 0, 0, 0), date(2030, 12, 31, 23, 59, 59), true},
		{"two leap days in the term", date(2028, 1, 1, 0, 0, 0), date(2032, 12, 31, 23, 59, 59), true},
		{"two leap days are no excuse for more", date(2028, 1, 1, 0, 0, 0), date(2033, 1, 1, 0, 0, 0), false},
		{"from 29 February to the end of 28 February", date(2028, 2, 29, 0, 0, 0), date(2033, 2, 28, 23, 59, 59), true},
		{"from 29 February into March", date(2028, 2, 29, 0, 0, 0), date(2033, 3, 1, 0, 0, 0), false},
		{"to 29 February", date(2027, 3, 1, 0, 0, 0), date(2032, 2, 29, 23, 59, 59), true},
		{"to 1 March after 29 February", date(2027, 3, 1, 0, 0, 0), date(2032, 3, 1, 0, 0, 0), false},
		{"the last day on which dates can count", date(9994, 12, 31, 0, 0, 0), date(9999, 12, 30, 23, 59, 59), true},
		{"beyond the year 9999", date(9998, 1, 1, 0, 0, 0), date(9999, 1, 1, 0, 0, 0), false},
		{"one second", date(2026, 3, 2, 9, 0, 0), date(2026, 3, 2, 9, 0, 1), true},
		{"ends when it begins", date(2026, 3, 2, 9, 0, 0), date(2026, 3, 2, 9, 0, 0), false},
		{"ends before it begins", date(2026, 3, 2, 9, 0, 0), date(2026, 3, 2, 8, 59, 59), false},
	} {
		cases = append(cases, testCase{c.name, func(b *bench) {
			in := NewIntent(1, 1)
			in.Drafts[autrCVC].NotBefore, in.Drafts[autrCVC].NotAfter = c.from, c.to
			if c.ok {
				b.issue(in)
			} else {
				b.refusesIntent(nil, in)
			}
		}})
	}
	return cases
}
