package ceremony

import (
	"fmt"
	"path/filepath"
	"strings"
	"time"
)

// Document is the ceremony record: what the participants sign and an auditor reads later (ETSI EN 319 411-1, GEN-6.5.1-11 to -14; GS-A_4292).
type Document struct {
	Title    string
	Lead     []string // paragraphs
	Sections []Section
}

// Section is a part of a document: a heading, paragraphs and tables. Cells that are empty are for ink.
type Section struct {
	Heading string
	Text    []string
	Tables  []Table
}

// Table is a table with a head.
type Table struct {
	Caption string
	Head    []string
	Rows    [][]string
	Ink     bool // rows are to be filled in by hand: they need room
}

// Ink boxes: a step's box is ticked and initialled by those who saw it.
const box = "☐"

// Record makes the record of a ceremony from its file and its journal.
func Record(f *File, j *Journal) *Document {
	r := &recorder{file: f, journal: j}
	d := &Document{Title: "Ceremony record: " + f.Title, Lead: r.lead()}
	for _, s := range []Section{
		r.summary(), r.participants(), r.steps(), r.tokens(), r.keys(), r.requests(), r.certificates(), r.endings(), r.notes(), r.signatures(),
	} {
		if s.Heading != "" {
			d.Sections = append(d.Sections, s)
		}
	}
	return d
}

// recorder is the work on one record.
type recorder struct {
	file    *File
	journal *Journal
}

func (r *recorder) lead() []string {
	var lead []string
	if r.file.Environment != "production" {
		lead = append(lead, "Keys and certificates for tests. Nothing here may be used in production.")
	}
	var waiting []string
	for _, s := range r.file.Steps() {
		if _, done, _ := r.journal.Step(s.ID()); !done {
			waiting = append(waiting, s.ID())
		}
	}
	if len(waiting) == 0 {
		return append(lead, "Every step of the ceremony file is done.")
	}
	return append(lead, fmt.Sprintf("The ceremony is not complete: %d steps are to come, the first of them %q.", len(waiting), waiting[0]))
}

func (r *recorder) summary() Section {
	entries := r.journal.Entries()
	t := Table{Head: []string{"what", "value"}, Rows: [][]string{
		{"environment", string(r.file.Environment)},
		{"ceremony file", filepath.Base(r.file.Path())},
		{"SHA-256 of the ceremony file", Hex(r.file.sha256[:]).String()},
	}}
	if len(entries) > 0 {
		t.Rows = append(t.Rows, []string{"begun", stamp(entries[0].Time)}, []string{"last step", stamp(entries[len(entries)-1].Time)})
	}
	if r.file.TSPID != "" {
		t.Rows = append(t.Rows, []string{"TSP-ID", r.file.TSPID})
	}
	for _, e := range entries {
		if run := e.Facts.Run; run != nil {
			t.Rows = append(t.Rows, []string{"run", fmt.Sprintf("%s, %s, file confirmed by %s", stamp(e.Time), run.Program, run.Confirmed)})
		}
	}
	return Section{Heading: "Ceremony", Tables: []Table{t}}
}

func (r *recorder) participants() Section {
	t := Table{Head: []string{"name", "role", "identified by", "from", "to"}, Ink: true}
	for _, p := range r.file.Participants {
		t.Rows = append(t.Rows, []string{p.Name, p.Role, "", "", ""})
	}
	return Section{Heading: "Participants", Tables: []Table{t}}
}

// steps lists everything that was tried, in order, with room for the witnesses' initials.
func (r *recorder) steps() Section {
	t := Table{Head: []string{"no.", "time", "step", "outcome", "seen", "initials"}}
	for _, e := range r.journal.Entries() {
		if e.State == Began {
			continue
		}
		outcome := string(e.State)
		if e.Facts.Note != "" {
			outcome += ": " + e.Facts.Note
		}
		if e.Facts.Run != nil {
			outcome = "the file was confirmed"
		}
		t.Rows = append(t.Rows, []string{fmt.Sprint(len(t.Rows) + 1), stamp(e.Time), e.Step, outcome, box, ""})
	}
	return Section{Heading: "Steps", Tables: []Table{t}}
}

func (r *recorder) tokens() Section {
	t := Table{Head: []string{"name", "label", "serial number", "manufacturer and model", "hardware, firmware", "module"}}
	for _, s := range r.file.Steps() {
		if f, _, _ := r.journal.Step(s.ID()); f.Token != nil {
			k := f.Token
			t.Rows = append(t.Rows, []string{s.Name, k.Label, k.Serial, k.Manufacturer + " " + k.Model, k.Hardware + ", " + k.Firmware, k.Module + " (" + k.Library + ")"})
		}
	}
	return section("Tokens", t)
}

func (r *recorder) keys() Section {
	keys := Table{Head: []string{"label", "for", "key generation", "token", "type", "CKA_ID", "SHA-256 of the public key"}}
	attributes := Table{Caption: "Attributes of the private keys, as read back from the token"}
	for _, s := range r.file.Steps() {
		f, done, _ := r.journal.Step(s.ID())
		if s.Act != CreateKey || !done {
			continue
		}
		k := f.Key
		owner, generation := r.owner(s.Key)
		keys.Rows = append(keys.Rows, []string{k.Label, owner, generation, k.Token, k.Type, k.ID.String(), k.Fingerprint.String()})
		row, head := []string{k.Label}, []string{"label"}
		for _, a := range k.Attributes {
			head = append(head, a.Name)
			row = append(row, map[bool]string{true: "yes", false: "no"}[a.Value])
		}
		attributes.Head, attributes.Rows = head, append(attributes.Rows, row)
	}
	if len(keys.Rows) == 0 {
		return Section{}
	}
	return Section{Heading: "Keys", Tables: []Table{keys, attributes}}
}

// owner tells what a key is for.
func (r *recorder) owner(k *Key) (owner, generation string) {
	for i := range r.file.Roots {
		if root := &r.file.Roots[i]; &root.Key == k {
			return root.Name + " (" + string(root.Kind) + ")", ""
		}
	}
	for i := range r.file.Issuers {
		iss := &r.file.Issuers[i]
		number := fmt.Sprint(iss.Generation)
		if &iss.Key == k {
			return iss.Name + " (" + string(iss.Kind) + ")", number
		}
		for n := range iss.Signers {
			if s := &iss.Signers[n]; &s.Key == k {
				return s.Name + " (" + string(s.Kind) + ")", number
			}
		}
	}
	return "heads of the log " + r.file.Log.Name, ""
}

func (r *recorder) requests() Section {
	t := Table{Head: []string{"file", "subject", "SHA-256 of the public key", "SHA-256 of the request"}}
	for _, s := range r.file.Steps() {
		if f, _, _ := r.journal.Step(s.ID()); f.Request != nil {
			q := f.Request
			t.Rows = append(t.Rows, []string{q.File, q.Subject, q.Fingerprint.String(), q.SHA256.String()})
		}
	}
	return section("Certificate requests", t)
}

func (r *recorder) certificates() Section {
	t := Table{Head: []string{"file", "subject", "issued by", "serial number", "validity", "SHA-256 of the public key", "SHA-256 of the certificate"}}
	s := Section{Heading: "Certificates"}
	for _, e := range r.journal.Entries() {
		c := e.Facts.Certificate
		if c == nil || e.State != Done {
			continue
		}
		validity := "no dates"
		if c.From != "" {
			validity = c.From + " to " + c.Until
		}
		t.Rows = append(t.Rows, []string{c.File, c.Subject, c.IssuedBy, c.Serial, validity, c.Fingerprint.String(), c.SHA256.String()})
		if len(c.Checks) > 0 {
			checks := Table{Caption: "Checked before " + c.File + " was taken", Head: []string{"what holds", "seen"}}
			for _, words := range c.Checks {
				checks.Rows = append(checks.Rows, []string{words, box})
			}
			s.Tables = append(s.Tables, checks)
		}
	}
	if len(t.Rows) == 0 {
		return Section{}
	}
	s.Tables = append([]Table{t}, s.Tables...)
	return s
}

// endings is what the ceremony did to the list of issuers, and what it ended.
func (r *recorder) endings() Section {
	list := Table{Head: []string{"step", "issuers", "SHA-256 of the list afterwards"}}
	for _, e := range r.journal.Entries() {
		if l := e.Facts.List; l != nil && e.State == Done {
			list.Rows = append(list.Rows, []string{e.Step, strings.Join(l.Names, ", "), l.SHA256.String()})
		}
	}
	s := Section{}
	for i := range r.file.Issuers {
		if iss := &r.file.Issuers[i]; !iss.OrdersFrom.IsZero() {
			s.Text = append(s.Text, fmt.Sprintf("%s signs for cards from %s on.", iss.Name, stamp(iss.OrdersFrom)))
		}
	}
	for i := range r.file.Retire {
		e := &r.file.Retire[i]
		if _, done, _ := r.journal.Step((&Step{Act: Retire, Name: e.Issuer}).ID()); done {
			s.Text = append(s.Text, fmt.Sprintf("%s signs for cards no more: %s. Its responder and CRL go on.", e.Issuer, e.Reason))
		}
	}
	if len(list.Rows) > 0 {
		s.Tables = []Table{list}
	}
	if len(s.Text)+len(s.Tables) > 0 {
		s.Heading = "List of issuers"
	}
	return s
}

// notes is what is left to people.
func (r *recorder) notes() Section {
	s := Section{Heading: "Copies, and what remains to be done"}
	for _, d := range r.file.Destroy {
		s.Text = append(s.Text, fmt.Sprintf("Copies of the destroyed key %s of %s: %s", d.Label, d.Issuer, d.Backups))
	}
	for i := range r.file.Issuers {
		if iss := &r.file.Issuers[i]; iss.IsCVC() {
			s.Text = append(s.Text, fmt.Sprintf("The request for %s is a PKCS#10 request with %d attributes from the ceremony file. The attributes that the CVC root "+
				"demands (TIP1-A_5272, TIP1-A_5367) are not public and are not made up here.", iss.Name, len(iss.RequestAttributes)))
		}
	}
	copies := Table{Head: []string{"copy or backup of", "made or destroyed", "where it is", "initials"}, Ink: true, Rows: [][]string{{"", "", "", ""}, {"", "", "", ""}}}
	s.Tables = []Table{copies}
	return s
}

func (r *recorder) signatures() Section {
	t := Table{Head: []string{"role", "name", "signature", "place and date"}, Ink: true}
	for _, p := range r.file.Participants {
		t.Rows = append(t.Rows, []string{p.Role, p.Name, "", ""})
	}
	return Section{Heading: "Signatures", Tables: []Table{t}, Text: []string{
		"We saw the steps above, compared the SHA-256 of the ceremony file with that of the reviewed file, and found the record true."}}
}

// section is a section with one table; none where the table is empty.
func section(heading string, t Table) Section {
	if len(t.Rows) == 0 {
		return Section{}
	}
	return Section{Heading: heading, Tables: []Table{t}}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }
