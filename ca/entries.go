package ca

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// The facts of each kind of entry. They stand in clear in the log for ever, so they hold no personal data: order id, ICCSN and
// what is drawn at random are facts; names, Telematik-ID, evidence and address are personal and go, as the whole order, into
// the salted part. The hash of the order is left out for the same reason: it has no salt, and what it covers can be guessed. Their types
// are those of package tlog, where an auditor reads them.

// reason is the class of failure for which an attempt was abandoned; never an error's text, which could hold anything.
type reason string

// The reasons.
const (
	reasonDied      reason = "process-ended"     // found open, and no process runs it
	reasonIntent    reason = "record-uncertain"  // the store did not say whether it recorded the intent
	reasonDoor      reason = "door-refused"      // a check before the signature failed
	reasonKey       reason = "signature-failed"  // a key gave no signature
	reasonBad       reason = "signature-bad"     // a key gave a signature, or a certificate came out, that is wrong
	reasonLeft      reason = "caller-left"       // nobody waits for the card any more
	reasonUncertain reason = "completion-failed" // the store did not complete the card
)

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (d *Draft) facts() tlog.CertificateFacts {
	f := tlog.CertificateFacts{
		Slot: d.Slot, Profile: d.Profile, Issuer: d.Issuer, CHR: d.CHR, NotBefore: tlog.Instant(d.NotBefore),
		NotAfter: tlog.Instant(d.NotAfter), NoTerm: !d.HasTerm(), KeySHA256: hex.EncodeToString(d.KeyHash[:]), BodySHA256: hash(d.Body),
	}
	if d.Format == X509 {
		f.Serial = d.Serial.String()
	}
	return f
}

func (a *Authority) startFacts() tlog.ServerFacts {
	set := a.profiles.Hash()
	facts := tlog.ServerFacts{
		Environment: string(a.config.Environment), ProfileSetSHA256: hex.EncodeToString(set[:]),
		ConfigSHA256: hex.EncodeToString(a.config.ConfigHash), LegacyExceptions: a.config.LegacyExceptions,
		StandingSessions: a.config.Standing.names(), OperatorsSHA256: hex.EncodeToString(a.config.OperatorsHash),
	}
	for _, iss := range a.public {
		facts.Issuers = append(facts.Issuers, tlog.IssuerFacts{Name: iss.Name, Kind: string(iss.Kind), CertificateSHA256: hash(iss.Raw()), Profiles: iss.Profiles})
	}
	return facts
}

// intentEntry records an attempt. The order itself is the personal part; once it is in the log, later attempts refer to the first, so that it
// need not be kept, and erased, more than once.
func intentEntry(actor string, in *Intent, first AttemptID) (tlog.Entry, error) {
	facts := tlog.OrderFacts{Order: in.OrderID, Attempt: string(in.Attempt), ICCSN: in.ICCSN, CardType: in.CardType, Sector: in.Sector,
		SameOrderAs: string(first), Renews: in.Renews}
	for i := range in.Drafts {
		facts.Drafts = append(facts.Drafts, in.Drafts[i].facts())
	}
	if first != "" {
		return tlog.NewEntry(tlog.OrderRecorded, in.At, actor, facts, nil)
	}
	return tlog.NewEntry(tlog.OrderRecorded, in.At, actor, facts, json.RawMessage(in.OrderJSON))
}

// cardEntry records the card of an attempt.
func cardEntry(actor string, done *Completion) (tlog.Entry, error) {
	in := done.Intent
	facts := tlog.CardFacts{Order: in.OrderID, Attempt: string(in.Attempt), ICCSN: in.ICCSN, CardType: in.CardType, Sector: in.Sector, Renews: in.Renews}
	for i := range in.Drafts {
		f := in.Drafts[i].facts()
		f.SHA256 = hash(done.Certificates[i])
		facts.Certificates = append(facts.Certificates, f)
	}
	for _, e := range in.Ended {
		facts.Ended = append(facts.Ended, tlog.EndedFacts{Exception: e.Exception, LastDay: e.LastDay.String(), Granted: e.Granted, Slots: e.Slots})
	}
	return tlog.NewEntry(tlog.CardIssued, done.At, actor, facts, nil)
}

// append writes an entry that goes with no other change.
func (a *Authority) append(ctx context.Context, kind tlog.Kind, facts any) error {
	entry, err := tlog.NewEntry(kind, a.now(), systemActor, facts, nil)
	if err != nil {
		return err
	}
	if _, err := a.store.Append(ctx, entry); err != nil {
		return storeFailure(fmt.Sprintf("write a %s entry", kind), err)
	}
	return nil
}
