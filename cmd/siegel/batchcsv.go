package main

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// csvColumns are the columns of a CSV file, as its first line names them:
//
//	order_id, institution.address.street   a field of the order, by its path in the order's JSON
//	institution.name_lines[0]              an element of a list
//	spki:SLOT, pkcs10:SLOT                 the key of a slot, base64 of its DER
//	spki_file:SLOT, pkcs10_file:SLOT       the key of a slot in a file, DER or PEM
//
// A cell that is empty leaves its field out. Cells are separated by ';', ',' or a tabulator, whichever the first line has most of, and
// quoted as in RFC 4180; none holds a line break.
type csvColumns struct {
	separator rune
	columns   []csvColumn
}

// csvColumn puts a cell into an order.
type csvColumn struct {
	name string
	put  func(o *siegelv1.Order, cell, keyDir string) error
}

// parseColumns reads the line that names the columns.
func parseColumns(heading string) (*csvColumns, error) {
	c := &csvColumns{separator: separatorOf(heading)}
	names, err := c.split(heading)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var errs []error
	for _, name := range names {
		name = strings.TrimSpace(name)
		put, err := columnOf(name)
		if seen[name] {
			err = errors.New("it stands twice")
		}
		if err != nil {
			errs = append(errs, fmt.Errorf("column %q: %w", name, err))
		}
		seen[name] = true
		c.columns = append(c.columns, csvColumn{name, put})
	}
	return c, errors.Join(errs...)
}

// separatorOf takes the separator of which the heading has most.
func separatorOf(heading string) rune {
	best := ';'
	for _, r := range ",\t" {
		if strings.Count(heading, string(r)) > strings.Count(heading, string(best)) {
			best = r
		}
	}
	return best
}

func (c *csvColumns) split(line string) ([]string, error) {
	r := csv.NewReader(strings.NewReader(line))
	r.Comma, r.FieldsPerRecord = c.separator, -1
	cells, err := r.Read()
	if err != nil {
		return nil, fmt.Errorf("not a line of CSV: %w", err)
	}
	return cells, nil
}

// parse makes an order of a line. Its keys stand in the order of the columns.
func (c *csvColumns) parse(line, keyDir string) (*siegelv1.Order, []lineFault) {
	cells, err := c.split(line)
	if err != nil {
		return nil, []lineFault{{Rule: "CSV", Citation: "RFC 4180", Message: err.Error()}}
	}
	if len(cells) != len(c.columns) {
		return nil, []lineFault{{Rule: "CSV", Citation: "RFC 4180",
			Message: fmt.Sprintf("the line has %d cells, the heading %d", len(cells), len(c.columns))}}
	}
	order := &siegelv1.Order{}
	var faults []lineFault
	for i, cell := range cells {
		if cell = strings.TrimSpace(cell); cell == "" {
			continue
		}
		if err := c.columns[i].put(order, cell, keyDir); err != nil {
			faults = append(faults, lineFault{Field: c.columns[i].name, Rule: "CELL", Message: err.Error()})
		}
	}
	return order, faults
}

// columnOf finds what a column's name stands for.
func columnOf(name string) (func(o *siegelv1.Order, cell, keyDir string) error, error) {
	kind, slot, isKey := strings.Cut(name, ":")
	if !isKey {
		return fieldColumn(name)
	}
	read := map[string]func(cell, keyDir string) ([]byte, error){
		"spki": inCell, "pkcs10": inCell, "spki_file": inFile, "pkcs10_file": inFile,
	}[kind]
	if read == nil || slot == "" {
		return nil, errors.New("a column of a key is spki:SLOT, pkcs10:SLOT, spki_file:SLOT or pkcs10_file:SLOT")
	}
	return func(o *siegelv1.Order, cell, keyDir string) error {
		der, err := read(cell, keyDir)
		if err != nil {
			return err
		}
		key := &siegelv1.SlotKey{Slot: slot, Key: &siegelv1.SlotKey_Spki{Spki: der}}
		if strings.HasPrefix(kind, "pkcs10") {
			key.Key = &siegelv1.SlotKey_Pkcs10{Pkcs10: der}
		}
		o.Keys = append(o.Keys, key)
		return nil
	}, nil
}

func inCell(cell, _ string) ([]byte, error) {
	der, err := base64.StdEncoding.DecodeString(cell)
	if err != nil {
		return nil, errors.New("not base64")
	}
	return der, nil
}

// maxKeyFile bounds a key file, in octets. A PKCS#10 request has less than 3 kB.
const maxKeyFile = 64 << 10

func inFile(cell, keyDir string) ([]byte, error) {
	if !filepath.IsAbs(cell) {
		cell = filepath.Join(keyDir, filepath.FromSlash(cell))
	}
	info, err := os.Stat(cell)
	if err == nil && info.Size() > maxKeyFile {
		err = fmt.Errorf("%s is larger than %d octets", cell, maxKeyFile)
	}
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(cell)
	if err != nil {
		return nil, err
	}
	if block, _ := pem.Decode(data); block != nil {
		return block.Bytes, nil
	}
	return data, nil
}

// element is the name of an element of a list: its name and its index.
var element = regexp.MustCompile(`^(.+)\[([0-9])\]$`)

// fieldColumn finds a field of text by its path.
func fieldColumn(path string) (func(o *siegelv1.Order, cell, keyDir string) error, error) {
	var way []protoreflect.FieldDescriptor
	message := (&siegelv1.Order{}).ProtoReflect().Descriptor()
	names := strings.Split(path, ".")
	index := -1
	for i, name := range names {
		if m := element.FindStringSubmatch(name); m != nil && i == len(names)-1 {
			name = m[1]
			index, _ = strconv.Atoi(m[2]) // one digit
		}
		field := message.Fields().ByName(protoreflect.Name(name))
		if field == nil {
			return nil, fmt.Errorf("%s has no field %q; siegel batch --template CARD-TYPE lists the columns", message.Name(), name)
		}
		way = append(way, field)
		if i < len(names)-1 {
			if message = field.Message(); message == nil || field.IsList() {
				return nil, fmt.Errorf("%q has no fields", name)
			}
		}
	}
	last := way[len(way)-1]
	if last.Kind() != protoreflect.StringKind || last.IsList() != (index >= 0) {
		return nil, errors.New("it is no field of text; keys have columns like spki:SLOT, elements of a list like name_lines[0]")
	}
	return func(o *siegelv1.Order, cell, _ string) error {
		m := o.ProtoReflect()
		for _, field := range way[:len(way)-1] {
			m = m.Mutable(field).Message()
		}
		if index < 0 {
			m.Set(last, protoreflect.ValueOfString(cell))
			return nil
		}
		list := m.Mutable(last).List()
		if index != list.Len() {
			return fmt.Errorf("element %d of the list has a value, those before it have none", index)
		}
		list.Append(protoreflect.ValueOfString(cell))
		return nil
	}, nil
}
