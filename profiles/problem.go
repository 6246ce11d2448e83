package profiles

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Problem is one thing that is wrong with a data file.
type Problem struct {
	File    string // path in the catalogue, for example "cards/smcb-g2.1.yaml"
	Line    int    // counted from 1
	Rule    string // name of the rule in upper snake case, for example "UNKNOWN_KEY"
	Message string // what is wrong and what would be right
}

// String gives the problem as compilers do: file:line: message (RULE).
func (p Problem) String() string {
	return fmt.Sprintf("%s:%d: %s (%s)", p.File, p.Line, p.Message, p.Rule)
}

// Problems is the error of a catalogue that cannot be used: everything that was found, by file and line.
type Problems []Problem

// Error gives one problem a line.
func (p Problems) Error() string {
	var b strings.Builder
	b.WriteString("the profile files cannot be used:")
	for _, problem := range p {
		b.WriteString("\n\t" + problem.String())
	}
	return b.String()
}

func (p *Problems) add(at position, rule, format string, args ...any) {
	*p = append(*p, Problem{File: at.file, Line: at.line, Rule: rule, Message: fmt.Sprintf(format, args...)})
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line))
	})
}
