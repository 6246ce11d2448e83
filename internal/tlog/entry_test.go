package tlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
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
	got, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"card-issued","at":"2026-11-24T09:00:00.123Z","actor":"line-1","facts":{"certificates":2,"iccsn":"80276001011699900861"}}`
	if string(got) != want {
		t.Errorf("leaf is\n%s\nwant\n%s", got, want)
	}
}

// TestPersonalDataIsOnlyHashed holds that the leaf shows personal data as a salted hash, and that erasing it beside the leaf leaves a
// hash that can still be compared by who kept salt and text.
func TestPersonalDataIsOnlyHashed(t *testing.T) {
	e, err := NewEntry(OrderRecorded, at, "line-1", struct{}{}, map[string]string{"name": "Praxis Beispiel"})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := e.Leaf()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte("Beispiel")) {
		t.Errorf("the leaf shows personal data: %s", raw)
	}
	var l struct {
		Hash []byte `json:"personal_sha256"`
	}
	if err := json.Unmarshal(raw, &l); err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256(append(bytes.Clone(e.Salt), e.Personal...))
	if !bytes.Equal(l.Hash, want[:]) {
		t.Errorf("hash is %x, want SHA-256(salt || personal) = %x", l.Hash, want)
	}
}

// TestSaltsDiffer: the same person in two entries must not be recognisable.
func TestSaltsDiffer(t *testing.T) {
	a, errA := NewEntry(OrderRecorded, at, "line-1", struct{}{}, "same")
	b, errB := NewEntry(OrderRecorded, at, "line-1", struct{}{}, "same")
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
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
