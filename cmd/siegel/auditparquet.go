package main

import (
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/siegel-pki/siegel/internal/audit"
)

// parquetTable is the table of certificates as Apache Parquet, for statistics tools.
var parquetTable = audit.Table{
	File: audit.ParquetFile,
	Write: func(w io.Writer) (audit.RowWriter, error) {
		return &parquetWriter{parquet.NewGenericWriter[audit.Row](w, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(parquetGroup))}, nil
	},
	Read: func(r io.ReaderAt, size int64) (audit.RowReader, error) {
		f, err := parquet.OpenFile(r, size)
		if err != nil {
			return nil, err
		}
		return &parquetReader{GenericReader: parquet.NewGenericReader[audit.Row](f)}, nil
	},
}

// parquetGroup is how many rows a group has, which is kept in memory until it is full.
const parquetGroup = 100_000

type parquetWriter struct {
	*parquet.GenericWriter[audit.Row]
}

func (w *parquetWriter) WriteRows(rows []audit.Row) error {
	_, err := w.Write(rows)
	return err
}

// parquetReader gives row after row out of pages.
type parquetReader struct {
	*parquet.GenericReader[audit.Row]
	page [256]audit.Row
	have []audit.Row
	err  error // after have
}

func (r *parquetReader) ReadRow() (audit.Row, error) {
	for len(r.have) == 0 {
		if r.err != nil {
			return audit.Row{}, r.err
		}
		var n int
		n, r.err = r.Read(r.page[:])
		r.have = r.page[:n]
	}
	row := r.have[0]
	r.have = r.have[1:]
	return row, nil
}
