package storetest

import (
	"reflect"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// How the status of cards and certificates changes.
var statusCases = []statusCase{
	{"a card is issued and not active", func(b *statusBench) {
		card := b.issue(NewIntent(1, 1))
		want := &ca.CardStatus{ICCSN: NewIntent(1, 1).ICCSN, State: ca.Issued, EntryID: card.EntryID,
			Certificates: []ca.CertificateStatus{*newStatus(1, autRSA, 0), *newStatus(1, autECC, 0)}}
		if got := b.cardStatus(1); !reflect.DeepEqual(got, want) {
			b.Errorf("CardStatus = \n%+v, want\n%+v", got, want)
		}
	}},
	{"an activated card is active, and so are its certificates", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		got := b.activate(1, firstDay)
		b.same(1, got)
		a := NewActivation(1, firstDay)
		if got.State != ca.Active || !reflect.DeepEqual(got.Activation, a) || got.Revocation != nil {
			b.Errorf("the card is %+v, want active by %+v", got, a)
		}
		want := newStatus(1, autECC, 1)
		want.State, want.ActivatedAt = ca.Active, a.At
		if got := b.status(want.CertificateID); !reflect.DeepEqual(got, want) {
			b.Errorf("CertificateStatus = \n%+v, want\n%+v", got, want)
		}
	}},
	{"an activation writes its entry", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		status := b.activate(1, firstDay)
		entries := b.contents().Entries
		last := entries[len(entries)-1]
		want := ca.StoredEntry{ID: status.EntryID, Entry: NewStatusEntry(tlog.CardActivated, status.ICCSN)}
		if !reflect.DeepEqual(last, want) {
			b.Errorf("entry is %+v, want %+v", last, want)
		}
	}},
	{"an activation is repeated without effect", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		before, n := b.activate(1, firstDay), len(b.contents().Entries)
		if again := b.activate(1, secondDay); !reflect.DeepEqual(again, before) {
			b.Errorf("again it gave %+v, before %+v", again, before)
		}
		if got := len(b.contents().Entries); got != n || b.epoch() != 1 {
			b.Errorf("there are %d entries and epoch %d, want %d and 1", got, b.epoch(), n)
		}
	}},
	{"only an issued card can be activated", func(b *statusBench) {
		b.intend(NewIntent(1, 1))
		b.refusesChange(ca.ErrNotFound, "ActivateCard", func() error { return first(b.tryActivate(1, firstDay)) })
	}},
	{"a revoked card cannot be activated", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.revoke(1, firstDay)
		b.refusesChange(ca.ErrCardRevoked, "ActivateCard", func() error { return first(b.tryActivate(1, secondDay)) })
	}},
	{"a revoked card that was active has both", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.activate(1, firstDay)
		got := b.revoke(1, secondDay)
		b.same(1, got)
		if got.State != ca.Revoked || !reflect.DeepEqual(got.Activation, NewActivation(1, firstDay)) || !reflect.DeepEqual(got.Revocation, NewRevocation(secondDay)) {
			b.Errorf("the card is %+v", got)
		}
		for _, draft := range []int{autRSA, autECC} {
			want := newStatus(1, draft, 2)
			want.State, want.ActivatedAt, want.Revocation = ca.Revoked, start.AddDate(0, 0, firstDay), NewRevocation(secondDay)
			if got := b.status(want.CertificateID); !reflect.DeepEqual(got, want) {
				b.Errorf("CertificateStatus = \n%+v, want\n%+v", got, want)
			}
		}
	}},
	{"a card may be revoked without having been active", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		got := b.revoke(1, firstDay)
		b.same(1, got)
		if got.State != ca.Revoked || got.Activation != nil {
			b.Errorf("the card is %+v", got)
		}
	}},
	{"a revocation is repeated without effect", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		before, n := b.revoke(1, firstDay), len(b.contents().Entries)
		r := NewRevocation(secondDay)
		r.Actor = otherDesk
		if again, err := b.tryRevoke(1, r); err != nil || !reflect.DeepEqual(again, before) {
			b.Errorf("again it gave %+v, %v, before %+v", again, err, before)
		}
		if got := len(b.contents().Entries); got != n || b.epoch() != 1 {
			b.Errorf("there are %d entries and epoch %d, want %d and 1", got, b.epoch(), n)
		}
	}},
	{"a revocation for another reason or requester is refused", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.revoke(1, firstDay)
		for _, spoil := range []func(*ca.Revocation){
			func(r *ca.Revocation) { r.Reason = otherReason },
			func(r *ca.Revocation) { r.Requester = otherAsker },
		} {
			r := NewRevocation(firstDay)
			spoil(r)
			b.refusesChange(ca.ErrRevokedOtherwise, "RevokeCard", func() error { return first(b.tryRevoke(1, r)) })
			b.refusesChange(ca.ErrRevokedOtherwise, "RevokeCertificate", func() error { return first(b.tryRevokeCertificate(idOf(1, autRSA), r)) })
		}
	}},
	{"only an issued card can be revoked", func(b *statusBench) {
		b.refusesChange(ca.ErrNotFound, "RevokeCard", func() error { return first(b.tryRevoke(1, NewRevocation(firstDay))) })
	}},
	{"a certificate is revoked alone", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.activate(1, firstDay)
		got := b.revokeCertificate(1, autECC, secondDay)
		want := newStatus(1, autECC, 2)
		want.State, want.ActivatedAt, want.Revocation, want.Alone = ca.Revoked, start.AddDate(0, 0, firstDay), NewRevocation(secondDay), true
		if !reflect.DeepEqual(got, want) {
			b.Errorf("RevokeCertificate gave\n%+v, want\n%+v", got, want)
		}
		if got := b.cardStatus(1); got.State != ca.Active || got.Certificates[autRSA].State != ca.Active || !reflect.DeepEqual(&got.Certificates[autECC], want) {
			b.Errorf("the card is %+v", got)
		}
	}},
	{"a certificate that was revoked alone keeps its revocation when its card is revoked", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.revokeCertificate(1, autECC, firstDay)
		got := b.revoke(1, secondDay)
		b.same(1, got)
		if ecc := got.Certificates[autECC]; !ecc.Alone || !reflect.DeepEqual(ecc.Revocation, NewRevocation(firstDay)) {
			b.Errorf("the certificate is %+v", ecc)
		}
		if rsa := got.Certificates[autRSA]; rsa.Alone || !reflect.DeepEqual(rsa.Revocation, NewRevocation(secondDay)) {
			b.Errorf("the other certificate is %+v", rsa)
		}
	}},
	{"a certificate is revoked again without effect, alone and with its card", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		before := b.revokeCertificate(1, autECC, firstDay)
		if again := b.revokeCertificate(1, autECC, secondDay); !reflect.DeepEqual(again, before) {
			b.Errorf("again it gave %+v, before %+v", again, before)
		}
		b.revoke(1, secondDay)
		if got := b.revokeCertificate(1, autRSA, firstDay); got.Alone || !reflect.DeepEqual(got.Revocation, NewRevocation(secondDay)) {
			b.Errorf("RevokeCertificate gave %+v", got)
		}
	}},
	{"only an issued certificate of its issuer can be revoked", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.intend(NewIntent(2, 1))
		for _, id := range []ca.CertificateID{idOf(2, autECC), {Issuer: otherX509, Serial: idOf(1, autECC).Serial}, {Issuer: "nobody", Serial: idOf(1, autECC).Serial}, {Issuer: cvcIssuer}} {
			b.refusesChange(ca.ErrNotFound, "RevokeCertificate", func() error { return first(b.tryRevokeCertificate(id, NewRevocation(firstDay))) })
		}
	}},
	{"a renewal has the status of its card", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.activate(1, firstDay)
		b.issue(NewRenewal(1, 1, 1))
		if got := b.cardStatus(1); got.State != ca.Active || len(got.Certificates) != 2 {
			b.Errorf("the card is %+v", got)
		}
		b.same(1, b.revoke(1, secondDay))
	}},
	{"times finer than a millisecond are refused", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		for _, spoil := range []func(a, c *time.Time){
			func(a, _ *time.Time) { *a = a.Add(time.Microsecond) },
			func(_, c *time.Time) { *c = c.Add(time.Microsecond) },
		} {
			a, r := NewActivation(1, firstDay), NewRevocation(firstDay)
			spoil(&a.RequestedAt, &a.At)
			spoil(&r.RequestedAt, &r.At)
			b.refusesChange(nil, "ActivateCard", func() error { return first(b.ActivateCard(b.ctx, a, NewStatusEntry(tlog.CardActivated, 1))) })
			b.refusesChange(nil, "RevokeCard", func() error { return first(b.tryRevoke(1, r)) })
			b.refusesChange(nil, "RevokeCertificate", func() error { return first(b.tryRevokeCertificate(idOf(1, autRSA), r)) })
		}
	}},
	{"what is not named is refused", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		a := NewActivation(1, firstDay)
		a.Actor = ""
		b.refusesChange(nil, "ActivateCard", func() error { return first(b.ActivateCard(b.ctx, a, NewStatusEntry(tlog.CardActivated, 1))) })
		for _, spoil := range []func(*ca.Revocation){
			func(r *ca.Revocation) { r.Actor = "" },
			func(r *ca.Revocation) { r.Requester = "" },
			func(r *ca.Revocation) { r.Reason = "" },
		} {
			r := NewRevocation(firstDay)
			spoil(r)
			b.refusesChange(nil, "RevokeCard", func() error { return first(b.tryRevoke(1, r)) })
		}
	}},
	{"a database keeps the status", func(b *statusBench) {
		for order := 1; order <= 4; order++ {
			b.issue(NewIntent(order, 1))
		}
		b.activate(1, firstDay)
		b.activate(2, firstDay)
		b.revoke(2, secondDay)
		b.revokeCertificate(3, autRSA, firstDay)
		var before []*ca.CardStatus
		for order := 1; order <= 4; order++ {
			before = append(before, b.cardStatus(order))
		}
		b.Store = b.reopen(b.T)
		b.store = b.Store
		for order := 1; order <= 4; order++ {
			if got := b.cardStatus(order); !reflect.DeepEqual(got, before[order-1]) {
				b.Errorf("CardStatus(%d) = %+v, before %+v", order, got, before[order-1])
			}
		}
		if b.epoch() != 4 {
			b.Errorf("StatusEpoch = %d, want 4", b.epoch())
		}
	}},
}

// What the reads of the status show.
var statusReadCases = []statusCase{
	{"a serial number that is not issued is an answer", func(b *statusBench) {
		b.intend(NewIntent(1, 1))
		b.intend(NewIntent(2, 1))
		b.abandon(NewIntent(2, 1))
		b.issue(NewIntent(3, 1))
		b.activate(3, firstDay)
		for _, id := range []ca.CertificateID{idOf(1, autECC), idOf(2, autECC), idOf(4, autECC), {Issuer: otherX509, Serial: idOf(3, autECC).Serial}, {Issuer: "nobody", Serial: idOf(3, autECC).Serial}, {Issuer: cvcIssuer}} {
			if got, want := b.status(id), (&ca.CertificateStatus{CertificateID: id, State: ca.NotIssued, Epoch: 1}); !reflect.DeepEqual(got, want) {
				b.Errorf("CertificateStatus = %+v, want %+v", got, want)
			}
		}
	}},
	{"several certificates are read as one by one", func(b *statusBench) {
		for n := 1; n <= 3; n++ {
			b.issue(NewIntent(n, 1))
		}
		b.activate(1, firstDay)
		b.revoke(2, firstDay)
		b.revokeCertificate(3, autRSA, firstDay)
		ids := []ca.CertificateID{idOf(2, autECC), idOf(4, autECC), idOf(1, autRSA), idOf(3, autECC), {Issuer: cvcIssuer}, idOf(3, autRSA), idOf(2, autECC)}
		list, err := b.CertificateStates(b.ctx, ids)
		if err != nil || len(list) != len(ids) {
			b.Fatalf("CertificateStates = %v, %v", list, err)
		}
		for i, id := range ids {
			status := b.status(id)
			want := ca.CertificateState{CertificateID: id, State: status.State, Epoch: status.Epoch, SHA256: status.SHA256}
			if status.Revocation != nil {
				want.RevokedAt = status.Revocation.At
			}
			if list[i] != want {
				b.Errorf("CertificateStates gives %+v at %d, want %+v", list[i], i, want)
			}
		}
		if none, err := b.CertificateStates(b.ctx, nil); err != nil || len(none) != 0 {
			b.Errorf("CertificateStates of none = %v, %v", none, err)
		}
	}},
	{"a card that is not issued has no status", func(b *statusBench) {
		b.intend(NewIntent(1, 1))
		if _, err := b.CardStatus(b.ctx, NewIntent(1, 1).ICCSN); !sameError(err, ca.ErrNotFound) {
			b.Errorf("CardStatus = %v, want %v", err, ca.ErrNotFound)
		}
	}},
	{"the epoch counts changes, and nothing else", func(b *statusBench) {
		if b.epoch() != 0 {
			b.Errorf("StatusEpoch = %d, want 0", b.epoch())
		}
		b.issue(NewIntent(1, 1))
		b.issue(NewIntent(2, 1))
		for i, change := range []func(){
			func() { b.activate(1, firstDay) },
			func() { b.revokeCertificate(1, autRSA, firstDay) },
			func() { b.revoke(2, firstDay) },
			func() { b.revoke(1, firstDay) },
		} {
			change()
			if got := b.epoch(); got != int64(i+1) {
				b.Errorf("StatusEpoch = %d after %d changes", got, i+1)
			}
		}
	}},
	{"changes are listed after an epoch", func(b *statusBench) {
		b.issue(NewIntent(1, 1))
		b.issue(NewIntent(2, 1))
		b.activate(2, firstDay)
		b.revokeCertificate(2, autECC, firstDay)
		b.revoke(1, secondDay)
		b.revoke(2, secondDay)
		one, two := NewIntent(1, 1).ICCSN, NewIntent(2, 1).ICCSN
		want := []ca.StatusChange{
			{Epoch: 1, ICCSN: two, To: ca.Active, Certificates: []ca.CertificateID{idOf(2, autRSA), idOf(2, autECC)}},
			{Epoch: 2, ICCSN: two, To: ca.Revoked, Certificates: []ca.CertificateID{idOf(2, autECC)}},
			{Epoch: 3, ICCSN: one, To: ca.Revoked, Certificates: []ca.CertificateID{idOf(1, autRSA), idOf(1, autECC)}},
			{Epoch: 4, ICCSN: two, To: ca.Revoked, Certificates: []ca.CertificateID{idOf(2, autRSA), idOf(2, autECC)}},
		}
		for after := range len(want) + 1 {
			for limit := 1; limit <= len(want); limit++ {
				got, err := b.StatusChanges(b.ctx, int64(after), limit)
				if want := want[after:min(after+limit, len(want))]; err != nil || len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
					b.Errorf("StatusChanges(%d, %d) = %+v, %v, want %+v", after, limit, got, err, want)
				}
			}
		}
	}},
	{"revoked certificates are listed by issuer, serial number and epoch", func(b *statusBench) {
		for order := 1; order <= 5; order++ {
			b.issue(NewIntent(order, 1))
		}
		b.revoke(2, firstDay)
		b.revokeCertificate(5, autECC, firstDay)
		b.revoke(4, secondDay)
		page := func(q ca.RevokedQuery) (serials []pkix.Serial) {
			list, err := b.RevokedCertificates(b.ctx, q)
			if err != nil {
				b.Fatalf("RevokedCertificates = %v, want nil", err)
			}
			for _, c := range list {
				if c.Reason != lost || c.At.Before(start) {
					b.Errorf("listed is %+v", c)
				}
				serials = append(serials, c.Serial)
			}
			return serials
		}
		all := page(ca.RevokedQuery{Issuer: eccIssuer, Epoch: 3, Limit: 10})
		if len(all) != 3 {
			b.Fatalf("%d certificates are listed, want 3", len(all))
		}
		var paged []pkix.Serial
		for q := (ca.RevokedQuery{Issuer: eccIssuer, Epoch: 3, Limit: 1}); ; {
			one := page(q)
			if len(one) == 0 {
				break
			}
			paged, q.After = append(paged, one...), one[0]
		}
		if !reflect.DeepEqual(paged, all) {
			b.Errorf("page by page %v are listed, at once %v", paged, all)
		}
		for _, c := range []struct {
			q    ca.RevokedQuery
			want int
		}{
			{ca.RevokedQuery{Issuer: rsaIssuer, Epoch: 3, Limit: 10}, 2},
			{ca.RevokedQuery{Issuer: otherX509, Epoch: 3, Limit: 10}, 0},
			{ca.RevokedQuery{Issuer: eccIssuer, Epoch: 2, Limit: 10}, 2},
			{ca.RevokedQuery{Issuer: eccIssuer, Epoch: 0, Limit: 10}, 0},
			{ca.RevokedQuery{Issuer: eccIssuer, Epoch: 3, Limit: 10, ValidAfter: NewIntent(1, 1).Drafts[0].NotAfter}, 3},
			{ca.RevokedQuery{Issuer: eccIssuer, Epoch: 3, Limit: 10, ValidAfter: NewIntent(1, 1).Drafts[0].NotAfter.Add(time.Second)}, 0},
		} {
			if got := page(c.q); len(got) != c.want {
				b.Errorf("%+v lists %v, want %d", c.q, got, c.want)
			}
		}
	}},
	{"limits below one are refused", func(b *statusBench) {
		if _, err := b.StatusChanges(b.ctx, 0, 0); err == nil {
			b.Errorf("StatusChanges(0, 0) = nil, want an error")
		}
		if _, err := b.RevokedCertificates(b.ctx, ca.RevokedQuery{Issuer: eccIssuer}); err == nil {
			b.Errorf("RevokedCertificates with limit 0 = nil, want an error")
		}
	}},
}

// first gives the error of a call that answers with something and an error.
func first[T any](_ T, err error) error { return err }
