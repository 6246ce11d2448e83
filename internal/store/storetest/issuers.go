package storetest

import (
	"reflect"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// For which certificate the name of an issuer stands.
var issuerCases = []testCase{
	{"are listed by name", func(b *bench) {
		var want []ca.KnownIssuer
		for _, issuer := range NewIssuers() {
			want = append(want, *issuer)
		}
		slices.SortFunc(want, func(x, y ca.KnownIssuer) int { return strings.Compare(x.Name, y.Name) })
		if got := b.contents().Issuers; !reflect.DeepEqual(got, want) {
			b.Errorf("Issuers = %+v, want %+v", got, want)
		}
		b.store = b.reopen(b.T)
		if got := b.contents().Issuers; !reflect.DeepEqual(got, want) {
			b.Errorf("after closing and opening: Issuers = %+v, want %+v", got, want)
		}
	}},
	{"come with their entry", func(b *bench) {
		issuer := NewIssuer("new", profiles.KOMPCA)
		if err := b.addIssuer(issuer); err != nil {
			b.Fatalf("AddIssuer = %v, want nil", err)
		}
		entries := b.contents().Entries
		if len(entries) != 1 || !reflect.DeepEqual(entries[0].Entry, NewIssuerEntry(issuer)) {
			b.Errorf("entries are %+v, want the issuer's", entries)
		}
	}},
	{"are added again without a second entry", func(b *bench) {
		b.issue(NewIntent(1, 1)) // it is used by now
		before := b.contents()
		if err := AddIssuers(b.ctx, b.store); err != nil {
			b.Errorf("AddIssuer = %v, want nil", err)
		}
		if after := b.contents(); !reflect.DeepEqual(after, before) {
			b.Errorf("left %s, before %s", after, before)
		}
	}},
	{"are used as soon as drafts name them", func(b *bench) {
		b.intend(NewIntent(1, 1))
		used := map[string]bool{rsaIssuer: true, eccIssuer: true, cvcIssuer: true}
		for range 2 {
			for _, issuer := range b.contents().Issuers {
				if issuer.Used != used[issuer.Name] {
					b.Errorf("%s: Used is %t", issuer.Name, issuer.Used)
				}
			}
			b.abandonOpen()
		}
	}},
	{"keep their names", func(b *bench) {
		for what, spoil := range map[string]func(*ca.KnownIssuer){
			"another certificate": func(i *ca.KnownIssuer) { i.Certificate = []byte("another") },
			"another kind":        func(i *ca.KnownIssuer) { i.Kind = profiles.KOMPCA },
			"another above it":    func(i *ca.KnownIssuer) { i.IssuedBy = i.Name },
			"another name":        func(i *ca.KnownIssuer) { i.Name = "new" },
			"the name and the certificate of two": func(i *ca.KnownIssuer) {
				i.Certificate = NewIssuer(eccIssuer, profiles.SMCBCA).Certificate
			},
		} {
			issuer := NewIssuer(rsaIssuer, profiles.SMCBCA)
			spoil(issuer)
			b.refused(ca.ErrIssuerDiffers, "AddIssuer with "+what, func() error { return b.addIssuer(issuer) })
		}
	}},
	{"are whole", func(b *bench) {
		for what, spoil := range map[string]func(*ca.KnownIssuer){
			"no name":              func(i *ca.KnownIssuer) { i.Name = "" },
			"no kind":              func(i *ca.KnownIssuer) { i.Kind = "" },
			"no certificate":       func(i *ca.KnownIssuer) { i.Certificate = nil },
			"an unknown one above": func(i *ca.KnownIssuer) { i.IssuedBy = "unknown" },
		} {
			issuer := NewIssuer("new", profiles.SMCBCA)
			spoil(issuer)
			b.refused(nil, "AddIssuer with "+what, func() error { return b.addIssuer(issuer) })
		}
	}},
}

func (b *bench) addIssuer(issuer *ca.KnownIssuer) error {
	return b.store.AddIssuer(b.ctx, issuer, NewIssuerEntry(issuer))
}

// abandonOpen abandons the attempts that are open.
func (b *bench) abandonOpen() {
	b.Helper()
	for _, open := range b.contents().Open {
		entry := NewEntry(tlog.AttemptAbandoned, &ca.Intent{Attempt: open.ID, OrderID: open.OrderID, ICCSN: open.ICCSN, At: open.At})
		if err := b.store.Abandon(b.ctx, open.ID, open.At, entry); err != nil {
			b.Fatalf("Abandon = %v, want nil", err)
		}
	}
}
