package audit

import (
	"bytes"
	"context"
	"io/fs"

	"golang.org/x/sync/errgroup"
)

// batchLeaves is how many leaves go to a worker at a time.
const batchLeaves = 64

// batch is a number of leaves, and the sign that they have been inspected.
type batch struct {
	items []*item
	done  chan struct{}
}

// readItems reads the leaves of an export with what belongs to them, has them inspected by so many workers, and gives them to take one after
// the other, in their order and from one goroutine. So many batches are in memory and no more.
func readItems(ctx context.Context, folder fs.FS, r *Report, workers int, inspect func(*item), take func(*item) error) error {
	group, ctx := errgroup.WithContext(ctx)
	todo, order := make(chan *batch), make(chan *batch, 2*workers)
	found := &Report{} // by the reader; r belongs to take
	group.Go(func() error {
		defer close(order)
		defer close(todo)
		return newReader(folder, found).read(func(b *batch) error {
			for _, to := range []chan *batch{order, todo} {
				select {
				case to <- b:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		})
	})
	for range workers {
		group.Go(func() error {
			for b := range todo {
				for _, i := range b.items {
					inspect(i)
				}
				close(b.done)
			}
			return nil
		})
	}
	group.Go(func() error {
		for b := range order {
			select {
			case <-b.done:
			case <-ctx.Done():
				return ctx.Err()
			}
			for _, i := range b.items {
				if err := take(i); err != nil {
					return err
				}
			}
		}
		return ctx.Err()
	})
	err := group.Wait()
	for _, f := range found.Findings {
		r.add(f)
	}
	r.Wrong += found.Wrong - int64(len(found.Findings))
	return err
}

// reader joins the lines of the files by their leaf.
type reader struct {
	folder                          fs.FS
	found                           *Report
	entries, certificates, personal *lines
	nextCertificates                *certificatesLine // read and not used yet
	nextPersonal                    *personalLine
}

func newReader(folder fs.FS, found *Report) *reader { return &reader{folder: folder, found: found} }

// read gives batch after batch to emit.
func (r *reader) read(emit func(*batch) error) (err error) {
	for _, f := range []struct {
		name string
		to   **lines
	}{{EntriesFile, &r.entries}, {CertificatesFile, &r.certificates}, {PersonalFile, &r.personal}} {
		if *f.to, err = openLines(r.folder, f.name); err != nil {
			return err
		}
		defer (*f.to).close()
	}
	b := &batch{done: make(chan struct{})}
	for line, more := r.entries.next(); more; line, more = r.entries.next() {
		index, leaf, err := parseEntry(line)
		if err != nil {
			r.found.at(EntriesFile, r.entries.number, "%v", err)
			continue
		}
		i := &item{line: r.entries.number, index: index, leaf: bytes.Clone(leaf)}
		r.join(i)
		if b.items = append(b.items, i); len(b.items) == batchLeaves {
			if err := emit(b); err != nil {
				return err
			}
			b = &batch{done: make(chan struct{})}
		}
	}
	r.left()
	for _, l := range []*lines{r.entries, r.certificates, r.personal} {
		if err := l.err(); err != nil {
			r.found.at(l.name, 0, "the file cannot be read: %v", err)
		}
	}
	return emit(b)
}

// join finds the lines of the other files that belong to a leaf. Lines that were passed over belong to none.
func (r *reader) join(i *item) {
	for r.peekCertificates() && r.nextCertificates.Index <= i.index {
		if r.nextCertificates.Index == i.index && i.certificates == nil {
			i.certificates, i.certificatesLine = r.nextCertificates, r.certificates.number
		} else {
			r.found.at(CertificatesFile, r.certificates.number, "leaf %d is not in the export, or has its certificates already", r.nextCertificates.Index)
		}
		r.nextCertificates = nil
	}
	for r.peekPersonal() && r.nextPersonal.Index <= i.index {
		if r.nextPersonal.Index == i.index && i.personal == nil {
			i.personal, i.personalLine = r.nextPersonal, r.personal.number
		} else {
			r.found.at(PersonalFile, r.personal.number, "leaf %d is not in the export, or has its personal data already", r.nextPersonal.Index)
		}
		r.nextPersonal = nil
	}
}

// left reports the lines behind those of the last leaf, each file's in one finding.
func (r *reader) left() {
	first, n := 0, 0
	for ; r.peekCertificates(); r.nextCertificates = nil {
		n++
		first = r.certificates.number - n + 1
	}
	r.foreign(CertificatesFile, first, n)
	for n = 0; r.peekPersonal(); r.nextPersonal = nil {
		n++
		first = r.personal.number - n + 1
	}
	r.foreign(PersonalFile, first, n)
}

func (r *reader) foreign(file string, first, n int) {
	if n > 0 {
		r.found.at(file, first, "this line and those behind it, %d in all, are of leaves that are not in the export", n)
	}
}

func (r *reader) peekCertificates() bool {
	for r.nextCertificates == nil {
		line, more := r.certificates.next()
		if !more {
			return false
		}
		var l certificatesLine
		if err := parseLine(line, &l); err != nil {
			r.found.at(CertificatesFile, r.certificates.number, "the line cannot be read: %v", err)
			continue
		}
		r.nextCertificates = &l
	}
	return true
}

func (r *reader) peekPersonal() bool {
	for r.nextPersonal == nil {
		line, more := r.personal.next()
		if !more {
			return false
		}
		var l personalLine
		if err := parseLine(line, &l); err != nil {
			r.found.at(PersonalFile, r.personal.number, "the line cannot be read: %v", err)
			continue
		}
		r.nextPersonal = &l
	}
	return true
}
