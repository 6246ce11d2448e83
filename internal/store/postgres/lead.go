package postgres

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
)

// The keys of the locks of the server that numbers entries and of the one that works on bulk revocations: "siegel" and the name of the
// schema.
const (
	leading      = `hashtext('siegel sequencer'), hashtext(current_schema())`
	leadingBulks = `hashtext('siegel bulk revocations'), hashtext(current_schema())`
)

// electionPause is the time between two questions for the lock. To wait for it inside the database would hold back its cleaning of dead
// rows as long as the wait lasts, which is for ever.
const electionPause = 500 * time.Millisecond

// leaderAlive are the settings with which the database notices within 2 s that the machine of the leader is gone. That its process is
// gone, it notices at once.
var leaderAlive = map[string]string{"tcp_keepalives_idle": "1", "tcp_keepalives_interval": "1", "tcp_keepalives_count": "1"}

// Lead implements ca.LogStore. It leads as long as it holds an advisory lock on a connection of its own, and the context of work ends
// with that connection.
func (s *Store) Lead(ctx context.Context, work func(context.Context) error) error {
	return s.lead(ctx, leading, "number entries", work)
}

// LeadBulks implements ca.BulkStore in the same way.
func (s *Store) LeadBulks(ctx context.Context, work func(context.Context) error) error {
	return s.lead(ctx, leadingBulks, "work on bulk revocations", work)
}

func (s *Store) lead(ctx context.Context, key, to string, work func(context.Context) error) error {
	conn, err := s.elect(ctx, key)
	if err != nil {
		return fmt.Errorf("be elected to %s: %w", to, err)
	}
	defer end(conn)
	ctx, lose := context.WithCancelCause(ctx)
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		_, err := conn.WaitForNotification(ctx) // there are none: it returns when the connection or the work ends
		lose(fmt.Errorf("lost the connection that holds the lock of the one to %s: %w", to, err))
	}()
	err = work(ctx)
	lose(nil)
	<-watched
	return err
}

// elect gives a connection that holds the lock.
func (s *Store) elect(ctx context.Context, key string) (*pgx.Conn, error) {
	cfg := s.pool.Config().ConnConfig // a copy
	maps.Copy(cfg.RuntimeParams, leaderAlive)
	conn, err := pgx.ConnectConfig(ctx, cfg)
	if err != nil {
		return nil, err
	}
	for {
		var elected bool
		if err := conn.QueryRow(ctx, "SELECT pg_try_advisory_lock("+key+")").Scan(&elected); err != nil {
			end(conn)
			return nil, err
		}
		if elected {
			return conn, nil
		}
		select {
		case <-time.After(electionPause):
		case <-ctx.Done():
			end(conn)
			return nil, ctx.Err()
		}
	}
}
