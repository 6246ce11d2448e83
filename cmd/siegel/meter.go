package main

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"
)

// meter says how far a long reading is: on a terminal in one line that is written anew, elsewhere as a line now and then. It belongs to one
// goroutine.
type meter struct {
	out   io.Writer
	live  bool
	what  string
	begun time.Time
	drawn time.Time
	any   bool // a live line stands there
}

// How often the line is written.
const (
	meterLive  = 200 * time.Millisecond
	meterLines = 10 * time.Second
)

func newMeter(t *terminal, what string) *meter {
	f, ok := t.err.(*os.File)
	return &meter{out: t.err, live: ok && term.IsTerminal(int(f.Fd())), what: what, begun: time.Now(), drawn: time.Now()}
}

// show takes how much is done of how much.
func (m *meter) show(done, of int64) {
	now := time.Now()
	if pause := now.Sub(m.drawn); m.live && pause < meterLive || !m.live && pause < meterLines {
		return
	}
	m.drawn = now
	text := fmt.Sprintf("%d of %d %s, %.0f a second", done, of, m.what, float64(done)/max(now.Sub(m.begun).Seconds(), 1e-3))
	if m.live {
		m.any = true
		fmt.Fprintf(m.out, "\r\x1b[K%s", text)
	} else {
		fmt.Fprintln(m.out, text)
	}
}

// end clears the live line.
func (m *meter) end() {
	if m.any {
		fmt.Fprint(m.out, "\r\x1b[K")
	}
}
