package profiles_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/siegel-pki/siegel/internal/cvc"
	"github.com/siegel-pki/siegel/profiles"
)

// badOrder is a good order with one thing wrong, and what the refusal must say. The sample is the hospital pharmacy unless it is
// named.
type badOrder struct {
	name   string
	sample string
	spoil  func(t *testing.T, o *profiles.Order, c *profiles.Context)
	field  string
	rule   string
}

// order makes a spoiler that changes the order only.
func order(spoil func(o *profiles.Order)) func(*testing.T, *profiles.Order, *profiles.Context) {
	return func(_ *testing.T, o *profiles.Order, _ *profiles.Context) { spoil(o) }
}

// key makes a spoiler that puts a key of testdata/keys into a slot.
func key(slot, name string) func(*testing.T, *profiles.Order, *profiles.Context) {
	return func(t *testing.T, o *profiles.Order, _ *profiles.Context) { slotKey(o, slot).SPKI = testKey(t, name) }
}

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

var badOrders = []badOrder{
	{name: "no order id", spoil: order(func(o *profiles.Order) { o.ID = "" }), field: "order_id", rule: "ORDER_ID"},
	{name: "order id with a blank", spoil: order(func(o *profiles.Order) { o.ID = "a b" }), field: "order_id", rule: "ORDER_ID"},
	{name: "order id of 65 characters", spoil: order(func(o *profiles.Order) { o.ID = strings.Repeat("x", 65) }), field: "order_id", rule: "ORDER_ID"},
	{name: "unknown card type", spoil: order(func(o *profiles.Order) { o.CardType = "smcb-g9" }), field: "card_type", rule: "CARD_TYPE_UNKNOWN"},
	{name: "ICCSN of 19 digits", spoil: order(func(o *profiles.Order) { o.ICCSN = o.ICCSN[1:] }), field: "iccsn", rule: "ICCSN"},
	{name: "ICCSN of 21 digits", spoil: order(func(o *profiles.Order) { o.ICCSN += "0" }), field: "iccsn", rule: "ICCSN"},
	{name: "ICCSN with a letter", spoil: order(func(o *profiles.Order) { o.ICCSN = o.ICCSN[:19] + "A" }), field: "iccsn", rule: "ICCSN"},
	{name: "ICCSN of another country", spoil: order(func(o *profiles.Order) { o.ICCSN = "80040" + o.ICCSN[5:] }), field: "iccsn", rule: "ICCSN"},
	{name: "unknown sector", spoil: order(func(o *profiles.Order) { o.Sector = "bakery" }), field: "sector", rule: "SECTOR_UNKNOWN"},

	// The institution: names, Telematik-ID, profession.
	{name: "no name", spoil: order(func(o *profiles.Order) { o.Institution.Name = "" }), field: "institution.name", rule: "FIELD_MISSING"},
	{name: "name of 55 characters and the mark", spoil: order(func(o *profiles.Order) { o.Institution.Name = strings.Repeat("ä", 55) }), field: "institution.name", rule: "NAME_LENGTH"},
	{name: "name of 65 characters in production", spoil: production(func(o *profiles.Order) { o.Institution.Name = strings.Repeat("ä", 65) }), field: "institution.name", rule: "NAME_LENGTH"},
	{name: "name with the mark", spoil: order(func(o *profiles.Order) { o.Institution.Name += " TEST-ONLY" }), field: "institution.name", rule: "TEST_MARK"},
	{name: "name with the mark in production", spoil: production(func(o *profiles.Order) { o.Institution.Name += " NOT-VALID" }), field: "institution.name", rule: "TEST_MARK"},
	{name: "name with a line break", spoil: order(func(o *profiles.Order) { o.Institution.Name = "Apotheke\nam Markt" }), field: "institution.name", rule: "NAME_REPERTOIRE"},
	{name: "name that turns the reading direction", spoil: order(func(o *profiles.Order) { o.Institution.Name = "Apotheke \u202egnildehcS" }), field: "institution.name", rule: "NAME_REPERTOIRE"},
	{name: "name with a combining mark", spoil: order(func(o *profiles.Order) { o.Institution.Name = "Apotheke Mu\u0308ller" }), field: "institution.name", rule: "NAME_REPERTOIRE"},
	{name: "name that is not UTF-8", spoil: order(func(o *profiles.Order) { o.Institution.Name = "Apotheke M\xfcller" }), field: "institution.name", rule: "NAME_REPERTOIRE"},
	{name: "name with a blank at the end", spoil: order(func(o *profiles.Order) { o.Institution.Name += " " }), field: "institution.name", rule: "NAME_REPERTOIRE"},
	{name: "organization of 55 characters and the mark", spoil: order(func(o *profiles.Order) { o.Institution.Organization = strings.Repeat("1", 55) }), field: "institution.organization", rule: "NAME_LENGTH"},
	{name: "no BSNR", sample: "psychotherapist", spoil: order(func(o *profiles.Order) { o.Institution.Organization = "" }), field: "institution.organization", rule: "FIELD_MISSING"},
	{name: "BSNR of 8 digits in production", sample: "psychotherapist", spoil: production(func(o *profiles.Order) {
		o.Institution.TelematikID, o.Institution.Organization = "1-20300421119", "30042111"
	}), field: "institution.organization", rule: "SUBJECT_FORM"},
	{name: "another number than the Telematik-ID", sample: "pharmacy", spoil: order(func(o *profiles.Order) { o.Institution.Organization += "1" }), field: "institution.organization", rule: "ORGANIZATION_NOT_TELEMATIK_ID"},
	{name: "organizational unit", spoil: order(func(o *profiles.Order) { o.Institution.OrganizationalUnit = "Station 3" }), field: "institution.organizational_unit", rule: "FIELD_FORBIDDEN"},
	{name: "no Telematik-ID", spoil: order(func(o *profiles.Order) { o.Institution.TelematikID = "" }), field: "institution.telematik_id", rule: "TELEMATIK_ID_MISSING"},
	{name: "Telematik-ID with an umlaut", spoil: order(func(o *profiles.Order) { o.Institution.TelematikID = "5-2-KH-Würzburg" }), field: "institution.telematik_id", rule: "TELEMATIK_ID_REPERTOIRE"},
	{name: "Telematik-ID with an underscore", spoil: order(func(o *profiles.Order) { o.Institution.TelematikID = "5-2-KH_1" }), field: "institution.telematik_id", rule: "TELEMATIK_ID_REPERTOIRE"},
	{name: "Telematik-ID with a blank before it", spoil: order(func(o *profiles.Order) { o.Institution.TelematikID = " 5-2-KH" }), field: "institution.telematik_id", rule: "TELEMATIK_ID_REPERTOIRE"},
	{name: "Telematik-ID of 129 characters", spoil: order(func(o *profiles.Order) { o.Institution.TelematikID = "5-2" + strings.Repeat("0", 126) }), field: "institution.telematik_id", rule: "TELEMATIK_ID_LENGTH"},
	{name: "Telematik-ID without a hyphen", spoil: order(func(o *profiles.Order) { o.Institution.TelematikID = "5" }), field: "institution.telematik_id", rule: "TELEMATIK_ID_PREFIX"},
	{name: "Telematik-ID of another sector", spoil: order(func(o *profiles.Order) { o.Institution.TelematikID = "3-2-APO" }), field: "institution.telematik_id", rule: "TELEMATIK_ID_PREFIX"},
	{name: "Telematik-ID against the sector's scheme in production", spoil: production(func(o *profiles.Order) { o.Institution.TelematikID = "5-1-KH" }), field: "institution.telematik_id", rule: "TELEMATIK_ID_FORM"},
	{name: "no institution", spoil: order(func(o *profiles.Order) { o.Institution.ProfessionOID = "" }), field: "institution.profession_oid", rule: "PROFESSION_UNKNOWN"},
	{name: "OID of a person", spoil: order(func(o *profiles.Order) { o.Institution.ProfessionOID = "1.2.276.0.76.4.30" }), field: "institution.profession_oid", rule: "PROFESSION_UNKNOWN"},
	{name: "OID of another sector", spoil: order(func(o *profiles.Order) { o.Institution.ProfessionOID = "1.2.276.0.76.4.54" }), field: "institution.profession_oid", rule: "PROFESSION_NOT_IN_SECTOR"},
	{name: "no admission authority", spoil: order(func(o *profiles.Order) { o.Institution.AdmissionAuthority = "" }), field: "institution.admission_authority", rule: "FIELD_MISSING"},
	{name: "admission authority where there is none", sample: "psychotherapist", spoil: order(func(o *profiles.Order) { o.Institution.AdmissionAuthority = "KV Berlin" }), field: "institution.admission_authority", rule: "FIELD_FORBIDDEN"},
	{name: "admission authority of 65 characters", spoil: order(func(o *profiles.Order) { o.Institution.AdmissionAuthority = strings.Repeat("A", 65) }), field: "institution.admission_authority", rule: "NAME_LENGTH"},
	{name: "title where there is none", spoil: order(func(o *profiles.Order) { o.Institution.Responsible.Title = "Dr." }), field: "institution.responsible.title", rule: "FIELD_FORBIDDEN"},
	{name: "given name where there is none", spoil: order(func(o *profiles.Order) { o.Institution.Responsible.GivenName = "Eva" }), field: "institution.responsible.given_name", rule: "FIELD_FORBIDDEN"},
	{name: "surname where there is none", spoil: order(func(o *profiles.Order) { o.Institution.Responsible.Surname = "Muster" }), field: "institution.responsible.surname", rule: "FIELD_FORBIDDEN"},
	{name: "surname of 65 characters", sample: "psychotherapist", spoil: order(func(o *profiles.Order) { o.Institution.Responsible.Surname = strings.Repeat("b", 65) }), field: "institution.responsible.surname", rule: "NAME_LENGTH"},
	{name: "no street", spoil: order(func(o *profiles.Order) { o.Institution.Address.Street = "" }), field: "institution.address.street", rule: "FIELD_MISSING"},
	{name: "no postal code", spoil: order(func(o *profiles.Order) { o.Institution.Address.PostalCode = "" }), field: "institution.address.postal_code", rule: "FIELD_MISSING"},
	{name: "postal code of 41 characters", spoil: order(func(o *profiles.Order) { o.Institution.Address.PostalCode = strings.Repeat("1", 41) }), field: "institution.address.postal_code", rule: "NAME_LENGTH"},
	{name: "no locality", spoil: order(func(o *profiles.Order) { o.Institution.Address.Locality = "" }), field: "institution.address.locality", rule: "FIELD_MISSING"},
	{name: "no state", spoil: order(func(o *profiles.Order) { o.Institution.Address.State = "" }), field: "institution.address.state", rule: "FIELD_MISSING"},
	{name: "e-mail address without a host", spoil: order(func(o *profiles.Order) { o.Institution.Email = "info@" }), field: "institution.email", rule: "EMAIL"},
	{name: "two e-mail addresses", spoil: order(func(o *profiles.Order) { o.Institution.Email = "a@b.de,c@d.de" }), field: "institution.email", rule: "EMAIL"},
	{name: "e-mail address with an umlaut", spoil: order(func(o *profiles.Order) { o.Institution.Email = "info@müller.de" }), field: "institution.email", rule: "EMAIL"},
	{name: "long name of 1025 characters", spoil: order(func(o *profiles.Order) { o.Institution.LongName = strings.Repeat("n", 1025) }), field: "institution.long_name", rule: "NAME_LENGTH"},
	{name: "names that do not fit the card", spoil: order(func(o *profiles.Order) {
		o.Institution.LongName = strings.Repeat("ä", 400)
	}), field: "institution", rule: "CERTIFICATE_TOO_LARGE"},

	// The evidence.
	{name: "no evidence", spoil: order(func(o *profiles.Order) { o.Evidence = profiles.Evidence{} }), field: "evidence", rule: "EVIDENCE_MISSING"},
	{name: "no approval", spoil: order(func(o *profiles.Order) { o.Evidence.Approval = profiles.Approval{} }), field: "evidence.approval", rule: "EVIDENCE_MISSING"},
	{name: "no approval body", spoil: order(func(o *profiles.Order) { o.Evidence.Approval.Body = "" }), field: "evidence.approval.body", rule: "EVIDENCE_MISSING"},
	{name: "approval body of another sector", spoil: order(func(o *profiles.Order) { o.Evidence.Approval.Body = "KV Berlin" }), field: "evidence.approval.body", rule: "APPROVAL_BODY"},
	{name: "no approval reference", spoil: order(func(o *profiles.Order) { o.Evidence.Approval.Reference = " " }), field: "evidence.approval.reference", rule: "EVIDENCE_MISSING"},
	{name: "approval reference of 257 octets", spoil: order(func(o *profiles.Order) { o.Evidence.Approval.Reference = strings.Repeat("r", 257) }), field: "evidence.approval.reference", rule: "EVIDENCE_LENGTH"},
	{name: "no approval time", spoil: order(func(o *profiles.Order) { o.Evidence.Approval.Time = "" }), field: "evidence.approval.time", rule: "EVIDENCE_MISSING"},
	{name: "approval time without an offset", spoil: order(func(o *profiles.Order) { o.Evidence.Approval.Time = "2024-05-02T10:00:00" }), field: "evidence.approval.time", rule: "EVIDENCE_TIME"},
	{name: "approval in the future", spoil: order(func(o *profiles.Order) { o.Evidence.Approval.Time = "2024-11-05T13:00:01+01:00" }), field: "evidence.approval.time", rule: "EVIDENCE_IN_FUTURE"},
	{name: "no identification", spoil: order(func(o *profiles.Order) { o.Evidence.Identification = profiles.Identification{} }), field: "evidence.identification", rule: "EVIDENCE_MISSING"},
	{name: "no identification method", spoil: order(func(o *profiles.Order) { o.Evidence.Identification.Method = "" }), field: "evidence.identification.method", rule: "EVIDENCE_MISSING"},
	{name: "identification by video", spoil: order(func(o *profiles.Order) { o.Evidence.Identification.Method = "video-ident" }), field: "evidence.identification.method", rule: "IDENTIFICATION_METHOD"},
	{name: "no identification document", spoil: order(func(o *profiles.Order) { o.Evidence.Identification.DocumentReference = "" }), field: "evidence.identification.document_reference", rule: "EVIDENCE_MISSING"},
	{name: "identification in the future", spoil: order(func(o *profiles.Order) { o.Evidence.Identification.Time = "2025-01-01T00:00:00Z" }), field: "evidence.identification.time", rule: "EVIDENCE_IN_FUTURE"},
	{name: "no HBA", spoil: order(func(o *profiles.Order) { o.Evidence.HBATelematikID = "" }), field: "evidence.hba_telematik_id", rule: "EVIDENCE_MISSING"},
	{name: "HBA with an umlaut", spoil: order(func(o *profiles.Order) { o.Evidence.HBATelematikID = "3-Ä" }), field: "evidence.hba_telematik_id", rule: "TELEMATIK_ID_REPERTOIRE"},

	// Slots.
	{name: "no keys", spoil: order(func(o *profiles.Order) { o.Keys = o.Keys[:0] }), field: "keys", rule: "SLOT_MISSING"},
	{name: "one slot missing", spoil: order(func(o *profiles.Order) { dropSlots(o, "C.HCI.ENC.R2048") }), field: "keys", rule: "SLOT_MISSING"},
	{name: "ECC left out", spoil: order(func(o *profiles.Order) { dropSlots(o, "OSIG.E256") }), field: "keys", rule: "SLOT_MISSING"},
	{name: "RSA left out of a G2.0 card", sample: "pharmacy", spoil: order(func(o *profiles.Order) { dropSlots(o, "AUT.R2048") }), field: "keys", rule: "SLOT_MISSING"},
	{name: "QES slot in a G2.1 card", spoil: order(func(o *profiles.Order) { o.Keys[0].Slot = "C.HCI.QES.R2048" }), field: "keys[0].slot", rule: "SLOT_NOT_ON_CARD"},
	{name: "QES slot in a G2.0 card", sample: "pharmacy", spoil: func(t *testing.T, o *profiles.Order, _ *profiles.Context) {
		o.Keys = append(o.Keys, profiles.SlotKey{Slot: "C.HCI.QES.R2048", SPKI: testKey(t, "rsa-good")})
	}, field: "keys[5].slot", rule: "SLOT_NOT_BUILT"},
	{name: "role key of generation 1", spoil: func(t *testing.T, o *profiles.Order, _ *profiles.Context) {
		o.Keys = append(o.Keys, profiles.SlotKey{Slot: "C.SMC.AUTR_CVC.R2048", SPKI: testKey(t, "rsa-good")})
	}, field: "keys[8].slot", rule: "SLOT_NOT_BUILT"},
	{name: "ECC slot in a G2.0 card", sample: "pharmacy", spoil: func(t *testing.T, o *profiles.Order, _ *profiles.Context) {
		o.Keys = append(o.Keys, profiles.SlotKey{Slot: "C.HCI.AUT.E256", SPKI: testKey(t, "ec-good")})
	}, field: "keys[5].slot", rule: "SLOT_NOT_ON_CARD"},
	{name: "unknown slot", spoil: func(t *testing.T, o *profiles.Order, _ *profiles.Context) {
		o.Keys = append(o.Keys, profiles.SlotKey{Slot: "C.HP.AUT.E256", SPKI: testKey(t, "ec-good")})
	}, field: "keys[8].slot", rule: "SLOT_UNKNOWN"},
	{name: "slot twice", spoil: func(t *testing.T, o *profiles.Order, _ *profiles.Context) {
		o.Keys = append(o.Keys, profiles.SlotKey{Slot: "C.HCI.AUT.E256", SPKI: testKey(t, "ec-good")})
	}, field: "keys[8].slot", rule: "SLOT_TWICE"},

	// Keys.
	{name: "no key", spoil: order(func(o *profiles.Order) { o.Keys[1].SPKI = nil }), field: "keys[1]", rule: "KEY_FORM"},
	{name: "key in two forms", spoil: order(func(o *profiles.Order) { o.Keys[1].PKCS10 = []byte{1} }), field: "keys[1]", rule: "KEY_FORM"},
	{name: "octets that are no key", spoil: order(func(o *profiles.Order) { o.Keys[1].SPKI = []byte{0x30, 0} }), field: "keys[1].spki", rule: "KEY_UNREADABLE"},
	{name: "octets after the key", spoil: order(func(o *profiles.Order) { o.Keys[1].SPKI = append(o.Keys[1].SPKI, 0) }), field: "keys[1].spki", rule: "KEY_UNREADABLE"},
	{name: "request with a wrong signature", spoil: func(t *testing.T, o *profiles.Order, _ *profiles.Context) {
		request := testKey(t, "request-rsa")
		request[len(request)-1] ^= 1
		o.Keys[0] = profiles.SlotKey{Slot: o.Keys[0].Slot, PKCS10: request}
	}, field: "keys[0].pkcs10", rule: "REQUEST_SIGNATURE"},
	{name: "octets that are no request", spoil: order(func(o *profiles.Order) {
		o.Keys[0] = profiles.SlotKey{Slot: o.Keys[0].Slot, PKCS10: []byte{0x30, 0}}
	}), field: "keys[0].pkcs10", rule: "KEY_UNREADABLE"},
	{name: "RSA key in an ECC slot", spoil: key("C.HCI.AUT.E256", "rsa-good"), field: "keys[3].spki", rule: "KEY_TYPE"},
	{name: "ECC key in an RSA slot", spoil: key("C.HCI.AUT.R2048", "ec-good"), field: "keys[0].spki", rule: "KEY_TYPE"},
	{name: "RSA key in a CVC slot", spoil: key("C.SMC.AUTR_CVC.E256", "rsa-good"), field: "keys[6].spki", rule: "KEY_TYPE"},
	{name: "key on P-256", spoil: key("C.HCI.AUT.E256", "ec-p256"), field: "keys[3].spki", rule: "KEY_TYPE"},
	{name: "key on brainpoolP384r1", spoil: key("C.HCI.AUT.E256", "ec-brainpoolP384r1"), field: "keys[3].spki", rule: "KEY_TYPE"},
	{name: "RSA key of 1024 bits", spoil: key("C.HCI.AUT.R2048", "rsa-1024"), field: "keys[0].spki", rule: "RSA_MODULUS_SIZE"},
	{name: "RSA key of 3072 bits", spoil: key("C.HCI.AUT.R2048", "rsa-3072"), field: "keys[0].spki", rule: "RSA_MODULUS_SIZE"},
	{name: "even modulus", spoil: key("C.HCI.AUT.R2048", "rsa-even-modulus"), field: "keys[0].spki", rule: "RSA_MODULUS_EVEN"},
	{name: "even exponent", spoil: key("C.HCI.AUT.R2048", "rsa-even-exponent"), field: "keys[0].spki", rule: "RSA_EXPONENT_EVEN"},
	{name: "exponent 3", spoil: key("C.HCI.AUT.R2048", "rsa-exponent-3"), field: "keys[0].spki", rule: "RSA_EXPONENT_RANGE"},
	{name: "exponent that is not prime", spoil: key("C.HCI.AUT.R2048", "rsa-composite-exponent"), field: "keys[0].spki", rule: "RSA_EXPONENT_NOT_PRIME"},
	{name: "small prime factor", spoil: key("C.HCI.AUT.R2048", "rsa-small-factor"), field: "keys[0].spki", rule: "RSA_SMALL_FACTOR"},
	{name: "close prime factors", spoil: key("C.HCI.AUT.R2048", "rsa-close-primes"), field: "keys[0].spki", rule: "RSA_CLOSE_PRIMES"},
	{name: "ROCA", spoil: key("C.HCI.AUT.R2048", "rsa-roca"), field: "keys[0].spki", rule: "RSA_ROCA"},
	{name: "point off the curve", spoil: key("C.HCI.AUT.E256", "ec-off-curve"), field: "keys[3].spki", rule: "KEY_NOT_ON_CURVE"},
	{name: "coordinate above the prime", spoil: key("C.SMC.AUTD_RPE_CVC.E256", "ec-out-of-range"), field: "keys[7].spki", rule: "KEY_NOT_ON_CURVE"},
	{name: "compressed point", spoil: key("C.HCI.AUT.E256", "ec-compressed"), field: "keys[3].spki", rule: "KEY_POINT_FORM"},
	{name: "point at infinity", spoil: key("C.HCI.AUT.E256", "ec-infinity"), field: "keys[3].spki", rule: "KEY_POINT_FORM"},
	{name: "one key in two X.509 slots", spoil: order(func(o *profiles.Order) { o.Keys[4].SPKI = o.Keys[3].SPKI }), field: "keys[4].spki", rule: "KEY_TWICE"},
	{name: "one key in an X.509 and a CVC slot", spoil: order(func(o *profiles.Order) { o.Keys[7].SPKI = o.Keys[5].SPKI }), field: "keys[7].spki", rule: "KEY_TWICE"},

	// The term. Today is 2024-11-05.
	{name: "first day that does not exist", spoil: order(func(o *profiles.Order) { o.ValidFrom = "2024-02-30" }), field: "valid_from", rule: "DATE"},
	{name: "last day in another form", spoil: order(func(o *profiles.Order) { o.ValidUntil = "04.11.2029" }), field: "valid_until", rule: "DATE"},
	{name: "first day tomorrow", spoil: order(func(o *profiles.Order) { o.ValidFrom = "2024-11-06" }), field: "valid_from", rule: "VALID_FROM_IN_FUTURE"},
	{name: "first day 32 days ago", spoil: order(func(o *profiles.Order) { o.ValidFrom = "2024-10-04" }), field: "valid_from", rule: "VALID_FROM_TOO_OLD"},
	{name: "five years and a day", spoil: order(func(o *profiles.Order) { o.ValidUntil = "2029-11-05" }), field: "valid_until", rule: "TERM_EXCEEDS_FIVE_YEARS"},
	{name: "last day before the first", spoil: order(func(o *profiles.Order) { o.ValidUntil = "2024-11-04" }), field: "valid_until", rule: "TERM_EMPTY"},
	{name: "term that is over", spoil: order(func(o *profiles.Order) { o.ValidFrom, o.ValidUntil = "2024-11-01", "2024-11-04" }), field: "valid_until", rule: "TERM_PAST"},
	{name: "before the issuer, which begins in the afternoon of the day", spoil: order(func(o *profiles.Order) { o.ValidFrom = "2024-10-29" }), field: "valid_from", rule: "TERM_BEFORE_ISSUER"},
	{name: "longer than the issuer", spoil: func(_ *testing.T, _ *profiles.Order, c *profiles.Context) {
		c.Now = time.Date(2024, time.November, 7, 0, 0, 0, 0, time.UTC) // the RSA issuer ends on 2029-11-06 in the afternoon
	}, field: "valid_until", rule: "TERM_EXCEEDS_ISSUER"},
	{name: "longer than the CVC sub-CA", spoil: func(_ *testing.T, _ *profiles.Order, c *profiles.Context) {
		c.Issuers[2] = changeCVC(c.Issuers[2], func(b *cvc.Body) { b.CXD = cvc.Date{Year: 2029, Month: time.November, Day: 3} })
	}, field: "valid_until", rule: "TERM_EXCEEDS_ISSUER"},
}

// production makes a spoiler for environment production.
func production(spoil func(o *profiles.Order)) func(*testing.T, *profiles.Order, *profiles.Context) {
	return func(_ *testing.T, o *profiles.Order, c *profiles.Context) {
		c.Environment = profiles.Production
		spoil(o)
	}
}

// changeCVC copies an issuer with another certificate body.
func changeCVC(i *profiles.Issuer, change func(*cvc.Body)) *profiles.Issuer {
	issuer, certificate := *i, *i.CVC
	change(&certificate.Body)
	issuer.CVC = &certificate
	return &issuer
}

// TestRefuses spoils a good order in one place after the other. Exactly one rule must break, unless the order is a chain of slots, and the
// refusal must cite it.
func TestRefuses(t *testing.T) {
	for _, c := range badOrders {
		t.Run(c.name, func(t *testing.T) {
			sample := c.sample
			if sample == "" {
				sample = "hospital-pharmacy"
			}
			o, ctx := sampleOrder(t, sample), testContext(t)
			c.spoil(t, o, ctx)
			v := refusal(t, o, ctx)
			if v[0].Field != c.field || v[0].Rule != c.rule || v[0].Configuration {
				t.Errorf("violation is %+v, want %s at %s", v[0], c.rule, c.field)
			}
			for _, v := range v {
				// A rule that several slots break is said for each; another rule may only follow from a slot that changed its name.
				if v.Rule != c.rule && v.Rule != "SLOT_MISSING" {
					t.Errorf("also violates %s at %s, which was not wrong: %s", v.Rule, v.Field, v.Message)
				}
				if v.Citation == "" || v.Message == "" {
					t.Errorf("violation %+v lacks citation or message", v)
				}
			}
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
			Name: secret, Organization: secret, OrganizationalUnit: secret, TelematikID: secret, ProfessionOID: secret,
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
	for _, cardType := range []string{secret, "smcb-g2.0", "smcb-g2.1"} {
		for _, sector := range []string{secret, "dkg", "kbv", "pharmacy"} {
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
