package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// progress says how a batch goes: on a terminal as a bar that is drawn anew, elsewhere as a line now and then. Safe for concurrent use.
type progress struct {
	out   io.Writer
	bar   bool
	total int // orders that may get a card
	from  int // that had one when the run began
	begun time.Time

	mu      sync.Mutex // guards what follows, and out
	have    int        // cards
	errors  int
	noted   string   // last note
	samples []sample // of the last seconds, oldest first

	end   chan struct{}
	ended chan struct{}
}

// sample is how many cards there were at a time.
type sample struct {
	at   time.Time
	have int
}

// How often the bar is drawn and a line is printed, and over how long a time the rate is taken.
const (
	barPeriod  = 200 * time.Millisecond
	linePeriod = 10 * time.Second
	rateWindow = 30 * time.Second
	barWidth   = 30
)

// startProgress begins to report until stop.
func startProgress(t *terminal, total, from, errors int) *progress {
	now := time.Now()
	p := &progress{out: t.err, total: total, from: from, begun: now, have: from, errors: errors, samples: []sample{{now, from}},
		end: make(chan struct{}), ended: make(chan struct{})}
	if f, ok := t.err.(*os.File); ok {
		p.bar = term.IsTerminal(int(f.Fd()))
	}
	go p.run()
	return p
}

func (p *progress) run() {
	defer close(p.ended)
	period := linePeriod
	if p.bar {
		period = barPeriod
	}
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-p.end:
			return
		case <-tick.C:
			p.mu.Lock()
			p.draw(time.Now())
			p.mu.Unlock()
		}
	}
}

// stop ends the reports with a last one.
func (p *progress) stop() {
	close(p.end)
	<-p.ended
	p.mu.Lock()
	defer p.mu.Unlock()
	p.draw(time.Now())
	if p.bar {
		fmt.Fprintln(p.out)
	}
}

// issued counts a card.
func (p *progress) issued() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.have++
}

// refused counts an order without a card, and says why.
func (p *progress) refused(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.errors++
	p.print(why)
}

// note says something once, for example that the server is away.
func (p *progress) note(why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if text := "the server is away, trying again: " + why; p.noted != text {
		p.noted = text
		p.print(text)
	}
}

// print prints a line, above the bar where there is one. The caller holds mu.
func (p *progress) print(text string) {
	if p.bar {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
	fmt.Fprintln(p.out, "siegel: "+text)
}

// draw says how far the batch is. The caller holds mu.
func (p *progress) draw(now time.Time) {
	text := p.text(now)
	if p.bar {
		fmt.Fprint(p.out, "\r\x1b[K"+bar(p.have, p.total)+" "+text)
		return
	}
	fmt.Fprintln(p.out, "siegel: "+text)
}

// text is for example "1234 of 10000 cards, 98.2/s, 1m29s left, 3 errors".
func (p *progress) text(now time.Time) string {
	p.samples = append(p.samples, sample{now, p.have})
	for len(p.samples) > 2 && now.Sub(p.samples[1].at) > rateWindow {
		p.samples = p.samples[1:]
	}
	first := p.samples[0]
	rate := 0.0
	if took := now.Sub(first.at).Seconds(); took > 0 {
		rate = float64(p.have-first.have) / took
	}
	left := "-"
	if rest := p.total - p.have; rest <= 0 {
		left = "0s"
	} else if rate > 0 {
		left = time.Duration(float64(rest) / rate * float64(time.Second)).Round(time.Second).String()
	}
	return fmt.Sprintf("%d of %s, %.1f/s, %s left, %s", p.have, count(p.total, "card", "cards"), rate, left, count(p.errors, "error", "errors"))
}

// bar draws a share.
func bar(have, total int) string {
	full := barWidth
	if total > 0 {
		full = min(barWidth, barWidth*have/total)
	}
	return "[" + strings.Repeat("#", full) + strings.Repeat(".", barWidth-full) + "]"
}

// batchResult is what `siegel batch --json` prints.
type batchResult struct {
	File         string  `json:"file"`
	Out          string  `json:"out"`
	Orders       int     `json:"orders"`
	Issued       int     `json:"issued"`        // in this run
	IssuedBefore int     `json:"issued_before"` // by earlier runs of the command
	Refused      int     `json:"refused"`
	Unsent       int     `json:"unsent"` // without an answer, as the run ended early
	ErrorsFile   string  `json:"errors_file,omitempty"`
	Seconds      float64 `json:"seconds"`
}

func (b *batch) result() batchResult {
	r := batchResult{File: b.cmd.File, Out: b.cmd.Out, Orders: b.orders, IssuedBefore: b.before, Issued: b.bar.have - b.before,
		Refused: len(b.failed), Seconds: time.Since(b.bar.begun).Round(time.Millisecond).Seconds()}
	r.Unsent = max(0, r.Orders-r.Issued-r.IssuedBefore-r.Refused)
	return r
}

func (r batchResult) print(t *terminal) {
	rate := ""
	if r.Seconds > 0 && r.Issued > 0 {
		rate = fmt.Sprintf(", %.1f/s", float64(r.Issued)/r.Seconds)
	}
	fmt.Fprintf(t.out, "%s of %s: %d issued in %.1f s%s, %d before, %d refused, %d unsent; below %s\n",
		r.File, count(r.Orders, "order", "orders"), r.Issued, r.Seconds, rate, r.IssuedBefore, r.Refused, r.Unsent, r.Out)
	if r.ErrorsFile != "" {
		fmt.Fprintf(t.out, "correct %s and issue it as a batch of its own\n", r.ErrorsFile)
	}
}
