package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/siegel-pki/siegel/ca"
	"github.com/siegel-pki/siegel/internal/rpc"
)

// reloader reads the operator file again whenever the process gets SIGHUP. A file that is no good changes nothing.
type reloader struct {
	path      string
	authority *ca.Authority
	server    *rpc.Server
	log       *slog.Logger
}

// run waits for signals until ctx ends.
func (r reloader) run(ctx context.Context) error {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGHUP)
	defer signal.Stop(signals)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-signals:
		}
		if err := r.reload(ctx); err != nil {
			r.log.Error("the operator file was not read again; the operators are those from before", "cause", err)
		}
	}
}

// reload reads the file. The entry comes before the operators are in force.
func (r reloader) reload(ctx context.Context) error {
	operators, err := rpc.LoadOperators(r.path)
	if err != nil {
		return err
	}
	sum, err := operators.Hash()
	if err != nil {
		return err
	}
	if err := r.authority.OperatorsLoaded(ctx, sum, operators.Len()); err != nil {
		return fmt.Errorf("record the operator file: %w", err)
	}
	r.server.SetOperators(operators)
	r.log.Info("the operator file was read again", "operators", operators.Len(), "sha256", fmt.Sprintf("%x", sum))
	return nil
}
