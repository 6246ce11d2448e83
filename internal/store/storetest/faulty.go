package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Verb names a method of ca.Store.
type Verb string

// The verbs. AnyVerb stands for each of them.
const (
	AnyVerb        Verb = ""
	AddIssuer      Verb = "AddIssuer"
	Intend         Verb = "Intend"
	Complete       Verb = "Complete"
	Abandon        Verb = "Abandon"
	Append         Verb = "Append"
	Issuers        Verb = "Issuers"
	Order          Verb = "Order"
	Card           Verb = "Card"
	Cards          Verb = "Cards"
	OpenAttempts   Verb = "OpenAttempts"
	Entries        Verb = "Entries"
	WaitingOrders  Verb = "WaitingOrders"
	CountOutliving Verb = "CountOutliving"
)

// ErrFault is the error of a call that a Fault made fail.
var ErrFault = errors.New("injected store fault")

// Fault makes one call fail.
type Fault struct {
	Verb Verb // the verb concerned; AnyVerb counts the calls of all verbs
	Call int  // the how-manieth call of Verb, from 1
	Lost bool // false: the call fails before anything happened; true: it happens and its answer is lost
}

// FaultyStore is a ca.Store that passes calls on to another and fails those that its faults name with ErrFault. It keeps a
// record of what it passed on. It is safe for concurrent use; calls are counted in the order in which they arrive.
type FaultyStore struct {
	inner  ca.Store
	faults []Fault

	mu       sync.Mutex
	calls    []Verb
	intended map[[32]byte]bool // SHA-256 of the bodies of drafts
}

var _ ca.Store = (*FaultyStore)(nil)

// Faulty puts faults before a store. Without faults it only keeps the record.
func Faulty(store ca.Store, faults ...Fault) *FaultyStore {
	return &FaultyStore{inner: store, faults: faults, intended: map[[32]byte]bool{}}
}

// Fail adds a fault.
func (f *FaultyStore) Fail(fault Fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(slices.Clone(f.faults), fault)
}

// Calls lists the calls so far, failed ones too, in the order of arrival.
func (f *FaultyStore) Calls() []Verb {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// Intended tells whether the SHA-256 is that of the Body of a draft that an Intend has put into the inner store. A test that watches
// the key asks it for every message that is signed: nothing is signed without intent.
func (f *FaultyStore) Intended(hash [32]byte) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.intended[hash]
}

// arrive counts a call and gives the fault that meets it, or nil.
func (f *FaultyStore) arrive(verb Verb) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, verb)
	same := 0
	for _, c := range f.calls {
		if c == verb {
			same++
		}
	}
	for i, fault := range f.faults {
		if fault.Verb == verb && fault.Call == same || fault.Verb == AnyVerb && fault.Call == len(f.calls) {
			return &f.faults[i]
		}
	}
	return nil
}

// pass makes a call as the faults will have it.
func pass[T any](f *FaultyStore, verb Verb, call func() (T, error)) (T, error) {
	var none T
	fault := f.arrive(verb)
	if fault != nil && !fault.Lost {
		return none, ErrFault
	}
	answer, err := call()
	if fault != nil {
		return none, ErrFault
	}
	return answer, err
}

// passError makes a call that answers with an error alone.
func passError(f *FaultyStore, verb Verb, call func() error) error {
	_, err := pass(f, verb, func() (struct{}, error) { return struct{}{}, call() })
	return err
}

// AddIssuer implements ca.Store.
func (f *FaultyStore) AddIssuer(ctx context.Context, issuer *ca.KnownIssuer, entry tlog.Entry) error {
	return passError(f, AddIssuer, func() error { return f.inner.AddIssuer(ctx, issuer, entry) })
}

// Intend implements ca.Store.
func (f *FaultyStore) Intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	return passError(f, Intend, func() error {
		if err := f.inner.Intend(ctx, in, entry); err != nil {
			return err
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, d := range in.Drafts {
			f.intended[sha256.Sum256(d.Body)] = true
		}
		return nil
	})
}

// Complete implements ca.Store.
func (f *FaultyStore) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (ca.CardNumbers, error) {
	return pass(f, Complete, func() (ca.CardNumbers, error) { return f.inner.Complete(ctx, done, entry) })
}

// Abandon implements ca.Store.
func (f *FaultyStore) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	return passError(f, Abandon, func() error { return f.inner.Abandon(ctx, attempt, at, entry) })
}

// Append implements ca.Store.
func (f *FaultyStore) Append(ctx context.Context, entry tlog.Entry) (int64, error) {
	return pass(f, Append, func() (int64, error) { return f.inner.Append(ctx, entry) })
}

// Issuers implements ca.Store.
func (f *FaultyStore) Issuers(ctx context.Context) ([]ca.KnownIssuer, error) {
	return pass(f, Issuers, func() ([]ca.KnownIssuer, error) { return f.inner.Issuers(ctx) })
}

// Order implements ca.Store.
func (f *FaultyStore) Order(ctx context.Context, orderID string) (*ca.OrderState, error) {
	return pass(f, Order, func() (*ca.OrderState, error) { return f.inner.Order(ctx, orderID) })
}

// Card implements ca.Store.
func (f *FaultyStore) Card(ctx context.Context, iccsn string) (*ca.Card, error) {
	return pass(f, Card, func() (*ca.Card, error) { return f.inner.Card(ctx, iccsn) })
}

// Cards implements ca.Store.
func (f *FaultyStore) Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error) {
	return pass(f, Cards, func() ([]ca.CardSummary, error) { return f.inner.Cards(ctx, after, limit) })
}

// OpenAttempts implements ca.Store.
func (f *FaultyStore) OpenAttempts(ctx context.Context) ([]ca.OpenAttempt, error) {
	return pass(f, OpenAttempts, func() ([]ca.OpenAttempt, error) { return f.inner.OpenAttempts(ctx) })
}

// Entries implements ca.Store.
func (f *FaultyStore) Entries(ctx context.Context, after int64, limit int) ([]ca.StoredEntry, error) {
	return pass(f, Entries, func() ([]ca.StoredEntry, error) { return f.inner.Entries(ctx, after, limit) })
}

// WaitingOrders implements ca.Store.
func (f *FaultyStore) WaitingOrders(ctx context.Context, after string, limit int) ([]ca.WaitingOrder, error) {
	return pass(f, WaitingOrders, func() ([]ca.WaitingOrder, error) { return f.inner.WaitingOrders(ctx, after, limit) })
}

// CountOutliving implements ca.Store.
func (f *FaultyStore) CountOutliving(ctx context.Context, instant time.Time) ([]ca.CertificateCount, error) {
	return pass(f, CountOutliving, func() ([]ca.CertificateCount, error) { return f.inner.CountOutliving(ctx, instant) })
}
