package audit

import (
	"fmt"
	"time"

	"github.com/siegel-pki/siegel/internal/tlog"
)

// sessions are the key sessions that may still matter.
type sessions map[string]*session

// session is a key session as the log tells of it.
type session struct {
	issuer string
	ends   time.Time
	bound  int64
	closed time.Time // zero while it is open
}

// keepClosed is how long after its closing a session is remembered. An order that reserved a signature before the session closed is recorded some
// moments later.
const keepClosed = time.Hour

// open takes an entry about the opening of a session.
func (s sessions) open(f *tlog.SessionFacts, at time.Time) string {
	if s[f.Session] != nil {
		return "the key session is opened a second time"
	}
	for id, old := range s {
		if !old.closed.IsZero() && old.closed.Before(at.Add(-keepClosed)) || old.ends.Before(at.Add(-keepClosed)) {
			delete(s, id)
		}
	}
	ends, err := time.Parse(time.RFC3339, f.Ends)
	if err != nil {
		return "its end cannot be read"
	}
	s[f.Session] = &session{issuer: f.Issuer, ends: ends, bound: f.Signatures}
	return ""
}

// end takes an entry about the closing of a session. known says that every opening is in the export.
func (s sessions) end(f *tlog.SessionEndFacts, at time.Time, known bool) string {
	was := s[f.Session]
	switch {
	case was == nil && known:
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

// allow tells whether the key of an issuer could sign what was recorded at a time: a session for it was opened before in the log, and neither ended
// nor was closed by then. An order has its time from before it reserves its signatures.
func (s sessions) allow(issuer string, at time.Time) bool {
	for _, one := range s {
		if one.issuer == issuer && !at.After(one.ends) && (one.closed.IsZero() || !at.After(one.closed)) {
			return true
		}
	}
	return false
}
