package ca

import (
	"time"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// This file is what a Store tells to someone who thinks of changing the algorithm policy: which orders still wait for their card, and
// how many certificates would outlive a day. None of it is personal.

// WaitingOrder is an order that is recorded and has no card: its latest attempt is open, or was abandoned.
type WaitingOrder struct {
	OrderID    string
	CardType   string
	Sector     string
	RecordedAt time.Time        // of its first attempt; millisecond precision, UTC
	Open       bool             // an attempt is under way; otherwise the latest was abandoned, and the order must be sent again
	Drafts     []AlgorithmsUsed // of the latest attempt, in the order of the card type
}

// AlgorithmsUsed says which algorithms a draft or a certificate uses: the slot's name ends in the type of its key, the issuer's key has made
// or would make the signature.
type AlgorithmsUsed struct {
	Slot    string
	Profile string
	Issuer  string
	Scheme  sigalg.Scheme
}

// CertificateCount counts certificates of issued cards that have these in common.
type CertificateCount struct {
	AlgorithmsUsed
	Certificates int64 // above zero
}
