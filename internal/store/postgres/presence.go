package postgres

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
)

// presence is what tells other servers that this one lives: see "Servers" in the package comment. appear makes it, vanish ends it.
type presence struct {
	key  int64 // of the advisory lock; drawn at random, so that no two servers and no two lives of one have the same
	cfg  *pgx.ConnConfig
	log  *slog.Logger
	stop context.CancelFunc
	done chan struct{} // closed when the goroutine has ended
}

// The pauses between two tries to be present again.
const (
	firstPause = 50 * time.Millisecond
	lastPause  = 2 * time.Second
)

// appear takes the lock and keeps it until vanish.
func appear(ctx context.Context, cfg *pgx.ConnConfig, log *slog.Logger) (*presence, error) {
	p := &presence{key: randomKey(), cfg: cfg, log: log, done: make(chan struct{})}
	conn, err := p.lock(ctx)
	if err != nil {
		return nil, err
	}
	ctx, p.stop = context.WithCancel(context.Background())
	go p.keep(ctx, conn)
	return p, nil
}

func randomKey() int64 {
	var b [8]byte
	rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return int64(binary.BigEndian.Uint64(b[:]))
}

// vanish gives the lock up.
func (p *presence) vanish() {
	p.stop()
	<-p.done
}

// lock makes a connection that holds the lock. Where another still has it, it is our own that the database has not found dead yet.
func (p *presence) lock(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, p.cfg)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_lock($1)`, p.key); err != nil {
		conn.Close(ctx)
		return nil, fmt.Errorf("take the lock of this server: %w", err)
	}
	return conn, nil
}

// keep holds the lock and takes it again whenever its connection is lost.
func (p *presence) keep(ctx context.Context, conn *pgx.Conn) {
	defer close(p.done)
	for {
		_, err := conn.WaitForNotification(ctx) // there are none: it returns when the connection ends
		end(conn)
		if ctx.Err() != nil {
			return
		}
		p.log.Warn("lost the connection that tells other servers of this one; they may take its attempts for dead", "error", err)
		if conn = p.again(ctx); conn == nil {
			return
		}
		p.log.Info("other servers know of this one again")
	}
}

// again tries until it has the lock, or until ctx ends.
func (p *presence) again(ctx context.Context) *pgx.Conn {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		if conn, err := p.lock(ctx); err == nil {
			return conn
		}
	}
}

// end gives the lock up and closes the connection, without waiting long for a database that is gone. The lock would go with the
// connection, but a moment after the database has been told: a store that is closed is to be dead for all who look then.
func end(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	conn.Exec(ctx, `SELECT pg_advisory_unlock_all()`)
	conn.Close(ctx)
}
