package ca

import (
	"context"
	"errors"
	"time"
)

// watchPause is the time between two looks at the key sessions and requests of the database: how late a server learns that another has
// closed a session, and how late a session or a request ends whose time has passed.
const watchPause = time.Second

// Run keeps up with what other servers and the clock do to key sessions and requests, until ctx ends. A database that is away only makes it
// late: orders need the database too.
func (a *Authority) Run(ctx context.Context) error {
	tick := time.NewTicker(watchPause)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := a.watch(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failing:
			a.config.Log.Warn("key sessions and requests cannot be looked at", "error", err)
		case err == nil && failing:
			a.config.Log.Info("key sessions and requests can be looked at again")
		}
		failing = err != nil
	}
}

// watch looks once.
func (a *Authority) watch(ctx context.Context) error {
	return errors.Join(a.watchSessions(ctx), a.attendApprovals(ctx), a.readRules(ctx))
}

// watchSessions drops this server's part of sessions that are closed, and closes those whose time has passed.
func (a *Authority) watchSessions(ctx context.Context) error {
	looked := time.Now()
	open, err := a.store.OpenedSessions(ctx)
	if err != nil {
		return storeFailure("list key sessions", err)
	}
	byIssuer := map[string]SessionID{}
	var errs []error
	for i := range open {
		s := &open[i]
		if !a.now().After(s.Ends) {
			byIssuer[s.Issuer] = s.ID
			continue
		}
		if err := a.endAny(ctx, systemActor, s, endedByTime); err != nil && !errors.Is(err, ErrSessionMoved) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, a.eachSession(func(iss *issuer) error {
		if s := iss.session; s != nil && s.id != byIssuer[iss.Name] && s.since.Before(looked) {
			if err := a.lose(ctx, iss); err != nil {
				return err
			}
		}
		iss.opened = byIssuer[iss.Name] != ""
		return nil
	}))...)
}
