package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/siegel-pki/siegel/internal/rig"
	"github.com/siegel-pki/siegel/internal/tlog"
	siegelv1 "github.com/siegel-pki/siegel/proto/siegel/v1"
)

// behind is how far the log was behind its entries.
type behind struct {
	lags  []time.Duration // one for each entry, sorted: from the time in the entry until an auditor sees a signed head over it
	heads float64         // a second
}

// lookPause is the time between two looks of the auditor, and so what a lag may be too long.
const lookPause = 5 * time.Millisecond

// seenHead is a signed head, and when it was first seen.
type seenHead struct {
	size int64
	at   time.Time
}

// measureBehind has an auditor look at the newest head again and again during a stream, and then asks for the times of the entries. The clock is the
// server's own: both run on this machine.
func (c *cli) measureBehind(ctx context.Context, r *rig.Rig, server *rig.Server, client siegelv1.IssuanceServiceClient, queue <-chan *siegelv1.Order) (*behind, error) {
	fmt.Fprintf(os.Stderr, "siegel-bench: how far the log is behind a stream, %s\n", c.Duration/2)
	conn, err := r.Dial(server, "auditor-1")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	auditor := siegelv1.NewLogServiceClient(conn)
	var seen []seenHead
	watching, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() (err error) {
		seen, err = watchHeads(watching, auditor)
		return err
	})
	time.Sleep(time.Second) // the entries of before have their places
	began := time.Now()
	_, err = stream(ctx, client, queue, c.Workers, c.Duration/2)
	elapsed := time.Since(began)
	time.Sleep(time.Second)
	stop()
	if err := errors.Join(err, group.Wait()); err != nil {
		return nil, err
	}
	if len(seen) < 2 {
		return nil, errors.New("the log has not grown: the orders were used up before; ask for more with --orders")
	}
	b := &behind{heads: float64(len(seen)-1) / elapsed.Seconds()}
	if b.lags, err = lags(ctx, auditor, seen); err != nil {
		return nil, err
	}
	return b, nil
}

// watchHeads notes each head that it sees, until ctx ends.
func watchHeads(ctx context.Context, auditor siegelv1.LogServiceClient) (seen []seenHead, err error) {
	for ctx.Err() == nil {
		answer, err := auditor.GetCheckpoint(ctx, &siegelv1.GetCheckpointRequest{})
		if status.Code(err) == codes.Canceled {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("look at the head of the log: %w", err)
		}
		text, _, _ := strings.Cut(answer.GetCheckpoint(), "\n\n") // what is signed, and by whom
		head, err := tlog.ParseCheckpoint([]byte(text + "\n"))
		if err != nil {
			return nil, err
		}
		if len(seen) == 0 || head.Size > seen[len(seen)-1].size {
			seen = append(seen, seenHead{head.Size, time.Now()})
		}
		time.Sleep(lookPause)
	}
	return seen, nil
}

// lags reads the entries between the first head that was seen and the last, and compares.
func lags(ctx context.Context, auditor siegelv1.LogServiceClient, seen []seenHead) (lags []time.Duration, err error) {
	export, err := auditor.ExportEntries(ctx, &siegelv1.ExportEntriesRequest{First: seen[0].size, End: seen[len(seen)-1].size})
	if err != nil {
		return nil, fmt.Errorf("ask for the entries: %w", err)
	}
	for {
		part, err := export.Recv()
		if errors.Is(err, io.EOF) {
			slices.Sort(lags)
			return lags, nil
		}
		if err != nil {
			return nil, fmt.Errorf("ask for the entries: %w", err)
		}
		for _, leaf := range part.GetLeaves() {
			entry, err := tlog.ParseLeaf(leaf.GetLeaf())
			if err != nil {
				return nil, err
			}
			i, _ := slices.BinarySearchFunc(seen, leaf.GetIndex()+1, func(h seenHead, want int64) int { return int(h.size - want) })
			lags = append(lags, seen[i].at.Sub(entry.At))
		}
	}
}
