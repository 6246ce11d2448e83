package postgres

import "context"

// Setting gives a setting of a connection for verbs.
func Setting(ctx context.Context, s *Store, name string) (value string, err error) {
	err = s.pool.QueryRow(ctx, "SELECT current_setting($1)", name).Scan(&value)
	return value, err
}

// Pool is the greatest number of connections for verbs that a DSN leads to.
func Pool(dsn string) (int32, error) {
	cfg, err := parse(dsn)
	if err != nil {
		return 0, err
	}
	return cfg.MaxConns, nil
}
