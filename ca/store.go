package ca

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// Store keeps orders, attempts, cards and the log. Each verb is one transaction: when it returns nil, everything it says is
// durable (fsync'd, or replicated as the database is set up); when it returns an error, the caller must assume that it may
// or may not have happened, unless the error is one of those named with the verb, which say that nothing happened.
//
// Every verb that changes state takes the entry that records the change and writes it in the same transaction.
//
// All methods are safe for concurrent use. Reads see every verb that has returned. A verb's arguments must not be changed any
// more, not even after it has returned an error. A time finer than its field says is an error.
type Store interface {
	// AddIssuer makes an issuer or a root known, for ever: its name stands for this certificate and no other, and only those that are
	// known are named by drafts. The one above it must be known before, unless it is its own. Where all of that is known already,
	// nothing happens and the entry is not written, so that every server may say it at each of its starts.
	//
	// Errors that say that nothing happened: ErrIssuerDiffers (the name belongs to an issuer of another kind or certificate or with
	// another above it, or the certificate has another name).
	AddIssuer(ctx context.Context, issuer *KnownIssuer, entry tlog.Entry) error

	// Intend records an order's attempt before any key is used: the order (at the first attempt), the attempt, its drafts with
	// their serial numbers, and the entry.
	//
	// An order that renews is recorded beside the order that made the card: it shares its ICCSN, takes no keys but uses those that
	// belong to it, slot by slot, and gets the next number among its renewals. The order that made the card keeps them all.
	//
	// Errors that say that nothing happened: ErrOrderDiffers (the id belongs to an order of other content), ErrOrderComplete
	// (the order has its card already), ErrAttemptOpen (an attempt of the order is open), ErrNotRenewable (Renews names no order that
	// made a card, or one of another ICCSN, card type or sector), *TakenError (ICCSN, public key, serial number or CHR belongs to
	// something else; a renewal's public key not to its slot of the card). Where several apply, the first of them in this order is given. No other
	// error leaves a part of the intent behind; a draft of an issuer that is not known is one.
	Intend(ctx context.Context, in *Intent, entry tlog.Entry) error

	// Complete ends an open attempt with its card and gives the numbers that the card got. With them, Completion.Card is what Card and
	// Order read from now on.
	//
	// Errors that say that nothing happened: ErrNoAttempt (no such attempt, or not open any more). It is an error to give
	// another number of certificates than the attempt has drafts.
	Complete(ctx context.Context, done *Completion, entry tlog.Entry) (CardNumbers, error)

	// Abandon ends an open attempt without a card. Its serial numbers stay taken.
	//
	// Errors that say that nothing happened: ErrNoAttempt.
	Abandon(ctx context.Context, attempt AttemptID, at time.Time, entry tlog.Entry) error

	// Append writes an entry that goes with no other change, and gives its id.
	Append(ctx context.Context, entry tlog.Entry) (int64, error)

	// Issuers lists the issuers and roots that are known, by ascending name in the order of its octets.
	Issuers(ctx context.Context) ([]KnownIssuer, error)

	// Order gives what is known of an order, or ErrNotFound.
	Order(ctx context.Context, orderID string) (*OrderState, error)

	// Card gives an issued card by its ICCSN, or ErrNotFound. It is the card as it was made; its renewals are found by their orders.
	Card(ctx context.Context, iccsn string) (*Card, error)

	// Cards lists issued cards by ascending CardSummary.Number, those after the given number, at most limit. A limit below 1 is
	// an error.
	Cards(ctx context.Context, after int64, limit int) ([]CardSummary, error)

	// OpenAttempts lists the attempts that have neither completed nor been abandoned, oldest first.
	OpenAttempts(ctx context.Context) ([]OpenAttempt, error)

	// Entries lists entries by ascending id, those after the given id, at most limit. A limit below 1 is an error.
	//
	// Ids tell entries apart; they are not the order of the log. Where verbs run at the same time, an entry may appear with a smaller
	// id than one that a reader has seen: to give ids in the order in which transactions become visible, each would have to wait for
	// the disk of the one before it.
	Entries(ctx context.Context, after int64, limit int) ([]StoredEntry, error)

	// WaitingOrders lists the orders that have no card, by ascending order id in the order of its octets, those after the given id, at
	// most limit. A limit below 1 is an error.
	WaitingOrders(ctx context.Context, after string, limit int) ([]WaitingOrder, error)

	// CountOutliving counts the certificates of issued cards that are valid after an instant: those with a later Draft.NotAfter. They are
	// grouped, and the groups sorted by issuer, profile, slot and name of the scheme. It reads every certificate, so that it takes as long as there
	// are cards: it is for a person who asks once, not for a program that asks again and again.
	CountOutliving(ctx context.Context, instant time.Time) ([]CertificateCount, error)

	ApprovalStore
	SessionStore
	StatusStore
	BulkStore
}

// The sentinel errors of a Store.
var (
	ErrNotFound      = errors.New("not found")
	ErrOrderDiffers  = errors.New("order id belongs to an order of other content")
	ErrOrderComplete = errors.New("order is complete")
	ErrAttemptOpen   = errors.New("another attempt of the order is open")
	ErrNotRenewable  = errors.New("there is no such card to renew")
	ErrNoAttempt     = errors.New("no such open attempt")
	ErrIssuerDiffers = errors.New("name or certificate belongs to another issuer")
)

// TakenError says that something that must be unique belongs to something else already.
type TakenError struct {
	What  Unique
	Draft int // index of the draft concerned; -1 where it is the order's ICCSN
}

// Error names what is taken.
func (e *TakenError) Error() string { return fmt.Sprintf("%s is taken (draft %d)", e.What, e.Draft) }

// Unique names what a Store keeps unique.
type Unique string

// What is unique: the ICCSN among orders that make cards, a subject public key among orders and slots (GS-A_4906), a serial number among
// the drafts of an issuer (RFC 5280, Section 4.1.2.2), a CHR of an issuer among orders and slots.
const (
	UniqueICCSN  Unique = "ICCSN"
	UniqueKey    Unique = "public key"
	UniqueSerial Unique = "serial number"
	UniqueCHR    Unique = "CHR"
)

// AttemptID identifies an attempt: 32 lower-case hex digits from a CSPRNG.
type AttemptID string

// Format tells the two kinds of certificates apart.
type Format string

// The certificate formats.
const (
	X509 Format = "x509"
	CVC  Format = "cvc"
)

// KnownIssuer is an issuer or a root as the store knows it. But for Used, it never changes.
type KnownIssuer struct {
	Name        string
	Kind        profiles.IssuerKind
	IssuedBy    string // name of the one above; its own for a root
	Certificate []byte // DER, or data object 7F21; of a root of CV certificates of generation 1 data object 7F4E
	Used        bool   // it signs drafts that are recorded; AddIssuer does not look at it
}

// Draft is a certificate complete but for its signature.
type Draft struct {
	Slot      string
	Profile   string
	Format    Format
	Issuer    string        // name of the issuer
	Scheme    sigalg.Scheme // with which the issuer's key signs
	Serial    pkix.Serial   // X.509 only
	CHR       string        // CVC only: 24 upper-case hex digits
	NotBefore time.Time     // second precision, UTC; those of the card where HasTerm is false
	NotAfter  time.Time
	KeyHash   [32]byte // SHA-256 of the subject's DER SubjectPublicKeyInfo
	// KeyIdentity is the same for subject keys that one secret serves: pkix.KeyIdentity. It is what belongs to one slot of one order.
	KeyIdentity [32]byte
	Body        []byte // what is signed: TBSCertificate, data object 7F4E, or the message of a CV certificate of generation 1
}

// HasTerm tells whether the certificate itself says how long it is valid. A CV certificate of generation 1 carries no dates and does not
// expire: its NotBefore and NotAfter are the term of the card, which bounds what is issued and nothing that a reader checks.
func (d *Draft) HasTerm() bool { return d.Scheme != sigalg.ISO9796SHA256 }

// Intent is an attempt about to be made.
type Intent struct {
	Attempt   AttemptID
	OrderID   string
	OrderHash [32]byte // the same for orders that say the same
	OrderJSON []byte   // the whole order; personal data
	ICCSN     string
	CardType  string
	Sector    string
	Renews    string    // id of the order that made the card; "" unless it renews
	At        time.Time // millisecond precision, UTC
	Drafts    []Draft   // in the order of the card type
	Warnings  []string
	// Ended are the algorithms whose last day has passed. The entry of the card keeps them; a Store need not.
	Ended []profiles.EndedAlgorithm
}

// Completion is an attempt whose drafts are all signed and verified.
type Completion struct {
	Intent       *Intent   // as it was recorded
	At           time.Time // millisecond precision, UTC
	Certificates [][]byte  // one for each draft, in the order of the drafts
}

// CardNumbers is what a card has from its store alone; all else is in its Completion.
type CardNumbers struct {
	Number  int64 // CardSummary.Number
	Renewal int   // CardSummary.Renewal
	EntryID int64 // Card.EntryID
}

// OrderState is what is known of an order.
type OrderState struct {
	ID    string
	Hash  [32]byte
	First AttemptID    // its first attempt, whose entry holds the order
	Open  *OpenAttempt // nil where no attempt is open
	Card  *Card        // nil where the order is not complete
}

// OpenAttempt is an attempt that has not ended.
type OpenAttempt struct {
	ID      AttemptID
	OrderID string
	ICCSN   string
	At      time.Time
	// Elsewhere says that the attempt is the work of another server, which lives. Any other open attempt is that of the server that
	// asks, or of one that is dead. A store that lets one server in at a time never says it. It is a judgement of the moment: a
	// server that lost touch with the database counts as dead, and where it is not, it finds that its attempt has ended.
	Elsewhere bool
}

// CardSummary is a card without its certificates. A renewal is listed like a card.
type CardSummary struct {
	Number       int64 // position in the list of cards; ascending in the order of completion, for cards that complete one after the other
	ICCSN        string
	OrderID      string
	CardType     string
	Sector       string
	IssuedAt     time.Time // millisecond precision, UTC
	Certificates int
	Renews       string // id of the order that made the card; "" for that card itself
	Renewal      int    // number among the renewals of the card, in the order in which they were recorded; 0 for the card itself
}

// Card is a complete issued card, or a complete renewal of one. Its certificates are those of the attempt that completed it.
type Card struct {
	CardSummary
	OrderHash [32]byte
	Warnings  []string
	EntryID   int64 // entry that records the issuance
	Certs     []Certificate
}

// Card gives the card that a completion made. It shares the octets of the certificates with it, and none of the drafts' octets.
func (done *Completion) Card(numbers CardNumbers) *Card {
	in := done.Intent
	card := &Card{
		CardSummary: CardSummary{
			Number: numbers.Number, ICCSN: in.ICCSN, OrderID: in.OrderID, CardType: in.CardType, Sector: in.Sector, IssuedAt: done.At,
			Certificates: len(done.Certificates), Renews: in.Renews, Renewal: numbers.Renewal,
		},
		OrderHash: in.OrderHash, EntryID: numbers.EntryID, Certs: make([]Certificate, len(done.Certificates)),
	}
	if len(in.Warnings) > 0 {
		card.Warnings = in.Warnings
	}
	for i, data := range done.Certificates {
		card.Certs[i] = Certificate{Draft: in.Drafts[i], Data: data}
		card.Certs[i].Body = nil
	}
	return card
}

// Certificate is one issued certificate.
type Certificate struct {
	Draft        // Body is not loaded: it is a part of Data
	Data  []byte // the certificate: DER, or data object 7F21
}

// StoredEntry is an entry with the id that its store gave it.
type StoredEntry struct {
	ID int64
	tlog.Entry
}
