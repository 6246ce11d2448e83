package profiles

import (
	"slices"
	"strings"
	"time"
)

// identificationFrom is the first day on which every order needs the identification of the applicant, first cards and
// follow-ups alike (A_20112-03).
var identificationFrom = time.Date(2023, time.April, 1, 0, 0, 0, 0, time.UTC)

// evidenceFrom is before any card of the telematics infrastructure. An older time is that of a clock that was never set, or mistyped.
var evidenceFrom = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// identificationMethods are the ways to identify an applicant. Video is not among them (A_20112-03).
var identificationMethods = []string{"postal-ident", "eid", "on-site"}

const (
	citeApproval       = "gemSpec_X.509_TSP, TIP1-A_5086"
	citeIdentification = "gemSpec_X.509_TSP, A_20112-03"
)

// maxReference bounds references in the evidence, in octets: the interface's limit.
const maxReference = 256

// checkEvidence sees to it that the card issuer can show later why the card was made. Missing evidence refuses the order. Where
// a whole part is missing, one violation says so.
func (p *planner) checkEvidence() {
	e := &p.order.Evidence
	if *e == (Evidence{}) {
		p.refuse("evidence", "EVIDENCE_MISSING", citeApproval+"; "+citeIdentification,
			"the order needs approval, identification and HBA")
		return
	}
	p.checkApproval(&e.Approval)
	p.checkIdentification(&e.Identification)
	p.checkHBA(e.HBATelematikID)
}

func (p *planner) checkApproval(a *Approval) {
	switch {
	case *a == (Approval{}):
		p.refuse("evidence.approval", "EVIDENCE_MISSING", citeApproval,
			"say which body released the card, under which reference and when")
		return
	case a.Body == "":
		p.refuse("evidence.approval.body", "EVIDENCE_MISSING", citeApproval, "name the body that released the card")
	case p.sector != nil && !slices.Contains(p.sector.ApprovalBodies.Value, a.Body):
		p.refuse("evidence.approval.body", "APPROVAL_BODY", p.sector.ApprovalBodies.Source,
			"cards of sector %s are released by one of: %s",
			p.sector.Name, strings.Join(p.sector.ApprovalBodies.Value, ", "))
	}
	p.checkReference("evidence.approval.reference", a.Reference, citeApproval, "give the body's reference of the release")
	p.checkTime("evidence.approval.time", a.Time, citeApproval, "say when the body released the card")
}

func (p *planner) checkIdentification(i *Identification) {
	if *i == (Identification{}) {
		if !p.ctx.Now.Before(identificationFrom) {
			p.refuse("evidence.identification", "EVIDENCE_MISSING", citeIdentification,
				"say how and when the applicant was identified, and where it is recorded")
		}
		return
	}
	switch {
	case i.Method == "":
		p.refuse("evidence.identification.method", "EVIDENCE_MISSING", citeIdentification,
			"say how the applicant was identified")
	case !slices.Contains(identificationMethods, i.Method):
		p.refuse("evidence.identification.method", "IDENTIFICATION_METHOD", citeIdentification,
			"the applicant is identified by one of: %s",
			strings.Join(identificationMethods, ", "))
	}
	p.checkReference("evidence.identification.document_reference", i.DocumentReference, citeIdentification,
		"give the reference of the document that records the identification")
	p.checkTime("evidence.identification.time", i.Time, citeIdentification, "say when the applicant was identified")
}

func (p *planner) checkHBA(id string) {
	const path = "evidence.hba_telematik_id"
	if p.sector != nil {
		rule := p.sector.HBA
		switch {
		case id == "" && rule.Value == Always:
			p.refuse(path, "EVIDENCE_MISSING", rule.Source,
				"sector %s needs the Telematik-ID of the HBA that the institution relies on", p.sector.Name)
		case id != "" && rule.Value == Never:
			p.refuse(path, "FIELD_FORBIDDEN", rule.Source, "sector %s relies on no HBA; leave the field out", p.sector.Name)
			return
		}
	}
	if id == "" || !p.checkTelematikIDText(path, id) || p.sector == nil {
		return
	}
	rule := p.sector.HBAPrefixes
	if prefix, _, _ := strings.Cut(id, "-"); rule.Value != nil && !slices.Contains(rule.Value, prefix) {
		p.strict(path, "HBA_PREFIX", rule.Source, "in sector "+p.sector.Name+" it must begin with "+strings.Join(rule.Value, " or ")+" and a hyphen")
	}
}

func (p *planner) checkReference(path, value, citation, missing string) {
	switch {
	case strings.TrimSpace(value) == "":
		p.refuse(path, "EVIDENCE_MISSING", citation, "%s", missing)
	case len(value) > maxReference:
		p.refuse(path, "EVIDENCE_LENGTH", wire, "it has %d octets, at most %d are kept", len(value), maxReference)
	default:
		// Somebody must find the document by it, years later: what cannot be seen, or looks like something else, is in the way.
		if rule, message := textFault(value); rule != "" {
			p.refuse(path, "EVIDENCE_"+rule, citation, "%s", message)
		}
	}
}

func (p *planner) checkTime(path, value, citation, missing string) {
	if value == "" {
		p.refuse(path, "EVIDENCE_MISSING", citation, "%s", missing)
		return
	}
	t, err := time.Parse(time.RFC3339, value)
	switch {
	case err != nil:
		p.refuse(path, "EVIDENCE_TIME", "RFC 3339, Section 5.6", "the time must have the form 2026-01-31T14:30:00+01:00")
	case t.Before(evidenceFrom):
		p.refuse(path, "EVIDENCE_TOO_OLD", citation, "the time lies before %d: no card was applied for or released by then", evidenceFrom.Year())
	case t.After(p.ctx.Now):
		p.refuse(path, "EVIDENCE_IN_FUTURE", citation, "the time lies in the future")
	}
}
