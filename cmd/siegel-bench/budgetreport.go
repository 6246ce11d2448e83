package main

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// budgetTitle is what the table of the budget says.
const budgetTitle = "Processor time of one certificate, in microseconds, from a profile of the server during the stream"

// budgetRow is a line of the table: a part, its figure with each database, and what is counted to it.
type budgetRow struct {
	name   string
	values []string
	what   string
}

// budgetRows are the lines of the table, its heading first.
func (f *findings) budgetRows() (rows []budgetRow) {
	add := func(name, what string, value func(*serviceResult) string) {
		row := budgetRow{name: name, what: what}
		for _, s := range f.services {
			row.values = append(row.values, value(s))
		}
		rows = append(rows, row)
	}
	number := func(v float64) string { return fmt.Sprintf("%.0f", v) }
	add("part", "", func(s *serviceResult) string { return s.store })
	for _, part := range budgetParts {
		add(part.name, part.what, func(s *serviceResult) string { return number(s.budget.perCertificate(part.name, s.load)) })
	}
	for _, other := range []struct {
		name, what string
		used       func(cpuUse) time.Duration
	}{
		{"server", "the sum of the above", func(u cpuUse) time.Duration { return u.server }},
		{"database", "PostgreSQL; SQLite is in the server", func(u cpuUse) time.Duration { return u.database }},
		{"client", "of the measurement: it sends, receives and counts", func(u cpuUse) time.Duration { return u.client }},
		{"all", "", cpuUse.total},
	} {
		add(other.name, other.what, func(s *serviceResult) string { return number(s.perCertificate(other.used(s.cpu))) })
	}
	add("signatures alone", "the token by itself, in the same mix", func(*serviceResult) string { return number(f.rawCPU() * 1e3 / signatures) })
	return rows
}

// writeBudget writes the table as Markdown.
func (f *findings) writeBudget(out io.Writer) {
	fmt.Fprintf(out, "\n## %s\n\n", budgetTitle)
	for i, row := range f.budgetRows() {
		fmt.Fprintf(out, "| %s | %s | %s |\n", row.name, strings.Join(row.values, " | "), row.what)
		if i == 0 {
			fmt.Fprintf(out, "|---|%s---|\n", strings.Repeat("---:|", len(row.values)))
		}
	}
}
