package audit

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// Row is a row of the tables: a certificate or draft that an entry names, or an entry that names none.
type Row struct {
	Leaf         int64  `parquet:"leaf"`
	Kind         string `parquet:"kind,dict"`
	At           string `parquet:"at"` // RFC 3339, UTC, milliseconds
	Actor        string `parquet:"actor,dict"`
	OrderID      string `parquet:"order_id"`
	ICCSN        string `parquet:"iccsn"`
	CardType     string `parquet:"card_type,dict"`
	Sector       string `parquet:"sector,dict"`
	Slot         string `parquet:"slot,dict"`
	Profile      string `parquet:"profile,dict"`
	Issuer       string `parquet:"issuer,dict"`
	Serial       string `parquet:"serial"`
	CHR          string `parquet:"chr"`
	NotBefore    string `parquet:"not_before"`
	NotAfter     string `parquet:"not_after"`
	CertificateS string `parquet:"certificate_sha256"`
}

// rows gives the rows of an entry.
func rows(index int64, e tlog.Entry) ([]Row, error) {
	l, err := e.Labels()
	if err != nil {
		return nil, err
	}
	base := Row{Leaf: index, Kind: string(e.Kind), At: tlog.Instant(e.At), Actor: e.Actor, OrderID: l.Order, ICCSN: l.ICCSN, CardType: l.CardType,
		Sector: l.Sector, Issuer: l.Issuer}
	named := l.Named()
	if len(named) == 0 {
		return []Row{base}, nil
	}
	list := make([]Row, len(named))
	for i, c := range named {
		r := base
		r.Slot, r.Profile, r.Issuer, r.Serial, r.CHR = c.Slot, c.Profile, c.Issuer, c.Serial, c.CHR
		r.NotBefore, r.NotAfter, r.CertificateS = c.NotBefore, c.NotAfter, c.SHA256
		list[i] = r
	}
	return list, nil
}

// Table is a format of tables.
type Table struct {
	File  string
	Write func(w io.Writer) (RowWriter, error)
	// Read opens a table to be held against the rows that belong there. The reader has the size given.
	Read func(r io.ReaderAt, size int64) (RowReader, error)
}

// RowWriter takes rows.
type RowWriter interface {
	WriteRows(rows []Row) error
	Close() error
}

// RowReader gives rows, one after the other, and io.EOF at the end.
type RowReader interface {
	ReadRow() (Row, error)
	Close() error
}

// CSV is the table as comma-separated values (RFC 4180), with a heading.
var CSV = Table{File: CSVFile, Write: newCSVWriter, Read: newCSVReader}

// heading are the names of the columns.
var heading = []string{"leaf", "kind", "at", "actor", "order_id", "iccsn", "card_type", "sector", "slot", "profile", "issuer", "serial", "chr",
	"not_before", "not_after", "certificate_sha256"}

type csvWriter struct{ *csv.Writer }

func newCSVWriter(w io.Writer) (RowWriter, error) {
	c := csvWriter{csv.NewWriter(w)}
	return c, c.Write(heading)
}

func (c csvWriter) WriteRows(rows []Row) error {
	for i := range rows {
		if err := c.Write(rows[i].strings()); err != nil {
			return err
		}
	}
	return nil
}

func (c csvWriter) Close() error {
	c.Flush()
	return c.Error()
}

func (r *Row) strings() []string {
	return []string{strconv.FormatInt(r.Leaf, 10), r.Kind, r.At, r.Actor, r.OrderID, r.ICCSN, r.CardType, r.Sector, r.Slot, r.Profile, r.Issuer,
		r.Serial, r.CHR, r.NotBefore, r.NotAfter, r.CertificateS}
}

type csvReader struct{ *csv.Reader }

func newCSVReader(r io.ReaderAt, size int64) (RowReader, error) {
	c := csvReader{csv.NewReader(io.NewSectionReader(r, 0, size))}
	c.FieldsPerRecord = len(heading)
	first, err := c.Read()
	if err == nil && !slices.Equal(first, heading) {
		err = errors.New("the heading is another")
	}
	return c, err
}

func (c csvReader) ReadRow() (r Row, err error) {
	f, err := c.Read()
	if err != nil {
		return r, err
	}
	r = Row{Kind: f[1], At: f[2], Actor: f[3], OrderID: f[4], ICCSN: f[5], CardType: f[6], Sector: f[7], Slot: f[8], Profile: f[9], Issuer: f[10],
		Serial: f[11], CHR: f[12], NotBefore: f[13], NotAfter: f[14], CertificateS: f[15]}
	r.Leaf, err = strconv.ParseInt(f[0], 10, 64)
	return r, err
}

func (c csvReader) Close() error { return nil }

// writeTable makes a table of the entries in a folder.
func writeTable(dir string, t Table) (err error) {
	in, err := openLines(os.DirFS(dir), EntriesFile)
	if err != nil {
		return err
	}
	defer in.close()
	f, err := os.Create(filepath.Join(dir, t.File))
	if err != nil {
		return fmt.Errorf("write a table: %w", err)
	}
	defer func() { err = errors.Join(err, f.Sync(), f.Close()) }()
	out, err := t.Write(f)
	if err != nil {
		return fmt.Errorf("write %s: %w", t.File, err)
	}
	for line, more := in.next(); more; line, more = in.next() {
		index, leaf, err := parseEntry(line)
		if err != nil {
			return fmt.Errorf("write %s: line %d of %s: %w", t.File, in.number, in.name, err)
		}
		e, err := tlog.ParseLeaf(leaf)
		if err != nil {
			return fmt.Errorf("write %s: leaf %d: %w", t.File, index, err)
		}
		list, err := rows(index, e)
		if err == nil {
			err = out.WriteRows(list)
		}
		if err != nil {
			return fmt.Errorf("write %s: leaf %d: %w", t.File, index, err)
		}
	}
	if err := errors.Join(in.err(), out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", t.File, err)
	}
	return nil
}
