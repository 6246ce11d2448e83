package ca

import (
	"context"
	"errors"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// CRLStore keeps the CRLs of issuers beside what a Store has written. A CRL is recorded before it is signed and published when it is;
// one that was recorded and never published leaves a gap in the numbers. Each verb that writes is one transaction with the promises
// of a Store's verbs. All methods are safe for concurrent use.
type CRLStore interface {
	CRLReader

	// RecordCRL records a CRL that is about to be signed, with its entry. Errors that say that nothing happened: ErrCRLMoved (its number is not
	// the one after the newest that is recorded for the issuer: another server is faster).
	RecordCRL(ctx context.Context, draft *CRLDraft, entry tlog.Entry) error

	// PublishCRL makes a recorded CRL the one that is served, with its entry, and drops the octets of all but the one before it,
	// which somebody may be reading. Errors that say that
	// nothing happened: ErrNotFound (it is not recorded), ErrCRLMoved (it, or a newer one, is published already).
	PublishCRL(ctx context.Context, crl *SignedCRL, entry tlog.Entry) error
}

// CRLReader reads CRLs. It needs no right to write.
type CRLReader interface {
	// NewestCRL gives what is known of an issuer's CRLs. That there is none is no error.
	NewestCRL(ctx context.Context, issuer string) (*CRLState, error)

	// CRLPart gives a part of the octets of a published CRL: those from CRLPartLen times part, CRLPartLen of them or, at the end, fewer. The
	// error is ErrNotFound where there is no such part, or it was dropped because newer CRLs are published.
	CRLPart(ctx context.Context, issuer string, number int64, part int) ([]byte, error)
}

// CRLPartLen is the length of the parts in which a store keeps a CRL, in octets: a CRL may have many millions of them.
const CRLPartLen = 1 << 20

// ErrCRLMoved says that another server has recorded or published a CRL of the issuer since.
var ErrCRLMoved = errors.New("another CRL of the issuer has come before")

// CRLDraft is a CRL complete but for its signature.
type CRLDraft struct {
	Issuer     string
	Number     int64 // cRLNumber: from 1
	Epoch      int64 // newest change of the status that is in it
	ThisUpdate time.Time
	NextUpdate time.Time
	Entries    int
	BodySHA256 [32]byte // of what is signed
}

// SignedCRL is a CRL about to be published.
type SignedCRL struct {
	Issuer string
	Number int64
	SHA256 [32]byte // of the whole CRL
	Octets []byte   // the whole CRL, DER
}

// CRLState is what is known of an issuer's CRLs.
type CRLState struct {
	Recorded  int64         // number of the newest that is recorded; 0 for none
	Published *PublishedCRL // nil for none
}

// PublishedCRL is a CRL that is served.
type PublishedCRL struct {
	CRLDraft
	SHA256  [32]byte // of the whole CRL
	Size    int64    // octets of it
	EntryID int64    // entry that records its publication
}

// Parts is the number of parts of the CRL.
func (c *PublishedCRL) Parts() int { return int((c.Size + CRLPartLen - 1) / CRLPartLen) }
