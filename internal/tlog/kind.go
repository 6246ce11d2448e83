package tlog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Kind says what an entry records.
type Kind string

// The kinds of entries.
const (
	ServerStarted    Kind = "server-started"     // configuration and profile set in force, by hash
	OperatorsLoaded  Kind = "operators-loaded"   // another operator file is in force, by hash
	IssuerAdded      Kind = "issuer-added"       // the database knows an issuer or a root from here on, by its certificate
	KeySessionOpened Kind = "key-session-opened" // an issuer key may sign from here
	KeySessionDrawn  Kind = "key-session-drawn"  // a server took signatures off the session
	KeySessionClosed Kind = "key-session-closed" // and no longer from here
	OrderRecorded    Kind = "order-recorded"     // order, serials and drafts are in the database; no key was used yet
	CardIssued       Kind = "card-issued"        // the card is complete
	AttemptAbandoned Kind = "attempt-abandoned"  // an attempt ended without a card; its serials stay taken

	// Acts that need two people.
	ApprovalRequested Kind = "approval-requested" // a person asks for an act
	ApprovalGiven     Kind = "approval-given"     // another approves it
	ApprovalRejected  Kind = "approval-rejected"  // another, or the one who asked, rejects it
	ApprovalUsed      Kind = "approval-used"      // the act was done; it cannot be done again
	ApprovalExpired   Kind = "approval-expired"   // it was not done in time, and cannot be done any more

	// The status of cards.
	CardActivated      Kind = "card-activated"      // the holder has the card: its certificates are good from here
	CardRevoked        Kind = "card-revoked"        // with all of its X.509 certificates, for ever
	CertificateRevoked Kind = "certificate-revoked" // one X.509 certificate alone, for ever

	// Bulk revocations. Their cards have entries of their own.
	BulkPlanned Kind = "bulk-revocation-planned" // a list of cards is fixed
	BulkStarted Kind = "bulk-revocation-started" // a second person has approved it
	BulkPaused  Kind = "bulk-revocation-paused"
	BulkResumed Kind = "bulk-revocation-resumed"
	BulkEnded   Kind = "bulk-revocation-ended" // the list is through

	// Certificate revocation lists.
	CRLRecorded Kind = "crl-recorded" // a CRL is drafted; it is not signed yet, and may never be
	CRLIssued   Kind = "crl-issued"   // it is signed, and served from here
)

// schemas holds what each kind of entry must be. A new kind is a line here, a constant above and a type in facts.go.
var schemas = map[Kind]schema{
	ServerStarted:    {facts: read[ServerFacts]},
	OperatorsLoaded:  {facts: read[OperatorsFacts]},
	IssuerAdded:      {facts: read[IssuerAddedFacts]},
	KeySessionOpened: {facts: read[SessionFacts]},
	KeySessionDrawn:  {facts: read[DrawFacts]},
	KeySessionClosed: {facts: read[SessionEndFacts]},
	OrderRecorded:    {facts: read[OrderFacts], personal: isFirstOfOrder},
	CardIssued:       {facts: read[CardFacts]},
	AttemptAbandoned: {facts: read[AbandonFacts]},

	ApprovalRequested: {facts: read[ApprovalRequestFacts], personal: always},
	ApprovalGiven:     {facts: read[ApprovalDecisionFacts]},
	ApprovalRejected:  {facts: read[ApprovalDecisionFacts], personal: always},
	ApprovalUsed:      {facts: read[ApprovalEndFacts]},
	ApprovalExpired:   {facts: read[ApprovalEndFacts]},

	CardActivated:      {facts: read[ActivationFacts], personal: always},
	CardRevoked:        {facts: read[CardRevocationFacts], personal: isNoBulk},
	CertificateRevoked: {facts: read[CertificateRevocationFacts], personal: always},

	BulkPlanned: {facts: read[BulkPlanFacts], personal: always},
	BulkStarted: {facts: read[BulkStartFacts]},
	BulkPaused:  {facts: read[BulkHoldFacts]},
	BulkResumed: {facts: read[BulkHoldFacts]},
	BulkEnded:   {facts: read[BulkEndFacts]},

	CRLRecorded: {facts: read[CRLRecordedFacts]},
	CRLIssued:   {facts: read[CRLIssuedFacts]},
}

type schema struct {
	facts    func(octets json.RawMessage) (facts Facts, again []byte, err error)
	personal func(Facts) bool // whether personal data go with the facts; nil where they never do
}

// isFirstOfOrder tells whether the order goes with the facts. Later attempts refer to the entry that has it.
func isFirstOfOrder(facts Facts) bool { return facts.(*OrderFacts).SameOrderAs == "" }

// always tells that the personal part is never missing: a reason in a person's words.
func always(Facts) bool { return true }

// Kinds lists the known kinds, in alphabetical order.
func Kinds() []Kind { return slices.Sorted(maps.Keys(schemas)) }

// UnknownKindError says that an entry is of a kind that this version does not know: written by a newer one, or made up. That the entry is
// in the tree can be verified all the same; what it says cannot.
type UnknownKindError struct{ Kind Kind }

// Error names the kind.
func (e *UnknownKindError) Error() string {
	return fmt.Sprintf("entries of kind %q are not known here", e.Kind)
}

// ReadFacts gives the facts of an entry by their type, for example *CardFacts for CardIssued. It is an error where the entry is not
// as the server writes those of its kind: a fact is missing, unknown, doubled or malformed, or personal data are there or
// missing. The error joins all that was found, one line each. For a kind that is not known it is *UnknownKindError.
func (e Entry) ReadFacts() (Facts, error) {
	s, known := schemas[e.Kind]
	if !known {
		return nil, &UnknownKindError{e.Kind}
	}
	facts, again, err := s.facts(e.Facts)
	if err != nil {
		return nil, fmt.Errorf("read the facts of a %s entry: %w", e.Kind, err)
	}
	c := &checker{}
	c.entry(e, s.personal != nil && s.personal(facts))
	facts.check(c)
	if len(c.errs) == 0 && !bytes.Equal(again, e.Facts) {
		c.report("facts", "are not in their one form: one is missing, doubled or out of place")
	}
	if err := c.err(); err != nil {
		return nil, fmt.Errorf("read a %s entry: %w", e.Kind, err)
	}
	return facts, nil
}

// read gives facts of one type, and the octets that they should have been read from.
func read[T any, P interface {
	*T
	Facts
}](octets json.RawMessage) (facts Facts, again []byte, err error) {
	p := P(new(T))
	dec := json.NewDecoder(bytes.NewReader(octets))
	dec.DisallowUnknownFields()
	if err := dec.Decode(p); err != nil {
		return nil, nil, err
	}
	again, err = json.Marshal(p)
	return p, again, err
}
