package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
)

// asker is a connection on which one question is under way at a time. It is made by hand, since it shares the machine with the server: an
// http.Client would take as much of it as the server does.
type asker struct {
	conn net.Conn
	in   *bufio.Reader
}

func newAsker(ctx context.Context, address string) (*asker, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	return &asker{conn, bufio.NewReaderSize(conn, 8<<10)}, nil
}

// post makes the octets of a question.
func post(request []byte) []byte {
	return append(fmt.Appendf(nil, "POST /ocsp HTTP/1.1\r\nHost: bench\r\nContent-Type: application/ocsp-request\r\nContent-Length: %d\r\n\r\n", len(request)), request...)
}

// errorLength is the length of an OCSP answer that says an error.
const errorLength = 5

// ask sends a question and takes the answer. It tells whether that was a signed one.
func (a *asker) ask(question []byte) (signed bool, err error) {
	if _, err := a.conn.Write(question); err != nil {
		return false, err
	}
	length := -1
	for first := true; ; first = false {
		line, err := a.in.ReadSlice('\n')
		if err != nil {
			return false, err
		}
		text := bytes.TrimRight(line, "\r\n")
		switch {
		case len(text) == 0:
			if length < 0 {
				return false, errors.New("an answer without a length")
			}
			_, err := a.in.Discard(length)
			return length > errorLength, err
		case first && !(bytes.HasPrefix(text, []byte("HTTP/1.1 200")) || bytes.HasPrefix(text, []byte("HTTP/1.0 200"))):
			return false, fmt.Errorf("the server answers %q", text)
		case len(text) > 16 && bytes.EqualFold(text[:15], []byte("Content-Length:")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(text[15:]))); err != nil {
				return false, err
			}
		}
	}
}

// loadResult is what came of a load.
type loadResult struct {
	signed, errors int // answers
	elapsed        time.Duration
	used           cpuUse
	latencies      []time.Duration // of all answers, sorted
}

func (r *loadResult) perSecond() float64 { return float64(r.signed) / r.elapsed.Seconds() }

// quantile gives the latency that a share of the answers did not exceed.
func (r *loadResult) quantile(share float64) time.Duration {
	if len(r.latencies) == 0 {
		return 0
	}
	return r.latencies[min(len(r.latencies)-1, int(share*float64(len(r.latencies))))]
}

// join puts the parts of the workers together.
func join(parts []loadResult, elapsed time.Duration, used cpuUse) *loadResult {
	all := &loadResult{elapsed: elapsed, used: used}
	for _, p := range parts {
		all.signed += p.signed
		all.errors += p.errors
		all.latencies = append(all.latencies, p.latencies...)
	}
	slices.Sort(all.latencies)
	return all
}

// note counts an answer.
func (r *loadResult) note(signed bool, took time.Duration) {
	if signed {
		r.signed++
	} else {
		r.errors++
	}
	r.latencies = append(r.latencies, took)
}

// hammer asks as fast as the server answers: each of a number of connections sends its next question when it has its answer.
func hammer(ctx context.Context, address string, connections int, questions [][]byte, d time.Duration) (*loadResult, error) {
	parts := make([]loadResult, connections)
	group, ctx := errgroup.WithContext(ctx)
	begin, before := time.Now(), useOfCPU()
	for n := range connections {
		group.Go(func() error {
			a, err := newAsker(ctx, address)
			if err != nil {
				return err
			}
			defer a.conn.Close()
			for i := rand.IntN(len(questions)); time.Since(begin) < d && ctx.Err() == nil; i++ {
				at := time.Now()
				signed, err := a.ask(questions[i%len(questions)])
				if err != nil {
					return err
				}
				parts[n].note(signed, time.Since(at))
			}
			return nil
		})
	}
	err := group.Wait()
	return join(parts, time.Since(begin), useOfCPU().since(before)), err
}

// steady asks so many questions per second, at times that are set before, whether or not answers come: a wait counts for every question
// that it delays.
func steady(ctx context.Context, address string, perSecond int, questions [][]byte, d time.Duration) (*loadResult, error) {
	const connections = 64
	parts := make([]loadResult, connections)
	due := make(chan time.Time, perSecond) // a question that waits for a place here has its time all the same
	group, ctx := errgroup.WithContext(ctx)
	begin, before := time.Now().Add(100*time.Millisecond), useOfCPU()
	group.Go(func() error {
		defer close(due)
		for i := range int(float64(perSecond) * d.Seconds()) {
			at := begin.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
			time.Sleep(time.Until(at))
			if ctx.Err() != nil {
				return ctx.Err()
			}
			select {
			case due <- at:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for n := range connections {
		group.Go(func() error {
			a, err := newAsker(ctx, address)
			if err != nil {
				return err
			}
			defer a.conn.Close()
			for at := range due {
				signed, err := a.ask(questions[rand.IntN(len(questions))])
				if err != nil {
					return err
				}
				parts[n].note(signed, time.Since(at))
			}
			return nil
		})
	}
	err := group.Wait()
	if errors.Is(err, io.EOF) {
		err = fmt.Errorf("the server closed a connection: %w", err)
	}
	return join(parts, time.Since(begin), useOfCPU().since(before)), err
}

// report prints what a load took: times, and the processor time of an answer.
func (r *loadResult) report(out io.Writer, name string) {
	us := func(d time.Duration) float64 { return 1e3 * perCard(d, len(r.latencies)) }
	fmt.Fprintf(out, "bench %s-cpu-us %.0f\nbench %s-cpu-server-us %.0f\nbench %s-cpu-database-us %.0f\nbench %s-cpu-client-us %.0f\n",
		name, us(r.used.total()), name, us(r.used.server), name, us(r.used.database), name, us(r.used.client))
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Fprintf(out, "bench %s-answers %d\nbench %s-errors %d\nbench %s-p50-ms %.2f\nbench %s-p99-ms %.2f\nbench %s-p999-ms %.2f\n",
		name, r.signed, name, r.errors, name, ms(r.quantile(0.5)), name, ms(r.quantile(0.99)), name, ms(r.quantile(0.999)))
}
