package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/hsm"
	"github.com/siegel-pki/siegel/internal/atomicfile"
	"github.com/siegel-pki/siegel/internal/hierarchy"
)

// newSequencer joins the log's key, its place in the database and the checkpoint that was saved last, and compares them: a database
// that was restored from too old a backup is refused here.
func newSequencer(ctx context.Context, cfg config, log *slog.Logger, h *hierarchy.Hierarchy, store ca.LogStore, tokens *hsm.Tokens) (*ca.Sequencer, error) {
	key, err := tokens.Key(ctx, h.Log.KeyID)
	if err != nil {
		return nil, fmt.Errorf("find the key of the log, CKA_ID %x: %w", h.Log.KeyID, err)
	}
	file := checkpointOf(cfg)
	seen, err := file.read()
	if err != nil {
		return nil, err
	}
	s, err := ca.NewSequencer(ca.SequencerConfig{
		Store: store, Name: h.Log.Name, Key: key, Standing: standing(cfg), Seen: seen, Save: file.write, Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, wrongConfig(fmt.Errorf("%w (the saved checkpoint is in %s)", err, file.path))
	}
	if v := h.Log.Verifier; v != nil && v.String() != s.VerifierKey() {
		return nil, wrongConfig(fmt.Errorf("the key of the log in the token is %s, auditors have %s", s.VerifierKey(), v))
	}
	if err := s.Check(ctx); err != nil {
		return nil, fmt.Errorf("compare the database with %s: %w", file.path, err)
	}
	if seen == nil {
		log.Warn("there is no saved checkpoint; only from the first one on, a database that was restored from too old a backup is found out", "file", file.path)
	}
	return s, nil
}

// besideSequencer runs the sequencer as long as serve runs, which means until the last entry is written: calls under way at the end may
// wait for their place in the log. Where the sequencer must give up, it ends serve too. Entries of the last moment get their places after
// the next start.
func besideSequencer(ctx context.Context, s *ca.Sequencer, serve func(context.Context) error) error {
	group, ctx := errgroup.WithContext(ctx)
	sequencing, stop := context.WithCancel(context.WithoutCancel(ctx))
	group.Go(func() error { return s.Run(sequencing) })
	group.Go(func() error {
		defer stop()
		return serve(ctx)
	})
	return group.Wait()
}

// checkpointFile keeps the newest checkpoint outside the database, for the next start.
type checkpointFile struct{ path string }

func checkpointOf(cfg config) checkpointFile {
	return checkpointFile{filepath.Join(cfg.Data, "checkpoint")}
}

// read gives nil where there is no file.
func (f checkpointFile) read() ([]byte, error) {
	text, err := os.ReadFile(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the saved checkpoint: %w", err)
	}
	return text, nil
}

// write replaces the file in one step. When it returns, the checkpoint is on the disk.
func (f checkpointFile) write(checkpoint []byte) error { return atomicfile.Write(f.path, checkpoint) }
