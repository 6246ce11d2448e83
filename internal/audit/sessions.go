package audit

import (
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// sessions check the use of issuers' keys: each signature is of a key session, which is bounded in time and number, and a server draws signatures
// from it before it promises them to orders.
type sessions struct {
	known      map[string]*session // that may still matter, by id
	drawn      map[string]int64    // signatures drawn for an issuer, from the beginning of the log
	recorded   map[string]int64    // drafts recorded for an issuer
	production bool                // the server that wrote the entry before runs in environment production
}

func newSessions() *sessions {
	return &sessions{known: map[string]*session{}, drawn: map[string]int64{}, recorded: map[string]int64{}}
}

// session is a key session as the log tells of it.
type session struct {
	issuer string
	ends   time.Time
	bound  int64
	drawn  int64
	closed time.Time // zero while it is open
}

const (
	// keepClosed is how long after its end a session is remembered.
	keepClosed = time.Hour
	// closingGrace is how long after its closing orders may still come from it: of several servers, the others learn of it some seconds later.
	closingGrace = time.Minute
)

// open takes an entry about the opening of a session.
func (s *sessions) open(f *tlog.SessionFacts, at time.Time) string {
	if s.known[f.Session] != nil {
		return "the key session is opened a second time"
	}
	for id, old := range s.known {
		if !old.closed.IsZero() && old.closed.Before(at.Add(-keepClosed)) || old.ends.Before(at.Add(-keepClosed)) {
			delete(s.known, id)
		}
	}
	ends, err := time.Parse(time.RFC3339, f.Ends)
	if err != nil {
		return "its end cannot be read"
	}
	s.known[f.Session] = &session{issuer: f.Issuer, ends: ends, bound: f.Signatures, drawn: f.Drawn}
	s.drawn[f.Issuer] += f.Drawn
	switch {
	case f.Drawn > f.Signatures:
		return fmt.Sprintf("%d signatures are drawn from a key session of at most %d", f.Drawn, f.Signatures)
	case s.production && f.Approval == "":
		return "a server opened the key session alone, in environment production"
	}
	return ""
}

// draw takes an entry about signatures that a server draws or gives back.
func (s *sessions) draw(f *tlog.DrawFacts, at time.Time, begun bool) string {
	s.drawn[f.Issuer] += f.Signatures
	was := s.known[f.Session]
	switch {
	case was == nil && begun:
		return "signatures are drawn from a key session that was not opened"
	case was == nil:
		return ""
	case was.issuer != f.Issuer:
		return fmt.Sprintf("the key session is of issuer %s, it was opened for %s", f.Issuer, was.issuer)
	case f.Drawn != was.drawn+f.Signatures:
		return fmt.Sprintf("%d signatures are drawn by all after %d of now, before it were %d", f.Drawn, f.Signatures, was.drawn)
	case f.Drawn > was.bound:
		return fmt.Sprintf("%d signatures are drawn from a key session of at most %d", f.Drawn, was.bound)
	case f.Signatures > 0 && !was.closed.IsZero():
		return "signatures are drawn from a key session that is closed"
	case f.Signatures > 0 && at.After(was.ends):
		return "signatures are drawn from a key session whose time has passed"
	}
	was.drawn = f.Drawn
	return ""
}

// end takes an entry about the closing of a session. begun says that every opening is in the export.
func (s *sessions) end(f *tlog.SessionEndFacts, at time.Time, begun bool) string {
	was := s.known[f.Session]
	switch {
	case was == nil && begun:
		return "a key session is closed that was not opened"
	case was == nil:
		return ""
	case !was.closed.IsZero():
		return "the key session is closed a second time"
	case was.issuer != f.Issuer:
		return fmt.Sprintf("the key session is of issuer %s, it was opened for %s", f.Issuer, was.issuer)
	case f.Signatures > was.bound:
		return fmt.Sprintf("%d signatures were promised in a key session of at most %d", f.Signatures, was.bound)
	}
	was.closed = at
	return ""
}

// use takes a draft of an order that is recorded at a time, and tells whether the issuer's key could sign it: a session was opened before in the log,
// and neither ended nor was closed by then; and not more drafts are recorded than signatures were drawn. An order has its time from before it
// is promised its signatures.
func (s *sessions) use(issuer string, at time.Time) string {
	s.recorded[issuer]++
	allowed := false
	for _, one := range s.known {
		allowed = allowed || one.issuer == issuer && !at.After(one.ends) && (one.closed.IsZero() || !at.After(one.closed.Add(closingGrace)))
	}
	switch {
	case !allowed:
		return fmt.Sprintf("no key session of issuer %s was open at %s", issuer, tlog.Instant(at))
	case s.recorded[issuer] > s.drawn[issuer]:
		return fmt.Sprintf("it is draft number %d of issuer %s, and only %d signatures were drawn", s.recorded[issuer], issuer, s.drawn[issuer])
	}
	return ""
}
