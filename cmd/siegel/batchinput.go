package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// orderLine is one order of a batch file.
type orderLine struct {
	number int             // of the line, from 1
	text   []byte          // the line without its end
	order  *siegelv1.Order // nil where it cannot be read
	faults []lineFault
}

// lineFault is one thing wrong with a line, in the words of a refusal.
type lineFault struct {
	Field    string `json:"field"`
	Rule     string `json:"rule"`
	Citation string `json:"citation,omitempty"`
	Message  string `json:"message"`
}

func (f lineFault) String() string {
	text := f.Field + ": " + f.Message + " (" + f.Rule
	if f.Citation != "" {
		text += ", " + f.Citation
	}
	return strings.TrimPrefix(text, ": ") + ")"
}

// batchSource is a batch file: JSON Lines, or CSV with a heading. A line holds one order; empty lines and those that begin with '#'
// are comments. It is read from its beginning as often as needed. Not for concurrent use.
type batchSource struct {
	file    *os.File
	lines   *bufio.Reader
	number  int // of the last line read
	columns *csvColumns
	heading []byte // the line that names the columns; nil of JSON Lines
	csv     bool
	keyDir  string // that names of key files are relative to
}

// openBatch opens a batch file; its name says which form it has.
func openBatch(path, keyDir string) (*batchSource, error) {
	s := &batchSource{keyDir: keyDir}
	switch ext := strings.ToLower(filepath.Ext(path)); ext {
	case ".csv":
		s.csv = true
	case ".jsonl", ".ndjson", ".json":
	default:
		return nil, fmt.Errorf("%s: the name of a batch file ends in .jsonl (one order as JSON in each line) or .csv, not in %q", path, ext)
	}
	if keyDir == "" {
		s.keyDir = filepath.Dir(path)
	}
	var err error
	if s.file, err = os.Open(path); err != nil {
		return nil, err
	}
	if err := s.rewind(); err != nil {
		s.file.Close()
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

func (s *batchSource) Close() error { return s.file.Close() }

// rewind goes back to the first order.
func (s *batchSource) rewind() error {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	s.lines, s.number = bufio.NewReaderSize(s.file, 64<<10), 0
	if mark, err := s.lines.Peek(3); err == nil && string(mark) == "\ufeff" {
		s.lines.Discard(3) //nolint:errcheck // they are buffered
	}
	if !s.csv {
		return nil
	}
	heading, err := s.line()
	if errors.Is(err, io.EOF) {
		return errors.New("it has no line that names the columns; siegel batch --template CARD-TYPE prints one")
	}
	if err != nil {
		return err
	}
	s.heading = heading
	s.columns, err = parseColumns(string(heading))
	if err != nil {
		return fmt.Errorf("line %d: %w", s.number, err)
	}
	return nil
}

// run names the work at the file: see runOf. The source is at its beginning afterwards.
func (s *batchSource) run() (string, error) {
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	run, err := runOf(s.file)
	return run, errors.Join(err, s.rewind())
}

// oneLine keeps a text to one line, so that it can be a comment.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }

// next gives the next order, or io.EOF. What is wrong with a line is in its faults; an error says that the file cannot be read on.
func (s *batchSource) next() (*orderLine, error) {
	text, err := s.line()
	if err != nil {
		return nil, err
	}
	l := &orderLine{number: s.number, text: text}
	if s.csv {
		l.order, l.faults = s.columns.parse(string(text), s.keyDir)
		return l, nil
	}
	if l.order, err = parseOrder(text); err != nil {
		l.faults = []lineFault{{Rule: "NOT_AN_ORDER", Message: oneLine(err.Error())}}
	}
	return l, nil
}

// line gives the next line that is no comment.
func (s *batchSource) line() ([]byte, error) {
	for {
		text, err := s.lines.ReadBytes('\n')
		if err != nil && (!errors.Is(err, io.EOF) || len(text) == 0) {
			return nil, err
		}
		s.number++
		if len(text) > maxOrder {
			return nil, fmt.Errorf("line %d is longer than %d octets", s.number, maxOrder)
		}
		text = bytes.TrimRight(text, "\r\n")
		if trimmed := bytes.TrimSpace(text); len(trimmed) > 0 && trimmed[0] != '#' {
			return text, nil
		}
	}
}
