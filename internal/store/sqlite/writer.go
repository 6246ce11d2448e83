package sqlite

import (
	"context"
	"fmt"
	"sync/atomic"
)

// maxBatch bounds the verbs of one transaction, and with it the time that the first of them waits for the last.
const maxBatch = 64

// writer runs the verbs that write: see "Group commit" in the package comment. startWriter makes it, stop ends it.
type writer struct {
	queue   chan *verb    // unbuffered: a verb in it is with its caller until the writer takes it
	closing chan struct{} // closed by stop
	ended   chan struct{} // closed by the goroutine
	session *session      // the goroutine's; stop's after ended
}

// verb is one call waiting for the writer.
type verb struct {
	do    func(*session) error
	state atomic.Int32
	done  chan struct{} // closed by the writer
	err   error         // the answer; the caller's after done
}

// The states of a verb. It leaves waiting once: begun by the writer, left by its caller.
const (
	waiting int32 = iota
	begun
	left
)

func startWriter(s *session) *writer {
	w := &writer{queue: make(chan *verb), closing: make(chan struct{}), ended: make(chan struct{}), session: s}
	go w.run()
	return w
}

// stop lets the batch under way end and waits for the goroutine.
func (w *writer) stop() error {
	close(w.closing)
	<-w.ended
	return w.session.close()
}

// do has the writer run a verb and waits for the commit.
func (w *writer) do(ctx context.Context, do func(*session) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	v := &verb{do: do, done: make(chan struct{})}
	select {
	case w.queue <- v:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.closing:
		return ErrClosed
	}
	select {
	case <-v.done:
		return v.err
	case <-ctx.Done():
		if v.state.CompareAndSwap(waiting, left) {
			return ctx.Err()
		}
		return fmt.Errorf("the change had begun and may have happened: %w", ctx.Err())
	}
}

func (w *writer) run() {
	defer close(w.ended)
	batch := make([]*verb, 0, maxBatch)
	for {
		select {
		case v := <-w.queue:
			batch = append(batch[:0], v)
		case <-w.closing:
			return
		}
		w.commit(w.fill(batch))
	}
}

// fill adds the verbs that wait at this moment. Those that come during a commit make up the next batch, so that batches grow
// with the load by themselves and a lone caller waits for nobody.
func (w *writer) fill(batch []*verb) []*verb {
	for len(batch) < maxBatch {
		select {
		case v := <-w.queue:
			batch = append(batch, v)
		default:
			return batch
		}
	}
	return batch
}

// commit runs a batch in one transaction and answers. When the transaction is lost, so is every verb in it.
func (w *writer) commit(batch []*verb) {
	err := w.session.inTransaction(func() error {
		for _, v := range batch {
			if !v.state.CompareAndSwap(waiting, begun) {
				continue
			}
			failed, lost := w.session.inSavepoint(v.do)
			if lost != nil {
				return lost
			}
			v.err = failed
		}
		return nil
	})
	for _, v := range batch {
		if err != nil {
			v.err = err
		}
		close(v.done)
	}
}
