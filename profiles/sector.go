package profiles

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/siegel-pki/siegel/internal/pkix"
)

// Sector says what the holders of one part of the health system look like in a certificate, and what must be known before
// they get a card: a file under sectors/ (gemSpec_PKI, Annex A).
type Sector struct {
	Name               string // for example "dkg"
	Title              string
	Holder             Cited[Holder]
	Institutions       Cited[[]string] // OIDs that the sector may use
	Role               Cited[string]   // access profile, where an institution has several; otherwise empty
	TelematikID        TelematikIDRule // of the institution
	Subject            []AttributeRule // one for each attribute of the subject but C
	Email              FieldRule       // subjectAltName rfc822Name
	LongName           FieldRule       // subjectAltName otherName
	AdmissionAuthority FieldRule       // admissionAuthority O
	CRL                FieldRule       // cRLDistributionPoints
	CPS                FieldRule       // qualifier of the policy
	ApprovalBodies     Cited[[]string] // who may release a card of the sector
	HBA                Cited[Occurs]   // Telematik-ID of the HBA that the institution relies on, in the evidence

	at position
}

// FieldRule says whether something stands in a certificate.
type FieldRule struct {
	Occurs Occurs
	// Include decides where the rule leaves it open (0-1) and the order has no say; Always and Never decide by themselves.
	Include bool
	Source  string

	at position
}

// AttributeRule is a row of a sector's table of subject attributes.
type AttributeRule struct {
	FieldRule
	Name string // short name of the attribute type, for example "O"
	// Same names another field whose value the attribute repeats: "telematik-id" or "".
	Same string
	// Pattern is the sector's own form of the value; nil for none. Hard in production, a warning in test.
	Pattern *regexp.Regexp
	Form    string // the pattern in words
}

// TelematikIDRule says what a sector's Telematik-IDs look like.
type TelematikIDRule struct {
	Prefixes []string       // digits before the first hyphen (Tab_PKI_101)
	Pattern  *regexp.Regexp // the sector's own scheme; hard in production, a warning in test, whose data ignores it
	Form     string         // the pattern in words
	Source   string

	at position
}

// sameTelematikID is the value of AttributeRule.Same for an attribute that repeats the Telematik-ID.
const sameTelematikID = "telematik-id"

// serialNumberAttribute is the one attribute of a subject that the order has no field for: Siegel makes it from the ICCSN.
const serialNumberAttribute = "serialNumber"

// attribute gives the row of an attribute; the loader sees to it that there is one.
func (s *Sector) attribute(name string) AttributeRule {
	for _, r := range s.Subject {
		if r.Name == name {
			return r
		}
	}
	return AttributeRule{Name: name, FieldRule: FieldRule{Occurs: Never}}
}

// accessProfile gives the access profile of the role certificate of an institution, and "" if it has none.
func (s *Sector) accessProfile(i *InstitutionType) string {
	if len(i.Roles) == 1 {
		return i.Roles[0]
	}
	if slices.Contains(i.Roles, s.Role.Value) {
		return s.Role.Value
	}
	return ""
}

func readSector(d *decoder, m mapping) *Sector {
	s := &Sector{
		Name:               required(m, "sector", text),
		Title:              required(m, "title", text),
		Holder:             cited(m, "holder", holder),
		Institutions:       cited(m, "institutions", set(oidText)),
		TelematikID:        required(m, "telematik_id", readTelematikIDRule),
		Subject:            required(m, "subject", list(readAttributeRule)),
		Email:              required(m, "email", readFieldRule),
		LongName:           required(m, "long_name", readFieldRule),
		AdmissionAuthority: required(m, "admission_authority", readFieldRule),
		CRL:                required(m, "crl_distribution_point", readDecidedRule),
		CPS:                required(m, "cps_qualifier", readDecidedRule),
		ApprovalBodies:     cited(m, "approval_bodies", set(text)),
		HBA:                cited(m, "hba", occurs),
		at:                 m.at(),
	}
	s.Role, _ = citedIfThere(m, "role", text)
	s.checkSubject(d)
	return s
}

// checkSubject sees to it that the table has every attribute once and always a common name.
func (s *Sector) checkSubject(d *decoder) {
	if s.Subject == nil {
		return
	}
	seen := map[string]bool{"C": true} // always DE
	for _, r := range s.Subject {
		if r.Name != "" && seen[r.Name] {
			d.problems.add(r.at, "DUPLICATE_NAME", "attribute %s appears a second time, or is always DE", r.Name)
		}
		seen[r.Name] = true
		if r.Name == "CN" && r.Occurs != Always {
			d.problems.add(r.at, "CONTRADICTION", "every subject has a CN")
		}
		if r.Occurs == Never && (r.Same != "" || r.Pattern != nil) {
			d.problems.add(r.at, "CONTRADICTION", "attribute %s never occurs and needs no form", r.Name)
		}
	}
	for _, name := range subjectAttributes {
		if !seen[name] {
			d.problems.add(s.at, "MISSING_KEY", "the subject has no row for attribute %s", name)
		}
	}
}

func readAttributeRule(d *decoder, n *yaml.Node) AttributeRule {
	m := d.mapping(n)
	r := AttributeRule{
		Name:    required(m, "attribute", attributeName),
		Same:    optional(m, "same_as", word(map[string]string{sameTelematikID: sameTelematikID})),
		Pattern: optional(m, "pattern", parsed(wholePattern)),
	}
	r.FieldRule = takeFieldRule(m, r.Name == serialNumberAttribute)
	r.Form = formOf(m, r.Pattern)
	m.end()
	return r
}

// formOf reads the words beside a pattern. Each is useless without the other.
func formOf(m mapping, pattern *regexp.Regexp) string {
	if pattern == nil {
		return ""
	}
	return required(m, "form", text)
}

func readFieldRule(d *decoder, n *yaml.Node) FieldRule { return readRule(d, n, false) }

// readDecidedRule reads a rule for something that the order has no field for.
func readDecidedRule(d *decoder, n *yaml.Node) FieldRule { return readRule(d, n, true) }

func readRule(d *decoder, n *yaml.Node, decided bool) FieldRule {
	m := d.mapping(n)
	r := takeFieldRule(m, decided)
	m.end()
	return r
}

// takeFieldRule takes the keys of a FieldRule. Where nothing in the order decides, a rule 0-1 must say what Siegel does.
func takeFieldRule(m mapping, decided bool) FieldRule {
	r := FieldRule{Occurs: required(m, "occurs", occurs), Source: required(m, "source", text), at: m.at()}
	if decided && r.Occurs == Optional {
		r.Include = required(m, "use", word(map[string]bool{"include": true, "omit": false}))
	}
	if r.Occurs == Always {
		r.Include = true
	}
	return r
}

func readTelematikIDRule(d *decoder, n *yaml.Node) TelematikIDRule {
	m := d.mapping(n)
	r := TelematikIDRule{
		Prefixes: required(m, "prefixes", set(parsed(parsePrefix))),
		Pattern:  required(m, "pattern", parsed(wholePattern)),
		Source:   required(m, "source", text),
		at:       m.at(),
	}
	r.Form = formOf(m, r.Pattern)
	m.end()
	return r
}

// parsePrefix reads the number of a sector in Tab_PKI_101: one or two digits.
func parsePrefix(s string) (string, error) {
	if !regexp.MustCompile(`^[1-9][0-9]?$`).MatchString(s) {
		return "", fmt.Errorf("a prefix is one or two digits")
	}
	return s, nil
}

// wholePattern compiles a regular expression (RE2) that matches the whole of a value.
func wholePattern(s string) (*regexp.Regexp, error) {
	if !strings.HasPrefix(s, "^") || !strings.HasSuffix(s, "$") {
		return nil, fmt.Errorf("a pattern begins with ^ and ends with $")
	}
	return regexp.Compile(s)
}

// oidText reads an object identifier and keeps its text.
func oidText(d *decoder, n *yaml.Node) string {
	id := oid(d, n)
	if id == nil {
		return ""
	}
	return id.String()
}

// subjectAttributes are the attributes of a subject by their short names, without C, most significant first (A_15676).
var subjectAttributes = []string{"ST", "L", "postalCode", "street", "O", "OU", serialNumberAttribute, "SN", "GN", "title", "CN"}

// attributeName reads the short name of an attribute type of a subject.
func attributeName(d *decoder, n *yaml.Node) string {
	words := map[string]string{"C": "C"}
	for _, name := range subjectAttributes {
		if _, known := pkix.AttributeType(name); known {
			words[name] = name
		}
	}
	return word(words)(d, n)
}
