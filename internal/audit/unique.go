package audit

import (
	"bufio"
	"container/heap"
	"encoding/binary"
	"errors"
	"hash/maphash"
	"io"
	"os"
	"slices"
)

// twice finds what is there more than once among any number of things, or needed and not there, in 32 MiB of memory and 8 octets on the disk for each: their hashes are
// sorted in runs, and the runs merged. Two different things have one hash by chance once in some billions of such sets, so that what it gives is
// looked at again by who uses it. Close removes what is on the disk.
type twice struct {
	seed maphash.Seed
	buf  []uint64
	runs []*os.File
	max  int // hashes in memory
}

// runLength is how many hashes are sorted in memory.
const runLength = 4 << 20

func newTwice() *twice { return &twice{seed: maphash.MakeSeed(), max: runLength} }

// hash is that of a thing. The parts of its name are joined.
func (t *twice) hash(name ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	for _, n := range name {
		h.WriteString(n) // never fails
		h.WriteByte(0)
	}
	return h.Sum64()
}

// add takes a thing by its hash.
func (t *twice) add(hash uint64) error {
	if len(t.buf) == t.max {
		if err := t.spill(); err != nil {
			return err
		}
	}
	t.buf = append(t.buf, hash)
	return nil
}

// spill writes the hashes in memory, sorted, to a file.
func (t *twice) spill() error {
	f, err := os.CreateTemp("", "siegel-audit-")
	if err != nil {
		return err
	}
	os.Remove(f.Name()) //nolint:errcheck // where a system keeps names of open files, the file stays until it is cleaned up
	t.runs = append(t.runs, f)
	slices.Sort(t.buf)
	w := bufio.NewWriterSize(f, 1<<20)
	var octets [8]byte
	for _, h := range t.buf {
		binary.BigEndian.PutUint64(octets[:], h)
		if _, err := w.Write(octets[:]); err != nil {
			return err
		}
	}
	t.buf = t.buf[:0]
	return w.Flush()
}

// doubled gives the hashes that were added more than once.
func (t *twice) doubled() (map[uint64]bool, error) {
	found := map[uint64]bool{}
	var last uint64
	first := true
	err := t.sorted(func(h uint64) {
		if !first && h == last {
			found[h] = true
		}
		first, last = false, h
	})
	return found, err
}

// The two sides of a thing that some entries need and one makes: the hash is the same but for its last bit.
func made(hash uint64) uint64   { return hash &^ 1 }
func needed(hash uint64) uint64 { return hash | 1 }

// unmet gives the hashes of what is needed and not made, as needed gives them.
func (t *twice) unmet() (map[uint64]bool, error) {
	found := map[uint64]bool{}
	var there uint64
	any := false
	err := t.sorted(func(h uint64) {
		switch {
		case h&1 == 0:
			there, any = h, true
		case !any || there != made(h):
			found[h] = true
		}
	})
	return found, err
}

// sorted shows all hashes in ascending order.
func (t *twice) sorted(show func(uint64)) error {
	slices.Sort(t.buf)
	merge := &merger{}
	for _, f := range t.runs {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		in := bufio.NewReaderSize(f, 256<<10)
		if err := merge.push(func() (uint64, error) {
			var octets [8]byte
			_, err := io.ReadFull(in, octets[:])
			return binary.BigEndian.Uint64(octets[:]), err
		}); err != nil {
			return err
		}
	}
	rest := t.buf
	if err := merge.push(func() (uint64, error) {
		if len(rest) == 0 {
			return 0, io.EOF
		}
		h := rest[0]
		rest = rest[1:]
		return h, nil
	}); err != nil {
		return err
	}
	for merge.Len() > 0 {
		show(merge.runs[0].head)
		if err := merge.advance(); err != nil {
			return err
		}
	}
	return nil
}

// close gives up the files.
func (t *twice) close() {
	for _, f := range t.runs {
		f.Close()
		os.Remove(f.Name()) //nolint:errcheck // it is gone already, but where names of open files are kept
	}
}

// merger gives the least of the heads of sorted runs.
type merger struct{ runs []*run }

type run struct {
	head uint64
	next func() (uint64, error)
}

func (m *merger) push(next func() (uint64, error)) error {
	head, err := next()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err == nil {
		heap.Push(m, &run{head, next})
	}
	return err
}

// advance replaces the least head by the next one of its run.
func (m *merger) advance() error {
	r := m.runs[0]
	head, err := r.next()
	if errors.Is(err, io.EOF) {
		heap.Pop(m)
		return nil
	}
	if err != nil {
		return err
	}
	r.head = head
	heap.Fix(m, 0)
	return nil
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (m *merger) Len() int           { return len(m.runs) }
func (m *merger) Less(i, j int) bool { return m.runs[i].head < m.runs[j].head }
func (m *merger) Swap(i, j int)      { m.runs[i], m.runs[j] = m.runs[j], m.runs[i] }
func (m *merger) Push(x any)         { m.runs = append(m.runs, x.(*run)) }
func (m *merger) Pop() any {
	last := m.runs[len(m.runs)-1]
	m.runs = m.runs[:len(m.runs)-1]
	return last
}
