package hsm

import (
	"context"
	"time"

	"github.com/siegel-pki/siegel/internal/sigalg"
)

// Share is one kind of signature in a mix, and how many of it a unit of the mix has: a G2.1 card has 4 RSA and 5 ECDSA
// signatures.
type Share struct {
	Key    *Key
	Scheme sigalg.Scheme
	Count  int
}

// Rate is what Measure saw.
type Rate struct {
	Workers    int
	Units      int // whole mixes signed
	Signatures int
	Elapsed    time.Duration
}

// PerSecond is the number of signatures per second.
func (r Rate) PerSecond() float64 { panic("not filled") }

// UnitsPerSecond is the number of whole mixes per second.
func (r Rate) UnitsPerSecond() float64 { panic("not filled") }

// Measure makes signatures for the given time and counts them. Each worker has a session of its own and does nothing but
// C_SignInit and C_Sign on a ready digest: this is what the token gives, and the figure to hold a service against.
// Workers beyond the token's sessions are an error. All keys belong to this token.
func (t *Token) Measure(ctx context.Context, mix []Share, workers int, d time.Duration) (Rate, error) {
	panic("not filled")
}
