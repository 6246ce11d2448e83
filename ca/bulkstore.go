package ca

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// BulkStore keeps bulk revocations: a list of cards that is fixed when it is planned, and how far the work on it is. Each verb that changes
// is one transaction with the promises of a Store's verbs. All methods are safe for concurrent use.
//
// The states, and the verbs that lead from one to the next:
//
//	planned ─ StartBulk → running ←─ HoldBulk ─→ paused
//	                      running ─ EndBulk → ended
//
// A card is revoked once whatever happens: the step that revokes it moves Bulk.Done in the same transaction, from where its caller
// believes it to be and from nowhere else, and a card that is revoked already stays as it is.
type BulkStore interface {
	// SelectCards lists the cards that a selection names, by ascending SelectedCard.Number, those after the given number, at most limit. A
	// limit below 1 is an error. It may read every card.
	SelectCards(ctx context.Context, selection *CardSelection, after int64, limit int) ([]SelectedCard, error)

	// PlanBulk records a plan with its list: numbers of cards, in the order in which they are to be revoked. Recorded before with the same
	// content, it is given as it is and the entry is not written.
	//
	// Errors that say that nothing happened: ErrBulkDiffers.
	PlanBulk(ctx context.Context, plan *BulkPlan, cards []int64, entry tlog.Entry) (*Bulk, error)

	// StartBulk begins the work, as an approved act.
	//
	// Errors that say that nothing happened: ErrNotFound, ErrBulkMoved (it is not planned any more), ErrNotApproved.
	StartBulk(ctx context.Context, id BulkID, at time.Time, entry tlog.Entry, use *ApprovalUse) error

	// HoldBulk stops the work for a while, or lets it go on.
	//
	// Errors that say that nothing happened: ErrNotFound, ErrBulkMoved (it is not running, or not paused).
	HoldBulk(ctx context.Context, id BulkID, hold bool, at time.Time, entry tlog.Entry) error

	// AdvanceBulk revokes the next cards of the list, as many as there are entries, and gives what is known then. Of a card that is revoked
	// already, the entry is not written.
	//
	// Errors that say that nothing happened: ErrNotFound, ErrBulkMoved (it is not running, or another step came before).
	AdvanceBulk(ctx context.Context, step *BulkStep, entries []tlog.Entry) (*Bulk, error)

	// EndBulk ends the work when the list is through.
	//
	// Errors that say that nothing happened: ErrNotFound, ErrBulkMoved (it is not running, or not through).
	EndBulk(ctx context.Context, id BulkID, at time.Time, entry tlog.Entry) error

	// Bulk gives a bulk revocation, or ErrNotFound.
	Bulk(ctx context.Context, id BulkID) (*Bulk, error)

	// RunningBulks lists those that are running, in the order in which they were planned.
	RunningBulks(ctx context.Context) ([]Bulk, error)

	// BulkCards lists the cards of a list, from the place given, at most limit. A limit below 1 is an error.
	BulkCards(ctx context.Context, id BulkID, from, limit int) ([]BulkCard, error)

	// LeadBulks is LogStore.Lead for the server that works on bulk revocations.
	LeadBulks(ctx context.Context, work func(context.Context) error) error
}

// The sentinel errors of a BulkStore.
var (
	ErrBulkDiffers = errors.New("the id belongs to another bulk revocation")
	ErrBulkMoved   = errors.New("the bulk revocation is not where it was taken to be")
)

// BulkID identifies a bulk revocation: 32 lower-case hex digits, chosen by the client at random.
type BulkID string

// CardSelection says which cards: those of which everything holds that is said. The zero value is all cards. Renewals are no cards.
type CardSelection struct {
	ICCSNFrom   string    `json:"iccsn_from,omitempty"` // inclusive
	ICCSNUntil  string    `json:"iccsn_until,omitempty"`
	CardType    string    `json:"card_type,omitempty"` // it says which object system the chip has
	Sector      string    `json:"sector,omitempty"`
	Issuer      string    `json:"issuer,omitempty"` // of at least one of the card's X.509 certificates
	IssuedFrom  time.Time `json:"issued_from,omitzero"`
	IssuedUntil time.Time `json:"issued_until,omitzero"` // exclusive
	ICCSNs      []string  `json:"iccsns,omitempty"`      // none: any
}

// SelectedCard is a card of a selection.
type SelectedCard struct {
	Number   int64
	ICCSN    string
	CardType string
	Sector   string
	Revoked  bool
}

// BulkPlan is what is going to be done.
type BulkPlan struct {
	ID          BulkID
	Selection   []byte // JSON of the CardSelection, without ICCSNs
	Requester   string
	Reason      string
	Ground      string
	RequestedAt time.Time // millisecond precision, UTC
	PlannedAt   time.Time // the same
	PlannedBy   string    // operator
	Cards       int
	ListSHA256  [32]byte // over the ICCSNs in the order of the list, each followed by a line feed: sha256sum of the list as a file
}

// BulkState says how far a bulk revocation is.
type BulkState string

// The states.
const (
	BulkPlanned BulkState = "planned"
	BulkRunning BulkState = "running"
	BulkPaused  BulkState = "paused"
	BulkEnded   BulkState = "ended"
)

// Bulk is a bulk revocation.
type Bulk struct {
	BulkPlan
	State     BulkState
	Done      int // cards of the list that are through
	Revoked   int // of these, the ones that were revoked by it; the others were revoked before
	StartedBy string
	StartedAt time.Time // zero before it is started; millisecond precision, UTC
	EndedAt   time.Time // zero before it is ended; the same
}

// Same tells whether a plan is the one that was made before. Times do not count.
func (b *Bulk) Same(p *BulkPlan) bool {
	return b.ID == p.ID && b.ListSHA256 == p.ListSHA256 && b.Requester == p.Requester && b.Reason == p.Reason && b.PlannedBy == p.PlannedBy
}

// BulkStep is the revocation of the next cards of a list.
type BulkStep struct {
	ID         BulkID
	From       int // Bulk.Done as the caller knows it
	Revocation     // of each of the cards
}

// BulkCard is a card of a list.
type BulkCard struct {
	Place        int // from 0
	ICCSN        string
	Revoked      bool                // by whatever
	Certificates []CertificateStatus // X.509; only issuer, serial number and slot are set
}
