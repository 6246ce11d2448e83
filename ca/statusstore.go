package ca

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/tlog"
)

// StatusStore keeps the status of cards and of their certificates beside what a Store has written. A card is issued, then active, then
// revoked; it never goes back (GS-A_4965), and it may be revoked without having been active. A single X.509 certificate may be revoked
// alone (GS-A_4724); CV certificates have no status. Every change is kept with its entry, and no change is ever changed.
//
// Each verb that changes is one transaction with the promises of a Store's verbs. Changes run one after the other: each gets the next
// epoch, so that who has seen one epoch has seen all before it.
//
// All methods are safe for concurrent use.
type StatusStore interface {
	StatusReader

	// ActivateCard makes an issued card active, and gives its status. Where it is active already, nothing happens, the entry is not
	// written, and the status says who activated it when.
	//
	// Errors that say that nothing happened: ErrNotFound (no card has this ICCSN), ErrCardRevoked.
	ActivateCard(ctx context.Context, activation *Activation, entry tlog.Entry) (*CardStatus, error)

	// RevokeCard revokes a card and all of its X.509 certificates, and gives its status. Certificates that were revoked before keep their
	// own revocation. Where the card is revoked already by the same requester for the same reason, nothing happens, the entry is not written, and
	// the status is that from then.
	//
	// Errors that say that nothing happened: ErrNotFound, ErrRevokedOtherwise.
	RevokeCard(ctx context.Context, iccsn string, revocation *Revocation, entry tlog.Entry) (*CardStatus, error)

	// RevokeCertificate revokes one X.509 certificate and gives its status. Where it is revoked already by the same requester for the same
	// reason, alone or with its card, nothing happens, the entry is not written, and the status is that from then.
	//
	// Errors that say that nothing happened: ErrNotFound (the issuer has issued no certificate of this serial number),
	// ErrRevokedOtherwise.
	RevokeCertificate(ctx context.Context, id CertificateID, revocation *Revocation, entry tlog.Entry) (*CertificateStatus, error)
}

// StatusReader reads the status of certificates. It needs no right to write, and sees every change that has been acknowledged to anybody:
// it must read where changes are written, not from a copy that comes later.
//
// # Caching what it says
//
// A change reaches other servers in two ways. WatchStatus is prompt but late by nature: between a commit and the arrival of its
// notification a cache would still say good. A cache that must not do that keeps an epoch, the newest up to which it has dropped what
// changed, and answers a request only if StatusChanges, begun after the request arrived, gives nothing after that epoch. It drops
// what it does give first. One such read may serve all requests that arrived before it began, so that it costs
// one small read at a time however many requests wait.
//
// An answer made from a CertificateStatus may be kept if the cache's epoch is not beyond that of the status when it goes in: a later change is
// then still to be read, and drops it. Otherwise the change that it missed has gone by, and it must not be kept.
type StatusReader interface {
	// CertificateStatus gives the status of the certificate of an issuer and a serial number. That there is none is an answer, too:
	// NotIssued. It is one read by an index, and takes as long among millions of certificates as among few.
	CertificateStatus(ctx context.Context, id CertificateID) (*CertificateStatus, error)

	// CertificateStates reads of several certificates what OCSP says, in their order. It costs one round trip, and takes of each certificate
	// only what an answer needs: it is made for thousands of them in a second.
	CertificateStates(ctx context.Context, ids []CertificateID) ([]CertificateState, error)

	// CardStatus gives the status of a card by its ICCSN, or ErrNotFound.
	CardStatus(ctx context.Context, iccsn string) (*CardStatus, error)

	// RevokedCertificates lists a page of the revoked certificates of an issuer, by ascending serial number in the order of its octets. All
	// pages of one epoch are of one state. A limit below 1 is an error.
	RevokedCertificates(ctx context.Context, query RevokedQuery) ([]RevokedCertificate, error)

	// StatusEpoch gives the number of the newest change, 0 before the first.
	StatusEpoch(ctx context.Context) (int64, error)

	// StatusChanges lists changes by ascending epoch, those after the given one, at most limit. They have no gaps. A limit below 1 is an error.
	// It is a read by an index, and costs next to nothing where there is no such change.
	StatusChanges(ctx context.Context, after int64, limit int) ([]StatusChange, error)

	// WatchStatus calls changed soon after each change, made by whichever server, until ctx ends or it cannot watch any more, and gives the
	// reason. It calls it once when it has begun to watch: what changed before, the caller reads then. Calls may stand for several changes, and
	// one may come without any. They come one after the other, from one goroutine; changed must not take long.
	WatchStatus(ctx context.Context, changed func()) error
}

// The sentinel errors of a StatusStore.
var (
	ErrCardRevoked      = errors.New("the card is revoked")
	ErrRevokedOtherwise = errors.New("it is revoked already, for another reason or by another requester")
)

// CertificateID names an X.509 certificate.
type CertificateID struct {
	Issuer string // name of the issuer
	Serial pkix.Serial
}

// ParseCertificateID reads a serial number as pkix.ParseSerial does.
func ParseCertificateID(issuer, serial string) (CertificateID, error) {
	number, err := pkix.ParseSerial(serial)
	return CertificateID{Issuer: issuer, Serial: number}, err
}

// Activation says that the holder has the card, and is who should have it (TIP1-A_3594).
type Activation struct {
	ICCSN       string
	RequestedAt time.Time // when the desk was told; millisecond precision, UTC
	At          time.Time // when it takes effect; the same
	Actor       string    // operator
}

// Revocation says why and for whom a card or a certificate is revoked (GS-A_4225, TIP1-A_3664).
type Revocation struct {
	RequestedAt time.Time // when the request was accepted; millisecond precision, UTC
	At          time.Time // when it takes effect: revocationTime of OCSP answers and CRLs; the same
	Actor       string    // operator
	Requester   string    // name in profiles/revocation.yaml
	Reason      string    // name in profiles/revocation.yaml; it does not go into OCSP answers (GS-A_5090)
}

// State says how far a card or a certificate is.
type State string

// The states. Only certificates can be NotIssued: a card that is not issued is not known at all.
const (
	NotIssued State = "not-issued"
	Issued    State = "issued" // and not active: OCSP does not know it
	Active    State = "active"
	Revoked   State = "revoked"
)

// CertificateState is what OCSP says of an issuer's serial number at one epoch: the part of a CertificateStatus that answers need.
type CertificateState struct {
	CertificateID
	State     State
	Epoch     int64     // no change up to this one is missing
	SHA256    [32]byte  // of the certificate's DER; zero where it is not issued
	RevokedAt time.Time // zero unless revoked; millisecond precision, UTC
}

// CertificateStatus is what is known of an issuer's serial number at one epoch.
type CertificateStatus struct {
	CertificateID
	State State
	Epoch int64 // no change up to this one is missing

	// What follows is empty where the certificate is not issued.

	SHA256      [32]byte // of the certificate's DER
	NotAfter    time.Time
	ICCSN       string
	Slot        string
	ActivatedAt time.Time   // zero where the card never became active
	Revocation  *Revocation // nil unless revoked
	Alone       bool        // revoked by itself, not with its card
}

// CardStatus is the status of a card and of its X.509 certificates, in the order of the card type.
type CardStatus struct {
	ICCSN        string
	State        State
	Activation   *Activation // nil where it never became active
	Revocation   *Revocation // nil unless the card is revoked
	EntryID      int64       // entry of the newest change of the card itself; that of its issuance where there is none
	Certificates []CertificateStatus
}

// RevokedQuery asks for a page of the revoked certificates of an issuer.
type RevokedQuery struct {
	Issuer string
	Epoch  int64 // as of this change; later ones are left out
	// ValidAfter leaves out certificates that had expired at this instant. The zero time leaves out none, as it must be for
	// qualified certificates (ETSI EN 319 411-2, CSS-6.3.10).
	ValidAfter time.Time
	After      pkix.Serial // those after this serial number; zero for the first page
	Limit      int
}

// RevokedCertificate is a line of a CRL.
type RevokedCertificate struct {
	Serial pkix.Serial
	At     time.Time // millisecond precision, UTC
	Reason string    // name in profiles/revocation.yaml
}

// StatusChange is one change of the status of a card or of a single certificate.
type StatusChange struct {
	Epoch        int64
	ICCSN        string
	To           State           // Active or Revoked
	Certificates []CertificateID // whose status it may have changed: the X.509 certificates of the card, or the one
}
