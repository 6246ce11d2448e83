package profiles

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/siegel-pki/siegel/internal/der"
	"github.com/siegel-pki/siegel/internal/pkix"
)

// The marks of test identities (GS-A_4588, GS-A_4589). They count into the length of the attribute.
const (
	markCommonName   = " TEST-ONLY"
	markOrganization = " NOT-VALID"
)

const (
	citeMarks     = "gemSpec_PKI, GS-A_4588, GS-A_4589"
	citeNames     = "gemSpec_PKI, Tab_PKI_229-01"
	citeTID       = "gemSpec_PKI, GS-A_4587"
	citeAdmission = "gemSpec_PKI, GS-A_4717-02, Tab_PKI_226"
)

// Limits of texts that Tab_PKI_229-01 does not bound.
const (
	maxTelematikID = 128  // characters (GS-A_4587; ub of registrationNumber)
	maxLongName    = 1024 // characters; the card file bounds it in fact
)

// subjectField says which field of an order fills an attribute of the subject.
type subjectField struct {
	attribute string // short name
	path      string
	value     func(*Institution) string
}

// The fields of an order in the order in which they stand there: those before and after the admission's.
var (
	namesOfInstitution = []subjectField{
		{"CN", pathName, (*Institution).CommonName},
		{"O", "institution.organization", func(i *Institution) string { return i.Organization }},
		{"OU", "institution.organizational_unit", func(i *Institution) string { return i.OrganizationalUnit }},
	}
	personAndAddress = []subjectField{
		{"title", "institution.responsible.title", func(i *Institution) string { return i.Responsible.Title }},
		{"GN", "institution.responsible.given_name", func(i *Institution) string { return i.Responsible.GivenName }},
		{"SN", "institution.responsible.surname", func(i *Institution) string { return i.Responsible.Surname }},
		{"street", "institution.address.street", func(i *Institution) string { return i.Address.Street }},
		{"postalCode", "institution.address.postal_code", func(i *Institution) string { return i.Address.PostalCode }},
		{"L", "institution.address.locality", func(i *Institution) string { return i.Address.Locality }},
		{"ST", "institution.address.state", func(i *Institution) string { return i.Address.State }},
	}
)

// checkInstitution looks at the holder, by the rules of the sector where it is known.
func (p *planner) checkInstitution() {
	i := &p.order.Institution
	p.checkNameLines(i)
	for _, f := range namesOfInstitution {
		if f.path == pathName && len(i.NameLines) > 0 {
			f.path = pathNameLines
		}
		p.checkSubjectField(f)
	}
	p.checkTelematikID()
	p.findInstitution()
	p.checkAuthority(i.AdmissionAuthority)
	for _, f := range personAndAddress {
		p.checkSubjectField(f)
	}
	p.checkEmail(i.Email)
	p.checkLongName(i.LongName)
}

// checkSubjectField looks at the presence, repertoire, length and form of an attribute of the subject.
func (p *planner) checkSubjectField(f subjectField) {
	value := f.value(&p.order.Institution)
	rule := AttributeRule{Name: f.attribute, FieldRule: FieldRule{Occurs: Optional}}
	if p.sector != nil {
		rule = p.sector.attribute(f.attribute)
	}
	if !p.checkPresence(f.path, value, rule.FieldRule, "attribute "+f.attribute+" of the subject") || value == "" {
		return
	}
	if f.path != pathNameLines && !p.checkText(f.path, value) { // of lines, each was looked at by itself
		return
	}
	p.checkLength(f, value)
	if f.attribute == "postalCode" && !postalCode.MatchString(value) {
		p.refuse(f.path, "POSTAL_CODE", "gemSpec_PKI, Annex A", "a German postal code has five digits")
	}
	if rule.Same == sameTelematikID && value != p.order.Institution.TelematikID {
		p.refuse(f.path, "ORGANIZATION_NOT_TELEMATIK_ID", rule.Source,
			"in sector %s it must be the Telematik-ID", p.sector.Name)
	}
	if rule.InTelematikID != nil {
		part := rule.InTelematikID.FindStringSubmatch(p.order.Institution.TelematikID)
		if part != nil && len(part[1]) == len(value) && part[1] != value {
			p.strict(f.path, "SUBJECT_NOT_TELEMATIK_ID", rule.Source, "in sector "+p.sector.Name+" it must be what the Telematik-ID says")
		}
	}
	if rule.Pattern != nil && !rule.Pattern.MatchString(value) {
		p.strict(f.path, "SUBJECT_FORM", rule.Source, "in sector "+p.sector.Name+" it must be "+rule.Form)
	}
}

// postalCode is a German one: every institution is in Germany.
var postalCode = regexp.MustCompile(`^[0-9]{5}$`)

// checkLength holds an attribute, with its mark, against its limit. A name that is too long is refused and never cut: nobody but the
// applicant can say how an institution is called for short (GS-A_5337).
func (p *planner) checkLength(f subjectField, value string) {
	id, _ := pkix.AttributeType(f.attribute)
	mark := p.mark(f.attribute)
	err := pkix.Attribute{Type: id, Value: value + mark}.Check()
	if err == nil {
		return
	}
	message := err.Error()
	if mark != "" {
		message += fmt.Sprintf("; the mark %q, which is added in environment test, counts", mark)
	}
	if f.attribute == "CN" && p.sector != nil && p.sector.LongName.Occurs != Never {
		message += "; agree on a short name with the applicant and give the whole in institution.long_name"
	}
	p.refuse(f.path, "NAME_LENGTH", citeNames, "%s", message)
}

// checkPresence holds a field against its cardinality and tells whether it may be looked at further.
func (p *planner) checkPresence(path, value string, rule FieldRule, what string) bool {
	switch {
	case value == "" && rule.Occurs == Always:
		p.refuse(path, "FIELD_MISSING", rule.Source, "sector %s needs it: %s", p.sector.Name, what)
		return false
	case value != "" && rule.Occurs == Never:
		p.refuse(path, "FIELD_FORBIDDEN", rule.Source, "sector %s has no %s; leave the field out", p.sector.Name, what)
		return false
	}
	return true
}

// mark is what environment test adds to an attribute of an institution's name.
func (p *planner) mark(attribute string) string {
	return identityMarks(p.ctx.Environment).of(attribute)
}

// strict refuses what a sector's own scheme does not allow. Test data ignores the schemes, so that environment test only warns.
func (p *planner) strict(path, rule, source, message string) {
	if p.ctx.Environment == Production {
		p.refuse(path, rule, source, "%s", message)
		return
	}
	p.warn("%s: %s; allowed in environment test only (%s, %s)", path, message, rule, source)
}

// checkTelematikID looks at repertoire, length, prefix and, as strict as the environment, the sector's scheme.
func (p *planner) checkTelematikID() {
	const path = "institution.telematik_id"
	id := p.order.Institution.TelematikID
	if id == "" {
		p.refuse(path, "TELEMATIK_ID_MISSING", "gemSpec_PKI, GS-A_4709", "the admission needs the Telematik-ID")
		return
	}
	if !p.checkTelematikIDText(path, id) || p.sector == nil {
		return
	}
	oid := p.order.Institution.ProfessionOID
	rule, known := p.sector.telematikIDRule(oid)
	if !known {
		return // the sector has no such institution, which is refused by itself
	}
	prefix, _, _ := strings.Cut(id, "-")
	if !slices.Contains(rule.Prefixes, prefix) {
		p.refuse(path, "TELEMATIK_ID_PREFIX", rule.Source,
			"in sector %s it must begin with %s and a hyphen", p.sector.Name, strings.Join(rule.Prefixes, " or "))
		return
	}
	if pattern := rule.compiled[oid]; pattern != nil && !pattern.MatchString(id) {
		p.strict(path, "TELEMATIK_ID_FORM", rule.Source, "in sector "+p.sector.Name+" it must be "+rule.Form)
	}
}

// checkTelematikIDText looks at what holds for every Telematik-ID, that of an HBA too.
func (p *planner) checkTelematikIDText(path, id string) bool {
	if err := der.PrintableString.Check(id); err != nil || strings.TrimSpace(id) != id {
		p.refuse(path, "TELEMATIK_ID_REPERTOIRE", citeAdmission,
			"only A-Z a-z 0-9 blank ' ( ) + , - . / : = ? can stand in a registrationNumber (PrintableString), without blanks around it")
		return false
	}
	if len(id) > maxTelematikID {
		p.refuse(path, "TELEMATIK_ID_LENGTH", citeTID,
			"it has %d characters, at most %d are allowed", len(id), maxTelematikID)
		return false
	}
	prefix, rest, hyphen := strings.Cut(id, "-")
	if _, err := parsePrefix(prefix); err != nil || !hyphen || rest == "" {
		p.refuse(path, "TELEMATIK_ID_PREFIX", "gemSpec_PKI, GS-A_4711, Tab_PKI_101",
			"it must be a prefix of one or two digits, a hyphen and the sector's own part")
		return false
	}
	return true
}

// findInstitution looks the profession OID up; it must belong to the sector.
func (p *planner) findInstitution() {
	const path = "institution.profession_oid"
	oid := p.order.Institution.ProfessionOID
	found, known := p.set.institutions[oid]
	switch {
	case !known:
		p.refuse(path, "PROFESSION_UNKNOWN", "gemSpec_OID, GS-A_4443, Tab_PKI_403",
			"it must be the OID of an institution, for example 1.2.276.0.76.4.53")
	case p.sector == nil:
	case !slices.Contains(p.sector.Institutions.Value, oid):
		p.refuse(path, "PROFESSION_NOT_IN_SECTOR", p.sector.Institutions.Source, "sector %s has the institutions %s",
			p.sector.Name, strings.Join(p.sector.Institutions.Value, ", "))
	default:
		p.institution = found
	}
	if known && found.Legacy != "" {
		p.strict(path, "PROFESSION_LEGACY", "gemSpec_OID, GS-A_4443, Tab_PKI_403; gemSpec_PKI, GS-A_4585",
			"institution "+found.Reference+" is for old cards only: "+found.Legacy)
	}
}

// checkAuthority looks at the body that stands in the admission as admissionAuthority, an organizationName.
func (p *planner) checkAuthority(value string) {
	const path = "institution.admission_authority"
	rule := AuthorityRule{FieldRule: FieldRule{Occurs: Optional}}
	if p.sector != nil {
		rule = p.sector.AdmissionAuthority
	}
	if !p.checkPresence(path, value, rule.FieldRule, "admissionAuthority") || value == "" || !p.checkText(path, value) {
		return
	}
	if rule.OneOf != nil && !slices.Contains(rule.OneOf, value) {
		p.refuse(path, "ADMISSION_AUTHORITY", rule.Source, "in sector %s it must be %s", p.sector.Name, strings.Join(rule.OneOf, " or "))
	}
	if rule.Pattern != nil && !rule.Pattern.MatchString(value) {
		p.strict(path, "ADMISSION_AUTHORITY", rule.Source, "in sector "+p.sector.Name+" it must be "+rule.Form)
	}
	body := p.order.Evidence.Approval.Body
	if same := rule.SameAsApproval; same != nil && same.MatchString(value) && same.MatchString(body) && value != body {
		p.strict(path, "ADMISSION_AUTHORITY", rule.Source, "it must be the body that approved the card, evidence.approval.body")
	}
	if err := (pkix.Attribute{Type: pkix.OIDOrganizationName, Value: value}).Check(); err != nil {
		p.refuse(path, "NAME_LENGTH", citeNames, "%v", err)
	}
}

func (p *planner) checkLongName(value string) {
	const path = "institution.long_name"
	rule := FieldRule{Occurs: Optional}
	if p.sector != nil {
		rule = p.sector.LongName
	}
	if !p.checkPresence(path, value, rule, "long name") || value == "" || !p.checkText(path, value) {
		return
	}
	if n := utf8.RuneCountInString(value); n > maxLongName {
		p.refuse(path, "NAME_LENGTH", "gemSpec_PKI, GS-A_5337",
			"it has %d characters, at most %d are allowed", n, maxLongName)
	}
}
