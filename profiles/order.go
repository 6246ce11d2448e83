package profiles

import (
	"reflect"
	"strings"
	"time"
)

// Order is a card order as the planner reads it. It holds what the wire said; the planner decides whether it is a good one.
type Order struct {
	ID          string      `json:"order_id"`
	CardType    string      `json:"card_type"`        // for example "smcb-g2.1"
	ICCSN       string      `json:"iccsn"`            // 20 decimal digits
	Sector      string      `json:"sector,omitempty"` // for example "dkg"; cards of institutions only
	Institution Institution `json:"institution,omitzero"`
	Device      *Device     `json:"device,omitempty"` // in place of sector and institution; cards of devices only
	Evidence    Evidence    `json:"evidence"`
	Keys        []SlotKey   `json:"keys"`
	ValidFrom   string      `json:"valid_from,omitempty"`  // YYYY-MM-DD; empty: the day of issue
	ValidUntil  string      `json:"valid_until,omitempty"` // YYYY-MM-DD; empty: the full five years
	// Renews is the id of the order that made the card, where the order is for new CV certificates of that card: see renewal.go.
	Renews string `json:"renews,omitempty"`
}

// Institution is the holder of the card. The field names are those of siegel.v1.Institution, so that a violation's field
// path reads the same at the wire.
type Institution struct {
	Name string `json:"name,omitempty"`
	// NameLines are lines 1 and 2 of the address field (DIN 5008), in place of Name. Line 2 may be missing.
	NameLines          []string `json:"name_lines,omitempty"`
	Organization       string   `json:"organization,omitempty"`
	OrganizationalUnit string   `json:"organizational_unit,omitempty"`
	TelematikID        string   `json:"telematik_id"`
	ProfessionOID      string   `json:"profession_oid"`
	AdmissionAuthority string   `json:"admission_authority,omitempty"`
	Responsible        Person   `json:"responsible"`
	Address            Address  `json:"address"`
	Email              string   `json:"email,omitempty"`
	LongName           string   `json:"long_name,omitempty"`

	// The fields of qualified certificates: what the institution is called in law, its number there, and the natural person who signs.
	LegalName              string `json:"legal_name,omitempty"`
	OrganizationIdentifier string `json:"organization_identifier,omitempty"`
	Signatory              Person `json:"signatory,omitzero"`
}

// isZero tells whether nothing is said about an institution.
func (i *Institution) isZero() bool { return reflect.ValueOf(i).Elem().IsZero() }

// Device is what a card of a device says about it. The zero value is no device.
type Device struct {
	Manufacturer       string  `json:"manufacturer"`
	OrganizationalUnit string  `json:"organizational_unit,omitempty"`
	Country            string  `json:"country"` // ISO 3166-1, two capital letters
	Address            Address `json:"address,omitzero"`
}

// CommonName is the short name of the institution: Name, or NameLines joined by one blank (gemSpec_PKI, chapter 5.3.2).
func (i *Institution) CommonName() string {
	if len(i.NameLines) > 0 {
		return strings.Join(i.NameLines, " ")
	}
	return i.Name
}

// Person is the responsible person of an institution, or the one who signs for it; the zero value is no person.
type Person struct {
	Title     string `json:"title,omitempty"`
	GivenName string `json:"given_name,omitempty"`
	Surname   string `json:"surname,omitempty"`
}

// Address is a postal address; the zero value is no address.
type Address struct {
	Street     string `json:"street,omitempty"`
	PostalCode string `json:"postal_code,omitempty"`
	Locality   string `json:"locality,omitempty"`
	State      string `json:"state,omitempty"`
}

// Evidence is what the card issuer must be able to show.
type Evidence struct {
	Approval       Approval       `json:"approval"`
	Identification Identification `json:"identification"`
	HBATelematikID string         `json:"hba_telematik_id,omitempty"`
}

// Approval is the production release by the body in charge (TIP1-A_5086).
type Approval struct {
	Body      string `json:"body,omitempty"`
	Reference string `json:"reference,omitempty"`
	Time      string `json:"time,omitempty"` // RFC 3339
}

// Identification says how the applicant was identified (A_20112-03).
type Identification struct {
	Method            string `json:"method,omitempty"` // "postal-ident", "eid" or "on-site"
	DocumentReference string `json:"document_reference,omitempty"`
	Time              string `json:"time,omitempty"` // RFC 3339
}

// SlotKey is the public key for one slot: a DER SubjectPublicKeyInfo, or a PKCS#10 request of which only the key counts.
type SlotKey struct {
	Slot   string `json:"slot"` // for example "C.HCI.AUT.E256"
	SPKI   []byte `json:"spki,omitempty"`
	PKCS10 []byte `json:"pkcs10,omitempty"`
}

// Violation is one thing wrong with an order, said so that a person and a program can act on it.
type Violation struct {
	Field    string // path as in the order's JSON, for example "keys[2].spki" or "institution.telematik_id"
	Rule     string // name of the rule in upper snake case, for example "TERM_EXCEEDS_FIVE_YEARS"
	Citation string // where the rule comes from, for example "gemSpec_PKI, GS-A_4352"
	Message  string // what is wrong and what would be right; no personal data
	// Configuration says that nothing is wrong with the order: this installation cannot fulfil it, for example because no issuer
	// is bound to a profile. An operator must act, not the sender.
	Configuration bool
}

// Refusal is the error of an order that breaks rules: all violations that were found, in the order of the fields.
type Refusal struct{ Violations []Violation }

// Configuration tells that the order is good and only this installation cannot fulfil it: see Violation.Configuration.
func (r *Refusal) Configuration() bool {
	for _, v := range r.Violations {
		if !v.Configuration {
			return false
		}
	}
	return len(r.Violations) > 0
}

// Error gives the violations in one line.
func (r *Refusal) Error() string {
	text := "order refused"
	for i, v := range r.Violations {
		sep := "; "
		if i == 0 {
			sep = ": "
		}
		text += sep + v.Field + ": " + v.Message + " (" + v.Rule + ", " + v.Citation + ")"
	}
	return text
}

// Term is the validity that a card's certificates share: whole days, both inclusive, in UTC.
type Term struct {
	First time.Time // 00:00:00 of the first day
	Last  time.Time // 23:59:59 of the last day
}
