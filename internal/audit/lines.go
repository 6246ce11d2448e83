package audit

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// maxLine bounds a line in octets: an order with all that may be in it, or the certificates of a card, and room beyond.
const maxLine = 4 << 20

// The lines of the files, each one JSON object without blanks. A leaf and personal data stand in them in the octets that are hashed.
//
//	entries.jsonl       {"index":12,"leaf":{"kind":…}}
//	personal.jsonl      {"index":12,"salt":"base64","personal":{…}}   or {"index":12,"erased":true}
//	certificates.jsonl  {"index":12,"certificates":["base64",…]}
//	tiles-L.jsonl       {"level":0,"index":3,"hashes":"base64"}

const (
	indexBegin  = `{"index":`
	leafMiddle  = `,"leaf":`
	saltMiddle  = `,"salt":`
	plainMiddle = `,"personal":`
)

// appendEntry writes a line of entries.jsonl.
func appendEntry(b []byte, index int64, leaf []byte) []byte {
	b = strconv.AppendInt(append(b, indexBegin...), index, 10)
	b = append(append(b, leafMiddle...), leaf...)
	return append(b, "}\n"...)
}

// parseEntry reads a line of entries.jsonl, without its end. The leaf shares its octets.
func parseEntry(line []byte) (index int64, leaf []byte, err error) {
	rest, ok := bytes.CutPrefix(line, []byte(indexBegin))
	digits, rest, found := bytes.Cut(rest, []byte(leafMiddle))
	index, err = strconv.ParseInt(string(digits), 10, 64)
	if !ok || !found || err != nil || index < 0 || strconv.FormatInt(index, 10) != string(digits) || len(rest) == 0 || rest[len(rest)-1] != '}' {
		return 0, nil, errors.New(`the line is not of the form {"index":…,"leaf":…}`)
	}
	return index, rest[:len(rest)-1], nil
}

// personalLine is a line of personal.jsonl.
type personalLine struct {
	Index    int64           `json:"index"`
	Salt     []byte          `json:"salt,omitempty"`
	Personal json.RawMessage `json:"personal,omitempty"`
	// Octets are the personal data where they are not one line of JSON, as the server never writes them.
	Octets []byte `json:"octets,omitempty"`
	Erased bool   `json:"erased,omitempty"`
}

// appendPersonal writes a line of personal.jsonl. encoding/json would write a raw message in a form of its own.
func appendPersonal(b []byte, p personalLine) ([]byte, error) {
	if p.Erased || p.Octets != nil || !isOneLine(p.Personal) {
		if p.Octets == nil {
			p.Octets, p.Personal = p.Personal, nil
		}
		line, err := json.Marshal(p)
		return append(append(b, line...), '\n'), err
	}
	salt, err := json.Marshal(p.Salt)
	if err != nil {
		return nil, err
	}
	b = strconv.AppendInt(append(b, indexBegin...), p.Index, 10)
	b = append(append(b, saltMiddle...), salt...)
	b = append(append(b, plainMiddle...), p.Personal...)
	return append(b, "}\n"...), nil
}

func isOneLine(octets []byte) bool { return json.Valid(octets) && !bytes.ContainsAny(octets, "\r\n") }

// data gives the personal data in the octets that are hashed.
func (p *personalLine) data() []byte {
	if p.Octets != nil {
		return p.Octets
	}
	return p.Personal
}

// certificatesLine is a line of certificates.jsonl.
type certificatesLine struct {
	Index        int64    `json:"index"`
	Certificates [][]byte `json:"certificates"`
}

// tileLine is a line of tiles-L.jsonl and edge.jsonl.
type tileLine struct {
	Level  int    `json:"level"`
	Index  int64  `json:"index"`
	Hashes []byte `json:"hashes"`
}

// tile gives the tile, whose hashes must be whole ones.
func (l *tileLine) tile() (tlog.Tile, error) {
	width := len(l.Hashes) / tlog.HashSize
	if width < 1 || width > tlog.TileWidth || len(l.Hashes)%tlog.HashSize != 0 || l.Level < 0 || l.Level >= levels || l.Index < 0 {
		return tlog.Tile{}, errors.New("it is no tile")
	}
	return tlog.Tile{TileID: tlog.TileID{Level: l.Level, Index: l.Index, Width: width}, Hashes: l.Hashes}, nil
}

// parseLine reads a line that is one JSON object of known fields.
func parseLine(line []byte, to any) error {
	dec := json.NewDecoder(bytes.NewReader(line))
	dec.DisallowUnknownFields()
	if err := dec.Decode(to); err != nil {
		return err
	}
	if dec.InputOffset() != int64(len(line)) {
		return errors.New("something stands behind the object")
	}
	return nil
}

// lines reads a file line by line. The zero value, and a file that is not there, has no lines.
type lines struct {
	name   string
	number int // of the line last read, from 1
	file   io.Closer
	scan   *bufio.Scanner
}

// openLines opens a file. One that is not there has no lines; that it should be there is for the manifest to say.
func openLines(folder fs.FS, name string) (*lines, error) {
	f, err := folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return &lines{name: name}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open a file of the export: %w", err)
	}
	l := &lines{name: name, file: f, scan: bufio.NewScanner(f)}
	l.scan.Buffer(make([]byte, 0, 64<<10), maxLine)
	l.scan.Split(splitLine)
	return l, nil
}

// splitLine is bufio.ScanLines, but that a carriage return belongs to the line, so that no two files read the same.
func splitLine(data []byte, atEOF bool) (int, []byte, error) {
	if i := bytes.IndexByte(data, '\n'); i >= 0 {
		return i + 1, data[:i], nil
	}
	if atEOF && len(data) > 0 {
		return len(data), data, nil
	}
	return 0, nil, nil
}

// next gives the next line, which is good until the next call, and false at the end.
func (l *lines) next() ([]byte, bool) {
	if l.scan == nil || !l.scan.Scan() {
		return nil, false
	}
	l.number++
	return l.scan.Bytes(), true
}

// err says why the lines ended before the file did.
func (l *lines) err() error {
	if l.scan == nil || l.scan.Err() == nil {
		return nil
	}
	return fmt.Errorf("after line %d: %w", l.number, l.scan.Err())
}

func (l *lines) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
