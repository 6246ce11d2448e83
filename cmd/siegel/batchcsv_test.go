package main

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/siegel-pki/siegel/profiles"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// csvOf writes an order below the heading of its card type's template, with a separator.
func csvOf(t *testing.T, order *siegelv1.Order, separator string) (heading, line string) {
	t.Helper()
	r := siegel("", "batch", "--template", order.GetCardType())
	r.want(t, exitOK)
	lines := strings.Split(strings.TrimSpace(r.out), "\n")
	var names, cells []string
	for _, name := range strings.Split(lines[len(lines)-1], ";") {
		names = append(names, name)
		cells = append(cells, `"`+cellOf(order, name)+`"`)
	}
	return strings.Join(names, separator), strings.Join(cells, separator)
}

// cellOf finds the value of a column by other means than the program.
func cellOf(o *siegelv1.Order, name string) string {
	i, a, e := o.GetInstitution(), o.GetInstitution().GetAddress(), o.GetEvidence()
	if slot, is := strings.CutPrefix(name, "spki:"); is {
		for _, k := range o.GetKeys() {
			if k.GetSlot() == slot {
				return base64.StdEncoding.EncodeToString(k.GetSpki())
			}
		}
	}
	return map[string]string{
		"order_id": o.GetOrderId(), "card_type": o.GetCardType(), "iccsn": o.GetIccsn(), "sector": o.GetSector(),
		"institution.name": i.GetName(), "institution.telematik_id": i.GetTelematikId(), "institution.profession_oid": i.GetProfessionOid(),
		"institution.admission_authority": i.GetAdmissionAuthority(), "institution.address.street": a.GetStreet(),
		"institution.address.postal_code": a.GetPostalCode(), "institution.address.locality": a.GetLocality(), "institution.address.state": a.GetState(),
		"evidence.approval.body": e.GetApproval().GetBody(), "evidence.approval.reference": e.GetApproval().GetReference(),
		"evidence.approval.time": e.GetApproval().GetTime(), "evidence.identification.method": e.GetIdentification().GetMethod(),
		"evidence.identification.document_reference": e.GetIdentification().GetDocumentReference(),
		"evidence.identification.time":               e.GetIdentification().GetTime(), "evidence.hba_telematik_id": e.GetHbaTelematikId(),
	}[name]
}

// place is where a slot stands in an order.
func place(o *siegelv1.Order, k *siegelv1.SlotKey) int {
	return slices.IndexFunc(o.GetKeys(), func(other *siegelv1.SlotKey) bool { return other.GetSlot() == k.GetSlot() })
}

// TestCSV: an order filled into the template of its card type is the order.
func TestCSV(t *testing.T) {
	order := sampleOrders(t, 1)[0]
	for _, separator := range []string{";", ",", "\t"} {
		heading, line := csvOf(t, order, separator)
		path := writeLines(t, "night.csv", "\ufeff"+heading+"\r", "# comment", line+"\r")
		s, err := openBatch(path, "")
		if err != nil {
			t.Fatal(err)
		}
		l, err := s.next()
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(l.order.GetKeys(), func(a, b *siegelv1.SlotKey) int { // the order lists them in another order than the template
			return place(order, a) - place(order, b)
		})
		if l.number != 3 || len(l.faults) > 0 || !proto.Equal(l.order, order) {
			t.Errorf("separator %q: line %d with faults %v is\n%v\nwant\n%v", separator, l.number, l.faults, l.order, order)
		}
		s.Close()
		siegel("", "batch", "--check", path).want(t, exitOK, "1 order checked, 0 faulty lines")
	}
}

// TestCSVKeyFiles: keys in files, DER and PEM, beside the batch file.
func TestCSVKeyFiles(t *testing.T) {
	path := writeLines(t, "night.csv", "order_id;spki_file:A;pkcs10_file:B;institution.name_lines[0];institution.name_lines[1]", "o;keys/a.der;b.pem;one;two")
	dir := filepath.Dir(path)
	if err := os.Mkdir(filepath.Join(dir, "keys"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"keys/a.der": {1, 2}, "b.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: []byte{3}})} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := openBatch(path, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l, err := s.next()
	if err != nil {
		t.Fatal(err)
	}
	want := &siegelv1.Order{OrderId: "o", Institution: &siegelv1.Institution{NameLines: []string{"one", "two"}}, Keys: []*siegelv1.SlotKey{
		{Slot: "A", Key: &siegelv1.SlotKey_Spki{Spki: []byte{1, 2}}}, {Slot: "B", Key: &siegelv1.SlotKey_Pkcs10{Pkcs10: []byte{3}}}}}
	if !proto.Equal(l.order, want) {
		t.Errorf("got %v %v, want %v", l.order, l.faults, want)
	}
}

func TestCSVFaults(t *testing.T) {
	headings := map[string]string{
		"order_id;colour":           `has no field "colour"`,
		"order_id;order_id":         "it stands twice",
		"institution":               "no field of text",
		"institution.name_lines":    "no field of text",
		"key:A":                     "a column of a key is",
		"spki:":                     "a column of a key is",
		"order_id.x":                `"order_id" has no fields`,
		"keys.slot":                 `"keys" has no fields`,
		`"order_id`:                 "not a line of CSV",
		"institution.address.name":  `Address has no field "name"`,
		"institution.name_lines[x]": "has no field",
	}
	for heading, want := range headings {
		siegel("", "batch", "--check", writeLines(t, "night.csv", heading)).want(t, exitUsage, want)
	}
	lines := map[string]string{
		"a;b;c": "the line has 3 cells, the heading 2",
		"a;!":   "spki:A: not base64",
		`a;"b`:  "not a line of CSV",
	}
	for line, want := range lines {
		siegel("", "batch", "--check", writeLines(t, "night.csv", "order_id;spki:A", line)).want(t, exitInvalid, "night.csv:2: ", want)
	}
	siegel("", "batch", "--check", writeLines(t, "night.csv", "order_id;spki_file:A", "a;nowhere.der")).want(t, exitInvalid, "no such file")
	siegel("", "batch", "--check", writeLines(t, "night.csv", "order_id;institution.name_lines[0];institution.name_lines[1]", "a;;b")).
		want(t, exitInvalid, "element 1 of the list has a value, those before it have none")
	siegel("", "batch", "--check", writeLines(t, "empty.csv", "# nothing")).want(t, exitUsage, "no line that names the columns")
}

// TestTemplates: the template of every card type is a batch file without orders, with a column for each slot.
func TestTemplates(t *testing.T) {
	set, err := profiles.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, card := range set.CardTypes() {
		r := siegel("", "batch", "--template", card.Name)
		r.want(t, exitOK)
		columns := strings.Split(r.out[strings.LastIndex(strings.TrimSpace(r.out), "\n")+1:], ";")
		for _, s := range card.Slots {
			if !slices.Contains(columns, "spki:"+s.Name) && !slices.Contains(columns, "spki:"+s.Name+"\n") {
				t.Errorf("the template of %s has no column for %s", card.Name, s.Name)
			}
		}
		wantNoOrders(t, writeLines(t, card.Name+".csv", r.out))
		r = siegel("", "batch", "--template", card.Name, "--format", "jsonl")
		wantNoOrders(t, writeLines(t, card.Name+".jsonl", r.out))
		last := strings.TrimPrefix(r.out[strings.LastIndex(strings.TrimSpace(r.out), "\n")+1:], "# ")
		if _, err := parseOrder([]byte(last)); err != nil {
			t.Errorf("the form of a line for %s is no order: %v", card.Name, err)
		}
	}
}

// wantNoOrders reads a batch file to its end.
func wantNoOrders(t *testing.T, path string) {
	t.Helper()
	s, err := openBatch(path, "")
	if err != nil {
		t.Error(err)
		return
	}
	defer s.Close()
	if l, err := s.next(); !errors.Is(err, io.EOF) {
		t.Errorf("%s holds %v, %v, want nothing", path, l, err)
	}
}

// FuzzCSV: no heading and no line may do more than be refused, and a line that is read has the keys and texts that it shows.
func FuzzCSV(f *testing.F) {
	f.Add("order_id;spki:A", "a;AQ==")
	f.Add("institution.name_lines[0],iccsn", `"a ""b""",1`)
	f.Add("institution.address.street\tpkcs10:B", "x\t")
	f.Fuzz(func(t *testing.T, heading, line string) {
		if strings.Contains(heading, "_file:") { // reads what it names
			return
		}
		c, err := parseColumns(heading)
		if err != nil {
			return
		}
		order, faults := c.parse(line, t.TempDir())
		if order == nil && len(faults) == 0 {
			t.Errorf("neither order nor fault for %q below %q", line, heading)
		}
		if order != nil && len(order.GetKeys()) > len(c.columns) {
			t.Error(fmt.Sprint("more keys than columns: ", order))
		}
	})
}
