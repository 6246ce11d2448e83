package ca

import "time"

// SessionBounds says how long and how often a key may sign in one key session.
type SessionBounds struct {
	Signatures int64         // at most this many
	Lifetime   time.Duration // at most this long after it was opened
}
