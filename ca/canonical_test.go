package ca_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/tlog"
	"github.com/siegel-pki/siegel/profiles"
)

// The story of this file: what makes two orders the same.

var update = flag.Bool("update", false, "write the canonical forms in testdata that are not there")

// everyField sets every field of an order, and lists its keys against the order of their slots.
func everyField() *profiles.Order {
	person := profiles.Person{Title: "Dr.", GivenName: "Erika", Surname: "Müßtermann"}
	address := profiles.Address{Street: "Am <Waldesrand> & 1", PostalCode: "12345", Locality: "Berlin", State: "Berlin"}
	return &profiles.Order{
		ID: "order-1", CardType: "smcb-g2.1", ICCSN: "80276001011699900861", Sector: "dkg",
		Institution: profiles.Institution{
			Name: "Apotheke", NameLines: []string{"Apotheke", "Süd"}, Organization: "O", OrganizationalUnit: "OU", TelematikID: "5-1",
			ProfessionOID: "1.2.276.0.76.4.55", AdmissionAuthority: "gematik", Responsible: person, Address: address, Email: "a@b.example",
			LongName: "Die lange Apotheke", LegalName: "Apotheke e. K.", OrganizationIdentifier: "VATDE-123456789", Signatory: person,
		},
		Device: &profiles.Device{Manufacturer: "M", OrganizationalUnit: "OU", Country: "DE", Address: address},
		Evidence: profiles.Evidence{
			Approval:       profiles.Approval{Body: "DKTIG", Reference: "r-1", Time: "2026-02-20T10:00:00+01:00"},
			Identification: profiles.Identification{Method: "eid", DocumentReference: "d-1", Time: "2026-02-18T09:00:00+01:00"},
			HBATelematikID: "1-1",
		},
		Keys:      []profiles.SlotKey{{Slot: "B", SPKI: []byte{1, 2}, PKCS10: []byte{3}}, {Slot: "A", SPKI: []byte{4}, PKCS10: []byte{5}}},
		ValidFrom: "2026-03-02", ValidUntil: "2031-03-01",
	}
}

// everyFieldOfRenewal sets, besides, what came later.
func everyFieldOfRenewal() *profiles.Order {
	order := everyField()
	order.Renews = "order-0"
	return order
}

// TestCanonicalOrder compares the octets that orders are compared by with those of the first release, for an order that says everything and one
// that says nothing. The file never changes, since databases hold hashes of such octets: a new field must be left out where it is empty, and
// does not belong into everyField but into an order and a file of its own.
func TestCanonicalOrder(t *testing.T) {
	everything, nothing := must(ca.Canonical(everyField())), must(ca.Canonical(&profiles.Order{}))
	sum := sha256.Sum256(everything)
	got := slices.Concat(everything, []byte("\n\n"), nothing, []byte("\n\nSHA-256 of the first: "+hex.EncodeToString(sum[:])+"\n"))
	golden(t, "canonical-order.txt", got)
	if hash := must(ca.OrderHash(everyField())); hash != sum {
		t.Errorf("the hash is %x, want that of the canonical form, %x", hash, sum)
	}
	golden(t, "canonical-renewal.txt", append(must(ca.Canonical(everyFieldOfRenewal())), '\n'))
}

// golden compares octets with a file that never changes.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if _, err := os.Stat(path); *update && errors.Is(err, os.ErrNotExist) {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want := must(os.ReadFile(path)); !bytes.Equal(got, want) {
		t.Errorf("the canonical form has changed, and orders in databases would be strangers. It is\n%s\nwant\n%s", got, want)
	}
}

// TestOrdersAreTheSame: keys in another order, and no other difference.
func TestOrdersAreTheSame(t *testing.T) {
	want := must(ca.OrderHash(everyFieldOfRenewal()))
	reordered := everyFieldOfRenewal()
	slices.Reverse(reordered.Keys)
	if got := must(ca.OrderHash(reordered)); got != want {
		t.Error("keys in another order make another order")
	}
	if reflect.DeepEqual(reordered.Keys, everyFieldOfRenewal().Keys) || reordered.Keys[0].Slot != "A" {
		t.Error("hashing an order has changed it")
	}
	fields := 0
	eachField(reflect.ValueOf(everyFieldOfRenewal()).Elem(), "", func(path string, _ reflect.Value) {
		fields++
		other := everyFieldOfRenewal()
		eachField(reflect.ValueOf(other).Elem(), "", func(p string, v reflect.Value) {
			if p == path {
				v.SetZero()
			}
		})
		if got := must(ca.OrderHash(other)); got == want {
			t.Errorf("an order without %s has the same hash", path)
		}
	})
	if fields < 45 {
		t.Errorf("looked at %d fields only", fields)
	}
}

// eachField calls f for every field without fields of its own. It is for values in which every field is set.
func eachField(v reflect.Value, path string, f func(path string, v reflect.Value)) {
	switch v.Kind() {
	case reflect.Pointer:
		eachField(v.Elem(), path, f)
	case reflect.Struct:
		for i := range v.NumField() {
			eachField(v.Field(i), path+"."+v.Type().Field(i).Name, f)
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Struct {
			for i := range v.Len() {
				eachField(v.Index(i), path+"[]", f)
			}
			return
		}
		f(path, v)
	default:
		f(path, v)
	}
}

// TestReorderedKeysGetTheSameCard, from the same process and from the next. The order that came first is the one on record.
func TestReorderedKeysGetTheSameCard(t *testing.T) {
	w := newWorld(t)
	card, err := w.Issue(t.Context(), operator, smallOrder(1))
	if err != nil {
		t.Fatal(err)
	}
	reordered := smallOrder(1)
	slices.Reverse(reordered.Keys)
	for range 2 {
		if got, err := w.Issue(t.Context(), operator, reordered); err != nil || !reflect.DeepEqual(got, card) {
			t.Errorf("keys in another order: got %+v, %v, want the card", got, err)
		}
		w.start(t)
	}
	if got, want := w.entries(t)[entriesAtStart].Personal, must(json.Marshal(smallOrder(1))); !bytes.Equal(got, want) {
		t.Errorf("the order on record is %s, want it as it came, %s", got, want)
	}
	other := smallOrder(1)
	other.Keys[0].SPKI, other.Keys[1].SPKI = other.Keys[1].SPKI, other.Keys[0].SPKI
	if _, err := w.Issue(t.Context(), operator, other); !errors.Is(err, ca.ErrOrderDiffers) {
		t.Errorf("keys in other slots: got %v, want ErrOrderDiffers", err)
	}
	w.sweep(t)
}

// TestOrderIsRecordedOnce: the first attempt's entry holds the order, and the others, however many, refer to it.
func TestOrderIsRecordedOnce(t *testing.T) {
	w := newWorld(t)
	for try := 1; try <= 3; try++ {
		w.keys.meddle = func(int) (before, after error) {
			if try < 3 {
				return errors.New("the token refuses"), nil
			}
			return nil, nil
		}
		if _, err := w.Issue(t.Context(), operator, smallOrder(1)); (err == nil) != (try == 3) {
			t.Fatalf("try %d: %v", try, err)
		}
		if try == 1 {
			w.start(t)
		}
	}
	var attempts []string
	for _, e := range w.entries(t) {
		facts, err := e.ReadFacts()
		if err != nil {
			t.Error(err)
		}
		f, ok := facts.(*tlog.OrderFacts)
		if !ok {
			continue
		}
		attempts = append(attempts, f.Attempt)
		same := ""
		if len(attempts) > 1 {
			same = attempts[0]
		}
		if f.SameOrderAs != same || (e.Personal == nil) != (same != "") || (e.PersonalSHA256() == nil) != (same != "") {
			t.Errorf("attempt %d refers to %q and has personal data %s, want a reference to %q", len(attempts), f.SameOrderAs, e.Personal, same)
		}
	}
	if len(attempts) != 3 {
		t.Errorf("there were %d attempts, want 3", len(attempts))
	}
	w.sweep(t)
}
