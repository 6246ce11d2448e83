package ca

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// The facts of each kind of entry. They stand in clear in the log for ever, so they hold no personal data: order id, ICCSN and
// what is drawn at random are facts; names, Telematik-ID, evidence and address are personal and go, as the whole order, into
// the salted part. The hash of the order is left out for the same reason: it has no salt, and what it covers can be guessed.

type startFacts struct {
	Environment      string        `json:"environment"`
	ProfileSetSHA256 string        `json:"profile_set_sha256"`
	ConfigSHA256     string        `json:"config_sha256,omitempty"`
	Issuers          []issuerFacts `json:"issuers"`
}

type issuerFacts struct {
	Name              string   `json:"name"`
	Kind              string   `json:"kind"`
	CertificateSHA256 string   `json:"certificate_sha256"` // of a root of generation 1, which has none: of the object with its key
	Profiles          []string `json:"profiles,omitempty"`
}

type sessionFacts struct {
	Session    string `json:"session"`
	Issuer     string `json:"issuer"`
	Ends       string `json:"ends"`
	Signatures int64  `json:"signatures"`
}

type orderFacts struct {
	Order    string       `json:"order_id"`
	Attempt  AttemptID    `json:"attempt"`
	ICCSN    string       `json:"iccsn"`
	CardType string       `json:"card_type"`
	Sector   string       `json:"sector"`
	Drafts   []draftFacts `json:"drafts"`
}

// draftFacts name a draft, and with SHA256 a certificate too.
type draftFacts struct {
	Slot       string `json:"slot"`
	Profile    string `json:"profile"`
	Issuer     string `json:"issuer"`
	Serial     string `json:"serial,omitempty"`
	CHR        string `json:"chr,omitempty"`
	NotBefore  string `json:"not_before"`
	NotAfter   string `json:"not_after"`
	NoTerm     bool   `json:"no_term_in_certificate,omitempty"` // the two above are the card's; see Draft.HasTerm
	KeySHA256  string `json:"key_sha256"`
	BodySHA256 string `json:"body_sha256"`                  // of what is signed
	SHA256     string `json:"certificate_sha256,omitempty"` // of the certificate
}

type cardFacts struct {
	Order        string       `json:"order_id"`
	Attempt      AttemptID    `json:"attempt"`
	ICCSN        string       `json:"iccsn"`
	CardType     string       `json:"card_type"`
	Sector       string       `json:"sector"`
	Certificates []draftFacts `json:"certificates"`
}

type abandonFacts struct {
	Order   string    `json:"order_id"`
	Attempt AttemptID `json:"attempt"`
	ICCSN   string    `json:"iccsn"`
	Reason  reason    `json:"reason"`
}

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

// instant writes a time as the log's leaves do.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func (d *Draft) facts() draftFacts {
	f := draftFacts{
		Slot: d.Slot, Profile: d.Profile, Issuer: d.Issuer, CHR: d.CHR, NotBefore: instant(d.NotBefore),
		NotAfter: instant(d.NotAfter), NoTerm: !d.HasTerm(), KeySHA256: hex.EncodeToString(d.KeyHash[:]), BodySHA256: hash(d.Body),
	}
	if d.Format == X509 {
		f.Serial = d.Serial.String()
	}
	return f
}

func (a *Authority) startFacts() startFacts {
	set := a.profiles.Hash()
	facts := startFacts{
		Environment: string(a.config.Environment), ProfileSetSHA256: hex.EncodeToString(set[:]),
		ConfigSHA256: hex.EncodeToString(a.config.ConfigHash),
	}
	for _, iss := range a.public {
		facts.Issuers = append(facts.Issuers, issuerFacts{iss.Name, string(iss.Kind), hash(iss.Raw()), iss.Profiles})
	}
	return facts
}

// intentEntry records an attempt. The order itself is the personal part.
func intentEntry(actor string, in *Intent) (tlog.Entry, error) {
	facts := orderFacts{Order: in.OrderID, Attempt: in.Attempt, ICCSN: in.ICCSN, CardType: in.CardType, Sector: in.Sector}
	for i := range in.Drafts {
		facts.Drafts = append(facts.Drafts, in.Drafts[i].facts())
	}
	return tlog.NewEntry(tlog.OrderRecorded, in.At, actor, facts, json.RawMessage(in.OrderJSON))
}

// cardEntry records the card of an attempt.
func cardEntry(actor string, in *Intent, done *Completion) (tlog.Entry, error) {
	facts := cardFacts{Order: in.OrderID, Attempt: in.Attempt, ICCSN: in.ICCSN, CardType: in.CardType, Sector: in.Sector}
	for i := range in.Drafts {
		f := in.Drafts[i].facts()
		f.SHA256 = hash(done.Certificates[i])
		facts.Certificates = append(facts.Certificates, f)
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
