package hsm

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/miekg/pkcs11"
	"golang.org/x/sync/errgroup"

	"github.com/siegel-pki/siegel/hsm/internal/p11"
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
func (r Rate) PerSecond() float64 { return float64(r.Signatures) / r.Elapsed.Seconds() }

// UnitsPerSecond is the number of whole mixes per second.
func (r Rate) UnitsPerSecond() float64 { return float64(r.Units) / r.Elapsed.Seconds() }

// Measure signs mixes for the given time and counts them. Each worker has a session of its own and does nothing but C_SignInit
// and C_Sign on ready data, one whole mix after the other: this is what the token gives, and the figure to hold a service
// against. The keys belong to this token. The signatures are thrown away; what is signed is no certificate.
//
// Workers beyond the token's sessions are an error, and so are keys and schemes that do not fit. Other errors are those of Sign.
func (t *Token) Measure(ctx context.Context, mix []Share, workers int, d time.Duration) (Rate, error) {
	steps, err := t.steps(mix)
	if err != nil {
		return Rate{}, err
	}
	if limit := t.pool.Info().Sessions; workers < 1 || workers > limit {
		return Rate{}, fmt.Errorf("%d workers, want 1 to the %d sessions of the token", workers, limit)
	}
	var units atomic.Int64
	work, ctx := errgroup.WithContext(ctx)
	begin := time.Now()
	for range workers {
		work.Go(func() error {
			return t.pool.Use(ctx, nil, func(s *p11.Session) error {
				for time.Since(begin) < d && ctx.Err() == nil {
					if err := unit(s, steps); err != nil {
						return err
					}
					units.Add(1)
				}
				return ctx.Err()
			})
		})
	}
	err = work.Wait()
	n := int(units.Load())
	return Rate{Workers: workers, Units: n, Signatures: n * len(steps), Elapsed: time.Since(begin)}, err
}

// step is one signature of a mix.
type step struct {
	id        []byte
	mechanism *pkcs11.Mechanism
	data      []byte
}

// steps gives the signatures of one unit, in turns: an issuer's keys are used side by side, not one after the other.
func (t *Token) steps(mix []Share) ([]step, error) {
	var steps []step
	for i := 0; ; i++ {
		before := len(steps)
		for _, share := range mix {
			if share.Key.token != t {
				return nil, errors.New("a key of the mix belongs to another token")
			}
			if i >= share.Count {
				continue
			}
			mechanism, data, err := share.Key.operation(share.Scheme, probe(share.Key.public, share.Scheme))
			if err != nil {
				return nil, err
			}
			steps = append(steps, step{share.Key.id, mechanism, data})
		}
		if len(steps) == before {
			break
		}
	}
	if len(steps) == 0 {
		return nil, errors.New("the mix is empty")
	}
	return steps, nil
}

func unit(s *p11.Session, steps []step) error {
	for _, st := range steps {
		if err := s.SignInit(st.id, st.mechanism); err != nil {
			return err
		}
		if _, err := s.Sign(st.data); err != nil {
			return err
		}
	}
	return nil
}
