package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"golang.org/x/term"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// terminal is where a command reads and prints. Answers go to out, everything else to err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	palette            // of out
	onErr    palette   // of err
	once     sync.Once // the note that the server is away is printed once
}

func newTerminal(in io.Reader, out, err io.Writer) *terminal {
	return &terminal{in: in, out: out, err: err, palette: paletteOf(out), onErr: paletteOf(err)}
}

// palette tells whether a stream shows colours.
type palette bool

// paletteOf gives colours to terminals, where NO_COLOR is not set (no-color.org). Either stream may go elsewhere by itself.
func paletteOf(w io.Writer) palette {
	f, ok := w.(*os.File)
	return palette(ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd())))
}

func (p palette) paint(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (p palette) bold(s string) string   { return p.paint("1", s) }
func (p palette) red(s string) string    { return p.paint("31", s) }
func (p palette) green(s string) string  { return p.paint("32", s) }
func (p palette) yellow(s string) string { return p.paint("33", s) }
func (p palette) faint(s string) string  { return p.paint("2", s) }

// waiting says once that the server is away. It may be called concurrently.
func (t *terminal) waiting(why string) {
	t.once.Do(func() { fmt.Fprintln(t.err, t.onErr.yellow("siegel: ")+"the server is away, trying again: "+why) })
}

// warn prints what is allowed here but would not be elsewhere.
func (t *terminal) warn(warnings []string) {
	for _, w := range warnings {
		fmt.Fprintln(t.out, t.yellow("warning: ")+w)
	}
}

// json prints a message in the Protobuf JSON mapping, with the field names of the .proto files, indented. The library's own blanks
// change from build to build, so that they are replaced.
func (t *terminal) json(m proto.Message) error {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		return fmt.Errorf("indent the answer: %w", err)
	}
	out.WriteByte('\n')
	_, err = out.WriteTo(t.out)
	return err
}

// jsonOf prints a value that is no message as JSON, indented.
func (t *terminal) jsonOf(v any) error {
	enc := json.NewEncoder(t.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	return nil
}

// table prints rows in columns two blanks apart. The first row is the heading. The last column is not padded; columns whose
// heading is in right are set to the right.
func (t *terminal) table(rows [][]string, right ...string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
			if slices.Contains(right, rows[0][i]) {
				line.WriteString(pad + cell)
			} else {
				line.WriteString(cell + pad)
			}
			line.WriteString("  ")
		}
		text := strings.TrimRight(line.String(), " ")
		if n == 0 {
			text = t.bold(text)
		}
		fmt.Fprintln(t.out, text)
	}
}
