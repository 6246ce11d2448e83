package tlog

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
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

	// PersonalHash is what is left of personal data that are not here: erased, or never given to the reader. 32 octets; nil where
	// Personal is set, or where there never were any.
	PersonalHash []byte
}

// NewEntry makes an entry. Facts and personal are marshalled with encoding/json, whose output is the same for the same value; a
// nil personal means that the entry holds no personal data. An entry whose leaf is longer than MaxLeaf is an error.
func NewEntry(kind Kind, at time.Time, actor string, facts, personal any) (Entry, error) {
	e := Entry{Kind: kind, At: at.UTC().Truncate(time.Millisecond), Actor: actor}
	var err error
	if e.Facts, err = json.Marshal(facts); err != nil {
		return Entry{}, fmt.Errorf("encode the facts of a %s entry: %w", kind, err)
	}
	if personal != nil {
		if e.Personal, err = json.Marshal(personal); err != nil {
			return Entry{}, fmt.Errorf("encode the personal data of a %s entry: %w", kind, err)
		}
		e.Salt = make([]byte, SaltSize)
		rand.Read(e.Salt) // never fails: crypto/rand ends the program instead
	}
	if _, err := e.Leaf(); err != nil {
		return Entry{}, err
	}
	return e, nil
}

// PersonalSHA256 is what the leaf holds of the personal data: SHA-256(Salt || Personal), or nil where there never were any. A store
// keeps it beside them, so that they can be erased, and gives it as PersonalHash then.
func (e Entry) PersonalSHA256() []byte {
	if e.Personal == nil {
		return e.PersonalHash
	}
	h := sha256.New()
	h.Write(e.Salt)
	h.Write(e.Personal)
	return h.Sum(nil)
}

// Erase gives the entry without its personal data and salt. Its leaf stays the same. Without the salt, the hash that stays tells
// nothing about the data, not even to who guesses them.
func (e Entry) Erase() Entry {
	e.PersonalHash = e.PersonalSHA256()
	e.Personal, e.Salt = nil, nil
	return e
}

// Reveal gives an entry that lacks its personal data with them, as they were kept beside the leaf. It is ErrPersonal where they are
// not those that the leaf stands for.
func (e Entry) Reveal(personal json.RawMessage, salt []byte) (Entry, error) {
	want := e.PersonalSHA256()
	e.Personal, e.Salt, e.PersonalHash = personal, salt, nil
	if want == nil || personal == nil || len(salt) != SaltSize || !bytes.Equal(e.PersonalSHA256(), want) {
		return Entry{}, fmt.Errorf("reveal a %s entry: %w", e.Kind, ErrPersonal)
	}
	return e, nil
}

// ErrPersonal says that personal data, or their salt, are not those that were logged.
var ErrPersonal = errors.New("the personal data are not those of the leaf")
