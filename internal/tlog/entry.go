package tlog

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"time"
)

// Kind says what an entry records.
type Kind string

// The kinds of entries.
const (
	ServerStarted    Kind = "server-started"     // configuration and profile set in force, by hash
	KeySessionOpened Kind = "key-session-opened" // an issuer key may sign from here
	OrderRecorded    Kind = "order-recorded"     // order, serials and drafts are in the database; no key was used yet
	CardIssued       Kind = "card-issued"        // the card is complete
	AttemptAbandoned Kind = "attempt-abandoned"  // an attempt ended without a card; its serials stay taken
)

// SaltSize is the length of an entry's salt in octets.
const SaltSize = 16

// Entry is one record of the log. Facts and Personal are JSON objects. The log's leaf holds Facts in clear and Personal only
// as a salted hash, so that personal data can be erased beside the log without breaking the tree.
type Entry struct {
	Kind     Kind
	At       time.Time       // millisecond precision, UTC
	Actor    string          // name of the operator who caused it, "siegeld" for the server itself
	Facts    json.RawMessage // no personal data
	Personal json.RawMessage // personal data, or nil
	Salt     []byte          // SaltSize octets from a CSPRNG where Personal is set, else nil
}

// NewEntry makes an entry. Facts and personal are marshalled with encoding/json, whose output is the same for the same value; a
// nil personal means that the entry holds no personal data.
func NewEntry(kind Kind, at time.Time, actor string, facts, personal any) (Entry, error) {
	e := Entry{Kind: kind, At: at.UTC().Truncate(time.Millisecond), Actor: actor}
	var err error
	if e.Facts, err = json.Marshal(facts); err != nil {
		return Entry{}, fmt.Errorf("encode the facts of a %s entry: %w", kind, err)
	}
	if personal == nil {
		return e, nil
	}
	if e.Personal, err = json.Marshal(personal); err != nil {
		return Entry{}, fmt.Errorf("encode the personal data of a %s entry: %w", kind, err)
	}
	e.Salt = make([]byte, SaltSize)
	rand.Read(e.Salt) // never fails: crypto/rand ends the program instead
	return e, nil
}

// PersonalSHA256 is what the leaf holds of the personal data: SHA-256(Salt || Personal), or nil where there is none. A store
// keeps it beside them, so that they can be erased.
func (e Entry) PersonalSHA256() []byte {
	if e.Personal == nil {
		return nil
	}
	h := sha256.New()
	h.Write(e.Salt)
	h.Write(e.Personal)
	return h.Sum(nil)
}

// leaf is the clear part of an entry, in the order in which it is hashed.
type leaf struct {
	Kind           Kind            `json:"kind"`
	At             string          `json:"at"`
	Actor          string          `json:"actor"`
	Facts          json.RawMessage `json:"facts"`
	PersonalSHA256 []byte          `json:"personal_sha256,omitempty"` // SHA-256(salt || personal)
}

// Leaf gives the octets that enter the tree.
func (e Entry) Leaf() ([]byte, error) {
	l := leaf{Kind: e.Kind, At: e.At.Format("2006-01-02T15:04:05.000Z"), Actor: e.Actor, Facts: e.Facts,
		PersonalSHA256: e.PersonalSHA256()}
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode a %s entry: %w", e.Kind, err)
	}
	return b, nil
}
