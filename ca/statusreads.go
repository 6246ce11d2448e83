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
	maxStatusBatch = 64
)

// statusReads lets requests that come at the same time share a round trip to the database. A request joins only a read that has not begun, so
// that it sees every change from before it arrived. One that comes alone does not wait.
type statusReads struct {
	read func(context.Context, []CertificateID) ([]*CertificateStatus, error)

	mu    sync.Mutex     // guards what is below
	queue []*statusBatch // that requests may still join, but for those that are full; the last is the newest
	busy  int            // goroutines that make reads
}

// statusBatch is one read and what came of it, which is there when done is closed.
type statusBatch struct {
	ids  []CertificateID
	last time.Time // when the last request joined
	done chan struct{}
	list []*CertificateStatus
	err  error
}

// status reads the status of a certificate.
func (r *statusReads) status(ctx context.Context, id CertificateID) (*CertificateStatus, error) {
	r.mu.Lock()
	if n := len(r.queue); n == 0 || len(r.queue[n-1].ids) == maxStatusBatch {
		r.queue = append(r.queue, &statusBatch{done: make(chan struct{})})
	}
	mine := r.queue[len(r.queue)-1]
	place := len(mine.ids)
	mine.ids, mine.last = append(mine.ids, id), time.Now()
	if r.busy < maxStatusReads {
		r.busy++
		go r.work(context.WithoutCancel(ctx)) // ends when nobody waits any more
	}
	r.mu.Unlock()
	select {
	case <-mine.done:
		if mine.err != nil {
			return nil, mine.err
		}
		return mine.list[place], nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// work makes reads, one after the other, as long as requests wait for one.
func (r *statusReads) work(ctx context.Context) {
	for {
		r.mu.Lock()
		if len(r.queue) == 0 {
			r.busy--
			r.mu.Unlock()
			return
		}
		next := r.queue[0]
		r.queue = r.queue[1:]
		r.mu.Unlock()
		limited, cancel := context.WithDeadline(ctx, next.last.Add(answerTime)) // when nobody waits any more
		next.list, next.err = r.read(limited, next.ids)
		cancel()
		close(next.done)
	}
}
