package storetest

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// Verb names a method of ca.Store.
type Verb string

// The verbs. AnyVerb stands for each of them.
const (
	AnyVerb      Verb = ""
	Intend       Verb = "Intend"
	Complete     Verb = "Complete"
	Abandon      Verb = "Abandon"
	Append       Verb = "Append"
	Order        Verb = "Order"
	Card         Verb = "Card"
	Cards        Verb = "Cards"
	OpenAttempts Verb = "OpenAttempts"
	Entries      Verb = "Entries"
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
type FaultyStore struct{}

var _ ca.Store = (*FaultyStore)(nil)

// Faulty puts faults before a store.
func Faulty(store ca.Store, faults ...Fault) *FaultyStore { panic("not written") }

// Calls lists the calls so far, failed ones too, in the order of arrival.
func (f *FaultyStore) Calls() []Verb { panic("not written") }

// Intended tells whether body is the Body of a draft that an Intend has put into the inner store. A test that watches the
// key asks it for every message that is signed: nothing is signed without intent.
func (f *FaultyStore) Intended(body []byte) bool { panic("not written") }

// Intend implements ca.Store.
func (f *FaultyStore) Intend(ctx context.Context, in *ca.Intent, entry tlog.Entry) error {
	panic("not written")
}

// Complete implements ca.Store.
func (f *FaultyStore) Complete(ctx context.Context, done *ca.Completion, entry tlog.Entry) (*ca.Card, error) {
	panic("not written")
}

// Abandon implements ca.Store.
func (f *FaultyStore) Abandon(ctx context.Context, attempt ca.AttemptID, at time.Time, entry tlog.Entry) error {
	panic("not written")
}

// Append implements ca.Store.
func (f *FaultyStore) Append(ctx context.Context, entry tlog.Entry) (int64, error) {
	panic("not written")
}

// Order implements ca.Store.
func (f *FaultyStore) Order(ctx context.Context, orderID string) (*ca.OrderState, error) {
	panic("not written")
}

// Card implements ca.Store.
func (f *FaultyStore) Card(ctx context.Context, iccsn string) (*ca.Card, error) { panic("not written") }

// Cards implements ca.Store.
func (f *FaultyStore) Cards(ctx context.Context, after int64, limit int) ([]ca.CardSummary, error) {
	panic("not written")
}

// OpenAttempts implements ca.Store.
func (f *FaultyStore) OpenAttempts(ctx context.Context) ([]ca.OpenAttempt, error) {
	panic("not written")
}

// Entries implements ca.Store.
func (f *FaultyStore) Entries(ctx context.Context, after int64, limit int) ([]ca.StoredEntry, error) {
	panic("not written")
}
