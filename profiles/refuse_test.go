package profiles_test

import (
	"crypto"
	"crypto/rsa"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/brainpool"
	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/internal/pkix"
	"github.com/siegel-pki/siegel/internal/sigalg"
	"github.com/siegel-pki/siegel/profiles"
)

// slotKey finds the row of a slot.
func slotKey(o *profiles.Order, slot string) *profiles.SlotKey {
	for i := range o.Keys {
		if o.Keys[i].Slot == slot {
			return &o.Keys[i]
		}
	}
	panic("the sample order has no slot " + slot)
}

// dropSlots leaves out the keys of slots with a suffix.
func dropSlots(o *profiles.Order, suffix string) {
	var kept []profiles.SlotKey
	for _, k := range o.Keys {
		if !strings.HasSuffix(k.Slot, suffix) {
			kept = append(kept, k)
		}
	}
	o.Keys = kept
}

// changeCVC copies an issuer with another certificate body.
func changeCVC(i *profiles.Issuer, change func(*cvc.Body)) *profiles.Issuer {
	issuer, certificate := *i, *i.CVC
	change(&certificate.Body)
	issuer.CVC = &certificate
	return &issuer
}

// otherExponent gives the RSA key of the same modulus, and so of the same secret, with another prime exponent.
func otherExponent(t *testing.T, spki []byte, e int) []byte {
	t.Helper()
	pub, err := pkix.ParsePublicKey(spki)
	if err != nil {
		t.Fatal(err)
	}
	return spkiOf(t, &rsa.PublicKey{N: pub.(*rsa.PublicKey).N, E: e})
}

// largestExponent is the largest prime of 32 bits.
const largestExponent = 4294967291

// requestWithExponent gives a PKCS#10 request for a key with another exponent. Its signature is not of that key.
func requestWithExponent(t *testing.T, e int) []byte {
	t.Helper()
	var request struct {
		Info struct {
			Version       int
			Subject, SPKI asn1.RawValue
			Attributes    asn1.RawValue `asn1:"tag:0"`
		}
		Algorithm asn1.RawValue
		Signature asn1.BitString
	}
	if _, err := asn1.Unmarshal(testKey(t, "request-rsa"), &request); err != nil {
		t.Fatal(err)
	}
	request.Info.SPKI = asn1.RawValue{FullBytes: otherExponent(t, request.Info.SPKI.FullBytes, e)}
	octets, err := asn1.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return octets
}

// TestPlansTheLargestExponent: where no signature of the key must be verified, the exponent may be as large as a card's.
func TestPlansTheLargestExponent(t *testing.T) {
	o := sampleOrder(t, "hospital-pharmacy")
	slot := slotKey(o, "C.HCI.AUT.R2048")
	slot.SPKI = otherExponent(t, slot.SPKI, largestExponent)
	plan, err := builtin(t).Plan(o, testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.Slots[0].X509.PublicKey; !slices.Equal(got, slot.SPKI) {
		t.Errorf("the certificate has key %x, want %x", got, slot.SPKI)
	}
}

// negative gives the key on brainpoolP256r1 whose private key is the negative one: y becomes p-y.
func negative(spki []byte) []byte {
	p, _ := new(big.Int).SetString("A9FB57DBA1EEA9BC3E660A909D838D726E3BF623D52620282013481D1F6E5377", 16)
	spki = slices.Clone(spki)
	y := spki[len(spki)-32:]
	p.Sub(p, new(big.Int).SetBytes(y)).FillBytes(y)
	return spki
}

// basePoint is the public key of the private key 1.
func basePoint(t *testing.T) []byte {
	t.Helper()
	pub, err := brainpool.P256r1().ParsePoint(brainpool.P256r1().BasePoint())
	if err != nil {
		t.Fatal(err)
	}
	return spkiOf(t, pub)
}

func spkiOf(t *testing.T, pub crypto.PublicKey) []byte {
	t.Helper()
	spki, err := pkix.MarshalPublicKey(pub)
	if err != nil {
		t.Fatal(err)
	}
	return spki
}

// TestRefusesWhatNoFileHolds spoils an order in ways that JSON cannot say or that are too long to read: testdata/bad-orders has the
// others.
func TestRefusesWhatNoFileHolds(t *testing.T) {
	for _, c := range []struct {
		name        string
		spoil       func(o *profiles.Order, c *profiles.Context)
		field, rule string
	}{
		{"name that is not UTF-8", func(o *profiles.Order, _ *profiles.Context) { o.Institution.Name = "Apotheke M\xfcller" },
			"institution.name", "NAME_REPERTOIRE"},
		{"long name of 1025 characters", func(o *profiles.Order, _ *profiles.Context) { o.Institution.LongName = strings.Repeat("n", 1025) },
			"institution.long_name", "NAME_LENGTH"},
		{"names that do not fit the card", func(o *profiles.Order, _ *profiles.Context) { o.Institution.LongName = strings.Repeat("ä", 400) },
			"institution", "CERTIFICATE_TOO_LARGE"},
		{"e-mail address of 255 characters", func(o *profiles.Order, _ *profiles.Context) {
			o.Institution.Email = "a@" + strings.Repeat(strings.Repeat("b", 61)+".", 4) + "example"
		}, "institution.email", "EMAIL"},
		{"approval reference of 257 octets", func(o *profiles.Order, _ *profiles.Context) { o.Evidence.Approval.Reference = strings.Repeat("r", 257) },
			"evidence.approval.reference", "EVIDENCE_LENGTH"},
		{"slot twice", func(o *profiles.Order, _ *profiles.Context) {
			o.Keys = append(o.Keys, profiles.SlotKey{Slot: "C.HCI.AUT.E256", SPKI: testKey(t, "ec-good")})
		}, fmt.Sprintf("keys[%d].slot", len(sampleOrder(t, "hospital-pharmacy").Keys)), "SLOT_TWICE"},
		{"key in two forms", func(o *profiles.Order, _ *profiles.Context) { o.Keys[1].PKCS10 = []byte{1} }, "keys[1]", "KEY_FORM"},
		{"octets after the key", func(o *profiles.Order, _ *profiles.Context) { o.Keys[1].SPKI = append(o.Keys[1].SPKI, 0) },
			"keys[1].spki", "KEY_UNREADABLE"},
		{"request with a wrong signature", func(o *profiles.Order, _ *profiles.Context) {
			request := testKey(t, "request-rsa")
			request[len(request)-1] ^= 1
			o.Keys[0] = profiles.SlotKey{Slot: o.Keys[0].Slot, PKCS10: request}
		}, "keys[0].pkcs10", "REQUEST_SIGNATURE"},
		{"request with an exponent of 32 bits", func(o *profiles.Order, _ *profiles.Context) {
			o.Keys[0] = profiles.SlotKey{Slot: o.Keys[0].Slot, PKCS10: requestWithExponent(t, largestExponent)}
		}, "keys[0].pkcs10", "REQUEST_EXPONENT"},
		{"RSA key of another slot with another exponent", func(o *profiles.Order, _ *profiles.Context) {
			slotKey(o, "C.HCI.ENC.R2048").SPKI = otherExponent(t, slotKey(o, "C.HCI.AUT.R2048").SPKI, 65539)
		}, "keys[1].spki", "KEY_TWICE"},
		{"negative of the point of another slot", func(o *profiles.Order, _ *profiles.Context) {
			slotKey(o, "C.HCI.ENC.E256").SPKI = negative(slotKey(o, "C.HCI.AUT.E256").SPKI)
		}, "keys[4].spki", "KEY_TWICE"},
		{"key of an X.509 issuer", func(o *profiles.Order, c *profiles.Context) {
			slotKey(o, "C.HCI.AUT.E256").SPKI = spkiOf(t, c.Issuers[1].PublicKey())
		}, "keys[3].spki", "KEY_OF_ISSUER"},
		{"key of a CVC issuer in an X.509 slot", func(o *profiles.Order, c *profiles.Context) {
			slotKey(o, "C.HCI.AUT.E256").SPKI = negative(spkiOf(t, c.Issuers[2].PublicKey()))
		}, "keys[3].spki", "KEY_OF_ISSUER"},
		{"key of a root that signs nothing here", func(o *profiles.Order, c *profiles.Context) {
			c.Issuers = append(c.Issuers, &profiles.Issuer{Name: "DEGXX11109", Kind: profiles.CVCRootCA, KeyType: sigalg.R2048, G1: g1Root(t)})
			slotKey(o, "C.HCI.AUT.R2048").SPKI = otherExponent(t, spkiOf(t, g1Root(t).PublicKey), 65539)
		}, "keys[0].spki", "KEY_OF_ISSUER"},
		{"base point", func(o *profiles.Order, _ *profiles.Context) {
			slotKey(o, "C.HCI.AUT.E256").SPKI = basePoint(t)
		}, "keys[3].spki", "EC_BASE_POINT"},
		{"negative of the base point", func(o *profiles.Order, _ *profiles.Context) {
			slotKey(o, "C.SMC.AUTR_CVC.E256").SPKI = negative(basePoint(t))
		}, "keys[6].spki", "EC_BASE_POINT"},
		{"longer than the CVC sub-CA by a day", func(_ *profiles.Order, c *profiles.Context) {
			c.Issuers[2] = changeCVC(c.Issuers[2], func(b *cvc.Body) { b.CXD = cvc.Date{Year: 2029, Month: time.November, Day: 3} })
		}, "valid_until", "TERM_EXCEEDS_ISSUER"},
		{"before the CVC sub-CA by a day", func(o *profiles.Order, c *profiles.Context) {
			o.ValidFrom = "2024-11-03"
			c.Issuers[2] = changeCVC(c.Issuers[2], func(b *cvc.Body) { b.CED = cvc.Date{Year: 2024, Month: time.November, Day: 4} })
		}, "valid_from", "TERM_BEFORE_ISSUER"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o, ctx := sampleOrder(t, "hospital-pharmacy"), testContext(t)
			c.spoil(o, ctx)
			badOrderRow{Field: c.field, Rule: c.rule}.judge(t, o, refusal(t, o, ctx))
		})
	}
}

// TestNamesEverythingWrong breaks many fields at once: the refusal names all, in the order of the fields.
func TestNamesEverythingWrong(t *testing.T) {
	o := sampleOrder(t, "hospital-pharmacy")
	o.ID, o.ICCSN, o.Institution.Address.Street = "", "1", ""
	o.Evidence.Approval.Body, o.ValidUntil = "", "2040-01-01"
	slotKey(o, "C.HCI.AUT.R2048").SPKI = testKey(t, "rsa-1024")
	var fields []string
	for _, v := range refusal(t, o, testContext(t)) {
		fields = append(fields, v.Field)
	}
	want := "[order_id iccsn institution.address.street evidence.approval.body keys[0].spki valid_until]"
	if got := fmt.Sprint(fields); got != want {
		t.Errorf("violations are at %s, want %s", got, want)
	}
}

// TestUnknownCardTypeAndSector shows that an order is still looked at where nothing is known about it.
func TestUnknownCardTypeAndSector(t *testing.T) {
	o := sampleOrder(t, "hospital-pharmacy")
	o.CardType, o.Sector, o.ICCSN = "", "", ""
	slotKey(o, "C.HCI.AUT.R2048").SPKI = testKey(t, "rsa-roca")
	v := refusal(t, o, testContext(t))
	if last := v[len(v)-1]; len(v) != 4 || last.Rule != "RSA_ROCA" {
		t.Errorf("violations are %+v, want card type, ICCSN, sector and the key", v)
	}
}

// TestSaysNothingPersonal puts a secret into every text of an order: no message may repeat it.
func TestSaysNothingPersonal(t *testing.T) {
	const secret = "Ge\u0308heim"
	o := &profiles.Order{
		ID: secret + " ", CardType: secret, ICCSN: secret, Sector: secret, ValidFrom: secret, ValidUntil: secret,
		Institution: profiles.Institution{
			Name: secret, NameLines: []string{secret, secret}, Organization: secret, OrganizationalUnit: secret, TelematikID: secret, ProfessionOID: secret,
			AdmissionAuthority: secret, Email: secret, LongName: secret,
			Responsible: profiles.Person{Title: secret, GivenName: secret, Surname: secret},
			Address:     profiles.Address{Street: secret, PostalCode: secret, Locality: secret, State: secret},
		},
		Evidence: profiles.Evidence{
			Approval:       profiles.Approval{Body: secret, Reference: secret, Time: secret},
			Identification: profiles.Identification{Method: secret, DocumentReference: secret, Time: secret},
			HBATelematikID: secret,
		},
		Keys: []profiles.SlotKey{{Slot: secret, SPKI: []byte(secret)}, {Slot: secret, PKCS10: []byte(secret)}},
	}
	var sectors []string
	for _, s := range builtin(t).Sectors() {
		sectors = append(sectors, s.Name)
	}
	for _, cardType := range []string{secret, "smcb-g2.0", "smcb-g2.1", "smcb-org-g2.1"} {
		for _, sector := range append([]string{secret}, sectors...) {
			o.CardType, o.Sector = cardType, sector
			for _, v := range refusal(t, o, testContext(t)) {
				if strings.Contains(v.Message, "heim") || strings.Contains(v.Field, "heim") {
					t.Errorf("%s repeats what the order said: %s", v.Rule, v.Message)
				}
			}
		}
	}
}

// refusal plans an order that must be refused.
func refusal(t *testing.T, o *profiles.Order, c *profiles.Context) []profiles.Violation {
	t.Helper()
	plan, err := builtin(t).Plan(o, c)
	var r *profiles.Refusal
	if !errors.As(err, &r) || len(r.Violations) == 0 {
		t.Fatalf("plan is %v, error is %v, want a refusal", plan, err)
	}
	for i, v := range r.Violations {
		if slices.Contains(r.Violations[:i], v) {
			t.Errorf("violation %+v is said twice", v)
		}
	}
	return r.Violations
}
