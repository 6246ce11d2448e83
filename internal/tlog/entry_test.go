package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
)

var at = time.Date(2026, 11, 24, 10, 0, 0, 123_456_789, time.FixedZone("CET", 3600))

// TestLeafIsStable holds the octets that enter the tree: an auditor's software computes them again years later.
func TestLeafIsStable(t *testing.T) {
	e, err := NewEntry(CardIssued, at, "line-1", map[string]any{"iccsn": "80276001011699900861", "certificates": 2}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"card-issued","at":"2026-11-24T09:00:00.123Z","actor":"line-1","facts":{"certificates":2,"iccsn":"80276001011699900861"}}`
	if got := leafOf(t, e); got != want {
		t.Errorf("leaf is\n%s\nwant\n%s", got, want)
	}
	e.At = e.At.In(at.Location())
	if got := leafOf(t, e); got != want {
		t.Errorf("leaf of the same instant in another zone is\n%s\nwant\n%s", got, want)
	}
}

func leafOf(t *testing.T, e Entry) string {
	t.Helper()
	l, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	return string(l)
}

// personalEntry gives an entry with personal data.
func personalEntry(t *testing.T) Entry {
	t.Helper()
	e, err := NewEntry(OrderRecorded, at, "line-1", struct{}{}, map[string]string{"name": "Praxis Beispiel"})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestPersonalDataIsOnlyHashed holds that the leaf shows personal data as a salted hash.
func TestPersonalDataIsOnlyHashed(t *testing.T) {
	e := personalEntry(t)
	raw := leafOf(t, e)
	if strings.Contains(raw, "Beispiel") {
		t.Errorf("the leaf shows personal data: %s", raw)
	}
	var l struct {
		Hash []byte `json:"personal_sha256"`
	}
	if err := json.Unmarshal([]byte(raw), &l); err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256(append(bytes.Clone(e.Salt), e.Personal...))
	if !bytes.Equal(l.Hash, want[:]) {
		t.Errorf("hash is %x, want SHA-256(salt || personal) = %x", l.Hash, want)
	}
}

// TestErasureKeepsTheLeaf, however often it is done, and takes the salt away.
func TestErasureKeepsTheLeaf(t *testing.T) {
	e := personalEntry(t)
	erased := e.Erase()
	if erased.Personal != nil || erased.Salt != nil || !bytes.Equal(erased.PersonalHash, e.PersonalSHA256()) {
		t.Errorf("erased entry is %+v", erased)
	}
	if e.Personal == nil {
		t.Error("the entry itself was erased")
	}
	for _, other := range []Entry{erased, erased.Erase()} {
		if got, want := leafOf(t, other), leafOf(t, e); got != want {
			t.Errorf("leaf is\n%s\nwant\n%s", got, want)
		}
	}
	without, err := NewEntry(ServerStarted, at, "siegeld", struct{}{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := without.Erase(); !reflect.DeepEqual(got, without) {
		t.Errorf("an entry without personal data becomes %+v, want %+v", got, without)
	}
}

// TestReveal gives a leaf its personal data back, and nobody else's.
func TestReveal(t *testing.T) {
	e := personalEntry(t)
	read, err := ParseLeaf([]byte(leafOf(t, e)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := read.Reveal(e.Personal, e.Salt); err != nil || !reflect.DeepEqual(got, e) {
		t.Errorf("revealed %+v, %v, want %+v", got, err, e)
	}
	without := read
	without.PersonalHash = nil
	otherSalt := append([]byte{e.Salt[0] ^ 1}, e.Salt[1:]...)
	for _, c := range []struct {
		name     string
		entry    Entry
		personal string
		salt     []byte
	}{
		{"other data", read, `{"name":"Praxis Anders"}`, e.Salt},
		{"another salt", read, string(e.Personal), otherSalt},
		{"no salt", read, string(e.Personal), nil},
		// The hash does not say where the salt ends, so the length must.
		{"the same octets, parted elsewhere", read, string(e.Personal[1:]), append(bytes.Clone(e.Salt), e.Personal[0])},
		{"data for an entry that never had any", without, string(e.Personal), e.Salt},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, err := c.entry.Reveal(json.RawMessage(c.personal), c.salt); !errors.Is(err, ErrPersonal) {
				t.Errorf("got %+v, %v, want ErrPersonal", got, err)
			}
		})
	}
	if _, err := read.Reveal(nil, nil); !errors.Is(err, ErrPersonal) {
		t.Errorf("nothing: error is %v, want ErrPersonal", err)
	}
}

// TestSaltsDiffer: the same person in two entries must not be recognisable.
func TestSaltsDiffer(t *testing.T) {
	a, b := personalEntry(t), personalEntry(t)
	if len(a.Salt) != SaltSize || bytes.Equal(a.Salt, b.Salt) {
		t.Errorf("salts are %x and %x, want two different ones of %d octets", a.Salt, b.Salt, SaltSize)
	}
}

// TestFactsThatAreNoJSON are an error of the caller, said with the kind of the entry.
func TestFactsThatAreNoJSON(t *testing.T) {
	if _, err := NewEntry(ServerStarted, at, "siegeld", func() {}, nil); err == nil {
		t.Error("facts that cannot be encoded were taken")
	}
	if _, err := NewEntry(ServerStarted, at, "siegeld", nil, func() {}); err == nil {
		t.Error("personal data that cannot be encoded were taken")
	}
}

// TestEntriesThatNoBundleHolds are refused when they are made, not when they are to enter the log.
func TestEntriesThatNoBundleHolds(t *testing.T) {
	overhead := len(leafOf(t, Entry{Kind: ServerStarted, At: at, Actor: "siegeld", Facts: json.RawMessage(`""`)}))
	if _, err := NewEntry(ServerStarted, at, "siegeld", strings.Repeat("x", MaxLeaf-overhead), nil); err != nil {
		t.Errorf("a leaf of the greatest length: %v", err)
	}
	if _, err := NewEntry(ServerStarted, at, "siegeld", strings.Repeat("x", MaxLeaf-overhead+1), nil); err == nil ||
		!strings.Contains(err.Error(), "65536 octets") {
		t.Errorf("a leaf that is an octet too long: error is %v", err)
	}
}

// TestParseLeaf takes one form of each entry.
func TestParseLeaf(t *testing.T) {
	const good = `{"kind":"card-issued","at":"2026-11-24T09:00:00.123Z","actor":"line-1","facts":{"a":1}}`
	want := Entry{Kind: CardIssued, At: time.Date(2026, 11, 24, 9, 0, 0, 123_000_000, time.UTC), Actor: "line-1", Facts: json.RawMessage(`{"a":1}`)}
	if got, err := ParseLeaf([]byte(good)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	for name, leaf := range map[string]string{
		"nothing":               "",
		"no JSON":               "leaf",
		"a list":                "[]",
		"white space":           good + "\n",
		"white space in facts":  strings.Replace(good, `{"a":1}`, `{"a": 1}`, 1),
		"something behind":      good + good,
		"cut off":               good[:len(good)-1],
		"another order":         `{"at":"2026-11-24T09:00:00.123Z","kind":"card-issued","actor":"line-1","facts":{"a":1}}`,
		"a field twice":         strings.Replace(good, `"actor"`, `"actor":"x","actor"`, 1),
		"a field in capitals":   strings.Replace(good, "kind", "Kind", 1),
		"an unknown field":      strings.Replace(good, `"facts"`, `"more":1,"facts"`, 1),
		"no time":               strings.Replace(good, "2026-11-24T09:00:00.123Z", "", 1),
		"a time in another way": strings.Replace(good, ".123Z", ".123000Z", 1),
		"a time elsewhere":      strings.Replace(good, "Z", "+01:00", 1),
		"a day too many":        strings.Replace(good, "11-24", "11-31", 1),
		"no facts":              strings.Replace(good, `,"facts":{"a":1}`, "", 1),
		"an empty hash":         strings.Replace(good, "}}", `},"personal_sha256":""}`, 1),
		"an escape for nothing": strings.Replace(good, "line", `\u006cine`, 1),
		"no UTF-8":              strings.Replace(good, "line", "l\xffne", 1),
	} {
		if e, err := ParseLeaf([]byte(leaf)); err == nil {
			t.Errorf("%s: %s is taken as %+v", name, leaf, e)
		}
	}
}

// FuzzParseLeaf: a leaf that is taken is the leaf that is written, before and after the facts are read.
func FuzzParseLeaf(f *testing.F) {
	for _, leaf := range goldenLeaves(f) {
		f.Add(leaf)
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		e, err := ParseLeaf(octets)
		if err != nil {
			return
		}
		again, err := e.Leaf()
		if err != nil || !bytes.Equal(again, octets) {
			t.Errorf("%s is written %s, %v", octets, again, err)
		}
		facts, err := e.ReadFacts()
		if err != nil {
			return
		}
		e.Facts, err = json.Marshal(facts)
		if again, errLeaf := e.Leaf(); err != nil || errLeaf != nil || !bytes.Equal(again, octets) {
			t.Errorf("%s is written %s after its facts were read, %v, %v", octets, again, err, errLeaf)
		}
	})
}
