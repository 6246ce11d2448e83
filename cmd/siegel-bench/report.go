package main

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// findings are all figures of a run.
type findings struct {
	*cli
	before, after rawRate // of the token by itself
	services      []*serviceResult
	delayed       *delayedResult // nil: not measured
}

func (f *findings) raw() float64 { return (f.before.PerSecond() + f.after.PerSecond()) / 2 }

// rawCPU is the processor time of one card's signatures, in milliseconds.
func (f *findings) rawCPU() float64 {
	return (perCard(f.before.cpu, f.before.Units) + perCard(f.after.cpu, f.after.Units)) / 2
}

// table gives the figures as rows of name and value; an empty value begins a part.
func (f *findings) table() (rows [][2]string) {
	row := func(what, format string, args ...any) {
		rows = append(rows, [2]string{what, fmt.Sprintf(format, args...)})
	}
	row("The token by itself", "")
	row("raw C_Sign/s, same keys, same mix", "%.0f before, %.0f after", f.before.PerSecond(), f.after.PerSecond())
	row("CPU of a card's signatures", "%.2f ms", f.rawCPU())
	for _, s := range f.services {
		row("With "+s.store, "")
		row("cards issued", "%d in %.1f s", s.cards, s.elapsed.Seconds())
		row("cards/s", "%.1f", s.cardRate())
		row("signatures/s", "%.0f", s.signatureRate())
		row("ratio", "%.2f", s.signatureRate()/f.raw())
		row("latency of a card of the stream", "p50 %s, p99 %s", quantile(s.latencies, 0.5), quantile(s.latencies, 0.99))
		row("latency of a single card, idle", "p50 %s, p99 %s", quantile(s.idle, 0.5), quantile(s.idle, 0.99))
		if len(s.amid) > 0 {
			row("latency of a single card amid a stream", "p50 %s, p99 %s: %.1f times the idle median, %.1f times the idle p99",
				quantile(s.amid, 0.5), quantile(s.amid, 0.99), s.urgentTo(0.5), s.urgentTo(0.99))
		}
		if s.behind != nil {
			row("the log behind its entries, amid a stream", "p50 %s, p99 %s, with %.1f signed heads/s", quantile(s.behind.lags, 0.5), quantile(s.behind.lags, 0.99), s.behind.heads)
		}
		row("CPU of a card, ms", "server %.2f, database %.2f, client %.2f; %.2f in all", perCard(s.cpu.server, s.cards),
			perCard(s.cpu.database, s.cards), perCard(s.cpu.client, s.cards), perCard(s.cpu.total(), s.cards))
		row("share of that CPU that signs", "%.2f", f.share(s))
		row("memory of the server", "%.0f MB before the stream, %.0f MB after", float64(s.rss)/1e6, float64(s.rssEnd)/1e6)
	}
	if d := f.delayed; d != nil {
		row(fmt.Sprintf("With a token that takes %s more for each signature, %d sessions (sqlite)", delay, delayedSessions), "")
		row("raw C_Sign/s", "%.0f", d.ceiling.PerSecond())
		row("signatures/s", "%.0f", d.signatureRate())
		row("ratio", "%.2f", d.signatureRate()/d.ceiling.PerSecond())
		row("latency of a single card, idle", "p50 %s, p99 %s", quantile(d.idle, 0.5), quantile(d.idle, 0.99))
	}
	return rows
}

// share is how much of the processor time of all that takes part goes to the signatures.
func (f *findings) share(s *serviceResult) float64 {
	return f.rawCPU() / perCard(s.cpu.total(), s.cards)
}

// lines gives the figures for programs: "bench NAME VALUE".
func (f *findings) lines() (lines []string) {
	line := func(name, format string, value float64) {
		lines = append(lines, fmt.Sprintf("bench %s "+format, name, value))
	}
	line("raw-signatures", "%.0f", f.raw())
	line("raw-cpu-ms", "%.2f", f.rawCPU())
	for _, s := range f.services {
		line("issue-cards-"+s.store, "%.1f", s.cardRate())
		line("issue-signatures-"+s.store, "%.0f", s.signatureRate())
		line("issue-ratio-"+s.store, "%.3f", s.signatureRate()/f.raw())
		line("issue-cpu-ms-"+s.store, "%.2f", perCard(s.cpu.total(), s.cards))
		line("issue-cpu-share-"+s.store, "%.3f", f.share(s))
		line("issue-p99-ms-"+s.store, "%.1f", milliseconds(quantile(s.latencies, 0.99)))
		line("single-p50-ms-"+s.store, "%.1f", milliseconds(quantile(s.idle, 0.5)))
		if len(s.amid) > 0 {
			line("urgent-p99-ms-"+s.store, "%.1f", milliseconds(quantile(s.amid, 0.99)))
			line("urgent-p99-to-idle-"+s.store, "%.2f", s.urgentTo(0.5))
			line("urgent-p99-to-idle-p99-"+s.store, "%.2f", s.urgentTo(0.99))
		}
		if s.behind != nil {
			line("log-behind-p50-ms-"+s.store, "%.1f", milliseconds(quantile(s.behind.lags, 0.5)))
			line("log-behind-p99-ms-"+s.store, "%.1f", milliseconds(quantile(s.behind.lags, 0.99)))
			line("log-heads-per-second-"+s.store, "%.1f", s.behind.heads)
		}
		for _, part := range budgetParts {
			line("budget-"+part.name+"-us-"+s.store, "%.0f", s.budget.perCertificate(part.name, s.load))
		}
		line("budget-database-us-"+s.store, "%.0f", s.perCertificate(s.cpu.database))
		line("budget-client-us-"+s.store, "%.0f", s.perCertificate(s.cpu.client))
		line("budget-us-"+s.store, "%.0f", s.perCertificate(s.cpu.total()))
	}
	if d := f.delayed; d != nil {
		line("delayed-signatures", "%.0f", d.ceiling.PerSecond())
		line("issue-ratio-latency-bound", "%.3f", d.signatureRate()/d.ceiling.PerSecond())
	}
	return lines
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// print prints the figures as a table and as lines for programs.
func (f *findings) print(out io.Writer) {
	fmt.Fprintf(out, "\nWhole service, gRPC with mTLS on loopback, G2.1 cards of %d certificates, a stream with %d orders at a time, %d CPUs\n",
		signatures, f.Workers, runtime.NumCPU())
	for _, row := range f.table() {
		if row[1] == "" {
			fmt.Fprintf(out, "\n%s\n", row[0])
			continue
		}
		fmt.Fprintf(out, "  %-40s %s\n", row[0], row[1])
	}
	fmt.Fprintf(out, "\n%s:\n\n", budgetTitle)
	for _, row := range f.budgetRows() {
		fmt.Fprintf(out, "  %-20s", row.name)
		for _, value := range row.values {
			fmt.Fprintf(out, " %9s", value)
		}
		fmt.Fprintf(out, "  %s\n", row.what)
	}
	fmt.Fprintf(out, "\n%s\n", strings.Join(f.lines(), "\n"))
}

// write writes the report.
func (f *findings) write(path string) error {
	var b strings.Builder
	fmt.Fprintf(&b, "# Siegel: figures of %s\n\n", time.Now().UTC().Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(&b, "G2.1 cards of %d certificates over gRPC with mTLS on loopback: %d RSA and %d brainpool signatures each. Every draft is linted, every\n"+
		"signature verified, every answer on the disk. Token, database, server and client share the cores.\n\n", signatures,
		rsaSignatures+cvcG1Signatures, eccSignatures+cvcSignatures)
	fmt.Fprintf(&b, "Machine: %s\n\n| | |\n|---|---|\n", machine())
	for _, row := range f.table() {
		if row[1] == "" {
			row[0] = "**" + row[0] + "**"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", row[0], row[1])
	}
	f.writeBudget(&b)
	for _, s := range f.services {
		if len(s.sweep) > 0 {
			fmt.Fprintf(&b, "\n## Throughput over concurrency, %s\n\n```\n%s```\n", s.store, sweepPlot(s.sweep))
		}
		fmt.Fprintf(&b, "\n## Latency of the cards of a stream, %s\n\n```\n%s```\n", s.store, latencyPlot(s.latencies))
	}
	fmt.Fprintf(&b, "\n## For programs\n\n```\n%s\n```\n", strings.Join(f.lines(), "\n"))
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	fmt.Fprintf(os.Stderr, "siegel-bench: the report is in %s\n", path)
	return nil
}

// plotWidth is the length of the longest bar.
const plotWidth = 60

// bar draws a share of the longest bar.
func bar(value, most float64) string {
	if most <= 0 {
		return ""
	}
	return strings.Repeat("#", int(value/most*plotWidth+0.5))
}

// sweepPlot draws cards per second over the orders under way at a time.
func sweepPlot(points []point) string {
	most := 0.0
	for _, p := range points {
		most = max(most, p.cardRate())
	}
	var b strings.Builder
	fmt.Fprintf(&b, "at a time   cards/s   p50\n")
	for _, p := range points {
		fmt.Fprintf(&b, "%9d  %8.1f  %6.1f ms  %s\n", p.atOnce, p.cardRate(), milliseconds(quantile(p.latencies, 0.5)), bar(p.cardRate(), most))
	}
	return b.String()
}

// latencyPlot draws how many cards took how long.
func latencyPlot(sorted []time.Duration) string {
	if len(sorted) == 0 {
		return ""
	}
	const steps = 20
	step := max(time.Millisecond, (quantile(sorted, 0.999) / steps).Round(time.Millisecond))
	counts := make([]int, steps+1)
	for _, l := range sorted {
		counts[min(steps, int(l/step))]++
	}
	most := 0
	for _, n := range counts {
		most = max(most, n)
	}
	var b strings.Builder
	for i, n := range counts {
		from := fmt.Sprintf("%d to %d ms", int64(i)*step.Milliseconds(), int64(i+1)*step.Milliseconds())
		if i == steps {
			from = fmt.Sprintf("above %d ms", int64(i)*step.Milliseconds())
		}
		fmt.Fprintf(&b, "%16s  %6d  %s\n", from, n, bar(float64(n), float64(most)))
	}
	return b.String()
}

// machine says what the figures were measured on.
func machine() string {
	facts := []string{fmt.Sprintf("%s/%s, %d CPUs, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())}
	for file, key := range map[string]string{"/proc/cpuinfo": "model name", "/proc/meminfo": "MemTotal"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == key {
				facts = append(facts, key+" "+strings.TrimSpace(value))
				break
			}
		}
	}
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		facts = append(facts, "load before the end "+strings.Join(strings.Fields(string(load))[:3], " "))
	}
	return strings.Join(facts, "; ")
}
