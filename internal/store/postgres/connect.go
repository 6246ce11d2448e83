package postgres

import (
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// conns is the number of connections for verbs where the DSN does not say (pool_max_conns). A verb that writes holds one for two round
// trips and a sync of the disk, which the database makes once for all that wait: more of them make more of each sync, until the
// database has no CPU left. Orders and cards share connections in groups besides. Each store has one connection more, for its presence. All stores together must stay below the
// database's max_connections (100 unless it is set).
const conns = 16

// connectTimeout bounds the making of a connection where the DSN does not say (connect_timeout), so that a database behind a dead
// network is known to be away.
const connectTimeout = 5 * time.Second

// settings are those of every session, whatever the database, the role or the DSN say.
var settings = map[string]string{
	"synchronous_commit":            "on",
	"default_transaction_isolation": "read committed",
	"timezone":                      "UTC",
	"standard_conforming_strings":   "on",
	// A transaction that its server has left open is none of ours: they last two round trips.
	"idle_in_transaction_session_timeout": "30s",
	// Every statement here finds its rows by an index, one by one. The planner must not think otherwise while the tables are small: it
	// keeps its plans, and the tables grow.
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off",
	// And it keeps them from the first use on. Left to itself, it plans the larger queries anew each time, since it takes a plan for
	// particular values to be a little cheaper; planning costs more than they do.
	"plan_cache_mode": "force_generic_plan",
	// What is so forbidden costs so much in its eyes that it would compile such a query first, where one comes all the same.
	"jit": "off",
	// How soon the database notices that a server's machine is gone: 10 s + 4 × 5 s. Over a Unix socket they mean nothing.
	"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4",
}

// parse reads a DSN, a URL or key=value words as libpq knows them, and adds the settings.
func parse(dsn string) (*pgxpool.Config, error) {
	plain, err := pgconn.ParseConfig(dsn)
	if err != nil {
		return nil, err // has no password in it
	}
	cfg, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, err
	}
	if _, set := plain.RuntimeParams["pool_max_conns"]; !set {
		cfg.MaxConns = conns
	}
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	apply(cfg.ConnConfig)
	return cfg, nil
}

func apply(cfg *pgx.ConnConfig) {
	for name, value := range settings {
		cfg.RuntimeParams[name] = value
	}
	if cfg.RuntimeParams["application_name"] == "" {
		cfg.RuntimeParams["application_name"] = "siegeld"
	}
}

// Describe says where a DSN leads, user@host:port/database, or what is wrong with it. What it says holds no password, so that it may
// stand in logs and under hashes.
func Describe(dsn string) (string, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return "", err
	}
	return describe(&cfg.ConnConfig.Config), nil
}

func describe(cfg *pgconn.Config) string {
	return fmt.Sprintf("%s@%s:%d/%s", cfg.User, cfg.Host, cfg.Port, cfg.Database)
}
