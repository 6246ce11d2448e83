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
	Institutions       Cited[[]string]   // OIDs that the sector may use
	Role               Cited[string]     // access profile, where an institution has several; otherwise empty
	SubCA              Cited[string]     // row of subca.yaml, where the sector's CV certificates come from a sub-CA of their own; otherwise empty
	TelematikID        []TelematikIDRule // of the institution: one row for all institutions, or one for each group of them
	Subject            []AttributeRule   // one for each attribute of the subject but C
	Email              FieldRule         // subjectAltName rfc822Name
	LongName           FieldRule         // subjectAltName otherName
	AdmissionAuthority AuthorityRule     // admissionAuthority O
	CRL                FieldRule         // cRLDistributionPoints
	CPS                FieldRule         // qualifier of the policy
	ApprovalBodies     Cited[[]string]   // who may release a card of the sector
	Revocation         Cited[string]     // row of entitlements in revocation.yaml: who may have the sector's cards revoked
	HBAPrefixes        Cited[[]string]   // of the HBA's Telematik-ID; nil: any. Hard in production, a warning in test
	HBA                Cited[Occurs]     // Telematik-ID of the HBA that the institution relies on, in the evidence
	Elsewhere          []AbsentSlot      // certificates of the sector's institutions that no card holds; every plan warns of them
	Gaps               []Gap             // what the sources do not settle, and the cautious rule that this file takes

	at position
}

// Gap is something that the sources do not settle, or in which a file leaves them.
type Gap struct {
	Open string // what is not known, or what the source says
	Rule string // what the file does, and the reason where it leaves the source
}

// FieldRule says whether something stands in a certificate.
type FieldRule struct {
	Occurs Occurs
	// Include decides where the rule leaves it open (0-1) and the order has no say; Always and Never decide by themselves.
	Include bool
	Source  string

	at position
}

// AuthorityRule is the rule of the body in an admission.
type AuthorityRule struct {
	FieldRule
	OneOf   []string       // values that it may have; nil: any
	Pattern *regexp.Regexp // form of the value; nil for none. Hard in production, a warning in test
	Form    string         // the pattern in words
	// SameAsApproval: where this matches the body and the one that approves the card, they are one. Nil for none; as strict as Pattern.
	SameAsApproval *regexp.Regexp
}

// AttributeRule is a row of a sector's table of subject attributes.
type AttributeRule struct {
	FieldRule
	Name string // short name of the attribute type, for example "O"
	// Same names another field whose value the attribute repeats: "telematik-id" or "".
	Same string
	// InTelematikID finds what the value repeats of the Telematik-ID: its first group, where that is as long as the value. Nil for none; as
	// strict as Pattern.
	InTelematikID *regexp.Regexp
	// Pattern is the sector's own form of the value; nil for none. Hard in production, a warning in test.
	Pattern *regexp.Regexp
	Form    string // the pattern in words
}

// TelematikIDRule says what the Telematik-IDs of a sector, or of some of its institutions, look like.
type TelematikIDRule struct {
	Institutions []string // OIDs that the row is for; nil: all of the sector
	Prefixes     []string // digits before the first hyphen (Tab_PKI_101)
	// Pattern is the sector's own scheme; hard in production, a warning in test, whose data ignores it. arcPlace in it stands for
	// the last arc of the institution's OID.
	Pattern string
	Form    string // the pattern in words
	Source  string

	compiled map[string]*regexp.Regexp // Pattern by OID
	at       position
}

// arcPlace is the place of the institution's last arc in the pattern of a Telematik-ID.
const arcPlace = "<arc>"

// telematikIDRule gives the row for an institution; the loader sees to it that there is exactly one.
func (s *Sector) telematikIDRule(oid string) (TelematikIDRule, bool) {
	for _, r := range s.TelematikID {
		if r.Institutions == nil || slices.Contains(r.Institutions, oid) {
			return r, true
		}
	}
	return TelematikIDRule{}, false
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
		TelematikID:        required(m, "telematik_id", list(readTelematikIDRule)),
		Subject:            required(m, "subject", list(readAttributeRule)),
		Email:              required(m, "email", readFieldRule),
		LongName:           required(m, "long_name", readFieldRule),
		AdmissionAuthority: required(m, "admission_authority", readAuthorityRule),
		CRL:                required(m, "crl_distribution_point", readDecidedRule),
		CPS:                required(m, "cps_qualifier", readDecidedRule),
		ApprovalBodies:     cited(m, "approval_bodies", set(text)),
		Revocation:         cited(m, "revocation", text),
		HBA:                cited(m, "hba", occurs),
		Elsewhere:          optional(m, "elsewhere", list(readElsewhere)),
		Gaps:               optional(m, "gaps", list(readGap)),
		at:                 m.at(),
	}
	s.Role, _ = citedIfThere(m, "role", text)
	s.HBAPrefixes, _ = citedIfThere(m, "hba_prefixes", set(parsed(parsePrefix)))
	s.SubCA, _ = citedIfThere(m, "sub_ca", text)
	s.checkSubject(d)
	s.checkTelematikID(d)
	return s
}

// checkTelematikID sees to it that every institution has one row, and compiles its pattern.
func (s *Sector) checkTelematikID(d *decoder) {
	for i := range s.TelematikID {
		s.TelematikID[i].compiled = map[string]*regexp.Regexp{}
		for _, oid := range s.TelematikID[i].Institutions {
			if !slices.Contains(s.Institutions.Value, oid) {
				d.problems.add(s.TelematikID[i].at, "UNKNOWN_REFERENCE", "the sector has no institution %s", oid)
			}
		}
	}
	for _, oid := range s.Institutions.Value {
		rows := 0
		for _, r := range s.TelematikID {
			if r.Institutions != nil && !slices.Contains(r.Institutions, oid) {
				continue
			}
			rows++
			arc := oid[strings.LastIndexByte(oid, '.')+1:]
			if pattern, err := regexp.Compile(strings.ReplaceAll(r.Pattern, arcPlace, arc)); err == nil { // else reported where it was read
				r.compiled[oid] = pattern
			}
		}
		if rows != 1 && s.TelematikID != nil {
			d.problems.add(s.Institutions.at, "CONTRADICTION", "institution %s has %d rows of telematik_id, want one", oid, rows)
		}
	}
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

		InTelematikID: optional(m, "in_telematik_id", parsed(groupPattern)),
	}
	r.FieldRule = takeFieldRule(m, r.Name == serialNumberAttribute)
	if r.Pattern != nil { // each is useless without the other
		r.Form = required(m, "form", text)
	}
	m.end()
	return r
}

func readFieldRule(d *decoder, n *yaml.Node) FieldRule { return readRule(d, n, false) }

// readAuthorityRule reads the rule of a body that the sector may name.
func readAuthorityRule(d *decoder, n *yaml.Node) AuthorityRule {
	m := d.mapping(n)
	r := AuthorityRule{
		FieldRule:      takeFieldRule(m, false),
		OneOf:          optional(m, "one_of", set(text)),
		Pattern:        optional(m, "pattern", parsed(wholePattern)),
		SameAsApproval: optional(m, "same_as_approval", parsed(regexp.Compile)),
	}
	if r.Pattern != nil { // each is useless without the other
		r.Form = required(m, "form", text)
	}
	if r.Occurs == Never && (r.OneOf != nil || r.Pattern != nil || r.SameAsApproval != nil) {
		d.problems.add(r.at, "CONTRADICTION", "the field never occurs and needs no values")
	}
	m.end()
	return r
}

// readElsewhere reads a certificate that is on no card.
func readElsewhere(d *decoder, n *yaml.Node) AbsentSlot {
	m := d.mapping(n)
	a := AbsentSlot{
		Name:   required(m, "certificate", text),
		Reason: required(m, "reason", text),
		Source: required(m, "source", text),
		at:     m.at(),
	}
	m.end()
	return a
}

func readGap(d *decoder, n *yaml.Node) Gap {
	m := d.mapping(n)
	g := Gap{Open: required(m, "open", text), Rule: required(m, "rule", text)}
	m.end()
	return g
}

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
		Institutions: optional(m, "institutions", set(oidText)),
		Prefixes:     required(m, "prefixes", set(parsed(parsePrefix))),
		Pattern:      required(m, "pattern", parsed(arcPattern)),
		Form:         required(m, "form", text),
		Source:       required(m, "source", text),
		at:           m.at(),
	}
	m.end()
	return r
}

// sectorNumber is the number of a sector in Tab_PKI_101: one or two digits.
var sectorNumber = regexp.MustCompile(`^[1-9][0-9]?$`)

func parsePrefix(s string) (string, error) {
	if !sectorNumber.MatchString(s) {
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

// groupPattern compiles a regular expression that finds one part of a value from its beginning.
func groupPattern(s string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(s)
	if err == nil && (!strings.HasPrefix(s, "^") || re.NumSubexp() != 1) {
		return nil, fmt.Errorf("a pattern that finds a part begins with ^ and has one group")
	}
	return re, err
}

// arcPattern checks a pattern that may hold arcPlace.
func arcPattern(s string) (string, error) {
	_, err := wholePattern(strings.ReplaceAll(s, arcPlace, "0"))
	return s, err
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
