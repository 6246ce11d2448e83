package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// lineCmd is `siegel-bench line`: whether the server's memory grows with the cards that it has issued.
type lineCmd struct {
	Cards   int    `default:"100000" help:"Cards to issue over one stream. Each takes some 60 kB of disk until the end."`
	Workers int    `default:"16" help:"Orders of the stream that are under way at a time."`
	Store   string `default:"both" enum:"sqlite,postgres,both" help:"Databases to measure with: sqlite, postgres (a throwaway one), or both."`
}

// Run measures and prints.
func (c *lineCmd) Run(ctx context.Context) error {
	if c.Cards < parts {
		return fmt.Errorf("--cards must be %d or more", parts)
	}
	dir, err := os.MkdirTemp("", "siegel-bench-line-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := rig.Build(ctx, dir); err != nil {
		return err
	}
	r, err := rig.New(ctx, dir, filepath.Join(dir, "data"))
	if err != nil {
		return err
	}
	return onEach(ctx, r, c.Store, "", func(store string, flags ...string) error {
		server, err := r.Start(flags...)
		if err != nil {
			return err
		}
		m, err := c.watch(ctx, r, server)
		if err := errors.Join(err, server.Stop()); err != nil {
			return err
		}
		m.print(os.Stdout, store)
		return nil
	})
}

// watch issues the cards and looks at the server's memory meanwhile.
func (c *lineCmd) watch(ctx context.Context, r *rig.Rig, server *rig.Server) (*memory, error) {
	conn, err := r.Dial(server, "line-1")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	orders, err := rig.NewOrders("hospital-pharmacy", rand.Reader, false)
	if err != nil {
		return nil, err
	}
	m := &memory{cards: c.Cards}
	queue := make(chan *siegelv1.Order, c.Workers)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var group errgroup.Group
	group.Go(func() error {
		defer close(queue)
		looked := time.Time{}
		for i := range c.Cards {
			if now := time.Now(); now.Sub(looked) > samplePeriod || (i+1)%(c.Cards/parts) == 0 {
				m.look(i, server.PID())
				looked = now
			}
			select {
			case queue <- orders.Next():
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	m.load, err = stream(ctx, siegelv1.NewIssuanceServiceClient(conn), queue, c.Workers, 24*time.Hour)
	if err != nil {
		cancel()
		return nil, errors.Join(err, group.Wait())
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	if m.load.cards != c.Cards {
		return nil, fmt.Errorf("%d cards of %d orders were made", m.load.cards, c.Cards)
	}
	return m, nil
}

const (
	parts        = 10 // of a batch, for each of which a figure is printed
	samplePeriod = 500 * time.Millisecond
)

// memory is what was seen of a server's resident memory over a batch.
type memory struct {
	cards   int
	samples []memorySample
	load    *load
}

// memorySample is the resident memory of the server, in octets, after so many orders.
type memorySample struct {
	orders    int
	anonymous float64 // what the process has allocated
	file      float64 // pages of files: the program, and of a database whatever the system keeps mapped
}

// look takes a sample and says at each part's end how far it is.
func (m *memory) look(orders, pid int) {
	s := memorySample{orders, float64(statusOf(pid, "RssAnon:")), float64(statusOf(pid, "RssFile:") + statusOf(pid, "RssShmem:"))}
	m.samples = append(m.samples, s)
	if step := m.cards / parts; (orders+1)%step == 0 {
		fmt.Fprintf(os.Stderr, "siegel-bench: %d of %d cards, %.0f MB\n", orders+1, m.cards, (s.anonymous+s.file)/1e6)
	}
}

// part gives the mean and the greatest memory over a tenth of the batch, from 0, in MB.
func (m *memory) part(i int) (mean, most float64) {
	n := 0
	for _, s := range m.samples {
		if s.orders*parts/m.cards == i {
			mean, most, n = mean+(s.anonymous+s.file)/1e6, max(most, (s.anonymous+s.file)/1e6), n+1
		}
	}
	return mean / float64(max(1, n)), most
}

// slope is by how many octets the memory grows with a card: of the line that fits best to all samples behind the first tenth, in which the
// heap and the caches take their size.
func (m *memory) slope() float64 {
	var n, x, y, xx, xy float64
	for _, s := range m.samples {
		if s.orders*parts < m.cards {
			continue
		}
		at, octets := float64(s.orders), s.anonymous+s.file
		n, x, y, xx, xy = n+1, x+at, y+octets, xx+at*at, xy+at*octets
	}
	if d := n*xx - x*x; d != 0 {
		return (n*xy - x*y) / d
	}
	return 0
}

// print prints a table, and lines for programs.
func (m *memory) print(out io.Writer, store string) {
	fmt.Fprintf(out, "\nMemory of the server over %d cards of %d certificates on one stream, %s (%.1f cards/s, %.2f ms of CPU a card)\n\n",
		m.cards, signatures, store, m.load.cardRate(), perCard(m.load.cpu.total(), m.load.cards))
	fmt.Fprintf(out, "  %-10s %8s %8s\n", "cards", "mean MB", "most MB")
	top := 0.0
	for i := range parts {
		_, most := m.part(i)
		top = max(top, most)
	}
	for i := range parts {
		mean, most := m.part(i)
		fmt.Fprintf(out, "  %7d %% %6.0f %8.0f  %s\n", (i+1)*100/parts, mean, most, bar(most, top))
	}
	fmt.Fprintln(out)
	for _, p := range []struct {
		name string
		part int
	}{{"first", 0}, {"second", 1}, {"last", parts - 1}} {
		mean, _ := m.part(p.part)
		fmt.Fprintf(out, "bench line-memory-mb-%s-tenth-%s %.0f\n", p.name, store, mean)
	}
	fmt.Fprintf(out, "bench line-memory-octets-per-card-%s %.0f\n", store, m.slope())
}
