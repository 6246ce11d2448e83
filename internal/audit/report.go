package audit

import (
	"fmt"
	"strings"
)

// Report is what Verify found.
type Report struct {
	Export string    `json:"export"`
	Log    string    `json:"log"`
	Key    string    `json:"log_key"`
	Size   int64     `json:"tree_size"`
	Root   string    `json:"root"`
	First  int64     `json:"first"`
	End    int64     `json:"end"`
	Leaves int64     `json:"leaves"`
	Filter *Filter   `json:"filter,omitempty"`
	Checks []Check   `json:"checked"`
	Not    []Omitted `json:"not_checked,omitempty"`
	// Findings are what is wrong: at most MaxFindings about leaves, and as many about files and tiles, so that the ones do not hide the
	// others. Wrong counts all of them.
	Findings []Finding `json:"findings,omitempty"`
	Wrong    int64     `json:"wrong"`

	ofLeaves int // findings about leaves that are listed
}

// MaxFindings bounds the findings of each of the two sorts that a report lists.
const MaxFindings = 200

// Good tells whether nothing was found.
func (r *Report) Good() bool { return r.Wrong == 0 }

// Check is a kind of check that was made.
type Check struct {
	What  string `json:"what"`
	Count int64  `json:"count"` // of what it was made
}

// Omitted is a kind of check that was not made, or not of all.
type Omitted struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// Finding is something that is wrong.
type Finding struct {
	File string `json:"file"`
	Line int    `json:"line,omitempty"` // from 1
	Leaf *int64 `json:"leaf,omitempty"`
	Kind string `json:"kind,omitempty"` // of the entry
	What string `json:"what"`           // what differs
}

// String says where and what.
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, " line %d", f.Line)
	}
	if f.Leaf != nil {
		fmt.Fprintf(&b, ", leaf %d", *f.Leaf)
	}
	if f.Kind != "" {
		fmt.Fprintf(&b, " (%s)", f.Kind)
	}
	return b.String() + ": " + f.What
}

// add takes a finding.
func (r *Report) add(f Finding) {
	r.Wrong++
	listed := len(r.Findings) - r.ofLeaves
	if f.Leaf != nil {
		listed = r.ofLeaves
	}
	if listed >= MaxFindings {
		return
	}
	if f.Leaf != nil {
		r.ofLeaves++
	}
	r.Findings = append(r.Findings, f)
}

// at is a finding in a file.
func (r *Report) at(file string, line int, format string, args ...any) {
	r.add(Finding{File: file, Line: line, What: fmt.Sprintf(format, args...)})
}

// checked says what was checked, and of how many.
func (r *Report) checked(n int64, what string) { r.Checks = append(r.Checks, Check{what, n}) }

// omit says what was not checked.
func (r *Report) omit(what, format string, args ...any) {
	r.Not = append(r.Not, Omitted{what, fmt.Sprintf(format, args...)})
}
