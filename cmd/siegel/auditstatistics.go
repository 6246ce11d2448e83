package main

import (
	"cmp"
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"google.golang.org/grpc"

	"github.com/siegel-pki/siegel/internal/audit"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// auditStatisticsCmd is `siegel audit statistics`.
type auditStatisticsCmd struct {
	Export string   `arg:"" optional:"" type:"existingdir" help:"Folder of an export to count in; without it the server counts."`
	From   string   `placeholder:"DAY" help:"Count from this day on (YYYY-MM-DD, UTC)."`
	Until  string   `placeholder:"DAY" help:"Count the days before this one."`
	By     []string `default:"day,kind" enum:"day,month,year,kind,card-type,sector,profile,issuer" help:"Count by these, in this order: day, month, year, kind, card-type, sector; profile and issuer count certificates in place of cards."`
	Kind   []string `placeholder:"KIND" help:"Count entries of these kinds only, for example card-issued."`
	CSV    bool     `name:"csv" help:"Print comma-separated values."`
}

// tally is a row of statistics.
type tally struct {
	By    []string `json:"by"`
	Count int64    `json:"count"`
}

// maxStatistics bounds the server's answer in octets.
const maxStatistics = 256 << 20

// Run counts.
func (c *auditStatisticsCmd) Run(ctx context.Context, g *globals, t *terminal) error {
	flags := filterFlags{From: c.From, Until: c.Until}
	filter, err := flags.filter()
	if err != nil {
		return err
	}
	if filter == nil {
		filter = &audit.Filter{}
	}
	var counts []count64
	if c.Export != "" {
		counts, err = c.fromExport(filter)
	} else {
		counts, err = c.fromServer(ctx, g, t, filter)
	}
	if err != nil {
		return err
	}
	rows := c.group(counts)
	switch {
	case g.JSON:
		return t.jsonOf(struct {
			By   []string `json:"by"`
			Of   string   `json:"of"`
			Rows []tally  `json:"rows"`
		}{c.By, c.of(), rows})
	case c.CSV:
		return c.printCSV(t.out, rows)
	}
	c.printBars(t, rows)
	return nil
}

// count64 is a count with all that it can be counted by.
type count64 struct {
	day, kind, cardType, sector, profile, issuer string
	n                                            int64
}

// ofCertificates tells whether certificates are counted, and not cards.
func (c *auditStatisticsCmd) ofCertificates() bool {
	return slices.Contains(c.By, "profile") || slices.Contains(c.By, "issuer")
}

func (c *auditStatisticsCmd) of() string {
	if c.ofCertificates() {
		return "certificates"
	}
	return "cards"
}

func (c *auditStatisticsCmd) fromExport(filter *audit.Filter) ([]count64, error) {
	parsed, err := filter.Parse()
	if err != nil {
		return nil, usageError(err)
	}
	stats, err := audit.Count(os.DirFS(c.Export), parsed)
	if err != nil {
		return nil, usageError(err)
	}
	var list []count64
	if !c.ofCertificates() {
		for _, n := range stats.Cards() {
			list = append(list, count64{day: n.Day, kind: string(n.Kind), cardType: n.CardType, sector: n.Sector, n: n.Count})
		}
		return list, nil
	}
	for _, n := range stats.Certificates() {
		list = append(list, count64{day: n.Day, kind: string(n.Kind), sector: n.Sector, profile: n.Profile, issuer: n.Issuer, n: n.Count})
	}
	return list, nil
}

func (c *auditStatisticsCmd) fromServer(ctx context.Context, g *globals, t *terminal, filter *audit.Filter) ([]count64, error) {
	wire, err := filterToWire(filter)
	if err != nil {
		return nil, usageError(err)
	}
	cl, err := connectAuditor(g, t)
	if err != nil {
		return nil, err
	}
	defer cl.Close()
	answer, err := call(ctx, cl.caller, "count", func(ctx context.Context) (*siegelv1.GetStatisticsResponse, error) {
		return cl.GetStatistics(ctx, &siegelv1.GetStatisticsRequest{From: wire.GetFrom(), Until: wire.GetUntil()}, grpc.MaxCallRecvMsgSize(maxStatistics))
	})
	if err != nil {
		return nil, err
	}
	var list []count64
	if !c.ofCertificates() {
		for _, n := range answer.GetCards() {
			list = append(list, count64{day: n.GetDay(), kind: n.GetKind(), cardType: n.GetCardType(), sector: n.GetSector(), n: n.GetCount()})
		}
		return list, nil
	}
	for _, n := range answer.GetCertificates() {
		list = append(list, count64{day: n.GetDay(), kind: n.GetKind(), sector: n.GetSector(), profile: n.GetProfile(), issuer: n.GetIssuer(), n: n.GetCount()})
	}
	return list, nil
}

// group adds up what is the same in all that is counted by.
func (c *auditStatisticsCmd) group(counts []count64) []tally {
	sums := map[string]int64{}
	for _, n := range counts {
		if len(c.Kind) > 0 && !slices.Contains(c.Kind, n.kind) {
			continue
		}
		key := make([]string, len(c.By))
		for i, by := range c.By {
			key[i] = n.value(by)
		}
		sums[strings.Join(key, "\x00")] += n.n
	}
	rows := make([]tally, 0, len(sums))
	for key, n := range sums {
		rows = append(rows, tally{strings.Split(key, "\x00"), n})
	}
	slices.SortFunc(rows, func(a, b tally) int { return slices.Compare(a.By, b.By) })
	return rows
}

func (n *count64) value(by string) string {
	switch by {
	case "day":
		return n.day
	case "month":
		return n.day[:min(len(n.day), len("2006-01"))]
	case "year":
		return n.day[:min(len(n.day), len("2006"))]
	case "kind":
		return n.kind
	case "card-type":
		return cmp.Or(n.cardType, "-")
	case "sector":
		return cmp.Or(n.sector, "-")
	case "profile":
		return n.profile
	}
	return n.issuer
}

func (c *auditStatisticsCmd) printCSV(out io.Writer, rows []tally) error {
	w := csv.NewWriter(out)
	if err := w.Write(append(slices.Clone(c.By), c.of())); err != nil {
		return err
	}
	for _, r := range rows {
		if err := w.Write(append(slices.Clone(r.By), strconv.FormatInt(r.Count, 10))); err != nil {
			return err
		}
	}
	w.Flush()
	return w.Error()
}

// statisticsBar is the length of the longest bar in cells.
const statisticsBar = 40

// printBars prints a bar for each row, the longest for the largest.
func (c *auditStatisticsCmd) printBars(t *terminal, rows []tally) {
	if len(rows) == 0 {
		fmt.Fprintln(t.out, "nothing to count")
		return
	}
	var most, all int64
	for _, r := range rows {
		most, all = max(most, r.Count), all+r.Count
	}
	heading := make([]string, 0, len(c.By)+2)
	for _, by := range c.By {
		heading = append(heading, strings.ToUpper(by))
	}
	table := [][]string{append(heading, strings.ToUpper(c.of()), "")}
	for _, r := range rows {
		table = append(table, append(slices.Clone(r.By), strconv.FormatInt(r.Count, 10), countBar(r.Count, most)))
	}
	t.table(table, strings.ToUpper(c.of()))
	fmt.Fprintf(t.out, "%d %s counted\n", all, c.of())
}

// countBar draws a share of the longest bar, to an eighth of a cell.
func countBar(n, most int64) string {
	eighths := int(n * statisticsBar * 8 / max(most, 1))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	if text == "" && n > 0 {
		text = "▏"
	}
	return text
}
