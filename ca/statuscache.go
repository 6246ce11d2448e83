package ca

import (
	"context"
	"sync"
	"time"
)

// This file keeps answers for some seconds, and never a stale one: see "Caching what it says" at StatusReader.

const (
	// maxStatusCache bounds the answers that are kept; one has some two kilobytes.
	maxStatusCache = 32 << 10
	// maxFormsCached bounds those about one certificate: two hashes, with parameters and without.
	maxFormsCached = 4
	// maxChangesRead is how many changes are looked at one by one. Where there are more, the cache is emptied.
	maxChangesRead = 1000
	// freshPause is the least time between the beginnings of two reads of one kind, changes or states. It bounds what they cost the database,
	// and is the longest that a request waits for others to share a read with.
	freshPause = 2 * time.Millisecond
)

// StatusAnswer is a signed OCSP answer.
type StatusAnswer struct {
	DER        []byte    // must not be changed
	ProducedAt time.Time // zero for one that says an error
}

// statusCache keeps answers by certificate and CertID. Its methods are safe for concurrent use.
type statusCache struct {
	lifetime time.Duration // 0 keeps nothing

	mu    sync.Mutex // guards what is below
	epoch int64      // up to which what changed was dropped
	// Two halves: what is kept goes into the first. When it is full or old, the second is dropped and the first takes its place.
	halves [2]map[CertificateID][]keptAnswer
	kept   int // answers in the first half
	turned time.Time
}

// keptAnswer is an answer to one CertID.
type keptAnswer struct {
	certID string
	answer *StatusAnswer
	until  time.Time
}

func newStatusCache(lifetime time.Duration) *statusCache {
	c := &statusCache{lifetime: lifetime}
	c.empty()
	return c
}

// empty drops everything. The caller holds mu, but in newStatusCache.
func (c *statusCache) empty() {
	c.halves = [2]map[CertificateID][]keptAnswer{{}, {}}
	c.kept = 0
}

// get gives the answer to a CertID, or nil.
func (c *statusCache) get(id CertificateID, certID []byte, now time.Time) *StatusAnswer {
	if c.lifetime == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, half := range c.halves {
		for _, k := range half[id] {
			if k.certID == string(certID) && now.Before(k.until) {
				return k.answer
			}
		}
	}
	return nil
}

// put keeps an answer that was made of a status, unless a change that it may have missed has gone by.
func (c *statusCache) put(status CertificateState, certID []byte, answer *StatusAnswer) {
	if c.lifetime == 0 || status.State == NotIssued { // serial numbers that do not exist are many
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.epoch > status.Epoch {
		return
	}
	c.turn(answer.ProducedAt)
	kept := c.halves[0][status.CertificateID]
	for i := range kept {
		if kept[i].certID == string(certID) {
			kept[i].answer, kept[i].until = answer, answer.ProducedAt.Add(c.lifetime)
			return
		}
	}
	if len(kept) < maxFormsCached {
		c.halves[0][status.CertificateID] = append(kept, keptAnswer{string(certID), answer, answer.ProducedAt.Add(c.lifetime)})
		c.kept++
	}
}

// turn drops the older half when the newer one is full, or older than anything that may be kept. The caller holds mu.
func (c *statusCache) turn(now time.Time) {
	if c.kept < maxStatusCache/2 && now.Sub(c.turned) < c.lifetime {
		return
	}
	c.halves = [2]map[CertificateID][]keptAnswer{{}, c.halves[0]}
	c.kept, c.turned = 0, now
}

// drop takes out what changes concern, and moves the epoch on.
func (c *statusCache) drop(changes []StatusChange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, change := range changes {
		for _, id := range change.Certificates {
			for _, half := range c.halves {
				delete(half, id)
			}
		}
		c.epoch = max(c.epoch, change.Epoch)
	}
}

// restart empties the cache at an epoch.
func (c *statusCache) restart(epoch int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.empty()
	c.epoch = max(c.epoch, epoch)
}

func (c *statusCache) seen() int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// refresh drops what has changed until now.
func (c *statusCache) refresh(ctx context.Context, store StatusReader) error {
	changes, err := store.StatusChanges(ctx, c.seen(), maxChangesRead)
	if err != nil {
		return err
	}
	if len(changes) < maxChangesRead {
		c.drop(changes)
		return nil
	}
	epoch, err := store.StatusEpoch(ctx)
	if err != nil {
		return err
	}
	c.restart(epoch)
	return nil
}

// freshness lets requests share reads of changes: one read serves all requests that arrived before it began.
type freshness struct {
	read func(context.Context) error

	mu   sync.Mutex // guards what is below
	next *freshRead // that requests may still join; nil where nobody waits
	last time.Time  // when the last read began
	busy bool       // a goroutine makes reads
}

// freshRead is one read and what came of it, which is there when done is closed.
type freshRead struct {
	done chan struct{}
	err  error
}

// await returns when a read that began after the call has ended, with its error, or when ctx ends.
func (f *freshness) await(ctx context.Context) error {
	f.mu.Lock()
	if f.next == nil {
		f.next = &freshRead{done: make(chan struct{})}
	}
	mine := f.next
	if !f.busy {
		f.busy = true
		go f.work(context.WithoutCancel(ctx)) // ends when nobody waits any more
	}
	f.mu.Unlock()
	select {
	case <-mine.done:
		return mine.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// work makes reads, one after the other, as long as requests wait for one.
func (f *freshness) work(ctx context.Context) {
	for {
		f.mu.Lock()
		wait := freshPause - time.Since(f.last)
		f.mu.Unlock()
		if wait > 0 {
			time.Sleep(wait)
		}
		f.mu.Lock()
		now := f.next
		f.next, f.last = nil, time.Now()
		f.busy = now != nil
		f.mu.Unlock()
		if now == nil {
			return
		}
		limited, cancel := context.WithTimeout(ctx, answerTime)
		now.err = f.read(limited)
		cancel()
		close(now.done)
	}
}
