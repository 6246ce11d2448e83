package main

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/siegel-pki/siegel/hsm/pinshare"
	"github.com/siegel-pki/siegel/internal/rpc"
)

// awaitShares serves nothing but the taking of shares until two operators have given theirs, and gives the PIN. The listener stays
// open.
func awaitShares(ctx context.Context, in *inputs, lis net.Listener, log *slog.Logger) ([]byte, error) {
	ctx, done := context.WithCancel(ctx)
	defer done()
	c := &collector{complete: done}
	defer c.wipe()
	log.Warn("waiting for the shares of the token's PIN: two operators run siegel give-share", "address", lis.Addr().String())
	mine := borrowed{lis}
	err := rpc.ServeActivation(ctx, rpc.ActivationConfig{Operators: in.operators, TLS: in.tls, Now: time.Now, Log: log, Give: c.give}, mine)
	pin := c.take()
	if err := errors.Join(err, mine.interrupt(time.Time{})); err != nil {
		clear(pin)
		return nil, err
	}
	if pin == nil {
		return nil, context.Cause(ctx)
	}
	log.Info("the shares are complete")
	return pin, nil
}

// collector takes one share from each of two persons.
type collector struct {
	complete context.CancelFunc // called once both are there

	mu    sync.Mutex // guards what follows
	first *pinshare.Share
	from  string // the person who gave it
	pin   []byte
}

// give takes a share and tells how many are missing. Shares that make no PIN are forgotten, so that a wrong one does not stay.
func (c *collector) give(_ context.Context, person string, text []byte) (missing int, err error) {
	share, err := pinshare.Parse(text)
	if err != nil {
		return 0, &rpc.RefusedShare{Message: err.Error()}
	}
	defer share.Wipe()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.pin != nil:
		return 0, nil
	case c.first == nil:
		kept := share
		c.first, c.from = &kept, person
		return 1, nil
	case person == c.from && share == *c.first:
		return 1, nil // once more: the answer was lost
	case person == c.from:
		return 0, &rpc.RefusedShare{Message: "you gave a share already; the other one must come from another person"}
	}
	pin, err := pinshare.Join(*c.first, share)
	c.first.Wipe()
	c.first, c.from = nil, ""
	if err != nil {
		return 0, &rpc.RefusedShare{Message: err.Error() + "; both shares were forgotten, and nothing was sent to the token: begin again"}
	}
	c.pin = pin
	c.complete()
	return 0, nil
}

// take gives the PIN, once; nil where it is not complete.
func (c *collector) take() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	pin := c.pin
	c.pin = nil
	return pin
}

// wipe forgets a share that stayed alone.
func (c *collector) wipe() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.first != nil {
		c.first.Wipe()
	}
}

// borrowed is a listener that is given back: closing it ends Accept and leaves the listener open for the next server.
type borrowed struct{ net.Listener }

// Close ends Accept. Whoever lent the listener sets it going again, with interrupt and no time.
func (b borrowed) Close() error { return b.interrupt(time.Unix(1, 0)) }

// Accept gives the next connection. After Close it says that the listener is closed.
func (b borrowed) Accept() (net.Conn, error) {
	conn, err := b.Listener.Accept()
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		return nil, net.ErrClosed
	}
	return conn, err
}

// interrupt sets the moment at which Accept gives up.
func (b borrowed) interrupt(at time.Time) error {
	lis, ok := b.Listener.(interface{ SetDeadline(time.Time) error })
	if !ok {
		return errors.New("the listener cannot be interrupted")
	}
	return lis.SetDeadline(at)
}
