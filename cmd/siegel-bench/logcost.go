package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/siegel-pki/siegel/internal/rig"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// cost is what cards took: of the server and of the whole database, whose other servers are idle meanwhile.
type cost struct {
	cards         int
	cpu, database time.Duration
	wall          time.Duration
}

func (a *cost) add(b cost) {
	a.cards, a.cpu, a.database, a.wall = a.cards+b.cards, a.cpu+b.cpu, a.database+b.database, a.wall+b.wall
}

// compareCost issues cards in turns on the empty and on the full database, so that what else the machine does meets both. Both servers run all the
// time. Beforehand the files of the full database are read once and some cards are issued on each, so that it is the database that is compared and
// not the disk below the system's cache.
func (c *logCmd) compareCost(ctx context.Context, s *subject, files string) error {
	fmt.Fprintf(os.Stderr, "siegel-bench: %s: reading the full database into the system's cache\n", s.store)
	if err := readAll(files); err != nil {
		return fmt.Errorf("read the full database: %w", err)
	}
	names := [2]string{"empty", "full"}
	var lines [2]*line
	for i, place := range []site{s.empty, s.full} {
		var err error
		if lines[i], err = openLine(place, s.postmaster); err != nil {
			return err
		}
		defer lines[i].close()
		if _, err := lines[i].issue(ctx, c.Warm); err != nil {
			return err
		}
	}
	var sums [2]cost
	for turn := range 2 * c.Turns {
		i := turn % 2
		if turn/2%2 == 1 {
			i = 1 - i // each is first in every other pair
		}
		used, err := lines[i].issue(ctx, c.Issue/c.Turns)
		if err != nil {
			return err
		}
		sums[i].add(used)
		fmt.Fprintf(os.Stderr, "siegel-bench: %s: %d cards on the %s database, %.3f ms of CPU each\n", s.store, used.cards, names[i], perCard(used.cpu+used.database, used.cards))
	}
	for i, sum := range sums {
		fmt.Printf("bench card-cpu-ms-%s-%s %.3f\n", names[i], s.store, perCard(sum.cpu+sum.database, sum.cards))
		if s.postmaster != 0 {
			fmt.Printf("bench card-cpu-ms-%s-%s-database %.3f\n", names[i], s.store, perCard(sum.database, sum.cards))
		}
		fmt.Printf("bench cards-per-second-%s-%s %.1f\n", names[i], s.store, float64(sum.cards)/sum.wall.Seconds())
	}
	fmt.Printf("bench card-cpu-full-to-empty-%s %.3f\n", s.store, perCard(sums[1].cpu+sums[1].database, sums[1].cards)/perCard(sums[0].cpu+sums[0].database, sums[0].cards))
	return errors.Join(lines[0].close(), lines[1].close())
}

// readAll reads a file, or all files below a directory, once. What this process may not read is left out.
func readAll(root string) error {
	buffer := make([]byte, 1<<20)
	return filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
			return nil // databases remove files, too
		}
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer f.Close()
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, buffer)
		return err
	})
}

// line is a server with a client that issues cards on it. Not for concurrent use.
type line struct {
	server     *rig.Server
	client     siegelv1.IssuanceServiceClient
	orders     *rig.Orders
	postmaster int
	stamp      int64 // in ids and ICCSNs, so that no two measurements on a database meet
	made       int64
	closed     bool
	hangUp     func() error
}

func openLine(s site, postmaster int) (*line, error) {
	orders, err := rig.NewOrders("hospital-pharmacy", rand.Reader, true)
	if err != nil {
		return nil, err
	}
	server, err := s.Start(s.flags...)
	if err != nil {
		return nil, err
	}
	conn, err := s.Dial(server, "line-1")
	if err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return &line{server: server, client: siegelv1.NewIssuanceServiceClient(conn), orders: orders, postmaster: postmaster, stamp: time.Now().Unix() % 1e6, hangUp: conn.Close}, nil
}

// close may be called more than once.
func (l *line) close() error {
	if l.closed {
		return nil
	}
	l.closed = true
	return errors.Join(l.hangUp(), l.server.Stop())
}

// issue issues n cards, which were made before the clock starts.
func (l *line) issue(ctx context.Context, n int) (cost, error) {
	queue := make(chan *siegelv1.Order, n)
	for range n {
		order := l.orders.Next()
		l.made++
		order.OrderId, order.Iccsn = fmt.Sprintf("log-%d-%d", l.stamp, l.made), fmt.Sprintf("80276002%06d%06d", l.stamp, l.made)
		queue <- order
	}
	close(queue)
	before, database := cpuOf(l.server.PID()), cpuUnder(l.postmaster)
	done, err := stream(ctx, l.client, queue, 8, time.Hour)
	if err != nil {
		return cost{}, err
	}
	if done.cards != n {
		return cost{}, fmt.Errorf("%d cards of %d orders were made", done.cards, n)
	}
	return cost{cards: n, cpu: cpuOf(l.server.PID()) - before, database: cpuUnder(l.postmaster) - database, wall: done.elapsed}, nil
}
