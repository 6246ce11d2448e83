package audit

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
)

// tableCheck holds a table against the rows that belong there.
type tableCheck struct {
	name   string
	file   fs.File
	reader RowReader
	rows   int64
	wrong  bool
}

// openTables opens the tables that the export has.
func (v *verification) openTables() error {
	for _, t := range v.opts.Tables {
		f, err := v.folder.Open(t.File)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return fmt.Errorf("open a table of the export: %w", err)
		}
		check := &tableCheck{name: t.File, file: f}
		v.tables = append(v.tables, check)
		at, ok := f.(io.ReaderAt)
		info, err := f.Stat()
		if err != nil || !ok {
			return errors.Join(fmt.Errorf("open %s: it cannot be read in any order", t.File), err)
		}
		if check.reader, err = t.Read(at, info.Size()); err != nil {
			check.wrong = true
			v.report.at(t.File, 0, "it cannot be read: %v", err)
		}
	}
	known := func(name string) bool {
		return slices.ContainsFunc(v.opts.Tables, func(t Table) bool { return t.File == name })
	}
	for _, f := range v.manifest.Files {
		if ext := filepath.Ext(f.Name); (ext == ".csv" || ext == ".parquet") && !known(f.Name) {
			v.report.omit("the table "+f.Name, "this program does not read it")
		}
	}
	return nil
}

func (v *verification) checkTables(i *item) {
	var want []Row
	for _, t := range v.tables {
		if t.wrong {
			continue
		}
		if want == nil {
			var err error
			if want, err = rows(i.index, i.entry); err != nil {
				return // the schema has spoken
			}
		}
		for _, row := range want {
			t.rows++
			have, err := t.reader.ReadRow()
			if err != nil || have != row {
				t.wrong = true
				i.find(t.name, 0, "row %d is not that of the leaf: the table was changed", t.rows)
				break
			}
		}
	}
}

func (v *verification) endTables() {
	for _, t := range v.tables {
		if !t.wrong {
			if _, err := t.reader.ReadRow(); !errors.Is(err, io.EOF) {
				v.report.at(t.name, 0, "it goes on after row %d, the last that belongs there", t.rows)
			} else {
				v.report.checked(t.rows, t.name+": its rows are those of the leaves")
			}
		}
		if t.reader != nil {
			t.reader.Close() //nolint:errcheck // it was read
		}
		t.file.Close() //nolint:errcheck // likewise
	}
}
