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

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// terminal is where a command reads and prints. Answers go to out, everything else to err.
type terminal struct {
	in       io.Reader
	out, err io.Writer
	colour   bool
	once     sync.Once // the note that the server is away is printed once
}

// newTerminal uses colours where standard output is a terminal and NO_COLOR is not set (no-color.org).
func newTerminal(in io.Reader, out, err io.Writer) *terminal {
	f, ok := out.(*os.File)
	return &terminal{in: in, out: out, err: err, colour: ok && isTerminal(f) && os.Getenv("NO_COLOR") == ""}
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (t *terminal) paint(code, s string) string {
	if !t.colour || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

func (t *terminal) bold(s string) string   { return t.paint("1", s) }
func (t *terminal) red(s string) string    { return t.paint("31", s) }
func (t *terminal) green(s string) string  { return t.paint("32", s) }
func (t *terminal) yellow(s string) string { return t.paint("33", s) }
func (t *terminal) faint(s string) string  { return t.paint("2", s) }

// waiting says once that the server is away. It may be called concurrently.
func (t *terminal) waiting(why string) {
	t.once.Do(func() { fmt.Fprintln(t.err, t.yellow("siegel: ")+"the server is away, trying again: "+why) })
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
