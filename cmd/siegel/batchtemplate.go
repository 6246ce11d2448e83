package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/siegel-pki/siegel/profiles"
)

// templateColumn is a column of a template, with what goes into it.
type templateColumn struct {
	name string
	help string
	of   []profiles.Holder // kinds of holders whose cards have it; nil: all
}

// institutional are the holders with a sector.
var institutional = []profiles.Holder{profiles.HolderInstitution, profiles.HolderOrganisation}

// templateColumns are the columns of every template but for the keys, in their order. What is mandatory, the sector's rules say.
var templateColumns = []templateColumn{
	{"order_id", "chosen by the line, unique for ever: 1 to 64 letters, digits, '.', '_', ':' or '-'", nil},
	{"card_type", "%s", nil},
	{"iccsn", "serial number of the chip: 20 digits, beginning 80276", nil},
	{"sector", "whose rules hold: %s", institutional},
	{"institution.name", "short name, at most 64 characters", institutional},
	{"institution.organization", "organisation number or name, as the sector has it", institutional},
	{"institution.organizational_unit", "as the sector has it", institutional},
	{"institution.telematik_id", "Telematik-ID, as the sector forms it", institutional},
	{"institution.profession_oid", "institution OID, for example 1.2.276.0.76.4.55", institutional},
	{"institution.admission_authority", "body that confirms the institution's attribute", institutional},
	{"institution.responsible.title", "responsible person, where the sector names one", institutional},
	{"institution.responsible.given_name", "", institutional},
	{"institution.responsible.surname", "", institutional},
	{"institution.address.street", "postal address, where the sector has it", institutional},
	{"institution.address.postal_code", "", institutional},
	{"institution.address.locality", "", institutional},
	{"institution.address.state", "", institutional},
	{"institution.email", "may be empty", institutional},
	{"institution.long_name", "complete name, where the short one does not hold it", institutional},
	{"device.manufacturer", "as registered when the product was approved", []profiles.Holder{profiles.HolderDevice}},
	{"device.organizational_unit", "unit of the manufacturer; may be empty", []profiles.Holder{profiles.HolderDevice}},
	{"device.country", "two capital letters (ISO 3166-1)", []profiles.Holder{profiles.HolderDevice}},
	{"device.address.street", "address of the manufacturer; cards of connectors only", []profiles.Holder{profiles.HolderDevice}},
	{"device.address.postal_code", "", []profiles.Holder{profiles.HolderDevice}},
	{"device.address.locality", "", []profiles.Holder{profiles.HolderDevice}},
	{"device.address.state", "", []profiles.Holder{profiles.HolderDevice}},
	{"evidence.approval.body", "body that released the production", nil},
	{"evidence.approval.reference", "its reference", nil},
	{"evidence.approval.time", "when, RFC 3339 with offset: 2026-11-24T10:00:00+01:00", nil},
	{"evidence.identification.method", "postal-ident, eid or on-site", institutional},
	{"evidence.identification.document_reference", "of the document that records it", institutional},
	{"evidence.identification.time", "when, RFC 3339 with offset", institutional},
	{"evidence.hba_telematik_id", "Telematik-ID of the HBA that the institution relies on; not of ORG, payers, DiGA and KTR-AdV", institutional},
	{"valid_from", "YYYY-MM-DD; empty: the day of issue", nil},
	{"valid_until", "YYYY-MM-DD; empty: the full five years", nil},
}

// qualifiedColumns are those of cards with a slot for a qualified certificate.
var qualifiedColumns = []templateColumn{
	{"institution.legal_name", "what the institution is called in law", nil},
	{"institution.organization_identifier", "ETSI EN 319 412-1, for example VATDE-123456789; mandatory with C.HCI.QSEAL", nil},
	{"institution.signatory.given_name", "the person who signs; mandatory with C.HCI.QES", nil},
	{"institution.signatory.surname", "", nil},
}

// printTemplate prints an empty batch file for a card type.
func printTemplate(t *terminal, name, format string) error {
	set, err := profiles.Builtin()
	if err != nil {
		return fmt.Errorf("load the catalogue: %w", err)
	}
	i := slices.IndexFunc(set.CardTypes(), func(c *profiles.CardType) bool { return c.Name == name })
	if i < 0 {
		return usageError(fmt.Errorf("there is no card type %q; siegel profiles lists them", name))
	}
	card := set.CardTypes()[i]
	columns := columnsFor(set, card)
	fmt.Fprintf(t.out, "# Orders for %s: %s.\n", card.Name, card.Title)
	fmt.Fprintf(t.out, "# One order in each line. Lines that begin with '#' are comments. Check it: siegel batch --check FILE\n#\n")
	for _, c := range columns {
		fmt.Fprintf(t.out, "#   %s\n", strings.TrimRight(fmt.Sprintf("%-44s  %s", c.name, c.help), " "))
	}
	if format == "jsonl" {
		return printEmptyOrder(t.out, columns)
	}
	fmt.Fprintln(t.out, "#\n# A key may stand in a file, DER or PEM: its column is spki_file:SLOT then, and the name is relative to the batch file.")
	fmt.Fprintln(t.out, "# A request in place of a key: pkcs10:SLOT, pkcs10_file:SLOT.")
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	_, err = fmt.Fprintln(t.out, strings.Join(names, ";"))
	return err
}

// columnsFor lists the columns of a card type, keys last.
func columnsFor(set *profiles.Set, card *profiles.CardType) []templateColumn {
	var sectors []string
	for _, s := range set.Sectors() {
		if s.Holder.Value == card.Holder.Value {
			sectors = append(sectors, s.Name)
		}
	}
	values := map[string]string{"card_type": card.Name, "sector": strings.Join(sectors, ", ")}
	var columns []templateColumn
	for _, c := range templateColumns {
		if c.of != nil && !slices.Contains(c.of, card.Holder.Value) {
			continue
		}
		if value, has := values[c.name]; has {
			c.help = fmt.Sprintf(c.help, value)
		}
		columns = append(columns, c)
	}
	if len(card.OneOf) > 0 {
		columns = append(columns, qualifiedColumns...)
	}
	for _, s := range card.Slots {
		columns = append(columns, templateColumn{"spki:" + s.Name, fmt.Sprintf("public key, %s: base64 of DER SubjectPublicKeyInfo%s", s.Key, mayMiss(card, &s)), nil})
	}
	return columns
}

// mayMiss says whether an order may leave a slot out.
func mayMiss(card *profiles.CardType, s *profiles.Slot) string {
	for _, a := range card.OneOf {
		if slices.Contains(a.Slots, s.Name) {
			return "; exactly one of " + strings.Join(a.Slots, ", ")
		}
	}
	if slices.Contains(card.MayLeaveOut.Value, s.Key.Generation()) {
		return fmt.Sprintf("; all %s keys may be left out", s.Key.Generation())
	}
	return ""
}

// printEmptyOrder prints the order as JSON with empty fields, as a comment: an order without values is none.
func printEmptyOrder(out io.Writer, columns []templateColumn) error {
	order := map[string]any{}
	keys := []any{}
	for _, c := range columns {
		if slot, is := strings.CutPrefix(c.name, "spki:"); is {
			keys = append(keys, map[string]any{"slot": slot, "spki": ""})
			continue
		}
		at := order
		path := strings.Split(c.name, ".")
		for _, name := range path[:len(path)-1] {
			if at[name] == nil {
				at[name] = map[string]any{}
			}
			at = at[name].(map[string]any)
		}
		at[path[len(path)-1]] = ""
	}
	order["keys"] = keys
	text, err := json.Marshal(order)
	if err != nil {
		return fmt.Errorf("encode the template: %w", err)
	}
	_, err = fmt.Fprintf(out, "#\n# The form of a line:\n# %s\n", text)
	return err
}
