package tlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// instantLayout is how times are written in leaves, in UTC.
const instantLayout = "2006-01-02T15:04:05.000Z"

// Instant writes a time as leaves and facts do: UTC, milliseconds.
func Instant(t time.Time) string { return t.UTC().Format(instantLayout) }

// leaf is the clear part of an entry, in the order in which it is hashed.
type leaf struct {
	Kind           Kind            `json:"kind"`
	At             string          `json:"at"`
	Actor          string          `json:"actor"`
	Facts          json.RawMessage `json:"facts"`
	PersonalSHA256 []byte          `json:"personal_sha256,omitempty"` // SHA-256(salt || personal), in base64
}

// Leaf gives the octets that enter the tree: one JSON object without white space. They depend on nothing that erasure takes away. A
// store must give back the facts octet by octet. It is an error beyond MaxLeaf.
func (e Entry) Leaf() ([]byte, error) {
	l := leaf{Kind: e.Kind, At: Instant(e.At), Actor: e.Actor, Facts: e.Facts, PersonalSHA256: e.PersonalSHA256()}
	b, err := json.Marshal(l)
	if err != nil {
		return nil, fmt.Errorf("encode a %s entry: %w", e.Kind, err)
	}
	if len(b) > MaxLeaf {
		return nil, fmt.Errorf("encode a %s entry: its leaf has %d octets, at most %d enter the log", e.Kind, len(b), MaxLeaf)
	}
	return b, nil
}

// ParseLeaf reads what Leaf writes, and nothing else: an entry without its personal data. What the facts say is not looked at;
// see Entry.ReadFacts.
func ParseLeaf(octets []byte) (Entry, error) {
	var l leaf
	if err := json.Unmarshal(octets, &l); err != nil {
		return Entry{}, fmt.Errorf("read a leaf: %w", err)
	}
	at, err := time.Parse(instantLayout, l.At)
	if err != nil {
		return Entry{}, fmt.Errorf("read a leaf: %w", err)
	}
	e := Entry{Kind: l.Kind, At: at, Actor: l.Actor, Facts: l.Facts, PersonalHash: l.PersonalSHA256}
	again, err := e.Leaf()
	if err != nil {
		return Entry{}, fmt.Errorf("read a leaf: %w", err)
	}
	if !bytes.Equal(again, octets) {
		return Entry{}, errors.New("read a leaf: not in its one form")
	}
	return e, nil
}
