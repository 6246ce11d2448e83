package storetest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// CRLStore is what both stores are: they keep entries and CRLs.
type CRLStore interface {
	ca.Store
	ca.CRLStore
}

// CRLOpener is an Opener of stores that keep CRLs.
type CRLOpener func(t *testing.T) (store CRLStore, reopen func(t *testing.T) CRLStore)

// ExerciseCRL runs the contract of ca.CRLStore as Exercise runs that of ca.Store.
func ExerciseCRL(t *testing.T, open CRLOpener) {
	for _, c := range crlCases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			store, reopen := open(t)
			if err := AddIssuers(t.Context(), store); err != nil {
				t.Fatal(err)
			}
			c.run(&crlBench{T: t, ctx: t.Context(), CRLStore: store, reopen: reopen})
		})
	}
}

type crlBench struct {
	*testing.T
	CRLStore
	ctx    context.Context
	reopen func(t *testing.T) CRLStore
}

// sampleCRL is a draft of an issuer of the samples.
func sampleCRL(number int64) *ca.CRLDraft {
	return &ca.CRLDraft{
		Issuer: eccIssuer, Number: number, Epoch: 3 * number, Entries: int(number) - 1, BodySHA256: sha256.Sum256(fmt.Append(nil, number)),
		ThisUpdate: start.Truncate(time.Second).Add(time.Duration(number) * time.Hour), NextUpdate: start.Truncate(time.Second).Add(time.Duration(number) * 24 * time.Hour),
	}
}

func crlEntry(kind tlog.Kind, number int64) tlog.Entry {
	return tlog.Entry{Kind: kind, At: start, Actor: "siegeld", Facts: fmt.Appendf(nil, `{"number":%d}`, number)}
}

// signedCRL has some octets, more than two parts of them where long is set.
func signedCRL(number int64, long bool) *ca.SignedCRL {
	octets := bytes.Repeat([]byte{byte(number)}, 100)
	if long {
		octets = bytes.Repeat([]byte{byte(number), 1, 2}, ca.CRLPartLen)[:2*ca.CRLPartLen+77]
	}
	return &ca.SignedCRL{Issuer: eccIssuer, Number: number, SHA256: sha256.Sum256(octets), Octets: octets}
}

func (b *crlBench) record(number int64) error {
	return b.RecordCRL(b.ctx, sampleCRL(number), crlEntry(tlog.CRLRecorded, number))
}

func (b *crlBench) publish(crl *ca.SignedCRL) error {
	return b.PublishCRL(b.ctx, crl, crlEntry(tlog.CRLIssued, crl.Number))
}

func (b *crlBench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *crlBench) want(doing string, err, want error) {
	b.Helper()
	if !errors.Is(err, want) {
		b.Errorf("%s = %v, want %v", doing, err, want)
	}
}

// newest reads the state, and all octets of the published CRL.
func (b *crlBench) newest() (*ca.CRLState, []byte) {
	b.Helper()
	state, err := b.NewestCRL(b.ctx, eccIssuer)
	b.must(err)
	var octets []byte
	if state.Published != nil {
		for part := range state.Published.Parts() {
			some, err := b.CRLPart(b.ctx, eccIssuer, state.Published.Number, part)
			b.must(err)
			octets = append(octets, some...)
		}
	}
	return state, octets
}

// entriesOf counts the entries of the two kinds.
func (b *crlBench) entriesOf() (recorded, issued int) {
	b.Helper()
	list, err := b.Entries(b.ctx, 0, 1000)
	b.must(err)
	for _, e := range list {
		switch e.Kind {
		case tlog.CRLRecorded:
			recorded++
		case tlog.CRLIssued:
			issued++
		}
	}
	return recorded, issued
}

var crlCases = []struct {
	name string
	run  func(b *crlBench)
}{
	{"none", func(b *crlBench) {
		if state, _ := b.newest(); state.Recorded != 0 || state.Published != nil {
			b.Errorf("an issuer without CRLs has %+v", state)
		}
		_, err := b.CRLPart(b.ctx, eccIssuer, 1, 0)
		b.want("CRLPart of none", err, ca.ErrNotFound)
		b.want("PublishCRL of none", b.publish(signedCRL(1, false)), ca.ErrNotFound)
	}},
	{"record and publish", func(b *crlBench) {
		b.must(b.record(1))
		if state, _ := b.newest(); state.Recorded != 1 || state.Published != nil {
			b.Errorf("after RecordCRL: %+v", state)
		}
		b.must(b.publish(signedCRL(1, true)))
		b.CRLStore = b.reopen(b.T)
		state, octets := b.newest()
		crl := signedCRL(1, true)
		if p := state.Published; p == nil || p.CRLDraft != *sampleCRL(1) || p.SHA256 != crl.SHA256 || p.Size != int64(len(crl.Octets)) || !bytes.Equal(octets, crl.Octets) || p.EntryID == 0 {
			b.Errorf("after PublishCRL: %+v, %d octets", p, len(octets))
		}
		_, err := b.CRLPart(b.ctx, eccIssuer, 1, 3)
		b.want("CRLPart behind the end", err, ca.ErrNotFound)
		if recorded, issued := b.entriesOf(); recorded != 1 || issued != 1 {
			b.Errorf("%d and %d entries", recorded, issued)
		}
	}},
	{"numbers run on", func(b *crlBench) {
		b.want("RecordCRL of 2 first", b.record(2), ca.ErrCRLMoved)
		b.must(b.record(1))
		b.want("RecordCRL of 1 again", b.record(1), ca.ErrCRLMoved)
		b.must(b.record(2)) // 1 was never signed
		b.must(b.publish(signedCRL(2, false)))
		b.want("PublishCRL of 2 again", b.publish(signedCRL(2, false)), ca.ErrCRLMoved)
		b.want("PublishCRL of 1 after 2", b.publish(signedCRL(1, false)), ca.ErrCRLMoved)
		if state, _ := b.newest(); state.Recorded != 2 || state.Published.Number != 2 {
			b.Errorf("after all: %+v", state)
		}
		if recorded, issued := b.entriesOf(); recorded != 2 || issued != 1 {
			b.Errorf("%d and %d entries: what did not happen was recorded", recorded, issued)
		}
	}},
	{"old octets are dropped", func(b *crlBench) {
		for n := int64(1); n <= 3; n++ {
			b.must(b.record(n))
			b.must(b.publish(signedCRL(n, true)))
		}
		for n, want := range map[int64]error{1: ca.ErrNotFound, 2: nil, 3: nil} {
			_, err := b.CRLPart(b.ctx, eccIssuer, n, 0)
			b.want(fmt.Sprintf("CRLPart of %d", n), err, want)
		}
	}},
	{"one of many records a number", func(b *crlBench) {
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() { errs[i] = b.record(1) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else {
				b.want("RecordCRL in a race", err, ca.ErrCRLMoved)
			}
		}
		if recorded, _ := b.entriesOf(); won != 1 || recorded != 1 {
			b.Errorf("%d recorded it, with %d entries", won, recorded)
		}
	}},
	{"malformed", func(b *crlBench) {
		d := sampleCRL(1)
		d.Issuer = "nobody"
		if err := b.RecordCRL(b.ctx, d, crlEntry(tlog.CRLRecorded, 1)); err == nil {
			b.Error("a CRL of an issuer that is not known was recorded")
		}
		d = sampleCRL(1)
		d.NextUpdate = d.ThisUpdate
		if err := b.RecordCRL(b.ctx, d, crlEntry(tlog.CRLRecorded, 1)); err == nil {
			b.Error("a CRL that is over when it begins was recorded")
		}
		b.must(b.record(1))
		empty := signedCRL(1, false)
		empty.Octets = nil
		if err := b.publish(empty); err == nil {
			b.Error("a CRL of no octets was published")
		}
		if recorded, issued := b.entriesOf(); recorded != 1 || issued != 0 {
			b.Errorf("%d and %d entries: what failed was recorded", recorded, issued)
		}
	}},
}
