package ca

import (
	"context"
	"sync"
	"time"
)

const (
	// maxStatusReads is how many reads are under way at a time: one is on its way while the database works at another.
	maxStatusReads = 4
	// maxStatusBatch bounds the certificates of one read.
	maxStatusBatch = 128
)

// statusReads lets requests that come within freshPause share a read: by itself, each would cost the database and the way to it several
// times what it costs among others. A request joins only a read that has not begun, so that it sees every change from before it
// arrived. One that comes alone does not wait.
type statusReads struct {
	read func(context.Context, []CertificateID) ([]CertificateState, error)

	mu      sync.Mutex     // guards what is below
	queue   []*statusBatch // that requests may still join, but for those that are full; the last is the newest
	busy    int            // goroutines that make reads
	waiting bool           // one of them will take the queue
	last    time.Time      // when the last read began
}

// statusBatch is one read and what came of it, which is there when done is closed.
type statusBatch struct {
	ids  []CertificateID
	last time.Time // when the last request joined
	done chan struct{}
	list []CertificateState
	err  error
}

// status reads the status of a certificate.
func (r *statusReads) status(ctx context.Context, id CertificateID) (CertificateState, error) {
	r.mu.Lock()
	if n := len(r.queue); n == 0 || len(r.queue[n-1].ids) == maxStatusBatch {
		r.queue = append(r.queue, &statusBatch{done: make(chan struct{})})
	}
	mine := r.queue[len(r.queue)-1]
	place := len(mine.ids)
	mine.ids, mine.last = append(mine.ids, id), time.Now()
	if !r.waiting && r.busy < maxStatusReads {
		r.busy, r.waiting = r.busy+1, true
		go r.work(context.WithoutCancel(ctx)) // ends when nobody waits any more
	}
	r.mu.Unlock()
	select {
	case <-mine.done:
		if mine.err != nil {
			return CertificateState{}, mine.err
		}
		return mine.list[place], nil
	case <-ctx.Done():
		return CertificateState{}, ctx.Err()
	}
}

// work makes reads, one after the other, as long as requests wait for one and no other goroutine will make it.
func (r *statusReads) work(ctx context.Context) {
	for more := true; more; more = r.goOn() {
		next := r.take()
		limited, cancel := context.WithDeadline(ctx, next.last.Add(answerTime)) // when nobody waits any more
		next.list, next.err = r.read(limited, next.ids)
		cancel()
		close(next.done)
	}
}

// take gives the next read when it is time for it. The caller is the one who waits.
func (r *statusReads) take() *statusBatch {
	r.mu.Lock()
	defer r.mu.Unlock()
	if pause := freshPause - time.Since(r.last); pause > 0 {
		r.mu.Unlock()
		time.Sleep(pause)
		r.mu.Lock()
	}
	next := r.queue[0]
	r.queue = r.queue[1:]
	r.last, r.waiting = time.Now(), false
	return next
}

// goOn tells whether the caller, whose read has ended, is to make the next one.
func (r *statusReads) goOn() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.waiting || len(r.queue) == 0 {
		r.busy--
		return false
	}
	r.waiting = true
	return true
}
